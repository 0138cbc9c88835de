/** The table itself: only the rows on the screen exist, one tab stop, everything with keys, and an editor in the cell. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { l10n } from '../../src/base/l10n.ts';
import type { BankRow } from '../../src/protocol/bankEditor.ts';
import { icon } from '../common/codicon.ts';
import type { BankPage } from './bankPage.ts';

const RowHeight = 22;
const LeastWidth = 96;
const NumberWidth = 72;
const TokensWidth = 64;
/** Rows drawn beyond the screen on each side, so that a quick turn of the wheel shows no gap. */
const Beyond = 12;
/** Milliseconds of rest before the tokens of the rows on the screen are counted. */
const CountDelay = 200;

interface Editing {
  readonly row: number;
  readonly line: number;
  /** Undefined where the whole line is edited. */
  readonly field: string | undefined;
  /** What the editor opens with, and what the cell had. */
  readonly text: string;
  readonly before: string;
}

export type GridAction = 'add' | 'duplicate' | 'remove' | 'up' | 'down' | 'copy';

export class BankGrid extends LitElement {
  declare page: BankPage;
  #editing: Editing | undefined;
  /** Keys pressed while a cell is being opened: it may have to wait for its row, or for the edit before it. */
  #early: KeyboardEvent[] | undefined;
  #widths = '';
  #measured: string | undefined;
  #countTimer: ReturnType<typeof setTimeout> | undefined;
  #shownRow = -1;
  #top = 0;

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.page.addEventListener('changed', () => this.requestUpdate());
    new ResizeObserver(() => this.requestUpdate()).observe(this);
  }

  override render(): TemplateResult {
    const { page } = this;
    const { state } = page;
    if (!state) return html``;
    const { fields, shown, tokensBy } = state;
    const first = Math.max(0, Math.floor(this.#top / RowHeight) - Beyond);
    const last = Math.min(shown, Math.ceil((this.#top + (this.clientHeight || 600)) / RowHeight) + Beyond);
    const rows = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
    page.ahead(last + 50);
    page.ahead(first - 50);
    this.#measure(fields);
    return html`<div class="sheet" role="grid" tabindex="0" aria-label=${l10n.t('Examples')} aria-rowcount=${shown + 1} aria-multiselectable="true"
      aria-colcount=${fields.length + (tokensBy === null ? 1 : 2)} aria-activedescendant=${page.row >= first && page.row < last ? `cell-${page.row}-${page.column}` : nothing}
      style="--number:${NumberWidth}px;--columns:${this.#widths}${tokensBy === null ? '' : ` ${TokensWidth}px`};--least:${NumberWidth + TokensWidth + LeastWidth * fields.length}px"
      @scroll=${(event: Event) => this.#scrolled(event.currentTarget as HTMLElement)} @keydown=${(event: KeyboardEvent) => this.#key(event)}
      @copy=${(event: ClipboardEvent) => this.#copied(event)} @paste=${(event: ClipboardEvent) => this.#pasted(event)}>
      ${this.#head(fields, tokensBy)}
      <div class="rows" role="rowgroup" style="height:${shown * RowHeight}px">
        ${repeat(
          rows,
          row => row,
          row => this.#row(row, fields, tokensBy !== null),
        )}
      </div>
    </div>`;
  }

  override updated(): void {
    // The row that was chosen comes into sight, once.
    if (this.page.row !== this.#shownRow) this.#reveal();
    this.#shownRow = this.page.row;
    const input = this.querySelector<HTMLTextAreaElement>('.cell-editor');
    if (input && document.activeElement !== input) {
      input.focus();
      input.setSelectionRange(input.value.length, input.value.length);
      fit(input);
    }
    clearTimeout(this.#countTimer);
    this.#countTimer = setTimeout(() => this.#count(), CountDelay);
  }

  override focus(): void {
    this.querySelector<HTMLElement>(this.#editing ? '.cell-editor' : '.sheet')?.focus();
  }

  #head(fields: readonly string[], tokensBy: string | null): TemplateResult {
    const { sort } = this.page.view;
    return html`<div class="sheet-row sheet-head" role="row" aria-rowindex="1">
      <span class="sheet-cell number" role="columnheader"><span class="sr-only">${l10n.t('Line')}</span></span>
      ${fields.map(field => {
        const mine = sort?.field === field ? sort : undefined;
        return html`<span class="sheet-cell" role="columnheader" aria-sort=${mine ? (mine.descending ? 'descending' : 'ascending') : nothing}>
          <button class="sort" tabindex="-1" title=${l10n.t('Show by “{0}”; the file keeps its order', field)} @click=${() => this.#sort(field)}
            ><span class="clip">${field}</span>${mine ? icon(mine.descending ? 'arrow-down' : 'arrow-up') : nothing}</button></span>`;
      })}
      ${tokensBy === null ? nothing : html`<span class="sheet-cell num" role="columnheader" title=${l10n.t('Tokens in {0}', tokensBy)}>${l10n.t('tokens')}</span>`}
    </div>`;
  }

  #row(index: number, fields: readonly string[], counted: boolean): TemplateResult {
    const { page } = this;
    const row = page.rowAt(index);
    const { from, to } = page.chosen;
    const chosen = index >= from && index <= to;
    return html`<div class="sheet-row" role="row" aria-rowindex=${index + 2} aria-selected=${chosen} style="transform:translateY(${index * RowHeight}px)"
      @mousedown=${(event: MouseEvent) => this.#press(event, index)} @dblclick=${() => this.#begin()}>
      <span class="sheet-cell number" role="rowheader">${row ? this.#mark(row) : nothing}<span>${row ? row.line + 1 : ''}</span></span>
      ${row?.raw == null ? fields.map((field, column) => this.#cell(row, index, column, field)) : this.#line(row, index, fields.length)}
      ${counted ? html`<span class="sheet-cell num dim" role="gridcell">${this.#tokens(row)}</span>` : nothing}
    </div>`;
  }

  #mark({ marks }: BankRow): TemplateResult | typeof nothing {
    const mark = marks[0];
    if (!mark) return nothing;
    const glyph = mark.kind === 'error' ? 'error' : mark.kind === 'leak' ? 'shield' : 'warning';
    return html`<span title=${mark.message} role="img" aria-label=${mark.message}>${icon(glyph, mark.kind === 'error' ? 'c-wrong' : 'c-warn')}</span>`;
  }

  #cell(row: BankRow | undefined, index: number, column: number, field: string): TemplateResult {
    const active = index === this.page.row && column === this.page.column;
    const editing = this.#editing?.row === index && this.#editing.field === field;
    const text = row?.cells[column];
    return html`<span class="sheet-cell ${active ? 'active' : ''} ${text === null ? 'absent' : ''}" role="gridcell" id="cell-${index}-${column}" data-column=${column}
      >${editing ? this.#editor() : html`<span class="clip">${oneLine(text)}</span>`}</span>`;
  }

  /** A line that cannot be read, in its place, across all columns. */
  #line(row: BankRow, index: number, columns: number): TemplateResult {
    const editing = this.#editing?.row === index;
    return html`<span class="sheet-cell broken ${index === this.page.row ? 'active' : ''}" role="gridcell" aria-colspan=${columns}
      id="cell-${index}-${this.page.column}" style="grid-column:span ${columns}">${editing ? this.#editor() : html`<span class="clip mono">${oneLine(row.raw)}</span>`}</span>`;
  }

  #tokens(row: BankRow | undefined): string {
    const count = row ? this.page.tokens.get(row.line) : undefined;
    return count === undefined || count < 0 ? '' : String(count);
  }

  #editor(): TemplateResult {
    const editing = this.#editing!;
    return html`<textarea class="cell-editor mono" rows="1" spellcheck="false" aria-label=${editing.field ?? l10n.t('The line’s text')} .value=${editing.text}
      @input=${(event: Event) => fit(event.target as HTMLTextAreaElement)} @keydown=${(event: KeyboardEvent) => this.#editorKey(event)}
      @mousedown=${(event: Event) => event.stopPropagation()} @dblclick=${(event: Event) => event.stopPropagation()}
      @copy=${(event: Event) => event.stopPropagation()} @paste=${(event: Event) => event.stopPropagation()}
      @blur=${(event: Event) => this.#commit((event.target as HTMLTextAreaElement).value)}></textarea>`;
  }

  /** Column widths follow the texts of the rows that came first, and stay while the fields are the same. */
  #measure(fields: readonly string[]): void {
    const shown = Math.min(30, this.page.state?.shown ?? 0);
    const known = Array.from({ length: shown }, (_, i) => this.page.rowAt(i)).filter(row => row?.raw === null);
    const key = `${known.length > 0}\n${fields.join('\n')}`;
    if (key === this.#measured) return;
    this.#measured = key;
    const share = (column: number): number => {
      const sum = known.reduce((total, row) => total + Math.min(160, row!.cells[column]?.length ?? 0), 0);
      return Math.max(1, Math.min(8, sum / Math.max(1, known.length) / 12));
    };
    this.#widths = fields.map((_, i) => `minmax(${LeastWidth}px, ${share(i).toFixed(1)}fr)`).join(' ');
  }

  #scrolled(sheet: HTMLElement): void {
    this.#top = sheet.scrollTop;
    this.requestUpdate();
  }

  #reveal(): void {
    const sheet = this.querySelector<HTMLElement>('.sheet');
    if (!sheet) return;
    const top = this.page.row * RowHeight;
    const height = sheet.clientHeight - RowHeight;
    if (top < sheet.scrollTop) sheet.scrollTop = top;
    else if (top + RowHeight > sheet.scrollTop + height) sheet.scrollTop = top + RowHeight - height;
    this.querySelector('.sheet-cell.active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  #count(): void {
    const first = Math.floor(this.#top / RowHeight);
    const last = Math.min(this.page.state?.shown ?? 0, first + Math.ceil(this.clientHeight / RowHeight));
    const rows: BankRow[] = [];
    for (let i = first; i < last; i++) {
      const row = this.page.rowAt(i);
      if (row) rows.push(row);
    }
    void this.page.count(rows);
  }

  #sort(field: string): void {
    const { sort } = this.page.view;
    const next =
      sort?.field !== field ? { field, descending: false } : sort.descending ? null : { field, descending: true };
    void this.page.show({ sort: next });
  }

  #press(event: MouseEvent, row: number): void {
    if (event.button !== 0) return;
    const column = (event.target as HTMLElement).closest<HTMLElement>('[data-column]')?.dataset.column;
    this.page.choose(row, column === undefined ? this.page.column : Number(column), event.shiftKey);
  }

  #key(event: KeyboardEvent): void {
    if (this.#editing) return;
    if (this.#early) {
      this.#early.push(event);
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const { page } = this;
    const control = event.ctrlKey || event.metaKey;
    const action = actionOf(event, control);
    if (action) this.act(action);
    else if (control && event.key.toLowerCase() === 'a') {
      page.anchor = 0;
      page.choose((page.state?.shown ?? 1) - 1, page.column, true);
    } else if (this.#move(event, control)) {
      // moved
    } else if (event.key === 'Enter' || event.key === 'F2') void this.#begin();
    else if (event.key === 'Delete' || event.key === 'Backspace') this.#clear();
    else if (event.key === 'Escape') page.choose(page.row);
    else if (isText(event)) void this.#begin(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #move(event: KeyboardEvent, control: boolean): boolean {
    const { page } = this;
    const screen = Math.max(1, Math.floor(this.clientHeight / RowHeight) - 2);
    const last = (page.state?.shown ?? 1) - 1;
    const rows: Readonly<Record<string, number>> = {
      ArrowUp: control ? 0 : page.row - 1,
      ArrowDown: control ? last : page.row + 1,
      PageUp: page.row - screen,
      PageDown: page.row + screen,
      Home: control ? 0 : page.row,
      End: control ? last : page.row,
    };
    const columns: Readonly<Record<string, number>> = {
      ArrowLeft: page.column - 1,
      ArrowRight: page.column + 1,
      Home: control ? page.column : 0,
      End: control ? page.column : Number.MAX_SAFE_INTEGER,
    };
    if (event.altKey || !(event.key in rows || event.key in columns)) return false;
    page.choose(rows[event.key] ?? page.row, columns[event.key] ?? page.column, event.shiftKey);
    return true;
  }

  /** What the bar's buttons and the keys do with the chosen rows. */
  act(action: GridAction): void {
    void this.#act(action).then(() => this.focus());
  }

  async #act(action: GridAction): Promise<void> {
    const { page } = this;
    if (action === 'add') {
      await page.edit({ kind: 'add', after: page.inFileOrder ? (page.rowAt(page.row)?.line ?? null) : null });
      return;
    }
    const lines = await page.lines();
    if (lines.length === 0) return;
    if (action === 'copy') await page.host.copy({ lines }).catch(() => {});
    else if (action === 'duplicate' || action === 'remove') await page.edit({ kind: action, lines });
    else if (page.inFileOrder) await page.edit({ kind: 'move', lines, step: action === 'up' ? -1 : 1 });
  }

  #clear(): void {
    const row = this.page.rowAt(this.page.row);
    const field = this.page.state?.fields[this.page.column];
    if (row?.raw === null && field !== undefined) {
      void this.page.edit({ kind: 'cell', line: row.line, field, text: '' });
    }
  }

  /** Opens the cell for typing; `typed` takes the place of what was in it. Keys that are faster than the opening count as if they had come after it. */
  async #begin(typed?: string): Promise<void> {
    if (this.#early) return;
    const early: KeyboardEvent[] = [];
    this.#early = early;
    let opened: Editing | undefined;
    try {
      opened = await this.#open(typed);
    } finally {
      this.#early = undefined;
    }
    if (!opened) return;
    let { text } = opened;
    while (early[0] && isText(early[0])) text += early.shift()!.key;
    this.#editing = { ...opened, text };
    this.requestUpdate();
    const end = early.shift();
    if (!end || !this.#end(end, text)) return;
    for (const event of early) this.#key(event);
  }

  async #open(typed: string | undefined): Promise<Editing | undefined> {
    const { page } = this;
    await page.settled();
    const index = page.row;
    const row = page.rowAt(index) ?? (await page.rowSoon(index));
    if (!row) return undefined;
    const field = row.raw === null ? page.state?.fields[page.column] : undefined;
    if (row.raw === null && field === undefined) return undefined;
    const shown = row.raw ?? row.cells[page.column] ?? '';
    const before = shown.endsWith('…') ? await page.host.cell({ line: row.line, field: field ?? '' }) : shown;
    return { row: index, line: row.line, field, text: typed ?? before, before };
  }

  #editorKey(event: KeyboardEvent): void {
    event.stopPropagation();
    if (this.#end(event, (event.target as HTMLTextAreaElement).value)) event.preventDefault();
  }

  /** Whether the key ends the editing of a cell, whose text is given. */
  #end(event: KeyboardEvent, text: string): boolean {
    const { page } = this;
    if (event.key === 'Escape') {
      this.#editing = undefined;
      this.requestUpdate();
      this.focus();
    } else if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      this.#commit(text, () => page.choose(page.row + 1));
    } else if (event.key === 'Tab') {
      this.#commit(text, () => page.choose(page.row, page.column + (event.shiftKey ? -1 : 1)));
    } else return false;
    return true;
  }

  #commit(text: string, then?: () => void): void {
    const editing = this.#editing;
    if (!editing) return;
    this.#editing = undefined;
    const { line, field, before } = editing;
    const edit =
      field === undefined ? ({ kind: 'line', line, text } as const) : ({ kind: 'cell', line, field, text } as const);
    if (text !== before) void this.page.edit(edit);
    if (then) {
      then();
      this.focus();
    }
    this.requestUpdate();
  }

  #copied(event: ClipboardEvent): void {
    event.preventDefault();
    this.act('copy');
  }

  #pasted(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    const { page } = this;
    const field = page.state?.fields[page.column] ?? '';
    event.preventDefault();
    if (text !== '') void page.edit({ kind: 'paste', at: page.chosen.from, field, text });
  }
}

function actionOf(event: KeyboardEvent, control: boolean): GridAction | undefined {
  if ((control && event.key === 'Enter') || event.key === 'Insert') return 'add';
  if (event.altKey && event.shiftKey && event.key === 'ArrowDown') return 'duplicate';
  if (event.altKey && event.key === 'ArrowUp') return 'up';
  if (event.altKey && event.key === 'ArrowDown') return 'down';
  return control && event.shiftKey && event.key.toLowerCase() === 'k' ? 'remove' : undefined;
}

const isText = (event: KeyboardEvent): boolean =>
  event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;

/** Grows with its text, up to a third of the page. */
function fit(input: HTMLTextAreaElement): void {
  input.style.height = 'auto';
  input.style.height = `${Math.min(window.innerHeight / 3, input.scrollHeight + 2)}px`;
}

const oneLine = (text: string | null | undefined): string => (text ?? '').replace(/\r\n|\r|\n/g, ' ⏎ ');

customElements.define('tunesmith-bank-grid', BankGrid);
