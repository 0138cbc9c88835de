import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bradleyTerryLoss, plackettLuceLoss, tieLoss } from '../../../../src/training/math/rewardLosses.ts';

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

  it('ties by hand: with θ = 2 equal rewards tie, win and lose a third of the time each', () => {
    close(tieLoss(0, 2).loss, Math.log(3));
    close(tieLoss(0, 2).slope, 0);
    close(bradleyTerryLoss(0, Math.log(2)).loss, Math.log(3));
    // π = 3 and 1: 3·1·3/((3 + 2)(6 + 1)).
    close(tieLoss(Math.log(3), 2).loss, -Math.log(9 / 35));
    close(tieLoss(-Math.log(3), 2).loss, -Math.log(9 / 35));
  });

  it('win, loss and tie have the probability 1 together', () => {
    const theta = fc.double({ min: 1.01, max: 20, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: -8, max: 8, noNaN: true }), theta, (delta, t) => {
        const losses = [bradleyTerryLoss(delta, Math.log(t)), bradleyTerryLoss(-delta, Math.log(t)), tieLoss(delta, t)];
        close(
          losses.reduce((sum, { loss }) => sum + Math.exp(-loss), 0),
          1,
        );
        const h = 1e-5;
        close((tieLoss(delta + h, t).loss - tieLoss(delta - h, t).loss) / (2 * h), tieLoss(delta, t).slope, 1e-7);
      }),
    );
  });

  it('rankings by hand, and over all orders the probability is 1', () => {
    // exp r = 3, 2, 1: 3/6 · 2/3.
    const order = [3, 2, 1].map(strength => [Math.log(strength)]);
    close(plackettLuceLoss(order).loss, -Math.log(1 / 3));
    // Two groups: each of the better ones against what is worse, not against each other.
    close(plackettLuceLoss([[Math.log(3), Math.log(2)], [0]]).loss, -Math.log((3 / 4) * (2 / 3)));
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    const rewards = [0.3, -1.2, 2.5];
    close(
      orders.reduce((sum, places) => sum + Math.exp(-plackettLuceLoss(places.map(i => [rewards[i]!])).loss), 0),
      1,
    );
    close(plackettLuceLoss([[1], [-0.5]]).loss, bradleyTerryLoss(1.5, 0).loss);
    assert.deepEqual(plackettLuceLoss([[1, 2]]), { loss: 0, slopes: [[0, 0]] });
    assert.ok(Number.isFinite(plackettLuceLoss([[-1e4], [1e4], [0]]).loss));
  });

  it('slopes of rankings are those of finite differences', () => {
    const reward = fc.double({ min: -6, max: 6, noNaN: true });
    const groups = fc.array(fc.array(reward, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(groups, ranking => {
        const { slopes } = plackettLuceLoss(ranking);
        const h = 1e-5;
        for (const [place, group] of ranking.entries()) {
          for (const index of group.keys()) {
            const moved = (by: number) =>
              plackettLuceLoss(ranking.map((one, p) => one.map((r, i) => (p === place && i === index ? r + by : r))))
                .loss;
            close((moved(h) - moved(-h)) / (2 * h), slopes[place]![index]!, 1e-6);
          }
        }
      }),
    );
  });
});
