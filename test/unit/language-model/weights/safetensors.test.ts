import assert from 'node:assert/strict';
import {
  encodeSafetensors,
  openSafetensors,
  openSafetensorsFolder,
} from '../../../../src/language-model/weights/safetensors.ts';
import { join, memoryFile, memoryFolder } from '../../../fakes/memoryFile.ts';

const values = Float32Array.of(1, -2.5, 0.333251953125, 65504, 0, -0.125);
const tensors = new Map([
  ['b.weight', { shape: [2, 3], values }],
  ['a.weight', { shape: [1], values: Float32Array.of(7) }],
]);

function withHeader(header: unknown, data = new Uint8Array(0), length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  return join(new Uint8Array(BigUint64Array.of(length ?? BigInt(text.length)).buffer), text, data);
}

const tensor = (offsets: unknown, shape: unknown = [1], dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: offsets,
});
const four = new Uint8Array(4);

describe('safetensors', () => {
  for (const type of ['F32', 'F16', 'BF16'] as const) {
    it(`reads what it wrote as ${type}`, async () => {
      const file = await openSafetensors(memoryFile(join(...encodeSafetensors(tensors, type))));
      assert.deepEqual([...file.tensors.keys()], ['a.weight', 'b.weight']);
      assert.deepEqual(file.tensors.get('b.weight')?.shape, [2, 3]);
      const read = [...(await file.read('b.weight'))];
      const expected = type === 'BF16' ? [1, -2.5, 0.333984375, 65536, 0, -0.125] : [...values];
      assert.deepEqual(read, expected);
    });
  }

  it('writes the same bytes whatever the order of the tensors, with data aligned to 8', () => {
    const forward = join(...encodeSafetensors(tensors));
    assert.deepEqual(join(...encodeSafetensors(new Map([...tensors].reverse()))), forward);
    assert.equal(new DataView(forward.buffer).getUint32(0, true) % 8, 0);
  });

  it('reads the shards that an index names', async () => {
    const a = join(...encodeSafetensors(new Map([['a', { shape: [1], values: Float32Array.of(1) }]])));
    const b = join(...encodeSafetensors(new Map([['b', { shape: [1], values: Float32Array.of(2) }]])));
    const index = JSON.stringify({ weight_map: { a: 'm-1.safetensors', b: 'm-2.safetensors' } });
    const files = { 'm-1.safetensors': a, 'm-2.safetensors': b, 'model.safetensors.index.json': index };
    const folder = await openSafetensorsFolder(memoryFolder(files));
    assert.deepEqual([...(await folder.read('a')), ...(await folder.read('b'))], [1, 2]);

    const outside = JSON.stringify({ weight_map: { a: '../../etc/passwd' } });
    await assert.rejects(openSafetensorsFolder(memoryFolder({ 'model.safetensors.index.json': outside })), {
      name: 'HumanError',
      message: /is missing/,
    });
    const wrong = JSON.stringify({ weight_map: { c: 'm-1.safetensors' } });
    const broken = memoryFolder({ ...files, 'model.safetensors.index.json': wrong });
    let open = 0;
    const counted = {
      ...broken,
      open: async (name: string) => {
        open++;
        return { ...(await broken.open(name)), close: async () => void open-- };
      },
    };
    await assert.rejects(openSafetensorsFolder(counted), {
      name: 'HumanError',
      message: /“c” is missing/,
    });
    assert.equal(open, 0, 'what was opened is closed');
  });

  it('closes a file that is none', async () => {
    let closed = 0;
    const file = { ...memoryFile(new Uint8Array(20)), close: async () => void closed++ };
    await assert.rejects(openSafetensors(file), { name: 'HumanError' });
    assert.equal(closed, 1);
  });

  it('never opens a pickle', async () => {
    await assert.rejects(openSafetensorsFolder(memoryFolder({ 'pytorch_model.bin': 'x' })), {
      name: 'HumanError',
      message: /pickles/,
    });
    await assert.rejects(openSafetensorsFolder(memoryFolder({ 'readme.md': 'x' })), { name: 'HumanError' });
  });

  const good = join(...encodeSafetensors(tensors));
  const hostile: readonly [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /too short/],
    ['7 bytes', new Uint8Array(7), /too short/],
    ['a header of 2^63 bytes', withHeader({}, four, 1n << 63n), /length of 9223372036854775808/],
    ['a header of 2^64 − 1 bytes', withHeader({}, four, (1n << 64n) - 1n), /claims a length/],
    ['a header longer than the file', withHeader({}, four, 1000n), /truncated/],
    ['a header of no bytes', withHeader('', four, 0n), /claims a length/],
    ['a file cut in the header', good.subarray(0, 40), /truncated/],
    ['a file cut in the data', good.subarray(0, good.length - 1), /outside the file/],
    ['a header that is no JSON', withHeader('{"a":'), /not valid JSON/],
    [
      'a header that is no UTF-8',
      join(new Uint8Array(BigUint64Array.of(2n).buffer), Uint8Array.of(0xff, 0xfe)),
      /not valid JSON/,
    ],
    ['a list for a header', withHeader([1]), /not a JSON object/],
    ['null for a tensor', withHeader({ a: null }), /not an object/],
    ['an unknown type', withHeader({ a: tensor([0, 4], [1], 'F8_E4M3') }, four), /type F8_E4M3/],
    ['a type from the prototype', withHeader({ a: tensor([0, 4], [1], 'constructor') }, four), /type constructor/],
    ['a missing type', withHeader({ a: { shape: [1], data_offsets: [0, 4] } }, four), /type undefined/],
    [
      'a shape of 2^63',
      withHeader(`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}`, four),
      /impossible/,
    ],
    ['a shape whose product wraps to 1', withHeader({ a: tensor([0, 4], [2 ** 32, 2 ** 32]) }, four), /impossible/],
    ['a negative size', withHeader({ a: tensor([0, 4], [-1]) }, four), /impossible/],
    ['a fractional size', withHeader({ a: tensor([0, 4], [0.5, 2]) }, four), /impossible/],
    ['a size as text', withHeader({ a: tensor([0, 4], ['1']) }, four), /impossible/],
    ['a shape that is no list', withHeader({ a: tensor([0, 4], 1) }, four), /not a list/],
    ['a hundred dimensions', withHeader({ a: tensor([0, 4], Array(100).fill(1)) }, four), /not a list of at most/],
    ['offsets past the end', withHeader({ a: tensor([0, 8], [2]) }, four), /outside the file/],
    [
      'offsets of 2^63',
      withHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775808]}}`, four),
      /whole numbers/,
    ],
    ['negative offsets', withHeader({ a: tensor([-4, 0]) }, four), /whole numbers/],
    ['reversed offsets', withHeader({ a: tensor([4, 0]) }, four), /outside the file/],
    ['three offsets', withHeader({ a: tensor([0, 4, 4]) }, four), /two whole numbers/],
    [
      'fewer bytes than the shape needs',
      withHeader({ a: tensor([0, 4], [2]) }, new Uint8Array(8)),
      /has 4 bytes .* need 8/,
    ],
    [
      'more bytes than the shape needs',
      withHeader({ a: tensor([0, 8], [1]) }, new Uint8Array(8)),
      /has 8 bytes .* need 4/,
    ],
    ['the same bytes twice', withHeader({ a: tensor([0, 4]), b: tensor([0, 4]) }, four), /overlap/],
    [
      'bytes shared in part',
      withHeader({ a: tensor([0, 8], [2]), b: tensor([4, 12], [2]) }, new Uint8Array(12)),
      /overlap/,
    ],
  ];
  for (const [what, bytes, message] of hostile) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(openSafetensors(memoryFile(bytes, 'bad.safetensors')), error => {
        assert.ok(error instanceof Error);
        assert.equal(error.name, 'HumanError', String(error.stack));
        assert.match(error.message, message);
        assert.equal((error as { place?: { file?: string } }).place?.file, 'bad.safetensors');
        return true;
      });
    });
  }

  it('refuses a file cut at any byte', async () => {
    for (let length = 0; length < good.length; length++) {
      await assert.rejects(openSafetensors(memoryFile(good.subarray(0, length))), { name: 'HumanError' });
    }
  });

  it('refuses to read a type that is no weight, and a tensor that is not there', async () => {
    const file = await openSafetensors(memoryFile(withHeader({ a: tensor([0, 8], [1], 'I64') }, new Uint8Array(8))));
    await assert.rejects(file.read('a'), { name: 'HumanError', message: /I64/ });
    await assert.rejects(file.read('b'), { name: 'HumanError', message: /missing/ });
  });
});
