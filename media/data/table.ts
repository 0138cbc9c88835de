/** The table of items: only the rows on the screen exist; one tab stop, arrows choose, Enter goes to the item. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { DataRow, DataSort } from '../../src/protocol/preferenceData.ts';
import { icon } from '../common/codicon.ts';
import type { DataPage } from './dataPage.ts';
import { dateTime, figure, saidWords } from './words.ts';

const RowHeight = 22;
/** Rows drawn beyond the screen on each side, so that a quick turn of the wheel shows no gap. */
const Beyond = 12;
/** Pixels that a browser can lay out; longer tables are scrolled by share. */
const LongestSheet = 16_000_000;

interface Column {
  readonly name: string;
  readonly title: () => string;
  readonly sort?: DataSort['by'];
  readonly cell: (row: DataRow) => unknown;
}

const columns: readonly Column[] = [
  { name: 'when', title: () => l10n.t('When'), sort: 'time', cell: row => (row.time > 0 ? dateTime(row.time) : '–') },
  { name: 'set', title: () => l10n.t('Set'), sort: 'set', cell: row => row.set },
  { name: 'prompt', title: () => l10n.t('Prompt'), cell: row => row.prompt },
  { name: 'answers', title: () => l10n.t('Answers'), sort: 'answers', cell: row => row.answers },
  { name: 'verdict', title: () => l10n.t('Verdict'), cell: verdictCell },
  { name: 'count', title: () => l10n.t('Judgements'), sort: 'judgements', cell: row => figure(row.judgements) },
  { name: 'who', title: () => l10n.t('Annotators'), cell: row => row.annotators.join(', ') },
  { name: 'flags', title: () => l10n.t('Flags'), cell: row => row.flags.join(', ') },
  { name: 'note', title: () => l10n.t('Note'), cell: row => row.note ?? '' },
  { name: 'models', title: () => l10n.t('Models'), cell: row => row.models.join(', ') },
  { name: 'split', title: () => l10n.t('Split'), sort: 'split', cell: row => row.split ?? '' },
  { name: 'guidelines', title: () => l10n.t('Guidelines'), cell: row => row.guidelines.join(', ') },
];

function verdictCell(row: DataRow): TemplateResult {
  if (row.judgements === 0) return html`<span class="dim">${l10n.t('not judged')}</span>`;
  const [first, ...others] = row.said;
  if (!first) return html``;
  const one = (said: DataRow['said'][number]): string =>
    row.judgements === 1
      ? saidWords(said, row.answers)
      : `${saidWords(said, row.answers)}${said.count > 1 ? ` ×${said.count}` : ''}`;
  const mark =
    row.agreed === false
      ? html`<span role="img" title=${l10n.t('They do not agree')} aria-label=${l10n.t('They do not agree')}>${icon('git-compare', 'c-warn')}</span>`
      : nothing;
  return html`${mark}<span class="clip">${[first, ...others].map(one).join(' · ')}</span>`;
}

export class DataTable extends LitElement {
  declare page: DataPage;
  #top = 0;
  #revealed = -1;

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
    const { shown } = page;
    const first = Math.max(0, Math.floor(this.#rowsAbove()) - Beyond);
    const last = Math.min(shown, first + Math.ceil((this.clientHeight || 600) / RowHeight) + 2 * Beyond);
    const rows = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
    page.ahead(last + 50);
    page.ahead(first - 50);
    const chosen = page.row >= first && page.row < last ? `row-${page.row}` : nothing;
    return html`<div class="sheet" role="grid" tabindex="0" aria-label=${l10n.t('Items')} aria-rowcount=${shown + 1}
      aria-activedescendant=${chosen} @scroll=${(event: Event) => this.#scrolled(event.currentTarget as HTMLElement)}
      @keydown=${(event: KeyboardEvent) => this.#key(event)}>
      ${this.#head()}
      <div class="rows" role="rowgroup" style="height:${this.#height()}px">${rows.map(row => this.#row(row))}</div>
    </div>`;
  }

  override updated(): void {
    if (this.page.row >= 0 && this.page.row !== this.#revealed) this.#reveal();
    this.#revealed = this.page.row;
  }

  override focus(): void {
    this.querySelector<HTMLElement>('.sheet')?.focus();
  }

  #head(): TemplateResult {
    const { sort } = this.page;
    return html`<div class="sheet-head" role="rowgroup"><div class="sheet-row" role="row" aria-rowindex="1">${columns.map(
      ({ name, title, sort: by }) => {
        const mine = by !== undefined && sort.by === by;
        return html`<span class="sheet-cell c-${name}" role="columnheader" aria-sort=${mine ? (sort.descending ? 'descending' : 'ascending') : nothing}>${
          by === undefined
            ? html`<span class="clip">${title()}</span>`
            : html`<button class="sort" tabindex="-1" title=${l10n.t('Order by “{0}”', title())} @click=${() => this.#sort(by)}
              ><span class="clip">${title()}</span>${mine ? icon(sort.descending ? 'arrow-down' : 'arrow-up') : nothing}</button>`
        }</span>`;
      },
    )}</div></div>`;
  }

  #row(index: number): TemplateResult {
    const row = this.page.rowAt(index);
    const chosen = index === this.page.row;
    return html`<div class="sheet-row" role="row" id="row-${index}" aria-rowindex=${index + 2} aria-selected=${chosen}
      style="transform:translateY(${this.#placeOf(index)}px)" @mousedown=${(event: MouseEvent) => this.#press(event, index)}
      >${columns.map(({ name, cell }) => html`<span class="sheet-cell c-${name}" role="gridcell">${row && row.id !== '' ? this.#cell(cell(row)) : nothing}</span>`)}</div>`;
  }

  #cell(content: unknown): unknown {
    return typeof content === 'string' ? html`<span class="clip" title=${content}>${content}</span>` : content;
  }

  #height(): number {
    return Math.min(LongestSheet, this.page.shown * RowHeight);
  }

  /** Of a long table, rows stand where the scroll bar's share says, and follow it in whole rows. */
  #rowsAbove(): number {
    const full = this.page.shown * RowHeight;
    if (full <= LongestSheet) return this.#top / RowHeight;
    const screen = this.clientHeight || 600;
    const share = this.#top / Math.max(1, LongestSheet - screen);
    return Math.round((share * (full - screen)) / RowHeight);
  }

  #placeOf(index: number): number {
    const full = this.page.shown * RowHeight;
    return full <= LongestSheet ? index * RowHeight : this.#top + (index - this.#rowsAbove()) * RowHeight;
  }

  #scrolled(sheet: HTMLElement): void {
    this.#top = sheet.scrollTop;
    this.requestUpdate();
  }

  /** Brings the chosen row into sight. */
  #reveal(): void {
    const sheet = this.querySelector<HTMLElement>('.sheet');
    if (!sheet) return;
    const above = this.#rowsAbove();
    const visible = Math.max(1, Math.floor(sheet.clientHeight / RowHeight) - 2);
    const { row, shown } = this.page;
    const wanted = row < above ? row : row > above + visible ? row - visible : undefined;
    if (wanted === undefined) return;
    const full = shown * RowHeight;
    sheet.scrollTop =
      full <= LongestSheet
        ? wanted * RowHeight
        : ((wanted * RowHeight) / (full - sheet.clientHeight)) * (LongestSheet - sheet.clientHeight);
    this.#scrolled(sheet);
  }

  #sort(by: DataSort['by']): void {
    const { sort } = this.page;
    void this.page.show({}, { by, descending: sort.by === by ? !sort.descending : by !== 'set' });
  }

  #press(event: MouseEvent, row: number): void {
    if (event.button === 0) this.page.choose(row);
  }

  #key(event: KeyboardEvent): void {
    const { page } = this;
    const screen = Math.max(1, Math.floor(this.clientHeight / RowHeight) - 2);
    const to: Readonly<Record<string, number>> = {
      ArrowUp: page.row - 1,
      ArrowDown: page.row + 1,
      PageUp: page.row - screen,
      PageDown: page.row + screen,
      Home: 0,
      End: page.shown - 1,
    };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in to) page.choose(to[event.key]!);
    else if (event.key === 'Enter') {
      if (page.row < 0) page.choose(0);
      this.dispatchEvent(new CustomEvent('enter', { bubbles: true }));
    } else return;
    event.preventDefault();
  }
}

customElements.define('tunesmith-data-table', DataTable);
