/** Preference pairs from rankings: every answer of a better group over every answer of a worse one. */
import { comparisonsOf } from './comparisons.ts';
import type { Answer, ItemRecord, JudgementRecord, PreferencePair } from './judgement.ts';

/**
 * Pairs of one judgement, best groups first. Answers of one group give none, whether tied or left uncompared (best and worst,
 * accept or reject); neither does a skipped item or one whose answers are all bad. Two answers with the same text give none either.
 * A judge that was asked pair by pair gives the pairs on which both orders agreed.
 */
export function pairsOf(judgement: JudgementRecord, item: ItemRecord): PreferencePair[] {
  return decidedPairs(judgement, item).map(([chosen, rejected]) => ({
    messages: item.messages,
    chosen: chosen.text,
    rejected: rejected.text,
    judgement: judgement.id,
    item: item.id,
  }));
}

/** Of each two answers of which a judgement says that one is better: that one, and the other. */
export function decidedPairs(judgement: JudgementRecord, item: ItemRecord): [chosen: Answer, rejected: Answer][] {
  if (judgement.verdict !== 'ranked') return [];
  const found: [Answer, Answer][] = [];
  const add = (chosen: Answer, rejected: Answer): void => {
    if (chosen.text !== rejected.text) found.push([chosen, rejected]);
  };
  if (judgement.pairs) {
    for (const { first, second, outcome } of comparisonsOf([judgement], { get: () => item })) {
      if (outcome === 1) add(first, second);
      if (outcome === 0) add(second, first);
    }
    return found;
  }
  const answers = new Map(item.answers.map(answer => [answer.id, answer]));
  const groups = judgement.ranking.map(group => group.flatMap(id => answers.get(id) ?? []));
  for (const [index, better] of groups.entries())
    for (const chosen of better) for (const rejected of groups.slice(index + 1).flat()) add(chosen, rejected);
  return found;
}
