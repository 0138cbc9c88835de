import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fitFrontier, frontier } from '../../../../src/core/statistics/overoptimisation.ts';

const distances = Array.from({ length: 12 }, (_, i) => 0.3 * (i + 1));

describe('forms of over-optimisation', () => {
  it('are found again from points on them, with their peak', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('rl' as const, 'best-of-n' as const),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.double({ min: 0.05, max: 2, noNaN: true }),
        (form, alpha, beta) => {
          const points = distances.map(d => ({ d, reward: frontier({ alpha, beta }, form, d) }));
          const fit = fitFrontier([{ d: 0, reward: 0 }, ...points], form)!;
          assert.ok(Math.abs(fit.alpha - alpha) < 1e-8 && Math.abs(fit.beta - beta) < 1e-8 && fit.error < 1e-8);
          // The slope is zero there, by a central difference.
          const h = 1e-6 * fit.peak!;
          const slope = (frontier(fit, form, fit.peak! + h) - frontier(fit, form, fit.peak! - h)) / (2 * h);
          assert.ok(Math.abs(slope) < 1e-5 * Math.max(1, alpha), `${slope}`);
        },
      ),
    );
  });

  it('by hand: best of n through (1, 1), (2, 0) and (3, −3) is d(2 − d)', () => {
    const points = [1, 2, 3].map(d => ({ d, reward: d * (2 - d) }));
    const fit = fitFrontier(points, 'best-of-n')!;
    assert.deepEqual(
      [fit.alpha, fit.beta, fit.peak].map(value => Number(value!.toFixed(9))),
      [2, 1, 1],
    );
  });

  it('have no peak where the reward only rises, and no fit without points', () => {
    assert.equal(
      fitFrontier(
        distances.map(d => ({ d, reward: d * d })),
        'best-of-n',
      )!.peak,
      undefined,
    );
    assert.equal(
      fitFrontier(
        [
          { d: 0, reward: 0 },
          { d: 1, reward: 1 },
          { d: 2, reward: 1 },
        ],
        'rl',
      ),
      undefined,
    );
    assert.equal(
      fitFrontier(
        [1, 1, 1].map(d => ({ d, reward: 1 })),
        'best-of-n',
      ),
      undefined,
    );
  });
});
