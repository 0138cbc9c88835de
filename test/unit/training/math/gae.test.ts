import assert from 'node:assert/strict';
import fc from 'fast-check';
import { adaptedBeta, generalisedAdvantages, whitened } from '../../../../src/training/math/gae.ts';

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('GAE', () => {
  it('by hand', () => {
    // δ = (0 + 0.5·2 − 1, 3 − 2) = (0, 1); A = (0 + 0.5·0.5·1, 1).
    const { advantages, returns } = generalisedAdvantages([0, 3], [1, 2], 0.5, 0.5);
    assert.deepEqual([...advantages], [0.25, 1]);
    assert.deepEqual([...returns], [1.25, 3]);
  });

  it('is the sum of discounted errors; λ 1 gives what is left to come, λ 0 one step', () => {
    const row = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 8 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(row, share, share, (rewards, gamma, lambda) => {
        const values = rewards.map((_, t) => Math.sin(t + 1));
        const errors = rewards.map((reward, t) => reward + gamma * (values[t + 1] ?? 0) - values[t]!);
        const { advantages, returns } = generalisedAdvantages(rewards, values, gamma, lambda);
        for (const [t, advantage] of advantages.entries()) {
          const sum = errors.slice(t).reduce((all, error, k) => all + (gamma * lambda) ** k * error, 0);
          close(advantage, sum, 1e-9);
          close(returns[t]!, advantage + values[t]!, 1e-12);
        }
        const whole = generalisedAdvantages(rewards, values, 1, 1).returns;
        for (const [t, value] of whole.entries()) {
          const left = rewards.slice(t).reduce((all, reward) => all + reward, 0);
          close(value, left, 1e-9);
        }
      }),
    );
  });

  it('whitens over all tokens, with n − 1', () => {
    const [a, b] = whitened([Float64Array.of(1, 2), Float64Array.of(6)]);
    const scale = Math.sqrt(7 + 1e-8);
    close(a![0]!, -2 / scale);
    close(a![1]!, -1 / scale);
    close(b![0]!, 3 / scale);
    assert.deepEqual([...whitened([Float64Array.of(4)])[0]!], [0]);
  });

  it('β follows the KL, a fifth at most for a whole horizon', () => {
    const control = { target: 6, horizon: 100 };
    close(adaptedBeta(0.2, 6, 50, control), 0.2);
    close(adaptedBeta(0.2, 6.6, 50, control), 0.2 * 1.05);
    close(adaptedBeta(0.2, 60, 50, control), 0.2 * 1.1);
    close(adaptedBeta(0.2, 0, 50, control), 0.2 * 0.9);
  });
});
