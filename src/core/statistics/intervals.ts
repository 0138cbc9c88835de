/** Interval estimates for shares and win rates: what a figure says and how sure it is. */

export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** 97.5 % quantile of the standard normal distribution, for two-sided 95 % intervals. */
export const z95 = 1.959963984540054;

/**
 * Wilson's score interval for a share (Wilson 1927). Stays inside [0, 1] and is honest for small n: 17 of 20 gives
 * 0.640 … 0.948. `successes` may be fractional. n = 0 gives the whole of [0, 1] with estimate 0.5.
 */
export function wilson(successes: number, n: number, z = z95): Interval {
  if (!(n >= 0) || !(successes >= 0) || successes > n) throw new RangeError(`wilson(${successes}, ${n})`);
  if (n === 0) return { estimate: 0.5, low: 0, high: 1, n };
  const p = successes / n;
  const z2 = z * z;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (z / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return { estimate: p, low: successes === 0 ? 0 : centre - half, high: successes === n ? 1 : centre + half, n };
}

/**
 * Win rate of `after` over `before`, compared pair by pair; a tie counts ½. The interval is Wilson's: of all outcomes in
 * [0, 1] with this mean, wins and losses alone vary most, so that ties only make it more cautious.
 */
export function winRate(before: readonly number[], after: readonly number[]): Interval {
  if (before.length !== after.length)
    throw new RangeError('winRate needs one score before and one after for each prompt');
  let wins = 0;
  for (const [index, score] of after.entries()) {
    const other = before[index]!;
    wins += score > other ? 1 : score === other ? 0.5 : 0;
  }
  return wilson(wins, after.length);
}
