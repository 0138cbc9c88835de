import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  dpoLoss,
  ipoLoss,
  ktoLoss,
  ktoReference,
  type LossAndSlope,
} from '../../../../src/training/math/preferenceLosses.ts';

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('preference losses', () => {
  it('by hand', () => {
    close(dpoLoss(0, 0.1, 0).loss, Math.LN2);
    close(dpoLoss(0, 0.1, 0).slope, -0.05);
    // βΔ = ln 3: σ = 3/4.
    close(dpoLoss(Math.log(3) / 0.5, 0.5, 0).loss, Math.log(4 / 3));
    close(dpoLoss(Math.log(3) / 0.5, 0.5, 0).slope, -0.125);
    close(dpoLoss(Math.log(3) / 0.5, 0.5, 0.2).loss, 0.8 * Math.log(4 / 3) + 0.2 * Math.log(4));
    // cDPO has its minimum where σ(βΔ) = 1 − ε.
    close(dpoLoss(Math.log(4) / 2, 2, 0.2).slope, 0);
    close(ipoLoss(0, 0.1).loss, 25);
    close(ipoLoss(5, 0.1).loss, 0);
    close(ipoLoss(7, 0.1).slope, 4);
    close(ktoLoss(1, true, 1, 0.3).loss, 0.5);
    close(ktoLoss(1 + Math.log(3), true, 1, 1).loss, 0.25);
    close(ktoLoss(1 + Math.log(3), false, 1, 1).loss, 0.75);
    close(ktoLoss(0, true, 0, 2).slope, -0.5);
    close(ktoLoss(0, false, 0, 2).slope, 0.5);
    close(ktoReference([3, -1]), 1);
    close(ktoReference([-3, 1]), 0);
    close(ktoReference([]), 0);
  });

  it('stay finite far out', () => {
    for (const delta of [-1e4, 1e4]) {
      for (const { loss, slope } of [dpoLoss(delta, 1, 0.1), ipoLoss(delta, 1), ktoLoss(delta, true, 0, 1)]) {
        assert.ok(Number.isFinite(loss) && Number.isFinite(slope), `${loss} ${slope}`);
      }
    }
  });

  it('slopes are those of finite differences', () => {
    const number = fc.double({ min: -8, max: 8, noNaN: true });
    const beta = fc.double({ min: 0.05, max: 2, noNaN: true });
    const check = (at: (x: number) => LossAndSlope, x: number) => {
      const h = 1e-5;
      close((at(x + h).loss - at(x - h).loss) / (2 * h), at(x).slope, 1e-7);
    };
    fc.assert(
      fc.property(
        number,
        beta,
        fc.double({ min: 0, max: 0.49, noNaN: true }),
        number,
        fc.boolean(),
        (x, b, e, z, good) => {
          check(delta => dpoLoss(delta, b, e), x);
          check(delta => ipoLoss(delta, b), x);
          check(ratio => ktoLoss(ratio, good, z, b), x);
        },
      ),
    );
  });
});
