/** Whether judgements of judges count beside those of people: left out, taken in, or alone; and what must be known of a judge before. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { comparisonsOf } from './comparisons.ts';
import type { JournalState } from './journalState.ts';
import type { Answer, ItemRecord, JudgementRecord, PreferencePair, PreferenceRanking } from './judgement.ts';
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

/** Those that may be learned from, each with its item: judgements that are the gold of a job only ever measure. */
export function* learnable(
  state: JournalState,
  filter: JudgeFilter,
): Generator<{ readonly judgement: JudgementRecord; readonly item: ItemRecord }> {
  for (const judgement of admitted(state, filter)) {
    const item = state.itemById.get(judgement.item);
    if (item && item.gold === undefined) yield { judgement, item };
  }
}

/** Preference pairs to train on. Where people compared two answers, what a judge says of them is left out. */
export function trainingPairs(
  state: JournalState,
  filter: JudgeFilter = peopleOnly,
  /** Answers that were said to be equally good give pairs too, marked as ties; answers that are all bad do not. */
  { ties = false }: { readonly ties?: boolean } = {},
): PreferencePair[] {
  const byPeople = comparedByPeople(state, filter);
  const pairs: PreferencePair[] = [];
  for (const { judgement, item } of learnable(state, filter)) {
    const { messages, id } = item;
    const add = (chosen: Answer, rejected: Answer, tie: { readonly tie?: true }): void => {
      if (judgement.judge !== undefined && byPeople.has(pairKey(item.id, chosen.id, rejected.id))) return;
      pairs.push({ messages, chosen: chosen.text, rejected: rejected.text, judgement: judgement.id, item: id, ...tie });
    };
    for (const [chosen, rejected] of decidedPairs(judgement, item)) add(chosen, rejected, {});
    if (!ties || judgement.verdict !== 'ranked') continue;
    for (const { first, second, outcome } of comparisonsOf([judgement], state.itemById))
      if (outcome === 0.5) add(first, second, { tie: true });
  }
  return pairs;
}

/**
 * Whole rankings to train on. A judge that was asked pair by pair gives its pairs, as rankings of two; where people compared
 * answers of an item, what a judge says of that item is left out.
 */
export function trainingRankings(state: JournalState, filter: JudgeFilter = peopleOnly): PreferenceRanking[] {
  const byPeople = new Set([...comparedByPeople(state, filter)].map(key => key.slice(0, key.indexOf('\n'))));
  const rankings: PreferenceRanking[] = [];
  for (const { judgement, item } of learnable(state, filter)) {
    if (judgement.verdict !== 'ranked' || (judgement.judge !== undefined && byPeople.has(item.id))) continue;
    const add = (groups: readonly (readonly string[])[]): void => {
      const left = groups.filter(group => group.length > 0);
      if (left.length < 2) return;
      rankings.push({ messages: item.messages, groups: left, judgement: judgement.id, item: item.id });
    };
    if (judgement.pairs) {
      for (const [chosen, rejected] of decidedPairs(judgement, item)) add([[chosen.text], [rejected.text]]);
      continue;
    }
    const answers = new Map(item.answers.map(({ id, text }) => [id, text]));
    add(judgement.ranking.map(group => group.flatMap(id => answers.get(id) ?? [])));
  }
  return rankings;
}

const pairKey = (item: string, a: string, b: string): string => `${item}\n${a < b ? `${a}\n${b}` : `${b}\n${a}`}`;

/** Where judges count beside people: the pairs of answers that people compared. */
function comparedByPeople(state: JournalState, filter: JudgeFilter): ReadonlySet<string> {
  const found = new Set<string>();
  if (filter.judges !== 'include') return found;
  for (const judgement of admitted(state, peopleOnly))
    for (const { item, first, second } of comparisonsOf([judgement], state.itemById))
      found.add(pairKey(item.id, first.id, second.id));
  return found;
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
