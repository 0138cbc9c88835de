/** GGUF files as they are written: every kind of metadata and tensor is found again by the reader. */
import assert from 'node:assert/strict';
import { openGguf } from '../../../../src/language-model/weights/gguf.ts';
import {
  encodeGgufHeader,
  encodeGgufTensor,
  type GgufEntry,
  tensorBytes,
} from '../../../../src/language-model/weights/ggufEncoder.ts';
import { join, memoryFile } from '../../../fakes/memoryFile.ts';

describe('a written GGUF file', () => {
  it('reads back', async () => {
    const metadata = new Map<string, GgufEntry>([
      ['name', 'é'],
      ['count', 7],
      ['epsilon', { float: 0.5 }],
      ['flag', false],
      ['words', ['a', '', 'c']],
      ['signed', Int32Array.of(-1, 2)],
      ['floats', Float32Array.of(0.25, -1)],
    ]);
    const tensors = [
      { name: 'a', shape: [3], type: 'F32' },
      { name: 'b', shape: [2, 32], type: 'Q8_0' },
      { name: 'c', shape: [5, 1], type: 'F16' },
    ] as const;
    const values = [
      Float32Array.of(1, 2, 3),
      Float32Array.from({ length: 64 }, (_, i) => i),
      Float32Array.of(1, 2, 3, 4, 5),
    ];
    const header = encodeGgufHeader(metadata, tensors);
    assert.equal(header.length % 32, 0);
    const data = tensors.map(({ type }, i) => encodeGgufTensor(values[i]!, type));
    assert.deepEqual(tensors.map(tensorBytes), [12, 68, 10]);
    const file = await openGguf(memoryFile(join(header, ...data), 'made.gguf'));
    assert.deepEqual(Object.fromEntries(file.metadata), {
      name: 'é',
      count: 7,
      epsilon: 0.5,
      flag: false,
      words: ['a', '', 'c'],
      signed: [-1, 2],
      floats: [0.25, -1],
    });
    assert.deepEqual(
      [...file.tensors.values()].map(({ name, shape, type }) => ({ name, shape, type })),
      tensors.map(({ name, shape, type }) => ({ name, shape: [...shape], type })),
    );
    assert.deepEqual(await file.read('a'), values[0]);
    assert.deepEqual(await file.read('c'), values[2]);
    const eight = await file.read('b');
    for (const [i, value] of values[1]!.entries()) assert.ok(Math.abs(eight[i]! - value) < 0.3);
  });

  it('refuses rows of no whole blocks', () => {
    assert.throws(() => encodeGgufHeader(new Map(), [{ name: 'a', shape: [2, 33], type: 'Q8_0' }]), /whole blocks/);
  });
});
