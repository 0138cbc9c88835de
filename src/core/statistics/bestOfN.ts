/** Best of n (rejection sampling at the time of use): what choosing among n answers gains, and how far it is from the model. */

/** KL of the best of n to the model itself, nats: log n − (n − 1)/n, an upper bound (Beirami et al. 2024, arXiv 2401.01879). */
export const bestOfKlBound = (n: number): number => Math.log(n) - (n - 1) / n;

/**
 * Mean of `values` of the answer with the highest score among k of the answers, over all ways to draw k of them: Σ_i
 * C(i − 1, k − 1)/C(n, k) · v_(i), in the order of the scores; of equal scores each is chosen as often as the others. With the
 * scores themselves as values it is the expected highest of k.
 */
export function bestOfMean(scores: readonly number[], values: readonly number[], k: number): number {
  const n = scores.length;
  if (k < 1 || k > n) throw new RangeError(`the best of ${k} cannot be told from ${n} answers`);
  const order = scores.map((_, index) => index).sort((a, b) => scores[a]! - scores[b]! || a - b);
  const ranked = order.map(index => {
    const alike = values.filter((_, other) => scores[other] === scores[index]);
    return alike.reduce((sum, value) => sum + value, 0) / alike.length;
  });
  // From the highest down, where the weight is k/n.
  let weight = k / n;
  let total = 0;
  for (let rank = n; rank >= k; rank--) {
    total += weight * ranked[rank - 1]!;
    weight *= (rank - k) / (rank - 1);
  }
  return total;
}

export interface BestOfPoint {
  readonly n: number;
  /** Nats. */
  readonly klBound: number;
  /** Mean over the prompts. */
  readonly reward: number;
  readonly gold?: number;
}

/** For each n = 1, 2, 4 … and the most answers that every prompt has. Rewards and gold: one list a prompt. */
export function bestOfCurve(
  rewards: readonly (readonly number[])[],
  gold?: readonly (readonly number[])[],
): BestOfPoint[] {
  const most = Math.min(...rewards.map(({ length }) => length));
  const sizes = Array.from({ length: 32 }, (_, power) => 2 ** power).filter(n => n < most);
  const mean = (of: (prompt: number) => number): number =>
    rewards.reduce((sum, _, prompt) => sum + of(prompt), 0) / rewards.length;
  return [...sizes, most].map(n => ({
    n,
    klBound: bestOfKlBound(n),
    reward: mean(prompt => bestOfMean(rewards[prompt]!, rewards[prompt]!, n)),
    ...(gold ? { gold: mean(prompt => bestOfMean(rewards[prompt]!, gold[prompt]!, n)) } : {}),
  }));
}
