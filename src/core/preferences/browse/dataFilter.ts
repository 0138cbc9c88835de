/** Which items and judgements of the preference data are meant: the filter of the data view, and what its menus offer. */
import { annotatorOf } from '../annotators.ts';
import type { JournalState } from '../journalState.ts';
import type { JudgementKind } from '../judgement.ts';
import { hasTie, isRepeat, kindOf, verdictOf } from '../recordFacets.ts';
import { type Split, splitAt } from '../splits.ts';

/** What came of an item, or of a judgement of it. `decided`: ranked without a tie. */
export const Outcomes = ['decided', 'tie', 'all-bad', 'skipped', 'unjudged'] as const;
export type Outcome = (typeof Outcomes)[number];

export const Whose = ['all', 'people', 'judges'] as const;

/** Empty lists and null let all pass. An item passes when one of its judgements passes all that is said of judgements. */
export interface DataFilter {
  /** Within a prompt, an answer, a note or a comment, whatever its case; or the id of an item. */
  readonly text: string;
  readonly sets: readonly string[];
  readonly models: readonly string[];
  readonly splits: readonly string[];
  /** As `annotatorOf` names them. */
  readonly annotators: readonly string[];
  readonly who: (typeof Whose)[number];
  readonly flags: readonly string[];
  readonly kinds: readonly JudgementKind[];
  readonly outcomes: readonly Outcome[];
  readonly guidelines: readonly string[];
  /** Of the judgement, milliseconds since 1970; `to` is exclusive. */
  readonly from: number | null;
  readonly to: number | null;
  /** Only items on which those who judged them do not agree. */
  readonly disagreement: boolean;
  /** Only items that came once more to measure consistency. */
  readonly repeats: boolean;
  /** Only these, as a finding names them. */
  readonly items: readonly string[] | null;
}

export const everything: DataFilter = {
  text: '',
  sets: [],
  models: [],
  splits: [],
  annotators: [],
  who: 'all',
  flags: [],
  kinds: [],
  outcomes: [],
  guidelines: [],
  from: null,
  to: null,
  disagreement: false,
  repeats: false,
  items: null,
};

/** A filter over rows of one state of the journal; texts and disagreement are not looked at. */
export interface CompiledFilter {
  readonly item: (row: number) => boolean;
  readonly judgement: (row: number) => boolean;
  /** Whether something is asked of judgements, so that an item without any does not pass. */
  readonly asksJudgement: boolean;
  /** Whether items without a judgement are wanted. */
  readonly unjudged: boolean;
}

export function compileFilter(state: JournalState, filter: DataFilter, splits: readonly Split[]): CompiledFilter {
  const { columns, names } = state.table;
  const some = <T>(wanted: readonly T[], known: readonly (readonly T[])[]): Uint8Array | undefined => {
    if (wanted.length === 0) return undefined;
    const set = new Set(wanted);
    return Uint8Array.from(known, list => Number(list.some(one => set.has(one))));
  };
  const sets = some(
    filter.sets,
    names.sets.map(name => [name]),
  );
  const models = some(filter.models, names.models);
  const split = filter.splits.length > 0 && splits.length > 0 ? new Set(filter.splits) : undefined;
  const flags = some(filter.flags, names.flags);
  const guidelines = some(
    filter.guidelines,
    names.guidelines.map(version => [version]),
  );
  const annotators = some(
    filter.annotators,
    names.annotators.map(([author, judge]) => [annotatorOf({ author, judge })]),
  );
  const isJudge = Uint8Array.from(names.annotators, ([, judge]) => Number(judge !== undefined));
  const kinds = filter.kinds.length > 0 ? new Set(filter.kinds) : undefined;
  const outcomes = filter.outcomes.length > 0 ? new Set(filter.outcomes) : undefined;
  const { who, from, to, repeats } = filter;
  const judged = outcomes && [...outcomes].some(outcome => outcome !== 'unjudged');
  const others = annotators || flags || guidelines || kinds || who !== 'all' || from !== null || to !== null || repeats;
  return {
    item: row =>
      (!sets || sets[columns.aboutLow[row]!] === 1) &&
      (!models || models[columns.marks[row]!] === 1) &&
      (!split || split.has(splitAt(columns.says[row]!, splits).name)),
    judgement: row => {
      const facets = columns.facets[row]!;
      return (
        (!annotators || annotators[columns.who[row]!] === 1) &&
        (who === 'all' || isJudge[columns.who[row]!] === Number(who === 'judges')) &&
        (!flags || flags[columns.marks[row]!] === 1) &&
        (!guidelines || guidelines[columns.guidelines[row]!] === 1) &&
        (!kinds || kinds.has(kindOf(facets))) &&
        (from === null || columns.time[row]! >= from) &&
        (to === null || columns.time[row]! < to) &&
        (!repeats || isRepeat(facets)) &&
        (!outcomes || outcomes.has(outcomeOf(facets)))
      );
    },
    asksJudgement: Boolean(others || judged),
    unjudged: !others && (!outcomes || outcomes.has('unjudged')),
  };
}

export function outcomeOf(facets: number): Outcome {
  const verdict = verdictOf(facets);
  return verdict !== 'ranked' ? verdict : hasTie(facets) ? 'tie' : 'decided';
}

export interface Counted {
  readonly name: string;
  readonly count: number;
}

/** What there is to choose from, each with the number of items or judgements that have it; most frequent first. */
export interface DataFacets {
  readonly items: number;
  readonly judgements: number;
  readonly pairs: number;
  readonly sets: readonly Counted[];
  readonly models: readonly Counted[];
  readonly annotators: readonly (Counted & { readonly judge: boolean })[];
  readonly flags: readonly Counted[];
  readonly kinds: readonly (Counted & { readonly name: JudgementKind })[];
  readonly outcomes: readonly (Counted & { readonly name: Outcome })[];
  readonly guidelines: readonly Counted[];
  readonly splits: readonly Counted[];
  readonly repeats: number;
  /** Of the first and the last judgement, milliseconds; null where there is none. */
  readonly first: number | null;
  readonly last: number | null;
}

export function dataFacets(state: JournalState, splits: readonly Split[]): DataFacets {
  const { columns, names } = state.table;
  const { items, starts, judgements } = state.judgedRows;
  const count = (length: number) => new Float64Array(length);
  const [sets, models, whole] = [count(names.sets.length), count(names.models.length), new Map<string, number>()];
  const [who, flags, guidelines] = [
    count(names.annotators.length),
    count(names.flags.length),
    count(names.guidelines.length),
  ];
  const [kinds, outcomes] = [new Map<JudgementKind, number>(), new Map<Outcome, number>()];
  let [pairs, repeats, first, last] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  items.forEach((row, place) => {
    sets[columns.aboutLow[row]!]!++;
    models[columns.marks[row]!]!++;
    if (splits.length > 0) add(whole, splitAt(columns.says[row]!, splits).name);
    if (starts[place] === starts[place + 1]) add(outcomes, 'unjudged');
  });
  for (const row of judgements) {
    const facets = columns.facets[row]!;
    who[columns.who[row]!]!++;
    flags[columns.marks[row]!]!++;
    guidelines[columns.guidelines[row]!]!++;
    add(kinds, kindOf(facets));
    add(outcomes, outcomeOf(facets));
    pairs += columns.pairs[row]!;
    if (isRepeat(facets)) repeats++;
    const time = columns.time[row]!;
    if (time === 0) continue;
    if (time < first) first = time;
    if (time > last) last = time;
  }
  return {
    items: items.length,
    judgements: judgements.length,
    pairs,
    sets: byName(names.sets.map((name, i) => [[name], sets[i]!])),
    models: byName(names.models.map((list, i) => [list, models[i]!])),
    annotators: names.annotators
      .map(([author, judge], i) => ({
        name: annotatorOf({ author, judge }),
        count: who[i]!,
        judge: judge !== undefined,
      }))
      .filter(one => one.count > 0)
      .sort((a, b) => b.count - a.count),
    flags: byName(names.flags.map((list, i) => [list, flags[i]!])),
    kinds: counted(kinds),
    outcomes: counted(outcomes),
    guidelines: byName(names.guidelines.map((version, i) => [[version], guidelines[i]!])).filter(({ name }) => name),
    splits: splits.map(({ name }) => ({ name, count: whole.get(name) ?? 0 })),
    repeats,
    first: Number.isFinite(first) ? first : null,
    last: Number.isFinite(last) ? last : null,
  };
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const counted = <K extends string>(counts: ReadonlyMap<K, number>) =>
  [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);

function byName(lists: readonly (readonly [names: readonly string[], count: number])[]): Counted[] {
  const counts = new Map<string, number>();
  for (const [names, count] of lists) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + count);
  return counted(counts).filter(({ count }) => count > 0);
}
