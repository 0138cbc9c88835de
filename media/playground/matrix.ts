/** The grid of answers: only rows and columns in view are drawn, so that tens of thousands of cells scroll as few do. */
import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type Range,
  Virtualizer,
} from '@tanstack/virtual-core';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { l10n } from '../../src/base/l10n.ts';
import type { Cell } from '../../src/protocol/playgroundCells.ts';
import { columnHead, cornerHead } from './columnHead.ts';
import { editNote } from './marks.ts';
import type { MatrixRow } from './matrixRow.ts';
import './matrixRow.ts';
import type { Store } from './store.ts';

const QuestionWidth = 208;
const CellWidth = 200;
const NarrowCellWidth = 150;
/** Below this the question is a band over its row. */
const Narrow = 640;
/** Height of a row that was never drawn: most answers are as long as a cell shows. */
const RowHeight = 190;
/** Rows drawn beyond the view on either side. */
const Overscan = 2;
/** Lines of an answer that a cell shows, as `.clamped` says, and pixels of the narrowest letter that texts are full of. */
const CellLines = 8;
const NarrowLetter = 3;
/** Rows beyond the view whose answers the page has ready. */
const Ahead = 12;

export class Matrix extends LitElement {
  declare store: Store;
  #stop: (() => void) | undefined;
  #unmount: (() => void) | undefined;
  #rows: Virtualizer<HTMLElement, HTMLElement> | undefined;
  #width = 0;
  #left = 0;
  /** Where the keyboard is: an index in the list of rows, and a column or −1 for the question. */
  #at = { line: 0, column: -1 };
  #frame = 0;
  #resize: ResizeObserver | undefined;
  /** Rows whose height is known and observed. */
  #measured = new WeakSet<MatrixRow>();

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.store.on(['template', 'setup', 'columns', 'cells'], () => this.#soon());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
    this.#unmount?.();
    this.#resize?.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  protected override firstUpdated(): void {
    const scroller = this.#scroller;
    this.#width = scroller.clientWidth;
    this.#rows = new Virtualizer<HTMLElement, HTMLElement>(this.#options());
    this.#unmount = this.#rows._didMount();
    this.#rows._willUpdate();
    this.#resize = new ResizeObserver(() => {
      if (scroller.clientWidth === this.#width) return;
      this.#width = scroller.clientWidth;
      this.#measured = new WeakSet();
      this.#rows?.measure();
      this.#soon();
    });
    this.#resize.observe(scroller);
    this.requestUpdate();
  }

  /** Puts the focus into the grid, where it was or as near to it as there are answers. */
  enter(): void {
    const { rows, columns } = this.store;
    const { line, column } = this.#at;
    this.#go(Math.min(line, rows.length - 1), Math.max(0, Math.min(column, columns.length - 1)));
  }

  protected override updated(): void {
    const virtualizer = this.#rows;
    if (!virtualizer) return;
    const drawn = [...this.querySelectorAll<MatrixRow>('tunesmith-matrix-row')];
    // A row is empty until it has drawn itself, and an empty one must not be measured. Later changes of its height are
    // observed: to ask for it after each change would make the browser lay out the page twice.
    const fresh = drawn.filter(row => !this.#measured.has(row));
    void Promise.all(fresh.map(row => row.updateComplete)).then(() => {
      for (const row of fresh) {
        if (!row.isConnected) continue;
        this.#measured.add(row);
        virtualizer.measureElement(row);
      }
    });
    const { rows } = this.store;
    const range = virtualizer.range;
    if (!range || rows.length === 0) return;
    const from = Math.max(0, Math.floor((range.startIndex - Ahead) / 4) * 4);
    const to = Math.min(rows.length, Math.ceil((range.endIndex + 1 + Ahead) / 4) * 4);
    this.store.answers.show(rows.slice(from, to));
  }

  override render(): TemplateResult {
    const { store } = this;
    const { columns, rows } = store;
    const template = store.state?.template;
    if (!template) return html``;
    this.#rows?.setOptions(this.#options());
    const { narrow, cell, question } = this.#layout();
    const [first, last] = this.#columnRange();
    const shown = columns.slice(first, last).map((column, i) => ({ column, index: first + i }));
    const items = this.#rows?.getVirtualItems() ?? [];
    const height = this.#rows?.getTotalSize() ?? 0;
    const width = question + columns.length * cell;
    const grid = `grid-template-columns:${narrow ? '' : `${question}px `}repeat(${columns.length}, ${cell}px);width:${width}px`;
    const offset = narrow ? 1 : 2;
    return html`<div class="matrix ${narrow ? 'narrow' : ''}" role="grid" aria-label=${l10n.t('Answers')} aria-rowcount=${rows.length + 1}
      aria-colcount=${columns.length + 1} aria-multiselectable="true" style="--band:${this.#width}px"
      @scroll=${() => this.#scrolled()} @keydown=${(event: KeyboardEvent) => this.#key(event)} @focusin=${(event: FocusEvent) => this.#focused(event)}>
      <div class="matrix-head" role="row" aria-rowindex="1" style=${grid}>
        ${cornerHead(store)} ${shown.map(({ column, index }) => columnHead(store, column, index, index + offset))}
      </div>
      <div class="matrix-body" role="rowgroup" style="height:${height}px;width:${width}px">
        ${repeat(
          items,
          item => item.key,
          item => {
            const row = rows[item.index];
            if (row === undefined) return nothing;
            return html`<tunesmith-matrix-row role="row" data-index=${item.index} aria-rowindex=${item.index + 2} aria-selected=${row === store.setup.row}
              style="${grid};top:${item.start}px${store.answers.inputs.has(row) ? '' : `;min-height:${RowHeight}px`}" .store=${store} .row=${row} .version=${store.answers.rowVersions.get(row) ?? 0}
              .letters=${Math.ceil((CellLines * cell) / NarrowLetter)} .first=${first} .last=${last} .columns=${columns} .template=${template} .offset=${offset}
                .focusAt=${item.index === this.#at.line ? this.#at.column : undefined}></tunesmith-matrix-row>`;
          },
        )}
      </div>
    </div>`;
  }

  get #scroller(): HTMLElement {
    return this.querySelector<HTMLElement>('.matrix')!;
  }

  #options(): ConstructorParameters<typeof Virtualizer<HTMLElement, HTMLElement>>[0] {
    const { rows } = this.store;
    return {
      count: rows.length,
      getScrollElement: () => this.querySelector<HTMLElement>('.matrix'),
      estimateSize: () => RowHeight,
      getItemKey: index => rows[index] ?? index,
      overscan: Overscan,
      scrollPaddingStart: 76,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      measureElement: element => element.offsetHeight,
      rangeExtractor: range => this.#range(range),
      onChange: () => this.#soon(),
    };
  }

  /** The rows in view and the one where Tab enters, which must not vanish. */
  #range(range: Range): number[] {
    const indices = defaultRangeExtractor(range);
    const { line } = this.#at;
    if (line >= range.count || indices.includes(line)) return indices;
    return [...indices, line].sort((a, b) => a - b);
  }

  #layout(): { narrow: boolean; cell: number; question: number } {
    const narrow = this.#width > 0 && this.#width < Narrow;
    const question = narrow ? 0 : QuestionWidth;
    const count = Math.max(1, this.store.columns.length);
    const room = Math.floor((this.#width - question) / count);
    return { narrow, question, cell: Math.max(narrow ? NarrowCellWidth : CellWidth, room) };
  }

  /** Columns in view: from, and one past the last. */
  #columnRange(): [number, number] {
    const { cell, question } = this.#layout();
    const total = this.store.columns.length;
    const first = Math.max(0, Math.floor(this.#left / cell));
    const last = Math.min(total, Math.ceil((this.#left + this.#width - question) / cell) + 1);
    return [Math.min(first, Math.max(0, total - 1)), Math.max(last, 1)];
  }

  #scrolled(): void {
    const { scrollLeft } = this.#scroller;
    if (scrollLeft === this.#left) return;
    this.#left = scrollLeft;
    this.#soon();
  }

  /** Draws once a frame, whatever happens in it. */
  #soon(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.requestUpdate();
    });
  }

  #focused(event: FocusEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[role=gridcell], [role=rowheader]');
    const line = Number(cell?.closest<HTMLElement>('tunesmith-matrix-row')?.dataset.index);
    if (!cell || Number.isNaN(line)) return;
    const column = Number(cell.dataset.column ?? -1);
    if (line === this.#at.line && column === this.#at.column) return;
    this.#at = { line, column };
    this.requestUpdate();
  }

  #key(event: KeyboardEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[role=gridcell], [role=rowheader]');
    // Keys rest inside a cell's buttons and fields.
    if (!cell || event.target !== cell || event.altKey) return;
    const handled = this.#moveKey(event) || (!event.ctrlKey && !event.metaKey && this.#actKey(event));
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #moveKey({ key, ctrlKey }: KeyboardEvent): boolean {
    const { line, column } = this.#at;
    const lastLine = this.store.rows.length - 1;
    const lastColumn = this.store.columns.length - 1;
    const range = this.#rows?.range;
    const page = Math.max(1, (range ? range.endIndex - range.startIndex : 5) - 1);
    const to: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [line - 1, column],
      ArrowDown: [line + 1, column],
      ArrowLeft: [line, column - 1],
      ArrowRight: [line, column + 1],
      PageUp: [line - page, column],
      PageDown: [line + page, column],
      Home: [ctrlKey ? 0 : line, -1],
      End: [ctrlKey ? lastLine : line, lastColumn],
    };
    const target = to[key];
    if (!target) return false;
    this.#go(Math.max(0, Math.min(lastLine, target[0])), Math.max(-1, Math.min(lastColumn, target[1])));
    return true;
  }

  /** Moves the focus, after the cell was scrolled into view and drawn. */
  #go(line: number, column: number): void {
    this.#at = { line, column };
    this.#rows?.scrollToIndex(line, { align: 'auto' });
    this.#scrollToColumn(column);
    this.requestUpdate();
    let tries = 0;
    const focus = (): void => {
      const cell = this.querySelector<HTMLElement>(
        `tunesmith-matrix-row[data-index="${line}"] [data-column="${column}"]`,
      );
      if (cell) cell.focus({ preventScroll: true });
      else if (++tries < 10) requestAnimationFrame(focus);
    };
    void this.updateComplete.then(focus);
  }

  #scrollToColumn(column: number): void {
    const { cell, question } = this.#layout();
    if (column < 0) return;
    const scroller = this.#scroller;
    const [start, end] = [column * cell, (column + 1) * cell];
    if (start < scroller.scrollLeft) scroller.scrollLeft = start;
    else if (end > scroller.scrollLeft + this.#width - question) scroller.scrollLeft = end - this.#width + question;
    this.#left = scroller.scrollLeft;
  }

  /** The first sample of the focused cell. */
  #cell(): Cell | undefined {
    const row = this.store.rows[this.#at.line];
    const column = this.store.columns[this.#at.column];
    return row === undefined || !column ? undefined : this.store.answers.samples(column.id, row)[0];
  }

  #actKey({ key }: KeyboardEvent): boolean {
    const { store } = this;
    const row = store.rows[this.#at.line];
    if (row === undefined) return false;
    const cell = this.#cell();
    if (!cell) {
      if (key === 'h') {
        store.toggleHistory();
        return true;
      }
      if (key !== 'Enter' && key !== ' ') return false;
      store.updateSetup({ row });
      return true;
    }
    const acts: Readonly<Record<string, () => void>> = {
      Enter: () => void store.open(cell),
      ' ': () => store.answers.toggleMarked(cell),
      d: () => store.answers.diff(cell),
      p: () => store.answers.mark(cell, { pinned: !cell.marks?.pinned }),
      '*': () => store.answers.mark(cell, { starred: !cell.marks?.starred }),
      n: () => editNote(store, cell, this),
      h: () => store.toggleHistory(),
      r: () => store.answers.retry(cell),
      e: () => store.answers.capture(cell),
    };
    const act = acts[key];
    act?.();
    return act !== undefined;
  }
}

customElements.define('tunesmith-matrix', Matrix);
