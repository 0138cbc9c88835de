/** A leaderboard of models from judgements of their answers. */
import type { BootstrapOptions } from '../statistics/bootstrap.ts';
import { bradleyTerry, type Game, type Ratings, winRateMatrix } from '../statistics/bradleyTerry.ts';
import type { Comparison } from './comparisons.ts';

export interface Leaderboard extends Ratings {
  readonly games: number;
  readonly ties: number;
  /** Rows and columns in the order of `ratings`; NaN where two models never met. */
  readonly winRates: readonly (readonly number[])[];
}

/**
 * Bradley–Terry over comparisons of answers by different models. All comparisons of one item are drawn together in the
 * bootstrap, since a ranking of four answers is one decision and not six.
 */
export function leaderboard(
  comparisons: Iterable<Comparison>,
  options: BootstrapOptions & { readonly controlLength?: boolean } = {},
): Leaderboard {
  const games: Game[] = [];
  for (const { first, second, outcome, item } of comparisons) {
    if (first.model === second.model) continue;
    games.push({
      first: first.model,
      second: second.model,
      outcome,
      cluster: item.id,
      lengths: [first.text.length, second.text.length],
    });
  }
  const fitted = bradleyTerry(games, options);
  return {
    ...fitted,
    games: games.length,
    ties: games.filter(({ outcome }) => outcome === 0.5).length,
    winRates: winRateMatrix(
      games,
      fitted.ratings.map(({ player }) => player),
    ),
  };
}
