import assert from 'node:assert/strict';
import { bytesText, estimateOf, estimateText, rewardSteps, totalMemory } from '../../../../src/core/jobs/estimate.ts';

describe('estimates', () => {
  const needs = { steps: 10, flops: 3e12, decodedBytes: 1e9, parts: { process: 2e8, weights: 1e9, activations: 3e8 } };

  it('add up the parts, and give time as a range', () => {
    assert.equal(totalMemory(needs), 1.5e9);
    const estimate = estimateOf(needs, { flops: 1e11 }, 8e9);
    assert.equal(estimate.memory, 1.5e9);
    const [low, high] = estimate.seconds;
    assert.ok(low > 30 && low < 50 && high > 190 && high < 210, `${low} ${high}`);
    assert.equal(estimateText(estimate), 'Needs about 1.5 GB of memory (8 GB are free) and 1 to 3 min.');
    assert.match(estimateText({ ...estimate, seconds: [2, 20] }), /less than a minute/);
    assert.match(estimateText({ ...estimate, seconds: [20, 70] }), /and about 1 min\.$/);
    assert.match(estimateText({ ...estimate, seconds: [3000, 20000] }), /0\.8 to 5\.6 h/);
  });

  it('round bytes to two digits', () => {
    assert.deepEqual([5.1e5, 1.234e8, 9.99e8, 1.26e9].map(bytesText), ['0.51 MB', '120 MB', '1 GB', '1.3 GB']);
  });

  it('count at least one step, and part epochs', () => {
    assert.equal(rewardSteps(1, { epochs: 0.1, batchSize: 32 }), 1);
    assert.equal(rewardSteps(100, { epochs: 1.5, batchSize: 10 }), 15);
  });
});
