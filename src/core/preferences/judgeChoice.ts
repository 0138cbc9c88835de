/** Whether judgements of judges count beside those of people: left out, taken in, or alone; and what must be known of a judge before. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { comparisonsOf } from './comparisons.ts';
import type { JournalState } from './journalState.ts';
import type { JudgementRecord, PreferencePair } from './judgement.ts';
import { fewestShared, type JudgeReport } from './judgeReport.ts';
import { decidedPairs } from './pairs.ts';

export const JudgeChoices = ['exclude', 'include', 'only'] as const;
export type JudgeChoice = (typeof JudgeChoices)[number];

export interface JudgeFilter {
  readonly judges: JudgeChoice;
  /** Of judges only those whose name has one of these words in it; all when left out. */
  readonly named?: readonly string[] | undefined;
}

export const peopleOnly: JudgeFilter = { judges: 'exclude' };

/** Whether a judge is one of those that the filter names. */
export const isNamed = ({ named }: JudgeFilter, judge: string): boolean =>
  named === undefined || named.length === 0 || named.some(word => judge.includes(word));

/** Whether a judgement counts. */
export function admits(filter: JudgeFilter, { judge }: Pick<JudgementRecord, 'judge'>): boolean {
  if (judge === undefined) return filter.judges !== 'only';
  return filter.judges !== 'exclude' && isNamed(filter, judge);
}

/** Standing judgements that count, oldest first; where an item was adjudicated, the adjudication alone. */
export function* admitted(state: JournalState, filter: JudgeFilter): Generator<JudgementRecord> {
  for (const judgement of state.eachDecisive()) if (admits(filter, judgement)) yield judgement;
}

/** Preference pairs to train on. Where people compared two answers, what a judge says of them is left out. */
export function trainingPairs(state: JournalState, filter: JudgeFilter = peopleOnly): PreferencePair[] {
  const byPeople = new Set<string>();
  const key = (item: string, a: string, b: string): string => `${item}\n${a < b ? `${a}\n${b}` : `${b}\n${a}`}`;
  if (filter.judges === 'include') {
    for (const judgement of admitted(state, peopleOnly))
      for (const { item, first, second } of comparisonsOf([judgement], state.itemById))
        byPeople.add(key(item.id, first.id, second.id));
  }
  const pairs: PreferencePair[] = [];
  for (const judgement of admitted(state, filter)) {
    const item = state.itemById.get(judgement.item);
    if (!item) continue;
    for (const [chosen, rejected] of decidedPairs(judgement, item)) {
      if (judgement.judge !== undefined && byPeople.has(key(item.id, chosen.id, rejected.id))) continue;
      const { messages, id } = item;
      pairs.push({ messages, chosen: chosen.text, rejected: rejected.text, judgement: judgement.id, item: id });
    }
  }
  return pairs;
}

/** Throws a HumanError where a judge's labels would go into training data before its agreement with people is known. */
export function requireChecked(reports: readonly JudgeReport[]): void {
  for (const { judge, shared } of reports) {
    if (shared.items >= fewestShared) continue;
    throw new HumanError(
      l10n.t(
        'People have judged only {0} of the items that “{1}” gave a readable verdict on; {2} are needed to say how far it agrees with them. Rank more of its items, or let it judge what people ranked.',
        shared.items,
        judge,
        fewestShared,
      ),
    );
  }
}
