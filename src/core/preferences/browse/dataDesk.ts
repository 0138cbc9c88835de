/**
 * What one data view looks at: a filter, an order, and the items found so far. It holds no records; it looks at a journal's
 * state, and starts anew when that has changed.
 */
import type { JournalState } from '../journalState.ts';
import { parseSplits, type Split } from '../splits.ts';
import { type DataFacets, type DataFilter, dataFacets, everything } from './dataFilter.ts';
import { type DataRow, dataRow } from './dataRows.ts';
import { type DataSort, newestFirst, Selection } from './selection.ts';

/** Called between pieces of work; a promise is waited for. */
export type Pause = () => Promise<void> | undefined;

export interface DeskState {
  version: number;
  facets: DataFacets;
  filter: DataFilter;
  sort: DataSort;
  splits: string;
  found: { items: number; judgements: number; pairs: number };
  share: number;
}

export class DataDesk {
  filter: DataFilter = everything;
  sort: DataSort = newestFirst;
  #splits: readonly Split[] = [];
  #splitsText = '';
  #version = 0;
  #selection: Selection | undefined;
  #facets: { readonly state: JournalState; readonly changes: number; readonly value: DataFacets } | undefined;

  get splits(): readonly Split[] {
    return this.#splits;
  }

  /** Throws a HumanError for what is no list of splits. */
  setSplits(text: string): void {
    const splits = text.trim() === '' ? [] : parseSplits(text);
    this.#splits = splits;
    this.#splitsText = text.trim();
    const names = new Set(splits.map(({ name }) => name));
    this.filter = { ...this.filter, splits: this.filter.splits.filter(name => names.has(name)) };
    this.#selection = undefined;
    this.#facets = undefined;
  }

  show(filter: DataFilter, sort: DataSort): void {
    this.filter = filter;
    this.sort = sort;
  }

  /**
   * Finds the items of the journal as it is now. Resolves when all are found, or when somebody asked for something else
   * meanwhile. `onFound` is told after each piece.
   */
  async find(state: () => JournalState, pause: Pause, onFound: () => void): Promise<void> {
    for (;;) {
      const { filter, sort } = this;
      const now = state();
      const selection = new Selection(now, { filter, sort, splits: this.#splits }, this.#selection);
      this.#selection = selection;
      this.#version++;
      const run = selection.run();
      while (!run.next().done) {
        onFound();
        const waiting = pause();
        if (waiting) await waiting;
        if (this.#selection !== selection) return;
      }
      // The journal changed in the middle.
      if (!selection.isDone && !selection.isOf(state())) continue;
      onFound();
      return;
    }
  }

  /** False when the journal or what is asked for has changed since the last `find`. */
  isCurrent(state: JournalState): boolean {
    const selection = this.#selection;
    return selection?.isOf(state) === true && selection.filter === this.filter && selection.sort === this.sort;
  }

  state(): DeskState {
    const selection = this.#selection;
    if (!selection) throw new Error('nothing was looked for');
    return {
      version: this.#version,
      facets: this.#countFacets(selection.state),
      filter: this.filter,
      sort: this.sort,
      splits: this.#splitsText,
      found: { items: selection.places.length, judgements: selection.judgements, pairs: selection.pairs },
      share: selection.share,
    };
  }

  /** Items found so far. */
  get found(): number {
    return this.#selection?.places.length ?? 0;
  }

  /** Lines of the items found, from a place on. An item whose record is gone by now has none. */
  rows(state: JournalState, from: number, count: number): { version: number; rows: DataRow[] } {
    const selection = this.#selection;
    if (!selection?.isOf(state)) return { version: this.#version, rows: [] };
    const rows = selection.places
      .slice(from, from + count)
      .flatMap(place => dataRow(state, place, selection.matching(place) ?? [], this.#splits) ?? goneRow);
    return { version: this.#version, rows };
  }

  #countFacets(state: JournalState): DataFacets {
    const { changes } = state;
    if (this.#facets?.state !== state || this.#facets.changes !== changes)
      this.#facets = { state, changes, value: dataFacets(state, this.#splits) };
    return this.#facets.value;
  }
}

/** In the place of an item whose file went away a moment ago. */
const goneRow: DataRow = {
  id: '',
  set: '',
  prompt: '',
  answers: 0,
  said: [],
  judgements: 0,
  agreed: null,
  annotators: [],
  flags: [],
  note: null,
  models: [],
  split: null,
  guidelines: [],
  time: 0,
};
