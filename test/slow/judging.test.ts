/** Agreement and ratings against independent implementations in Python (krippendorff, statsmodels, scipy). */
import assert from 'node:assert/strict';
import { Rng } from '../../src/base/rng.ts';
import { cohenKappa, fleissKappa, krippendorffAlpha, type Metric } from '../../src/core/statistics/agreement.ts';
import { bradleyTerry, type Game } from '../../src/core/statistics/bradleyTerry.ts';
import { askPython, pythonWith } from './python.ts';

interface Reply {
  readonly alpha: Readonly<Record<Metric, number>>;
  readonly fleiss: number;
  readonly cohen: number;
  readonly ratings: readonly number[];
  readonly controlled: readonly number[];
}

const near = (actual: number, expected: number, within: number): void =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);

describe('judging statistics', function () {
  // The packages are installed at first.
  this.timeout(600_000);
  let python = '';

  before(function () {
    const found = pythonWith('numpy', 'scipy', 'statsmodels', 'krippendorff');
    if (typeof found !== 'string') {
      console.log(`      skipped: ${found.missing}`);
      this.skip();
    }
    python = found;
  });

  it('equal those of krippendorff, statsmodels and the arena’s fit', () => {
    const rng = Rng.seeded(21);
    const ratings = Array.from({ length: 4 }, () =>
      Array.from({ length: 200 }, (_, unit) => (rng.next() < 0.2 ? null : rng.next() < 0.6 ? unit % 5 : rng.int(5))),
    );
    const pairs = Array.from({ length: 300 }, (_, i) => [i % 3, rng.next() < 0.7 ? i % 3 : rng.int(3)] as const);
    const counts = Array.from({ length: 40 }, (_, i) => {
      const row = [0, 0, 0];
      for (let rater = 0; rater < 5; rater++) row[rng.next() < 0.6 ? i % 3 : rng.int(3)]!++;
      return row;
    });
    const players = 12;
    const strengths = Array.from({ length: players }, () => rng.normal());
    const games = Array.from({ length: 8000 }, (): Game => {
      const [a, b] = [rng.int(players), rng.int(players - 1)];
      const other = b >= a ? b + 1 : b;
      const lengths = [50 + rng.int(800), 50 + rng.int(800)] as const;
      const style = (lengths[0] - lengths[1]) / (lengths[0] + lengths[1]);
      const p = 1 / (1 + Math.exp(strengths[other]! - strengths[a]! - style));
      const outcome = rng.next() < 0.2 ? 0.5 : rng.next() < p ? 1 : 0;
      return { first: String(a), second: String(other), outcome, lengths };
    });
    const raw = games.map(({ lengths: [a, b] = [0, 0] }) => (a - b) / (a + b));
    const mean = raw.reduce((x, y) => x + y) / raw.length;
    const deviation = Math.sqrt(raw.reduce((x, y) => x + (y - mean) ** 2, 0) / raw.length);
    const reply = askPython<Reply>(python, 'judging.py', {
      ratings,
      pairs,
      counts,
      players,
      games: games.map(({ first, second, outcome }, i) => [+first, +second, outcome, (raw[i]! - mean) / deviation]),
    });
    const units = ratings[0]!.map((_, unit) => ratings.flatMap(row => row[unit] ?? []));
    for (const metric of ['nominal', 'ordinal', 'interval'] as const)
      near(krippendorffAlpha(units, metric), reply.alpha[metric], 1e-9);
    near(fleissKappa(counts), reply.fleiss, 1e-9);
    const [first, second] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
    near(cohenKappa(first, second), reply.cohen, 1e-9);
    const check = (controlLength: boolean, expected: readonly number[]) => {
      for (const { player, rating } of bradleyTerry(games, { repeats: 1, controlLength }).ratings)
        near(rating.estimate, expected[Number(player)]!, 1e-3);
    };
    check(false, reply.ratings);
    check(true, reply.controlled);
  });
});
