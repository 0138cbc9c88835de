/** All answers of a playground, held by the host: the page is given those of the rows that it shows, and what changes in them. */
import type { Disposable } from '../../base/disposable.ts';
import type { Board, Cell, CellKey, Filter, Marks } from '../../protocol/playground.ts';
import { keyOf } from './playgroundRun.ts';

type Delta = CellKey & { text: string; latencyMs: number; tokens: number };

export interface BoardPage {
  cells(message: { cells: Cell[]; append: Delta[]; clear: boolean }): void;
  board(board: Board): void;
}

export interface BoardTimes {
  /** Milliseconds between two messages about streaming answers. */
  readonly frame: number;
  /** Milliseconds between two messages about the whole, which walk over all cells. */
  readonly summary: number;
}

/** New rows that count as shown before the page has asked for them. */
const presumed = 40;

export class CellBoard implements Disposable {
  readonly #page: BoardPage;
  readonly #times: BoardTimes;
  /** Called with the summary: scores of columns change then. */
  readonly #onSummary: () => void;
  readonly #rows = new Map<number, Map<string, Cell>>();
  #size = 0;
  #shown = new Set<number>();
  #filter: Filter = 'all';
  /** Rows that pass the filter, as of when it was chosen or a run ended: what streams moves no row. */
  #filtered: ReadonlySet<number> | undefined;
  #changed = new Map<string, Cell>();
  #appended = new Map<string, Delta>();
  #frame: NodeJS.Timeout | undefined;
  #summary: NodeJS.Timeout | undefined;

  constructor(page: BoardPage, onSummary: () => void, times: BoardTimes = { frame: 33, summary: 250 }) {
    this.#page = page;
    this.#onSummary = onSummary;
    this.#times = times;
  }

  get(key: CellKey): Cell | undefined {
    return this.#rows.get(key.row)?.get(keyOf(key));
  }

  get size(): number {
    return this.#size;
  }

  *all(): Iterable<Cell> {
    for (const cells of this.#rows.values()) yield* cells.values();
  }

  ofRow(row: number): Cell[] {
    return [...(this.#rows.get(row)?.values() ?? [])];
  }

  rowNumbers(): number[] {
    return [...this.#rows.keys()].sort((a, b) => a - b);
  }

  /** Takes cells in place of those with the same keys; the page hears of those that it shows. */
  put(cells: readonly Cell[]): void {
    let grown = false;
    for (const cell of cells) {
      const key = keyOf(cell);
      const before = this.get(cell);
      // What the user said of an answer stays with its place.
      const now = before?.marks && cell.marks === null ? { ...cell, marks: before.marks } : cell;
      if (!before) this.#size++;
      let row = this.#rows.get(cell.row);
      if (!row) {
        row = new Map();
        this.#rows.set(cell.row, row);
        grown = true;
        // It will be asked for: what streams until then is not to be missed.
        if (this.#shown.size < presumed) this.#shown.add(cell.row);
      }
      row.set(key, now);
      if (!this.#shown.has(cell.row)) continue;
      this.#changed.set(key, now);
      this.#appended.delete(key);
    }
    // The page asks for rows that it knows of: new ones are named at once, so that their answers are seen to grow.
    if (grown) this.#summarize();
    this.#soon();
  }

  append(delta: Delta): void {
    const cell = this.get(delta);
    if (!cell) return;
    const key = keyOf(delta);
    const { text, latencyMs, tokens } = delta;
    const now = { ...cell, status: 'running' as const, text: cell.text + text, latencyMs, tokens };
    this.#rows.get(delta.row)!.set(key, now);
    if (!this.#shown.has(delta.row)) return;
    if (this.#changed.has(key)) this.#changed.set(key, now);
    else this.#appended.set(key, { ...delta, text: (this.#appended.get(key)?.text ?? '') + text });
    this.#frame ??= setTimeout(() => this.flush(), this.#times.frame);
  }

  mark(key: CellKey, marks: Marks): Cell | undefined {
    const cell = this.get(key);
    if (!cell) return undefined;
    const empty = !marks.starred && !marks.pinned && marks.note === '';
    const now = { ...cell, marks: empty ? null : marks };
    this.#rows.get(key.row)!.set(keyOf(key), now);
    if (this.#shown.has(key.row)) this.#changed.set(keyOf(key), now);
    this.flush();
    this.#page.board(this.board());
    return now;
  }

  /** Removes cells, and says so at once: the page asks for its rows again. */
  remove(gone: (cell: Cell) => boolean): void {
    for (const [row, cells] of this.#rows) {
      for (const [key, cell] of cells) {
        if (!gone(cell)) continue;
        cells.delete(key);
        this.#size--;
      }
      if (cells.size === 0) this.#rows.delete(row);
    }
    this.restart();
  }

  /** The page begins anew: what waits for it is in the cells already. */
  restart(): void {
    this.#changed.clear();
    this.#appended.clear();
    this.#page.cells({ cells: [], append: [], clear: true });
  }

  /** Cells of these rows, which are the shown ones from now on. */
  window(rows: readonly number[]): Cell[] {
    this.#shown = new Set(rows);
    for (const waiting of [this.#changed, this.#appended]) waiting.clear();
    return rows.flatMap(row => this.ofRow(row));
  }

  filter(filter: Filter): void {
    this.#filter = filter;
    this.settle();
  }

  /** Nothing runs any more: the filter looks at the answers again, and all that waits is sent. */
  settle(): void {
    this.#filtered = this.#filter === 'all' ? undefined : new Set(this.rowNumbers().filter(row => this.#passes(row)));
    this.flush();
    this.#summarize();
  }

  board(): Board {
    let rankable = 0;
    const pinned: number[] = [];
    const others: number[] = [];
    for (const row of this.rowNumbers()) {
      let done = 0;
      let isPinned = false;
      for (const { status, marks } of this.#rows.get(row)!.values()) {
        if (status === 'done') done++;
        isPinned ||= marks?.pinned === true;
      }
      if (done > 1) rankable++;
      if (isPinned) pinned.push(row);
      else if (!this.#filtered || this.#filtered.has(row)) others.push(row);
    }
    return { filter: this.#filter, rows: [...pinned, ...others], cells: this.#size, rankable };
  }

  /** Sends what waits. */
  flush(): void {
    clearTimeout(this.#frame);
    this.#frame = undefined;
    if (this.#changed.size === 0 && this.#appended.size === 0) return;
    this.#page.cells({ cells: [...this.#changed.values()], append: [...this.#appended.values()], clear: false });
    this.#changed.clear();
    this.#appended.clear();
  }

  dispose(): void {
    clearTimeout(this.#frame);
    clearTimeout(this.#summary);
  }

  #passes(row: number): boolean {
    return this.ofRow(row).some(({ status, right, marks }) =>
      this.#filter === 'starred'
        ? marks?.starred === true
        : this.#filter === 'failed'
          ? status === 'failed'
          : right === false,
    );
  }

  #soon(): void {
    this.#frame ??= setTimeout(() => this.flush(), this.#times.frame);
    this.#summary ??= setTimeout(() => this.#summarize(), this.#times.summary);
  }

  #summarize(): void {
    clearTimeout(this.#summary);
    this.#summary = undefined;
    this.#page.board(this.board());
    this.#onSummary();
  }
}
