import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import { comparePaired, mcnemar } from '../../../../src/core/statistics/mcnemar.ts';

const near = (got: number, wanted: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(got - wanted) <= tolerance, `${got} is not ${wanted}`);

describe('mcnemar', () => {
  // Two-sided binomial tails, by hand.
  const cases: readonly [gained: number, lost: number, exact: number, midP: number][] = [
    [0, 0, 1, 1],
    [1, 0, 1, 0.5],
    [5, 0, 0.0625, 0.03125],
    [0, 5, 0.0625, 0.03125],
    [6, 0, 0.03125, 0.015625],
    [3, 3, 1, 1 - 20 / 64],
    [9, 1, 22 / 1024, 12 / 1024],
  ];
  for (const [gained, lost, exact, midP] of cases) {
    it(`${gained} gained, ${lost} lost`, () => {
      const found = mcnemar(gained, lost);
      near(found.exactP, exact);
      near(found.midP, midP);
    });
  }

  it('agrees with the published example of Fagerland, Lydersen & Laake 2013 (1 and 7 discordant pairs)', () => {
    const { exactP, midP } = mcnemar(7, 1);
    near(exactP, 0.0703125);
    near(midP, 0.0390625);
  });

  it('stays finite for many pairs', () => {
    const { exactP, midP } = mcnemar(40_000, 41_000);
    assert.ok(midP > 0 && midP < exactP && exactP < 0.001);
  });
});

describe('comparePaired', () => {
  it('counts the pairs that both answered', () => {
    const { n, gained, lost, difference } = comparePaired(
      [true, false, undefined, false, true],
      [false, true, true, true, true],
    );
    assert.deepEqual([n, gained, lost], [4, 2, 1]);
    near(difference.estimate, 0.25);
    assert.ok(difference.low < 0.25 && difference.high > 0.25);
  });

  it('says nothing of no pairs', () => {
    const { difference, midP } = comparePaired([], []);
    assert.deepEqual([difference.low, difference.high, midP], [-1, 1, 1]);
  });

  it('has intervals that hold the true difference in about 95 of 100 trials', () => {
    for (const [first, second, together] of [
      [0.6, 0.7, 0.5],
      [0.9, 0.95, 0.88],
      [0.3, 0.3, 0.1],
    ] as const) {
      const rng = Rng.seeded(5).stream(first, second);
      let held = 0;
      const trials = 2000;
      for (let t = 0; t < trials; t++) {
        const pairs = Array.from({ length: 60 }, () => {
          const u = rng.next();
          if (u < together) return [true, true];
          if (u < first) return [true, false];
          return u < first + second - together ? [false, true] : [false, false];
        });
        const { difference } = comparePaired(
          pairs.map(([a]) => a),
          pairs.map(([, b]) => b),
        );
        if (difference.low <= second - first + 1e-12 && second - first <= difference.high + 1e-12) held++;
      }
      assert.ok(held / trials > 0.93 && held / trials < 0.985, `${held / trials} for ${first}, ${second}`);
    }
  });
});
