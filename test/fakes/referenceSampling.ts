/** Sampling by its definitions, in double precision: sort all tokens, cut one rule after the other, walk the running sum. */
import type { SamplingRule } from '../../src/language-model/sampling.ts';

/** Log-probabilities, nats. */
export function logProbsOf(logits: ArrayLike<number>): number[] {
  const all = Array.from(logits);
  const best = Math.max(...all);
  const logSum = Math.log(all.reduce((sum, logit) => sum + Math.exp(logit - best), 0));
  return all.map(logit => logit - best - logSum);
}

/** The ids that the rule leaves, in the order in which they are walked, with their tempered probabilities. */
export function survivors(logits: ArrayLike<number>, rule: SamplingRule): { id: number; p: number }[] {
  const { temperature, topK = 0, topP = 1, minP = 0 } = rule;
  const ps = logProbsOf(Array.from(logits, logit => logit / temperature)).map(Math.exp);
  const all = ps.map((p, id) => ({ id, p }));
  const cut = (topK > 0 && topK < all.length) || topP < 1 || minP > 0;
  if (!cut) return all;
  let kept = [...all].sort((a, b) => logits[b.id]! - logits[a.id]! || a.id - b.id);
  if (topK > 0) kept = kept.slice(0, topK);
  if (topP < 1) {
    const total = kept.reduce((sum, { p }) => sum + p, 0);
    let before = 0;
    kept = kept.filter(({ p }, i) => {
      const keep = i === 0 || before < topP * total;
      before += p;
      return keep;
    });
  }
  const best = kept[0]!.p;
  return kept.filter(({ p }) => p >= minP * best);
}

/** The tokens that a rule may give at the number `u` when sums and limits are off by rounding. */
export function acceptableTokens(logits: ArrayLike<number>, rule: SamplingRule, u: number): Set<number> {
  if (rule.temperature === 0) return new Set([Array.from(logits).indexOf(Math.max(...Array.from(logits)))]);
  const slack = 3e-6;
  const near = (value: number): number[] => [value * (1 - slack), value, Math.min(1, value * (1 + slack))];
  const { topP = 1, minP = 0 } = rule;
  const tokens = new Set<number>();
  for (const p of topP < 1 ? near(topP) : [topP]) {
    for (const m of minP > 0 ? near(minP) : [minP]) {
      const kept = survivors(logits, { ...rule, topP: p, minP: m });
      const total = kept.reduce((sum, token) => sum + token.p, 0);
      let before = 0;
      for (const token of kept) {
        const after = before + token.p / total;
        if (before <= u + slack && after > u - slack) tokens.add(token.id);
        before = after;
      }
    }
  }
  return tokens;
}
