/** How ragged sequences come to lie in rows, worked out by hand. */
import assert from 'node:assert/strict';
import { type Layout, packBatch, predictFrom } from '../../../src/language-model/batch.ts';

const limits = { vocabSize: 100, maxPositions: 8 };
const sequences = [[11, 12], [21, 22, 23, 24, 25], [31, 32, 33], [41]];

function lay(layout: Layout, ids: readonly number[][] = sequences) {
  const starts = ids.map(() => 1);
  const feeds = packBatch(ids, predictFrom(ids, starts), limits, layout);
  const numbers = Object.fromEntries(
    Object.entries(feeds).map(([name, { data }]) => [name, Array.from(data as BigInt64Array, Number)]),
  );
  return { dims: feeds.ids!.dims, ...numbers } as unknown as Record<string, number[]>;
}

describe('a packed batch', () => {
  it('puts the longest first and fills what room is left', () => {
    const { dims, ids, positions, segments, last, at, rows, targets } = lay({});
    assert.deepEqual(dims, [3, 5]);
    assert.deepEqual(ids, [21, 22, 23, 24, 25, 31, 32, 33, 11, 12, 41, 0, 0, 0, 0]);
    assert.deepEqual(positions, [0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 0, 0, 0, 0, 0]);
    assert.deepEqual(segments, [2, 2, 2, 2, 2, 3, 3, 3, 1, 1, 4, 0, 0, 0, 0]);
    assert.deepEqual(last, [9, 4, 7, 10]);
    assert.deepEqual(at, [8, 0, 1, 2, 3, 5, 6]);
    assert.deepEqual(rows, [0, 1, 1, 1, 1, 2, 2]);
    assert.deepEqual(targets, [12, 22, 23, 24, 25, 32, 33]);
  });

  it('pads on the side that is asked for', () => {
    const left = lay({ rowLength: 6, padding: 'left' });
    assert.deepEqual(left.dims, [2, 6]);
    assert.deepEqual(left.ids, [21, 22, 23, 24, 25, 41, 0, 31, 32, 33, 11, 12]);
    assert.deepEqual(left.segments, [2, 2, 2, 2, 2, 4, 0, 3, 3, 3, 1, 1]);
    assert.deepEqual(left.last, [11, 4, 9, 5]);
  });

  it('gives each sequence its own row where packing is off', () => {
    const { dims, ids, last } = lay({ packing: false });
    assert.deepEqual(dims, [4, 5]);
    assert.deepEqual(ids!.slice(0, 10), [11, 12, 0, 0, 0, 21, 22, 23, 24, 25]);
    assert.deepEqual(last, [1, 9, 12, 15]);
  });

  it('pads less than a tenth of answers of very different lengths', () => {
    const ids = Array.from({ length: 40 }, (_, i) => Array.from({ length: 1 + ((i * 7) % 8) }, () => 1));
    const { dims } = lay({}, ids);
    const real = ids.reduce((total, sequence) => total + sequence.length, 0);
    assert.ok(real / (dims![0]! * dims![1]!) > 0.9, `${real} of ${dims}`);
  });

  it('names what does not fit', () => {
    assert.throws(() => packBatch([[1], []], undefined, limits), /sequence 1 of the batch is empty/);
    assert.throws(() => packBatch([Array(9).fill(1)], undefined, limits), /9 tokens is longer than the model's 8/);
    assert.throws(() => packBatch([[100]], undefined, limits), /token 100 is outside/);
    assert.throws(() => packBatch([[1, 2]], { rows: [0], times: [2], targets: [1] }, limits), /outside its sequence/);
  });
});
