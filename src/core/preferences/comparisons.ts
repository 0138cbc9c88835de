/** What judgements say pair by pair, ties kept: the ground that leaderboard, agreement and biases stand on. */
import type { Answer, ItemRecord, JudgementRecord } from './judgement.ts';

export interface Comparison {
  readonly judgement: JudgementRecord;
  readonly item: ItemRecord;
  readonly first: Answer;
  readonly second: Answer;
  /** Of the first: 1 better, ½ tied (or both bad), 0 worse. */
  readonly outcome: 0 | 0.5 | 1;
}

/**
 * Every pair of answers that a judgement ranks, in the order of the answers' ids, so that the same two answers always come
 * the same way round. "All bad" ties them all, as the arena counts it; skipped items say nothing.
 */
export function* comparisonsOf(
  judgements: Iterable<JudgementRecord>,
  itemById: ReadonlyMap<string, ItemRecord>,
): Generator<Comparison> {
  for (const judgement of judgements) {
    const item = itemById.get(judgement.item);
    if (!item || judgement.verdict === 'skipped') continue;
    const allBad = judgement.verdict === 'all-bad';
    const rank = new Map(judgement.ranking.flatMap((group, place) => group.map(id => [id, place] as const)));
    const ranked = item.answers.filter(({ id }) => allBad || rank.has(id)).sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const [i, first] of ranked.entries()) {
      for (const second of ranked.slice(i + 1)) {
        const [a, b] = allBad ? [0, 0] : [rank.get(first.id)!, rank.get(second.id)!];
        yield { judgement, item, first, second, outcome: a < b ? 1 : a > b ? 0 : 0.5 };
      }
    }
  }
}
