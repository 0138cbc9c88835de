/** What judgements say pair by pair, ties kept: the ground that leaderboard, agreement and biases stand on. */
import type { Answer, AskedPair, ItemRecord, ItemsById, JudgementRecord } from './judgement.ts';
import { pairOutcome } from './judgeVerdict.ts';

export interface Comparison {
  readonly judgement: JudgementRecord;
  readonly item: ItemRecord;
  readonly first: Answer;
  readonly second: Answer;
  /** Of the first: 1 better, ½ tied (or both bad), 0 worse. */
  readonly outcome: 0 | 0.5 | 1;
  /** Where a model judge was asked in both orders. */
  readonly asked?: AskedPair;
}

/**
 * Every pair of answers that a judgement ranks, in the order of the answers' ids, so that the same two answers always come
 * the same way round. "All bad" ties all that were shown, as the arena counts it; skipped items say nothing. Best and worst,
 * and accept or reject, leave answers of one group uncompared: neither was said to be as good as the other. Of a judge that was
 * asked pair by pair, the pairs say it, and not the ranking that sums them up.
 */
export function* comparisonsOf(judgements: Iterable<JudgementRecord>, itemById: ItemsById): Generator<Comparison> {
  for (const judgement of judgements) {
    const item = itemById.get(judgement.item);
    if (!item || judgement.verdict === 'skipped') continue;
    if (judgement.pairs) {
      yield* askedComparisons(judgement, judgement.pairs, item);
      continue;
    }
    const allBad = judgement.verdict === 'all-bad';
    const rank = new Map(judgement.ranking.flatMap((group, place) => group.map(id => [id, place] as const)));
    const wasShown = (id: string): boolean => judgement.shown.length === 0 || judgement.shown.includes(id);
    const ranked = item.answers
      .filter(({ id }) => (allBad ? wasShown(id) : rank.has(id)))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const [i, first] of ranked.entries()) {
      for (const second of ranked.slice(i + 1)) {
        const [a, b] = allBad ? [0, 0] : [rank.get(first.id)!, rank.get(second.id)!];
        if (a === b && !allBad && !groupIsTie(judgement)) continue;
        yield { judgement, item, first, second, outcome: a < b ? 1 : a > b ? 0 : 0.5 };
      }
    }
  }
}

function* askedComparisons(
  judgement: JudgementRecord,
  pairs: readonly AskedPair[],
  item: ItemRecord,
): Generator<Comparison> {
  const answers = new Map(item.answers.map(answer => [answer.id, answer]));
  for (const asked of pairs) {
    const outcome = pairOutcome(asked);
    const [a, b] = asked.answers.map(id => answers.get(id));
    if (outcome === undefined || !a || !b) continue;
    if (a.id < b.id) yield { judgement, item, first: a, second: b, outcome, asked };
    else yield { judgement, item, first: b, second: a, outcome: (1 - outcome) as Comparison['outcome'], asked };
  }
}

/** Whether answers of one group were said to be equally good. */
const groupIsTie = ({ kind }: JudgementRecord): boolean => kind !== 'best-worst' && kind !== 'accept-reject';
