/**
 * All answers of a playground, held by the host: the page is given those of the rows that it shows, and what changes in them. Texts
 * that lie on the disk are in memory only while they are shown.
 */
import type { Disposable } from '../../base/disposable.ts';
import { GrowingText } from '../../base/growingText.ts';
import type { Board, Cell, CellKey, Filter, Marks } from '../../protocol/playgroundCells.ts';
import { keyOf } from './playgroundRun.ts';

type Delta = CellKey & { text: string; latencyMs: number; tokens: number };

export interface BoardPage {
  cells(message: { cells: Cell[]; append: Delta[]; clear: boolean }): void;
  board(board: Board): void;
}

export interface BoardTimes {
  /** Milliseconds between two messages about streaming answers. */
  readonly frame: number;
  /** Milliseconds between two messages about the whole, which walk over all cells; of many cells more. */
  readonly summary: number;
}

/** The part of a cell that takes room. */
export type CellTexts = Pick<Cell, 'text' | 'answer' | 'votes' | 'stages'>;

/** Where texts of cells can be read again. */
export interface TextSource {
  /** Of those that can be read. Never rejects. */
  texts(keys: readonly string[]): Promise<ReadonlyMap<string, CellTexts>>;
}

interface Entry {
  /** Its text ends where `grown` begins. */
  cell: Cell;
  /** What streamed in since the cell was last looked at. */
  grown?: GrowingText;
  /** Where its text lies; undefined while it is only here. */
  source: TextSource | undefined;
  /** Its text is not here. */
  light: boolean;
}

const withoutTexts: CellTexts = { text: '', answer: null, votes: [], stages: [] };

/** Cells that change at once and still change smoothly. */
const Crowd = 8;
/** Cells that a summary may walk over for each millisecond between two. */
const CellsWalked = 20;
/** New rows that count as shown before the page has asked for them. */
const presumed = 40;

export class CellBoard implements Disposable {
  readonly #page: BoardPage;
  readonly #times: BoardTimes;
  /** Called with the summary: scores of columns change then. */
  readonly #onSummary: () => void;
  readonly #rows = new Map<number, Map<string, Entry>>();
  #size = 0;
  #shown = new Set<number>();
  #filter: Filter = 'all';
  /** Rows that pass the filter, as of when it was chosen or a run ended: what streams moves no row. */
  #filtered: ReadonlySet<number> | undefined;
  #changed = new Map<string, Cell>();
  #appended = new Map<string, Delta>();
  #frame: NodeJS.Timeout | undefined;
  /** Cells that the last message was about. */
  #busy = 0;
  #summary: NodeJS.Timeout | undefined;

  constructor(page: BoardPage, onSummary: () => void, times: BoardTimes = { frame: 33, summary: 250 }) {
    this.#page = page;
    this.#onSummary = onSummary;
    this.#times = times;
  }

  /** Without its text where that is not shown: `full` reads it. */
  get(key: CellKey): Cell | undefined {
    return cellOf(this.#entry(key));
  }

  get size(): number {
    return this.#size;
  }

  *all(): Iterable<Cell> {
    for (const entry of this.#entries()) yield cellOf(entry);
  }

  ofRow(row: number): Cell[] {
    return [...(this.#rows.get(row)?.values() ?? [])].map(entry => cellOf(entry));
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
      if (this.#set(now, undefined, false)) {
        grown = true;
        // It will be asked for: what streams until then is not to be missed.
        if (this.#shown.size < presumed) this.#shown.add(cell.row);
      }
      if (!this.#shown.has(cell.row)) continue;
      this.#changed.set(key, now);
      this.#appended.delete(key);
    }
    // The page asks for rows that it knows of: new ones are named at once, so that their answers are seen to grow.
    if (grown) this.#summarize();
    this.#soon();
  }

  /** Takes cells whose texts lie in `source`, in place of those with the same keys. */
  putKept(cells: Iterable<Cell>, source: TextSource): void {
    for (const cell of cells) this.#set({ ...cell, ...withoutTexts }, source, true);
    this.restart();
    this.#summarize();
  }

  /** The text of this cell can be read there from now on. */
  kept(cell: Cell, source: TextSource): void {
    const entry = this.#entry(cell);
    if (!entry || entry.cell.status !== cell.status || entry.cell.text !== cell.text) return;
    entry.source = source;
    if (!this.#shown.has(cell.row)) lighten(entry);
  }

  sourceOf(key: CellKey): TextSource | undefined {
    return this.#entry(key)?.source;
  }

  /** A cell of an earlier run that belongs to `source` now, as it is. */
  taken(key: CellKey, source: TextSource): void {
    const entry = this.#entry(key);
    if (!entry) return;
    const { earlier: _, ...cell } = entry.cell;
    Object.assign(entry, { cell, source });
    if (this.#shown.has(key.row)) this.#changed.set(keyOf(key), cell);
    this.#soon();
  }

  /** What is there was made by earlier runs from now on. */
  setEarlier(): void {
    for (const entry of this.#entries()) if (!entry.cell.earlier) entry.cell = { ...entry.cell, earlier: true };
    this.restart();
  }

  /** Cells with their texts, those that are still there. */
  async full(keys: readonly CellKey[]): Promise<Cell[]> {
    const found = keys.flatMap(key => this.#entry(key) ?? []);
    const texts = await textsOf(found);
    return found.map(entry => (entry.light ? { ...entry.cell, ...texts.get(keyOf(entry.cell)) } : cellOf(entry)));
  }

  append(delta: Delta): void {
    const entry = this.#entry(delta);
    if (!entry) return;
    const key = keyOf(delta);
    const { text, latencyMs, tokens } = delta;
    entry.cell = { ...entry.cell, status: 'running', latencyMs, tokens };
    entry.grown ??= new GrowingText();
    entry.grown.add(text);
    if (!this.#shown.has(delta.row)) return;
    if (this.#changed.has(key)) this.#changed.set(key, cellOf(entry));
    else this.#appended.set(key, { ...delta, text: (this.#appended.get(key)?.text ?? '') + text });
    this.#frame ??= setTimeout(() => this.flush(), this.#frameTime());
  }

  mark(key: CellKey, marks: Marks): Cell | undefined {
    const entry = this.#entry(key);
    if (!entry) return undefined;
    const empty = !marks.starred && !marks.pinned && marks.note === '';
    const now = { ...cellOf(entry), marks: empty ? null : marks };
    entry.cell = now;
    if (this.#shown.has(key.row)) this.#changed.set(keyOf(key), now);
    this.flush();
    this.#page.board(this.board());
    return now;
  }

  /** Removes cells, and says so at once: the page asks for its rows again. */
  remove(gone: (cell: Cell) => boolean): void {
    for (const [row, cells] of this.#rows) {
      for (const [key, { cell }] of cells) {
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
  async window(rows: readonly number[]): Promise<Cell[]> {
    const before = this.#shown;
    const shown = new Set(rows);
    this.#shown = shown;
    for (const row of before)
      if (!shown.has(row)) for (const entry of this.#rows.get(row)?.values() ?? []) lighten(entry);
    for (const waiting of [this.#changed, this.#appended]) waiting.clear();
    const entries = (): Entry[] => rows.flatMap(row => [...(this.#rows.get(row)?.values() ?? [])]);
    const light = entries().filter(entry => entry.light);
    if (light.length > 0) {
      const texts = await textsOf(light);
      for (const entry of light) {
        const text = entry.light && this.#shown.has(entry.cell.row) ? texts.get(keyOf(entry.cell)) : undefined;
        if (!text) continue;
        entry.cell = { ...entry.cell, ...text };
        entry.light = false;
      }
      // What came while the disk was read is in the cells now.
      for (const { cell } of entries())
        for (const waiting of [this.#changed, this.#appended]) waiting.delete(keyOf(cell));
    }
    return entries().map(entry => cellOf(entry));
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
      for (const { cell } of this.#rows.get(row)!.values()) {
        const { status, marks } = cell;
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
    this.#busy = this.#changed.size + this.#appended.size;
    this.#page.cells({ cells: [...this.#changed.values()], append: [...this.#appended.values()], clear: false });
    this.#changed.clear();
    this.#appended.clear();
  }

  dispose(): void {
    clearTimeout(this.#frame);
    clearTimeout(this.#summary);
  }

  *#entries(): Iterable<Entry> {
    for (const cells of this.#rows.values()) yield* cells.values();
  }

  #entry(key: CellKey): Entry | undefined {
    return this.#rows.get(key.row)?.get(keyOf(key));
  }

  /** Whether its row is new. */
  #set(cell: Cell, source: TextSource | undefined, light: boolean): boolean {
    const key = keyOf(cell);
    const row = this.#rows.get(cell.row);
    if (!row) {
      this.#rows.set(cell.row, new Map([[key, { cell, source, light }]]));
      this.#size++;
      return true;
    }
    const entry = row.get(key);
    if (entry) Object.assign(entry, { cell, source, light, grown: undefined });
    else {
      row.set(key, { cell, source, light });
      this.#size++;
    }
    return false;
  }

  /** Nobody reads a dozen answers as they grow: many at once change some times a second, and leave the processor to the run. */
  #frameTime(): number {
    return this.#times.frame * (this.#busy > Crowd ? 4 : 1);
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
    this.#frame ??= setTimeout(() => this.flush(), this.#frameTime());
    const delay = Math.max(this.#times.summary, this.#size / CellsWalked);
    this.#summary ??= setTimeout(() => this.#summarize(), delay);
  }

  #summarize(): void {
    clearTimeout(this.#summary);
    this.#summary = undefined;
    this.#page.board(this.board());
    this.#onSummary();
  }
}

/** A cell with all that streamed in so far. */
function cellOf(entry: Entry): Cell;
function cellOf(entry: Entry | undefined): Cell | undefined;
function cellOf(entry: Entry | undefined): Cell | undefined {
  if (entry?.grown) {
    entry.cell = { ...entry.cell, text: `${entry.cell.text}${entry.grown}` };
    entry.grown = undefined;
  }
  return entry?.cell;
}

/** Lets go of a text that can be read again. */
function lighten(entry: Entry): void {
  if (entry.light || !entry.source) return;
  entry.cell = { ...entry.cell, ...withoutTexts };
  entry.light = true;
}

/** Texts of the light ones among them, by key. */
async function textsOf(entries: readonly Entry[]): Promise<ReadonlyMap<string, CellTexts>> {
  const bySource = new Map<TextSource, string[]>();
  for (const { cell, source, light } of entries) {
    if (!light || !source) continue;
    const keys = bySource.get(source);
    if (keys) keys.push(keyOf(cell));
    else bySource.set(source, [keyOf(cell)]);
  }
  const texts = new Map<string, CellTexts>();
  for (const [source, keys] of bySource) for (const [key, text] of await source.texts(keys)) texts.set(key, text);
  return texts;
}
