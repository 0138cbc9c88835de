/** Choosing the next token from a distribution, with one uniform number as the only source of chance. */

export interface SamplingRule {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  /** Keep the k likeliest; 0 keeps all. */
  readonly topK?: number;
  /** Keep the likeliest whose probabilities reach this sum (arXiv 1904.09751); 1 keeps all. */
  readonly topP?: number;
  /** Keep those at least this share of the likeliest (arXiv 2407.01082); 0 keeps all. */
  readonly minP?: number;
}

export function argMax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/**
 * A token drawn from `probabilities` (tempered, summing to about 1) after the cuts of `rule`, at the uniform number
 * `u` in [0, 1). Cuts apply one after the other, each to what the one before left: top-k, top-p, min-p.
 */
export function sampleToken(probabilities: Float32Array, rule: SamplingRule, u: number): number {
  const { topK = 0, topP = 1, minP = 0 } = rule;
  const size = probabilities.length;
  if ((topK <= 0 || topK >= size) && topP >= 1 && minP <= 0) return drawFromAll(probabilities, u);
  const { ids, mass } = likeliest(probabilities, topK > 0 ? Math.min(topK, size) : size, topP, minP);
  let rest = u * mass;
  for (const id of ids) {
    rest -= probabilities[id]!;
    if (rest < 0) return id;
  }
  return ids[0]!;
}

function drawFromAll(probabilities: Float32Array, u: number): number {
  let rest = u * sumOfAll(probabilities);
  for (let i = 0; i < probabilities.length; i++) {
    rest -= probabilities[i]!;
    if (rest < 0) return i;
  }
  return argMax(probabilities);
}

/** What the cuts leave, likeliest first, equal ones by id, and their summed probability. */
function likeliest(
  probabilities: Float32Array,
  topK: number,
  topP: number,
  minP: number,
): { ids: number[]; mass: number } {
  const best = probabilities[argMax(probabilities)]!;
  // Most tokens are far too unlikely to survive: sort only the likely ones, and more of them only when they are too few.
  // Those a trillion times less likely than the best are never looked at.
  const total = topK < probabilities.length ? undefined : sumOfAll(probabilities);
  for (let share = 1e-3; ; share /= 1000) {
    const all = share < 1e-12;
    const threshold = best * share;
    const ids: number[] = [];
    for (let i = 0; i < probabilities.length; i++) if (probabilities[i]! >= threshold) ids.push(i);
    const tooFew = total === undefined ? ids.length < topK : topP >= 1 && minP < share;
    if (tooFew && !all) continue;
    ids.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
    let kept = ids.slice(0, topK);
    if (topP < 1) {
      const wanted = topP * (total ?? sum(probabilities, kept));
      let reached = 0;
      let count = 0;
      while (count < kept.length && (count === 0 || reached < wanted)) reached += probabilities[kept[count++]!]!;
      if (!all && reached < wanted) continue;
      kept = kept.slice(0, count);
    }
    if (minP > 0) kept = kept.filter(id => probabilities[id]! >= minP * best);
    return { ids: kept, mass: sum(probabilities, kept) };
  }
}

const sum = (probabilities: Float32Array, ids: readonly number[]): number => {
  let total = 0;
  for (const id of ids) total += probabilities[id]!;
  return total;
};

function sumOfAll(probabilities: Float32Array): number {
  let total = 0;
  for (let i = 0; i < probabilities.length; i++) total += probabilities[i]!;
  return total;
}

/** The n likeliest tokens with their log-probabilities, best first. */
export function topAlternatives(logProbs: Float32Array, n: number): { id: number; logProb: number }[] {
  const top: { id: number; logProb: number }[] = [];
  if (n <= 0) return top;
  let least = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logProbs.length; id++) {
    const logProb = logProbs[id]!;
    if (top.length === n && logProb <= least) continue;
    let at = top.length;
    while (at > 0 && top[at - 1]!.logProb < logProb) at--;
    top.splice(at, 0, { id, logProb });
    if (top.length > n) top.pop();
    if (top.length === n) least = top[n - 1]!.logProb;
  }
  return top;
}
