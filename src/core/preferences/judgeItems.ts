/** Which items a judge is asked about: those that people judged, all, or some; never what it judged by the same rubric before. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { hash64 } from './hashTables.ts';
import type { JournalState } from './journalState.ts';
import type { ItemRecord, JudgementRecord } from './judgement.ts';
import { type JudgeTask, pairsToAsk, type Rubric } from './judgeRun.ts';

export type JudgeScope =
  /** So many that people judged, those of several people first: what its agreement is measured on. */
  | { readonly kind: 'overlap'; readonly count: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'items'; readonly ids: readonly string[] };

export interface JudgeSelection {
  readonly scope: JudgeScope;
  readonly set?: string | undefined;
  /** Of the judge. */
  readonly id: string;
  /** Who runs it. */
  readonly author: string;
  /** Of an item; undefined where the project has none, or the judge takes none. */
  readonly rubricOf: (item: ItemRecord) => Rubric | undefined;
  /** Questions at most: each two answers of an item are two. */
  readonly budget?: number | undefined;
}

export interface JudgeWork {
  readonly tasks: readonly JudgeTask[];
  /** Questions that the tasks ask. */
  readonly questions: number;
  /** Items of the scope that this judge has judged already. */
  readonly known: number;
  /** Items that the budget leaves for another time. */
  readonly left: number;
}

/** Throws a HumanError where there is nothing to ask about. */
export function judgeWork(state: JournalState, selection: JudgeSelection): JudgeWork {
  const before = new Map<string, JudgementRecord>();
  const people = new Map<string, Set<string>>();
  for (const judgement of state.eachJudgement()) {
    const { item, author, judge, verdict } = judgement;
    if (judge === selection.id) before.set(item, judgement);
    else if (judge === undefined && verdict !== 'skipped')
      people.set(item, (people.get(item) ?? new Set()).add(author));
  }
  const items = itemsOf(state, selection, people);
  const tasks: JudgeTask[] = [];
  let [known, left, questions] = [0, 0, 0];
  for (const item of items) {
    const rubric = selection.rubricOf(item);
    const earlier = before.get(item.id);
    if (earlier && earlier.guidelines === rubric?.version) {
      known++;
      continue;
    }
    const own = 2 * pairsToAsk(item).length;
    if (questions + own > (selection.budget ?? Number.POSITIVE_INFINITY)) {
      left++;
      continue;
    }
    questions += own;
    const replaces = earlier?.author === selection.author ? earlier.id : undefined;
    tasks.push({ item, rubric, ...(replaces !== undefined && { replaces }) });
  }
  return { tasks, questions, known, left };
}

function itemsOf(
  state: JournalState,
  { scope, set }: JudgeSelection,
  people: ReadonlyMap<string, ReadonlySet<string>>,
): ItemRecord[] {
  if (scope.kind === 'items')
    return scope.ids.map(id => {
      const item = state.itemById.get(id);
      if (!item || pairsToAsk(item).length === 0)
        throw new HumanError(l10n.t('There is no item “{0}” with two answers that differ.', id));
      return item;
    });
  const items = [...state.eachItem(set)].filter(item => pairsToAsk(item).length > 0);
  if (items.length === 0)
    throw new HumanError(
      set === undefined
        ? l10n.t('There is nothing to judge: no item has two answers that differ.')
        : l10n.t('There is nothing to judge in the set “{0}”: no item in it has two answers that differ.', set),
    );
  if (scope.kind === 'all') return items;
  const shared = items.filter(({ id }) => people.has(id));
  if (shared.length === 0)
    throw new HumanError(
      l10n.t(
        'People have judged none of these items, so that nothing says how far a judge agrees with them. Rank some first, or let it judge all.',
      ),
    );
  // The same ones whatever the order of the journal.
  const place = new Map(shared.map(({ id }) => [id, hash64(id)] as const));
  const several = ({ id }: ItemRecord): number => Math.min(2, people.get(id)!.size);
  return shared
    .sort((a, b) => {
      const [p, q] = [place.get(a.id)!, place.get(b.id)!];
      return several(b) - several(a) || p[0] - q[0] || p[1] - q[1];
    })
    .slice(0, scope.count);
}
