/** One row of the matrix: its inputs, and a cell with the samples of each column. */
import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Cell, Column } from '../../src/protocol/playgroundCells.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { icon } from '../common/codicon.ts';
import { beginning } from './cellText.ts';
import { allFigures, shortFigures } from './figures.ts';
import { markSigns } from './marks.ts';
import type { Store } from './store.ts';

export class MatrixRow extends LitElement {
  static override properties: PropertyDeclarations = {
    row: { attribute: false },
    version: { attribute: false },
    columns: { attribute: false },
    template: { attribute: false },
    first: { attribute: false },
    last: { attribute: false },
    offset: { attribute: false },
    focusAt: { attribute: false },
    letters: { attribute: false },
  };
  declare store: Store;
  declare row: number;
  /** Changes with any of the row's cells: the row is drawn again then, and only then. */
  declare version: number;
  /** All columns; those from `first` up to `last` are drawn. */
  declare columns: readonly Column[];
  declare template: TemplateState;
  declare first: number;
  declare last: number;
  /** Line of the grid at which the first column stands. */
  declare offset: number;
  /** The column with the keyboard's focus, −1 for the question; undefined in all rows but one. */
  declare focusAt: number | undefined;
  /** More of an answer than a cell can show. */
  declare letters: number;
  /** The answer under the pointer, and the column that holds the focus: only these have their buttons, which cost more than the answers. */
  #pointed: string | undefined;
  #focused: number | undefined;

  override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const { row, store, template } = this;
    const input = store.answers.inputs.get(row);
    const values = input?.values ?? template.rows.values[row];
    const expected = input?.expected ?? template.rows.expected?.[row];
    const name = l10n.t('Row {0}', row + 1);
    return html`<div class="question" role="rowheader" aria-colindex="1" data-column="-1" tabindex=${this.focusAt === -1 ? 0 : -1} aria-label=${name}
        @click=${() => store.updateSetup({ row })}>
        <i>${row + 1}</i>
        <div class="question-text">${values ? question(template, values) : nothing}
          ${expected === undefined ? nothing : html`<span class="expected dim">${l10n.t('expected {0}', expected)}</span>`}</div>
        <span class="acts">
          ${
            store.readOnly
              ? nothing
              : html`${this.#action('list-ordered', l10n.t('Send to Ranking'), () => store.ask(store.host.sendToRanking({ kind: 'row', row })), this.#finished() < 2)}
          ${this.#action('play', l10n.t('Run Row {0}', row + 1), () => store.run({ kind: 'row', row }), false)}`
          }
        </span>
      </div>
      ${this.columns.slice(this.first, this.last).map((column, i) => this.#cell(column, this.first + i))}`;
  }

  #finished(): number {
    const cells = this.columns.flatMap(({ id }) => this.store.answers.samples(id, this.row));
    return cells.filter(({ status }) => status === 'done').length;
  }

  #cell(column: Column, index: number): TemplateResult {
    const samples = this.store.answers.samples(column.id, this.row);
    const busy = samples.some(({ status }) => status === 'running' || status === 'waiting');
    const label = l10n.t('Row {0}, {1}', this.row + 1, `${column.modelLabel}, ${column.label}`);
    const marked = samples.some(cell => this.store.answers.isMarked(cell));
    return html`<div class="cell" role="gridcell" aria-colindex=${index + 2} data-column=${index} style="grid-column:${index + this.offset}"
      tabindex=${this.focusAt === index ? 0 : -1} aria-busy=${busy} aria-selected=${marked}
      @focusin=${() => this.#focus(index)} @focusout=${() => this.#focus(undefined)}
      @dblclick=${() => samples[0] && this.store.open(samples[0])}>
      <span class="sr-only">${label}</span>
      ${samples.map((cell, i) => this.#sample(cell, i, samples.length, index))}
    </div>`;
  }

  #sample(cell: Cell, index: number, total: number, column: number): TemplateResult {
    const number = total > 1 ? html`<span class="sample-number" aria-hidden="true">${index + 1}</span>` : nothing;
    if (cell.status === 'failed') {
      return html`<div class="sample failed">
        ${number}
        <div class="note">${icon('error', 'c-wrong')}<span class="prose">${cell.error}</span></div>
        <div class="foot links">
          ${this.store.readOnly ? nothing : html`<button class="link" @click=${() => this.#retry(cell)}>${l10n.t('Retry')}</button>`}
          <button class="link" @click=${() => this.store.ask(this.store.host.act({ action: 'show-log' }))}>${l10n.t('Show Log')}</button>
        </div>
      </div>`;
    }
    const key = `${cell.column}|${cell.repeat}`;
    const ended = cell.status === 'done' || cell.status === 'cancelled';
    return html`<div class="sample ${cell.earlier ? 'earlier' : ''}" @pointerenter=${() => this.#point(key)} @pointerleave=${() => this.#point(undefined)}>
      ${number}
      <div class="prose clamped">${answerText(beginning(cell, this.letters))}${cell.status === 'running' ? html`<span class="caret" aria-hidden="true"></span>` : nothing}</div>
      ${cell.error === null ? nothing : html`<div class="note">${icon('warning', 'c-dim')}<span class="prose">${cell.error}</span></div>`}
      ${cell.warning === null ? nothing : html`<div class="note cut" title=${cell.warning}>${icon('warning', 'c-warn')}<span class="clip">${cell.warning}</span></div>`}
      ${cell.votes.length > 0 ? votes(cell) : nothing}
      ${cell.marks?.note ? html`<div class="cell-note">${icon('note', 'c-dim')}<span class="prose">${cell.marks.note}</span></div>` : nothing}
      ${cell.status === 'waiting' ? html`<div class="foot">${icon('watch', 'c-dim')}<span>${l10n.t('waiting')}</span></div>` : this.#foot(cell)}
      ${ended && (this.#pointed === key || this.#focused === column) ? this.#acts(cell) : nothing}
    </div>`;
  }

  #acts(cell: Cell): TemplateResult {
    const { store } = this;
    return html`<span class="acts">
      ${this.#action('go-to-file', l10n.t('Open (Enter)'), () => store.open(cell), false)}
      ${store.readOnly ? nothing : this.#action(cell.marks?.starred ? 'star-full' : 'star-empty', l10n.t('Star (*)'), () => store.answers.mark(cell, { starred: !cell.marks?.starred }), false)}
      ${this.#action('mortar-board', l10n.t('Add to Examples (e)'), () => store.answers.capture(cell), cell.status !== 'done')}
      ${this.#action('copy', l10n.t('Copy'), () => store.ask(store.host.copy({ text: cell.text })), false)}
      ${store.readOnly ? nothing : this.#action('refresh', l10n.t('Run Again (r)'), () => this.#retry(cell), false)}
    </span>`;
  }

  #point(key: string | undefined): void {
    this.#pointed = key;
    this.requestUpdate();
  }

  #focus(column: number | undefined): void {
    this.#focused = column;
    this.requestUpdate();
  }

  #retry(cell: Cell): void {
    this.store.answers.retry(cell);
  }

  #action(glyph: string, title: string, run: () => unknown, disabled: boolean): TemplateResult {
    return html`<button class="action" tabindex="-1" title=${title} aria-label=${title} ?disabled=${disabled}
      @click=${(event: Event) => {
        event.stopPropagation();
        run();
      }}>${icon(glyph)}</button>`;
  }

  #foot(cell: Cell): TemplateResult {
    const running = cell.status === 'running';
    return html`<div class="foot">
      ${running ? icon('loading', 'c-dim') : nothing}
      ${
        cell.right === null || running
          ? nothing
          : html`${icon(cell.right ? 'check' : 'close', cell.right ? 'c-right' : 'c-wrong')}<span class="sr-only"
              >${cell.right ? l10n.t('right') : l10n.t('wrong')}</span
            >`
      }
      ${cell.answer && !running ? html`<b class="clip">${cell.answer.text}</b>` : nothing}
      ${!cell.answer && cell.right === false && !running ? html`<span>${l10n.t('no answer found')}</span>` : nothing}
      ${markSigns(cell, this.store.answers.isMarked(cell))}
      <span class="figures" title=${allFigures(cell).join(' · ')}>${shortFigures(cell).join(' · ')}</span>
    </div>`;
  }
}

/** How the samples voted: the winner first. */
export function votes(cell: Cell): TemplateResult {
  return html`<div class="votes" role="list" aria-label=${l10n.t('Votes of the samples')}>
    ${cell.votes.map(
      ({ answer, count }, i) =>
        html`<span role="listitem" class=${i === 0 ? 'won' : ''}><span class="clip">${answer}</span> <span class="dim">${count}</span></span>`,
    )}
  </div>`;
}

/** The answer's text, with the extracted part underlined. Always text: markup of a model stays characters. */
export function answerText(cell: Cell): TemplateResult {
  const { answer, text } = cell;
  if (!answer || cell.status === 'running' || answer.end <= answer.start || answer.end > text.length)
    return html`${text}`;
  const mark = cell.right === null ? '' : cell.right ? 'right' : 'wrong';
  return html`${text.slice(0, answer.start)}<mark class=${mark}>${text.slice(answer.start, answer.end)}</mark>${text.slice(answer.end)}`;
}

function question(template: TemplateState, values: readonly string[]): TemplateResult {
  if (values.length === 1) return html`<span class="prose">${values[0]}</span>`;
  return html`${values.map(
    (value, i) => html`<span class="prose"><span class="dim">${template.inputs[i]?.name ?? ''}</span> ${value}</span>`,
  )}`;
}

customElements.define('tunesmith-matrix-row', MatrixRow);
