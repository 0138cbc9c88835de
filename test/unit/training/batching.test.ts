import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { bucketByLength, paddingShare } from '../../../src/training/batching.ts';

describe('bucketByLength', () => {
  const rng = Rng.seeded(3);
  const lengths = Array.from({ length: 600 }, () => 10 + Math.floor(200 * rng.next() ** 2));
  const batches = bucketByLength(lengths, { tokensPerMicroBatch: 2048 }, Rng.seeded(1));

  it('uses every row once', () => {
    assert.deepEqual(
      batches.flat().sort((a, b) => a - b),
      lengths.map((_, i) => i),
    );
  });

  it('pads less than a tenth and stays within the budget', () => {
    assert.ok(paddingShare(lengths, batches) < 0.1, String(paddingShare(lengths, batches)));
    for (const batch of batches) {
      assert.ok(batch.length === 1 || batch.length * Math.max(...batch.map(i => lengths[i]!)) <= 2048);
    }
  });

  it('depends on the seed alone', () => {
    assert.deepEqual(bucketByLength(lengths, { tokensPerMicroBatch: 2048 }, Rng.seeded(1)), batches);
    assert.notDeepEqual(bucketByLength(lengths, { tokensPerMicroBatch: 2048 }, Rng.seeded(2)), batches);
  });

  it('gives a row longer than the budget a batch of its own', () => {
    const alone = bucketByLength([5, 5000, 5], { tokensPerMicroBatch: 100 }, Rng.seeded(1));
    assert.ok(alone.some(batch => batch.length === 1 && batch[0] === 1));
  });

  it('measures padding against padded tokens', () => {
    assert.equal(paddingShare([10, 5, 8], [[0, 1], [2]]), 1 - 23 / 28);
  });
});
