/** Preference pairs from rankings: every answer of a better group over every answer of a worse one. */
import type { ItemRecord, JudgementRecord, PreferencePair } from './judgement.ts';

/**
 * Pairs of one judgement, best groups first. Answers of one group are tied and give none; neither does a skipped item or
 * one whose answers are all bad. Two answers with the same text give none either.
 */
export function pairsOf(judgement: JudgementRecord, item: ItemRecord): PreferencePair[] {
  if (judgement.verdict !== 'ranked') return [];
  const texts = new Map(item.answers.map(answer => [answer.id, answer.text]));
  const groups = judgement.ranking.map(group =>
    group.flatMap(id => {
      const text = texts.get(id);
      return text === undefined ? [] : [text];
    }),
  );
  const pairs: PreferencePair[] = [];
  groups.forEach((better, index) => {
    for (const chosen of better) {
      for (const rejected of groups.slice(index + 1).flat()) {
        if (chosen === rejected) continue;
        pairs.push({ messages: item.messages, chosen, rejected, judgement: judgement.id, item: item.id });
      }
    }
  });
  return pairs;
}

/** Pairs of all judgements whose item is known, in their order. */
export function derivePairs(
  judgements: Iterable<JudgementRecord>,
  itemById: ReadonlyMap<string, ItemRecord>,
): PreferencePair[] {
  const pairs: PreferencePair[] = [];
  for (const judgement of judgements) {
    const item = itemById.get(judgement.item);
    if (item) pairs.push(...pairsOf(judgement, item));
  }
  return pairs;
}
