import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bradleyTerryLoss } from '../../../../src/training/math/rewardLosses.ts';

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('reward losses', () => {
  it('by hand', () => {
    close(bradleyTerryLoss(0, 0).loss, Math.LN2);
    close(bradleyTerryLoss(0, 0).slope, -0.5);
    // Δ − m = ln 3: σ = 3/4.
    close(bradleyTerryLoss(2 + Math.log(3), 2).loss, Math.log(4 / 3));
    close(bradleyTerryLoss(2 + Math.log(3), 2).slope, -0.25);
    close(bradleyTerryLoss(-Math.log(3), 0).loss, Math.log(4));
  });

  it('stays finite far out', () => {
    for (const delta of [-1e4, 1e4]) {
      const { loss, slope } = bradleyTerryLoss(delta, 1);
      assert.ok(Number.isFinite(loss) && Number.isFinite(slope), `${loss} ${slope}`);
    }
  });

  it('slopes are those of finite differences', () => {
    const number = fc.double({ min: -8, max: 8, noNaN: true });
    fc.assert(
      fc.property(number, number, (delta, margin) => {
        const h = 1e-5;
        const at = (x: number) => bradleyTerryLoss(x, margin).loss;
        close((at(delta + h) - at(delta - h)) / (2 * h), bradleyTerryLoss(delta, margin).slope, 1e-7);
      }),
    );
  });
});
