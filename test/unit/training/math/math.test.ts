import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import { splitHash } from '../../../../src/core/datasets/splitHash.ts';
import {
  groupAdvantages,
  leaveOneOutAdvantages,
  reinforceAdvantages,
  tokenWeights,
} from '../../../../src/training/math/advantages.ts';
import { klEstimate } from '../../../../src/training/math/kl.ts';
import { groupSpread, standardDeviation } from '../../../../src/training/math/normalise.ts';

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('leave-one-out advantages', () => {
  it('compares each sample with the mean of the others of its group', () => {
    // group 1: 1 − 3 = −2, 3 − 1 = 2; group 2: 4 − 4 = 0 twice
    assert.deepEqual([...leaveOneOutAdvantages([1, 3, 4, 4], 2)], [-2, 2, 0, 0]);
    // 0 − (3 + 6)/2, 3 − 6/2, 6 − 3/2
    assert.deepEqual([...leaveOneOutAdvantages([0, 3, 6], 3)], [-4.5, 0, 4.5]);
  });
  it('does not change when a constant is added to the rewards', () => {
    assert.deepEqual([...leaveOneOutAdvantages([10, 12], 2)], [...leaveOneOutAdvantages([0, 2], 2)]);
  });
  it('refuses groups that cannot have a baseline', () => {
    assert.throws(() => leaveOneOutAdvantages([1], 1), RangeError);
    assert.throws(() => leaveOneOutAdvantages([1, 2, 3], 2), RangeError);
  });
});

describe('advantages of GRPO and REINFORCE', () => {
  it('by hand', () => {
    // Groups 1, 3 and 4, 4: means 2 and 4, deviations √2 and 0; of all four √2.
    const rewards = [1, 3, 4, 4];
    const scaled = 1 / (Math.SQRT2 + 1e-4);
    for (const [scale, expected] of [
      ['group', [-scaled, scaled, 0, 0]],
      ['batch', [-scaled, scaled, 0, 0]],
      ['none', [-1, 1, 0, 0]],
    ] as const) {
      for (const [i, value] of groupAdvantages(rewards, 2, scale).entries()) close(value, expected[i]!);
    }
    close(groupAdvantages([0, 2, 0, 0], 2, 'batch')[1]!, 1 / (1 + 1e-4));
    assert.deepEqual([...reinforceAdvantages([1, 2, 6], 'mean')], [-2, -1, 3]);
    assert.deepEqual([...reinforceAdvantages([1, 2, 6], 'none')], [1, 2, 6]);
    assert.throws(() => groupAdvantages([1, 2, 3], 2, 'group'), RangeError);
  });

  it('tokens count as each aggregation says', () => {
    const of = (aggregation: 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo') => tokenWeights([2, 6], aggregation, 10);
    assert.deepEqual(of('grpo'), [1 / 4, 1 / 12]);
    assert.deepEqual(of('dapo'), [1 / 8, 1 / 8]);
    assert.deepEqual(of('bnpo'), of('dapo'));
    assert.deepEqual(of('dr_grpo'), [1 / 20, 1 / 20]);
  });
});

describe('KL estimators', () => {
  it('agree with their formulas', () => {
    close(klEstimate('k1', 0.5), 0.5);
    close(klEstimate('k2', 0.5), 0.125);
    close(klEstimate('k3', 0.5), Math.exp(-0.5) - 0.5);
    for (const estimator of ['k1', 'k2', 'k3'] as const) assert.equal(klEstimate(estimator, 0), 0);
    assert.ok(klEstimate('k3', -0.3) > 0);
  });
  it('k1 and k3 have the true divergence of two coins as their mean', () => {
    const [p, q] = [0.7, 0.4];
    const truth = p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
    for (const estimator of ['k1', 'k3'] as const) {
      const expected =
        p * klEstimate(estimator, Math.log(p / q)) + (1 - p) * klEstimate(estimator, Math.log((1 - p) / (1 - q)));
      close(expected, truth);
    }
  });
});

describe('spread and split', () => {
  it('uses the n − 1 divisor', () => {
    close(standardDeviation([1, 3]), Math.SQRT2);
    assert.equal(standardDeviation([7]), 0);
  });
  it('finds groups without variance', () => {
    const { std, shareZero } = groupSpread([1, 3, 5, 5], 2);
    close(std, Math.SQRT2 / 2);
    assert.equal(shareZero, 0.5);
  });
  it('hashes to fixed, evenly spread places', () => {
    close(splitHash('a kettle'), splitHash('a kettle'));
    const rng = Rng.seeded(1);
    const below = Array.from({ length: 4000 }, (_, index) => splitHash(`prompt ${index} ${rng.int(1e6)}`)).filter(
      place => place < 0.2,
    ).length;
    assert.ok(Math.abs(below / 4000 - 0.2) < 0.03, `${below} of 4000`);
  });
});
