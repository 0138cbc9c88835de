/** The items of a journal that pass a filter, in an order: found piece by piece, so that whoever waits can be told and can stop. */
import { sortedByTime } from '../hashTables.ts';
import type { JournalState } from '../journalState.ts';
import type { ItemRecord, JudgementRecord } from '../judgement.ts';
import { hasHighlights, hasNote } from '../recordFacets.ts';
import type { Split } from '../splits.ts';
import { type CompiledFilter, compileFilter, type DataFilter } from './dataFilter.ts';
import { disagree } from './disagreement.ts';

export const SortKeys = ['time', 'judgements', 'answers', 'set', 'split'] as const;
export interface DataSort {
  readonly by: (typeof SortKeys)[number];
  readonly descending: boolean;
}
export const newestFirst: DataSort = { by: 'time', descending: true };

/** Items between two pauses; fewer where each is read. */
const pieceItems = 4000;
const pieceRead = 250;

export class Selection {
  readonly state: JournalState;
  readonly filter: DataFilter;
  readonly sort: DataSort;
  /** Places in `state.judgedRows.items`, in order, as far as they were found. */
  readonly places: number[] = [];
  judgements = 0;
  /** Preference pairs that are derived from the judgements that pass. */
  pairs = 0;
  /** Of the items that have to be looked at, 0 to 1. */
  share = 0;
  readonly #changes: number;
  readonly #compiled: CompiledFilter;
  readonly #splits: readonly Split[];
  /** A selection whose items alone can pass this one. */
  readonly #within: Selection | undefined;

  constructor(
    state: JournalState,
    { filter, sort, splits }: { filter: DataFilter; sort: DataSort; splits: readonly Split[] },
    before?: Selection,
  ) {
    this.state = state;
    this.filter = filter;
    this.sort = sort;
    this.#splits = splits;
    this.#changes = state.changes;
    this.#compiled = compileFilter(state, filter, splits);
    this.#within = before && this.#narrows(before) ? before : undefined;
  }

  /** False when the journal has changed since: rows mean something else now. */
  isOf(state: JournalState): boolean {
    return this.state === state && this.#changes === state.changes;
  }

  get isDone(): boolean {
    return this.share === 1;
  }

  /** Finds the items; every step of the generator is a place to pause. Ends early when the journal changes. */
  *run(): Generator<void> {
    const { state, filter } = this;
    const order = this.#within ? this.#within.places : this.#inOrder();
    const text = filter.text.trim().toLowerCase();
    const wanted = filter.items === null ? undefined : new Set(filter.items);
    const reads = text !== '' || wanted !== undefined;
    const piece = reads ? pieceRead : pieceItems;
    const backwards = !this.#within && this.sort.descending;
    for (let i = 0; i < order.length; i++) {
      if (i % piece === piece - 1) {
        this.share = i / order.length;
        yield;
        if (!this.isOf(state)) return;
      }
      const place = order[backwards ? order.length - 1 - i : i]!;
      const rows = this.matching(place);
      if (!rows || (filter.disagreement && !disagree(state, place, rows))) continue;
      if (reads) {
        const item = state.record(state.judgedRows.items[place]!);
        if (item?.type !== 'item' || (wanted && !wanted.has(item.id))) continue;
        if (text !== '' && !this.#says(item, rows, text)) continue;
      }
      this.places.push(place);
      this.judgements += rows.length;
      for (const row of rows) this.pairs += state.table.columns.pairs[row]!;
    }
    this.share = 1;
  }

  /** Rows of the judgements of an item that pass; undefined where the item does not. */
  matching(place: number): number[] | undefined {
    const { items, starts, judgements } = this.state.judgedRows;
    const { item, judgement, asksJudgement, unjudged } = this.#compiled;
    if (!item(items[place]!)) return undefined;
    const [start, end] = [starts[place]!, starts[place + 1]!];
    if (start === end) return unjudged ? [] : undefined;
    const rows: number[] = [];
    for (let i = start; i < end; i++) if (judgement(judgements[i]!)) rows.push(judgements[i]!);
    return rows.length === 0 && (asksJudgement || this.filter.outcomes.length > 0) ? undefined : rows;
  }

  #says(item: ItemRecord, rows: readonly number[], text: string): boolean {
    const has = (other: string | undefined): boolean => other?.toLowerCase().includes(text) === true;
    if (item.id.toLowerCase() === text) return true;
    if (item.messages.some(({ content }) => has(content)) || item.answers.some(answer => has(answer.text))) return true;
    const { facets } = this.state.table.columns;
    return rows.some(row => {
      if (!hasNote(facets[row]!) && !hasHighlights(facets[row]!)) return false;
      const record = this.state.record(row) as JudgementRecord | undefined;
      return has(record?.note) || record?.highlights?.some(({ comment }) => has(comment)) === true;
    });
  }

  /** Everything else is the same, and what holds the longer text holds the shorter. */
  #narrows(before: Selection): boolean {
    const { text: _, ...own } = this.filter;
    const { text: __, ...other } = before.filter;
    return (
      before.isOf(this.state) &&
      before.isDone &&
      this.filter.text.trim().toLowerCase().includes(before.filter.text.trim().toLowerCase()) &&
      JSON.stringify([own, this.sort, this.#splits]) === JSON.stringify([other, before.sort, before.#splits])
    );
  }

  /** All items by the key, lowest first. */
  #inOrder(): Uint32Array {
    const { items, starts, judgements } = this.state.judgedRows;
    const { columns, names } = this.state.table;
    const places = Uint32Array.from(items, (_, place) => place);
    const ranks = namesInOrder(names.sets);
    const keys = Float64Array.from(items, (row, place) => {
      const [start, end] = [starts[place]!, starts[place + 1]!];
      switch (this.sort.by) {
        case 'time': {
          let last = start === end ? columns.time[row]! : 0;
          for (let i = start; i < end; i++) last = Math.max(last, columns.time[judgements[i]!]!);
          return last;
        }
        case 'judgements':
          return end - start;
        case 'answers':
          return columns.facets[row]!;
        case 'set':
          return ranks[columns.aboutLow[row]!]!;
        case 'split':
          return columns.says[row]!;
      }
    });
    return sortedByTime(places, keys, (a, b) => a < b);
  }
}

function namesInOrder(names: readonly string[]): number[] {
  const ranks: number[] = [];
  for (const [rank, [, number]] of names
    .map((name, i) => [name, i] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .entries())
    ranks[number] = rank;
  return ranks;
}
