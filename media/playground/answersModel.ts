/** What the page knows of the answers: the cells of the rows in view, asked of the host as the view moves, their marks, and what can be done with one. */
import type * as v from 'valibot';
import { l10n } from '../../src/base/l10n.ts';
import type { playgroundContract } from '../../src/protocol/playground.ts';
import type { Cell, CellKey, Filter, Marks, RowInput } from '../../src/protocol/playgroundCells.ts';
import type { PagePort } from './pagePort.ts';

export const cellKey = (cell: { column: string; row: number; repeat: number }): string =>
  `${cell.column}|${cell.row}|${cell.repeat}`;

/** Only what names the cell: messages take no more. */
export const keyOf = ({ column, row, repeat }: CellKey): CellKey => ({ column, row, repeat });

type CellsChange = v.InferOutput<typeof playgroundContract.toWebview.cells.params>;

export class AnswersModel {
  readonly #page: PagePort;
  /** Of the rows in view, and no others. */
  readonly cells = new Map<string, Cell>();
  readonly inputs = new Map<number, RowInput>();
  /** Up to two answers that a diff will show. */
  marked: CellKey[] = [];
  /** Goes up when a cell of the row changes. */
  readonly rowVersions = new Map<number, number>();
  /** How many marks of a cell the host has not answered yet. */
  readonly #marking = new Map<string, number>();
  #window: readonly number[] = [];
  #asking = false;
  #asked: string | undefined;

  constructor(page: PagePort) {
    this.#page = page;
  }

  /** Takes in what the host tells of cells. */
  change({ cells, append, clear }: CellsChange): void {
    if (clear) this.forget();
    for (const cell of cells) this.#take(cell);
    for (const { text, latencyMs, tokens, ...key } of append) {
      const cell = this.cells.get(cellKey(key));
      if (cell) this.#setCell({ ...cell, text: cell.text + text, latencyMs, tokens, status: 'running' });
    }
    this.#page.changed('cells');
  }

  /** The matrix shows these rows now. One question at a time is under way, and the last one counts. */
  show(rows: readonly number[]): void {
    this.#window = rows;
    if (!this.#asking) void this.#askWindow();
  }

  async #askWindow(): Promise<void> {
    this.#asking = true;
    try {
      for (;;) {
        const rows = this.#window;
        const name = rows.join();
        if (name === this.#asked) return;
        this.#asked = name;
        const answer = await this.#page.host.window({ rows: [...rows] });
        const shown = new Set(rows);
        for (const [key, cell] of this.cells) if (!shown.has(cell.row)) this.cells.delete(key);
        for (const row of this.rowVersions.keys()) if (!shown.has(row)) this.rowVersions.delete(row);
        for (const row of this.inputs.keys()) if (!shown.has(row)) this.inputs.delete(row);
        for (const input of answer.inputs) this.inputs.set(input.row, input);
        for (const cell of answer.cells) this.#take(cell);
        for (const row of rows) if (!this.rowVersions.has(row)) this.#touch(row);
        this.#page.changed('cells');
      }
    } catch (error) {
      this.#asked = undefined;
      this.#page.report(error instanceof Error ? error.message : String(error));
    } finally {
      this.#asking = false;
    }
  }

  /** Asks the model for this answer anew. */
  retry(cell: CellKey): void {
    if (!this.#page.readOnly) void this.#page.ask(this.#page.host.retry(keyOf(cell)));
  }

  filter(filter: Filter): void {
    void this.#page.ask(this.#page.host.filter({ filter }));
  }

  mark(cell: Cell, patch: Partial<Marks>): void {
    if (this.#page.readOnly) return;
    // Keys come faster than the host answers: each mark is there for the next one.
    const now = this.cells.get(cellKey(cell)) ?? cell;
    const marks = { ...(now.marks ?? { starred: false, pinned: false, note: '' }), ...patch };
    this.#setCell({ ...now, marks });
    this.#page.changed('cells');
    const key = cellKey(cell);
    this.#marking.set(key, (this.#marking.get(key) ?? 0) + 1);
    void this.#page.ask(this.#page.host.mark({ cell: keyOf(cell), marks })).then(() => {
      const left = this.#marking.get(key)! - 1;
      if (left > 0) this.#marking.set(key, left);
      else this.#marking.delete(key);
    });
  }

  /** Marks a cell for the diff, or takes the mark away; of three the first goes. */
  toggleMarked(cell: CellKey): void {
    const key = cellKey(cell);
    const without = this.marked.filter(other => cellKey(other) !== key);
    this.marked = without.length < this.marked.length ? without : [...this.marked, keyOf(cell)].slice(-2);
    for (const { row } of [cell, ...this.marked, ...without]) this.#touch(row);
    this.#page.changed('cells');
  }

  isMarked(cell: CellKey): boolean {
    return this.marked.some(other => cellKey(other) === cellKey(cell));
  }

  /** Of two marked answers; of one marked and this one; of this one and the same row's in the first column. */
  diff(cell: CellKey | undefined): void {
    const others = this.marked.filter(other => !cell || cellKey(other) !== cellKey(cell));
    const first = this.#page.columns[0];
    const pair =
      this.marked.length === 2
        ? this.marked
        : cell && others.length > 0
          ? [others[0]!, cell]
          : cell && first && first.id !== cell.column
            ? [{ ...cell, column: first.id }, cell]
            : undefined;
    if (!pair) {
      this.#page.report(l10n.t('Mark two answers with Space, then press d.'));
      return;
    }
    void this.#page.ask(this.#page.host.diff({ left: keyOf(pair[0]!), right: keyOf(pair[1]!) }));
  }

  /** Puts an answer into the example bank; the editor asks what it has to. */
  capture(cell: Cell): void {
    if (cell.status === 'done') void this.#page.ask(this.#page.host.capture(keyOf(cell)));
  }

  /** All cells are others now: those in view are asked for again. */
  forget(): void {
    for (const row of this.rowVersions.keys()) this.#touch(row);
    this.cells.clear();
    this.#asked = undefined;
    if (this.#window.length > 0 && !this.#asking) void this.#askWindow();
  }

  samples(column: string, row: number): Cell[] {
    const found: Cell[] = [];
    for (let repeat = 0; ; repeat++) {
      const cell = this.cells.get(cellKey({ column, row, repeat }));
      if (!cell) return found;
      found.push(cell);
    }
  }

  /** A cell as the host tells it, which may not know the newest marks yet. */
  #take(cell: Cell): void {
    const key = cellKey(cell);
    const own = this.#marking.has(key) ? this.cells.get(key) : undefined;
    this.#setCell(own ? { ...cell, marks: own.marks } : cell);
  }

  #setCell(cell: Cell): void {
    this.cells.set(cellKey(cell), cell);
    this.#touch(cell.row);
  }

  #touch(row: number): void {
    this.rowVersions.set(row, (this.rowVersions.get(row) ?? 0) + 1);
  }
}
