import assert from 'node:assert/strict';
import { openGguf } from '../../../../src/language-model/weights/gguf.ts';
import { buildGguf, floatBytes, type GgufTensor, ggufString } from '../../../fakes/ggufBuilder.ts';
import { join, memoryFile } from '../../../fakes/memoryFile.ts';

const open = (bytes: Uint8Array) => openGguf(memoryFile(bytes, 'bad.gguf'));
const one = (over: Partial<GgufTensor> = {}): GgufTensor => ({
  name: 'a',
  shape: [8],
  type: 0,
  bytes: new Uint8Array(32),
  ...over,
});
const half = (bits: number) => [bits & 255, bits >> 8];
const nibbles = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));

describe('gguf', () => {
  it('reads metadata of every kind, shapes outermost first, and versions 2 and 3', async () => {
    for (const version of [2, 3]) {
      const file = await open(
        buildGguf({
          version,
          metadata: {
            name: { type: 'string', value: 'é' },
            count: { type: 'u32', value: 7 },
            epsilon: { type: 'f32', value: 0.5 },
            flag: { type: 'bool', value: true },
            words: { type: 'strings', value: ['a', '', 'c'] },
            numbers: { type: 'i32s', value: [-1, 2] },
          },
          tensors: [one({ shape: [2, 4], bytes: floatBytes([1, 2, 3, 4, 5, 6, 7, 8]) })],
        }),
      );
      assert.deepEqual(Object.fromEntries(file.metadata), {
        name: 'é',
        count: 7,
        epsilon: 0.5,
        flag: true,
        words: ['a', '', 'c'],
        numbers: [-1, 2],
      });
      assert.deepEqual(file.tensors.get('a')?.shape, [2, 4]);
      assert.deepEqual([...(await file.read('a'))], [1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  const blocks: [string, number, number[], number[]][] = [
    ['F16', 1, [...half(0x3c00), ...half(0xc000)], [1, -2]],
    ['BF16', 30, [...half(0x3f80), ...half(0xc040)], [1, -3]],
    [
      'Q8_0',
      8,
      [...half(0x3800), ...Array.from({ length: 32 }, (_, i) => (i - 16) & 255)],
      Array.from({ length: 32 }, (_, i) => (i - 16) / 2),
    ],
    // d = 0.5; low nibbles 0…15 come first, high nibbles 15…0 after them.
    [
      'Q4_0',
      2,
      [...half(0x3800), ...nibbles],
      [...Array(16).keys()].map(i => (i - 8) / 2).concat([...Array(16).keys()].map(i => (7 - i) / 2)),
    ],
    // d = 0.25, m = −1.
    [
      'Q4_1',
      3,
      [...half(0x3400), ...half(0xbc00), ...nibbles],
      [...Array(16).keys()].map(i => i / 4 - 1).concat([...Array(16).keys()].map(i => (15 - i) / 4 - 1)),
    ],
  ];
  const sixteen = [...Array(16).keys()];
  // Fifth bits of values 0–15: 0xa5a5 (bits 0, 2, 5, 7 of each byte); of 16–31: 0x00ff, the first eight.
  const fifth = (i: number) => [0, 2, 5, 7].includes(i % 8);
  const fiveBits = sixteen.map(i => i + (fifth(i) ? 16 : 0)).concat(sixteen.map(i => 15 - i + (i < 8 ? 16 : 0)));
  // d = 0.5, m = −1.
  blocks.push(
    ['Q5_0', 6, [...half(0x3800), 0xa5, 0xa5, 0xff, 0x00, ...nibbles], fiveBits.map(q => (q - 16) / 2)],
    ['Q5_1', 7, [...half(0x3800), ...half(0xbc00), 0xa5, 0xa5, 0xff, 0x00, ...nibbles], fiveBits.map(q => q / 2 - 1)],
  );
  // Scales 1, 2, 3, 4, 17, 34, 51, 60 and minima 8, 7, 6, 5, 20, 35, 50, 63 of the eight runs, by hand: the first four
  // are the low six bits of bytes 0–3 and 4–7; of the others the low nibbles are in bytes 8–11 and the two highest bits
  // on top of bytes 0–7.
  const scales = [1, 2, 3, 4, 17, 34, 51, 60];
  const minima = [8, 7, 6, 5, 20, 35, 50, 63];
  const packed = [0x41, 0x82, 0xc3, 0xc4, 0x48, 0x87, 0xc6, 0xc5, 0x41, 0x32, 0x23, 0xfc];
  const runs = Array.from({ length: 8 }, (_, run) => Array.from({ length: 32 }, (_, i) => (3 * run + i) % 16));
  const pairs = [0, 1, 2, 3].flatMap(j => runs[2 * j]!.map((low, i) => low | (runs[2 * j + 1]![i]! << 4)));
  // d = 0.5, dmin = 0.25.
  const k = [...half(0x3800), ...half(0x3400), ...packed];
  const inRuns = (fifths: readonly number[]) =>
    runs.flatMap((run, j) => run.map((q, i) => (scales[j]! * (q + 16 * ((fifths[i]! >> j) & 1))) / 2 - minima[j]! / 4));
  const mask = Array.from({ length: 32 }, (_, i) => (37 * i + 11) & 255);
  blocks.push(
    ['Q4_K', 12, [...k, ...pairs], inRuns(Array(32).fill(0))],
    ['Q5_K', 13, [...k, ...mask, ...pairs], inRuns(mask)],
  );
  // Value i of a half has q = (7·i + side) mod 64; its bits are laid out as ggml-common.h says. d = −0.5.
  const six = (side: number, i: number) => (7 * i + side) % 64;
  const lows = [0, 1].flatMap(side =>
    Array.from({ length: 64 }, (_, i) => (six(side, i) & 15) | ((six(side, i + 64) & 15) << 4)),
  );
  const highs = [0, 1].flatMap(side =>
    Array.from({ length: 32 }, (_, i) =>
      [0, 32, 64, 96].reduce((bits, from, n) => bits | ((six(side, i + from) >> 4) << (2 * n)), 0),
    ),
  );
  const signedScales = Array.from({ length: 16 }, (_, n) => (n % 2 ? -1 : 1) * (n + 1));
  blocks.push([
    'Q6_K',
    14,
    [...lows, ...highs, ...signedScales.map(scale => scale & 255), ...half(0xb800)],
    Array.from({ length: 256 }, (_, at) => -0.5 * signedScales[at >> 4]! * (six(at >> 7, at & 127) - 32)),
  ]);
  for (const [name, type, bytes, expected] of blocks) {
    it(`reads ${name} from blocks made by hand`, async () => {
      const twice = Uint8Array.from([...bytes, ...bytes]);
      const file = await open(buildGguf({ tensors: [one({ shape: [2, expected.length], type, bytes: twice })] }));
      assert.deepEqual([...(await file.read('a'))], [...expected, ...expected]);
    });
  }

  it('names a quantisation that it cannot read yet, when that tensor is read', async () => {
    const file = await open(buildGguf({ tensors: [one({ shape: [256], type: 11, bytes: new Uint8Array(110) })] }));
    await assert.rejects(file.read('a'), { name: 'HumanError', message: /Q3_K/ });
  });

  const good = buildGguf({ metadata: { k: { type: 'strings', value: ['x'] } }, tensors: [one()] });
  const key = (type: number, value: Uint8Array) =>
    join(
      buildGguf({ keyCount: 1n }).subarray(0, 24),
      ggufString('k'),
      new Uint8Array(Uint32Array.of(type).buffer),
      value,
    );
  const list = (element: number, length: bigint) =>
    join(new Uint8Array(Uint32Array.of(element).buffer), new Uint8Array(BigUint64Array.of(length).buffer));
  const hostile: readonly [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /not a GGUF file/],
    ['another format', buildGguf({ magic: 'GGML' }), /not a GGUF file/],
    ['version 1', buildGguf({ version: 1 }), /version 1/],
    ['a big-endian version', buildGguf({ version: 0x03000000 }), /version 50331648/],
    ['2^63 tensors', buildGguf({ tensorCount: 1n << 63n }), /number of tensors is 9223372036854775808/],
    ['more tensors than there are', buildGguf({ tensorCount: 5n }), /past the end/],
    ['2^63 keys', buildGguf({ keyCount: 1n << 63n }), /number of metadata keys/],
    ['more keys than there are', buildGguf({ keyCount: 3n }), /past the end/],
    [
      'a key of 2^63 bytes',
      join(buildGguf({ keyCount: 1n }).subarray(0, 24), new Uint8Array(BigUint64Array.of(1n << 63n).buffer)),
      /length of a text/,
    ],
    ['a text longer than the file', key(8, new Uint8Array(BigUint64Array.of(5000n).buffer)), /past the end/],
    ['a list of 2^63 values', key(9, list(4, 1n << 63n)), /length of a metadata list/],
    ['a list longer than the file', key(9, list(4, 1_000_000n)), /past the end/],
    ['lists in lists in lists', key(9, join(...Array.from({ length: 10 }, () => list(9, 1n)))), /nested/],
    ['a value of an unknown type', key(99, new Uint8Array(8)), /unknown type 99/],
    ['no dimensions', buildGguf({ tensors: [one({ shape: [] })] }), /0 dimensions/],
    ['nine dimensions', buildGguf({ tensors: [one({ shape: Array(9).fill(1) })] }), /9 dimensions/],
    ['a size of 2^63', buildGguf({ tensors: [one({ shape: [1n << 63n] })] }), /impossible/],
    ['sizes whose product wraps', buildGguf({ tensors: [one({ shape: [1n << 32n, 1n << 32n] })] }), /impossible/],
    ['a size of zero', buildGguf({ tensors: [one({ shape: [0] })] }), /impossible/],
    ['an unknown tensor type', buildGguf({ tensors: [one({ type: 77 })] }), /unknown type 77/],
    [
      'rows that are no whole blocks',
      buildGguf({ tensors: [one({ shape: [4, 8], type: 8, bytes: new Uint8Array(34) })] }),
      /blocks of 32/,
    ],
    ['data past the end', buildGguf({ tensors: [one({ shape: [1000] })] }), /end at byte/],
    ['an offset of 2^63', buildGguf({ tensors: [one({ offset: 1n << 63n })] }), /end at byte/],
    ['an offset that wraps', buildGguf({ tensors: [one({ offset: (1n << 64n) - 32n })] }), /end at byte/],
    ['an unaligned offset', buildGguf({ tensors: [one({ offset: 1n, shape: [4] })] }), /multiple of 32/],
    ['one tensor twice', buildGguf({ tensors: [one(), one()] }), /twice/],
    ['overlapping tensors', buildGguf({ tensors: [one(), one({ name: 'b', offset: 0n })] }), /overlap/],
    [
      'an alignment of 0',
      buildGguf({ metadata: { 'general.alignment': { type: 'u32', value: 0 } } }),
      /alignment of 0/,
    ],
    [
      'an alignment of 48',
      buildGguf({ metadata: { 'general.alignment': { type: 'u32', value: 48 } } }),
      /alignment of 48/,
    ],
  ];
  for (const [what, bytes, message] of hostile) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(open(bytes), error => {
        assert.ok(error instanceof Error);
        assert.equal(error.name, 'HumanError', String(error.stack));
        assert.match(error.message, message);
        assert.equal((error as { place?: { file?: string } }).place?.file, 'bad.gguf');
        return true;
      });
    });
  }

  it('refuses a file cut at any byte of header or data', async () => {
    for (let length = 0; length < good.length; length++) {
      await assert.rejects(open(good.subarray(0, length)), { name: 'HumanError' });
    }
  });
});
