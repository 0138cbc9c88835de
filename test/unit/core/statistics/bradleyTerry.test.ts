/** Ratings: exact where arithmetic gives the answer, the same as the arena's fit, honest where data says little. */
import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import { bradleyTerry, type Game, winRateMatrix } from '../../../../src/core/statistics/bradleyTerry.ts';

const times = (first: string, second: string, outcome: Game['outcome'], count: number): Game[] =>
  Array.from({ length: count }, () => ({ first, second, outcome }));
const near = (actual: number, expected: number, within = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);

describe('bradleyTerry', () => {
  it('gives two players the log odds of their wins, a tie half a win to each', () => {
    const games = [...times('a', 'b', 1, 6), ...times('b', 'a', 1, 1), ...times('a', 'b', 0.5, 2)];
    const { ratings, connected } = bradleyTerry(games, { repeats: 50 });
    near(ratings[0]!.rating.estimate - ratings[1]!.rating.estimate, 400 * Math.log10(7 / 2));
    near(ratings[0]!.rating.estimate + ratings[1]!.rating.estimate, 2000);
    near(ratings[0]!.winRate, 7 / 9);
    assert.equal(connected, true);
    assert.deepEqual(
      winRateMatrix(games, ['a', 'b'])[0]!.map(x => x.toFixed(3)),
      ['NaN', '0.778'],
    );
  });

  it('finds the strengths that games were drawn from, inside its intervals', () => {
    const rng = Rng.seeded(5);
    const strengths = [-1, 0, 0.4, 0.6];
    const games = Array.from({ length: 4000 }, (): Game => {
      const [i, j] = rng.shuffled([0, 1, 2, 3]);
      const wins = rng.next() < 1 / (1 + Math.exp(strengths[j!]! - strengths[i!]!));
      return { first: String(i), second: String(j), outcome: wins ? 1 : 0 };
    });
    const { ratings } = bradleyTerry(games, { repeats: 100 });
    assert.deepEqual(
      ratings.map(({ player }) => player),
      ['3', '2', '1', '0'],
    );
    for (const { player, rating } of ratings) {
      near(rating.estimate, 1000 + (400 / Math.LN10) * strengths[Number(player)]!, 20);
      assert.ok(rating.low < rating.estimate && rating.estimate < rating.high);
    }
  });

  it('keeps a player that only wins finite, and says so', () => {
    const { ratings, connected } = bradleyTerry([...times('a', 'b', 1, 5), ...times('b', 'c', 0.5, 3)], {
      repeats: 20,
    });
    assert.equal(connected, false);
    assert.equal(ratings[0]!.player, 'a');
    for (const { rating } of ratings) assert.ok(Number.isFinite(rating.estimate) && Number.isFinite(rating.high));
  });

  it('takes length out: equal players of which one writes longer to a judge who likes length', () => {
    const rng = Rng.seeded(9);
    const games = Array.from({ length: 3000 }, (_, i): Game => {
      const lengths: [number, number] = [100 + rng.int(200), 50 + rng.int(200)];
      const relative = (lengths[0] - lengths[1]) / (lengths[0] + lengths[1]);
      const longWins = rng.next() < 1 / (1 + Math.exp(-4 * relative));
      return { first: 'long', second: 'short', outcome: longWins ? 1 : 0, lengths, cluster: String(i) };
    });
    // Both sides, so that the mean of the style is zero.
    const turned = games.map(
      ({ lengths: [a, b] = [0, 0], ...game }): Game => ({
        ...game,
        first: 'short',
        second: 'long',
        outcome: game.outcome === 1 ? 0 : 1,
        lengths: [b, a],
      }),
    );
    const both = [...games, ...turned];
    const plain = bradleyTerry(both, { repeats: 5 }).ratings;
    assert.equal(plain[0]!.player, 'long');
    const gap = plain[0]!.rating.estimate - plain[1]!.rating.estimate;
    assert.ok(gap > 30, String(gap));
    const controlled = bradleyTerry(both, { repeats: 5, controlLength: true });
    const [one, two] = controlled.ratings;
    assert.ok(Math.abs(one!.rating.estimate - two!.rating.estimate) < gap / 2);
    assert.ok(controlled.lengthEffect!.estimate > 100);
  });

  it('says nothing of no games', () => assert.deepEqual(bradleyTerry([]), { ratings: [], connected: true }));
});
