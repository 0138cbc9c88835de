/** Means and spreads. */

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return values.length === 0 ? 0 : sum / values.length;
};

/** Standard deviation with Bessel's correction (n − 1), as torch's `std`; 0 for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += (values[index]! - centre) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/** Mean of the standard deviations within groups of n, and the share of groups in which all values are equal. */
export function groupSpread(values: ArrayLike<number>, n: number): { std: number; shareZero: number } {
  const groups = Math.floor(values.length / n);
  let std = 0;
  let zero = 0;
  for (let group = 0; group < groups; group++) {
    const spread = standardDeviation(Array.from({ length: n }, (_, index) => values[group * n + index]!));
    std += spread;
    if (spread < 1e-6) zero++;
  }
  return groups === 0 ? { std: 0, shareZero: 0 } : { std: std / groups, shareZero: zero / groups };
}
