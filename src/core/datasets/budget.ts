/** Cuts examples until a prompt fits into a model's context (what does not fit needs another way than the prompt). */
import type { BudgetPolicy } from '../prompts/template.ts';

export interface Budget {
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Tokens kept free for the answer. */
  readonly reserved: number;
  /** Tokens of each text. */
  count(texts: readonly string[]): Promise<readonly number[]>;
}

export interface Cut {
  /** Which of the examples stay, by place, in order. */
  readonly kept: readonly number[];
  /** Tokens of the prompt with all examples, and with those that stay. */
  readonly before: number;
  readonly after: number;
  /** What the prompt may have. */
  readonly limit: number;
}

/** Tokens that a chat template puts around a message, at most; about right for all families. */
export const messageOverhead = 5;

/**
 * `fixed`: tokens of all that is no example; `examples`: of each, in the prompt's order; `nearness`: of each to the question,
 * for `drop-least-similar`. With `fail`, and where no example at all would be enough, nothing is kept back: see `after > limit`.
 */
export function cutToBudget(
  fixed: number,
  examples: readonly number[],
  limit: number,
  policy: BudgetPolicy,
  nearness: readonly number[] = [],
): Cut {
  const before = fixed + examples.reduce((sum, tokens) => sum + tokens, 0);
  const places = examples.map((_, place) => place);
  if (before <= limit || policy === 'fail') return { kept: places, before, after: before, limit };
  const dropped = new Set<number>();
  const order =
    policy === 'drop-first'
      ? places
      : policy === 'drop-last'
        ? places.toReversed()
        : places.toSorted((a, b) => (nearness[a] ?? 0) - (nearness[b] ?? 0) || b - a);
  let after = before;
  for (const place of order) {
    if (after <= limit) break;
    dropped.add(place);
    after -= examples[place]!;
  }
  return { kept: places.filter(place => !dropped.has(place)), before, after, limit };
}
