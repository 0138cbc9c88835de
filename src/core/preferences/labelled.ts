/** Answers with a label instead of a partner: good or bad, as KTO learns from. */
import type { Message } from '../generation.ts';
import type { PreferencePair } from './judgement.ts';

export interface LabelledAnswer {
  readonly messages: readonly Message[];
  readonly completion: string;
  /** True for a good answer. */
  readonly label: boolean;
}

/**
 * One row for each different answer of the pairs: good when it was preferred more often than not, bad when less often.
 * `undecided` counts answers that won and lost equally often; they have no row.
 */
export function labelledFromPairs(pairs: readonly Pick<PreferencePair, 'messages' | 'chosen' | 'rejected'>[]): {
  readonly rows: LabelledAnswer[];
  readonly undecided: number;
} {
  const balances = new Map<
    string,
    { readonly messages: readonly Message[]; readonly completion: string; wins: number }
  >();
  for (const { messages, chosen, rejected } of pairs) {
    for (const [completion, won] of [
      [chosen, 1],
      [rejected, -1],
    ] as const) {
      const key = JSON.stringify([messages, completion]);
      const balance = balances.get(key) ?? { messages, completion, wins: 0 };
      balance.wins += won;
      balances.set(key, balance);
    }
  }
  const all = [...balances.values()];
  return {
    rows: all
      .filter(({ wins }) => wins !== 0)
      .map(({ messages, completion, wins }) => ({ messages, completion, label: wins > 0 })),
    undecided: all.filter(({ wins }) => wins === 0).length,
  };
}
