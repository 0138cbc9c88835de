/** One row of the matrix: its inputs, and a cell with the samples of each column. */
import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Cell, Column, TemplateState } from '../../src/protocol/playground.ts';
import { icon } from '../common/codicon.ts';
import type { Store } from './store.ts';

export class MatrixRow extends LitElement {
  static override properties: PropertyDeclarations = {
    row: { attribute: false },
    version: { attribute: false },
    columns: { attribute: false },
    template: { attribute: false },
  };
  declare store: Store;
  declare row: number;
  /** Changes with any of the row's cells: the row is drawn again then, and only then. */
  declare version: number;
  declare columns: readonly Column[];
  declare template: TemplateState;

  override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const { row, store, template } = this;
    const values = template.rows.values[row];
    const expected = template.rows.expected?.[row];
    const name = l10n.t('Row {0}', row + 1);
    return html`<div class="question" role="rowheader" tabindex=${row === store.rows[0] ? 0 : -1} aria-label=${name}
        @click=${() => store.updateSetup({ row })}>
        <i>${row + 1}</i>
        <div class="question-text">${values ? question(template, values) : nothing}
          ${expected === undefined ? nothing : html`<span class="expected dim">${l10n.t('expected {0}', expected)}</span>`}</div>
        <span class="acts">
          ${this.#action('list-ordered', l10n.t('Send to Ranking'), () => store.ask(store.host.sendToRanking({ kind: 'row', row })), this.#finished() < 2)}
          ${this.#action('play', l10n.t('Run Row {0}', row + 1), () => store.run({ kind: 'row', row }), false)}
        </span>
      </div>
      ${this.columns.map(column => this.#cell(column))}`;
  }

  #finished(): number {
    let count = 0;
    for (const cell of this.store.cells.values()) if (cell.row === this.row && cell.status === 'done') count++;
    return count;
  }

  #cell(column: Column): TemplateResult {
    const samples = this.store.samples(column.id, this.row);
    const busy = samples.some(({ status }) => status === 'running' || status === 'waiting');
    const label = l10n.t('Row {0}, {1}', this.row + 1, `${column.modelLabel}, ${column.label}`);
    return html`<div class="cell" role="gridcell" tabindex="-1" aria-busy=${busy}>
      <span class="sr-only">${label}</span>
      ${samples.map((cell, i) => this.#sample(cell, i, samples.length))}
    </div>`;
  }

  #sample(cell: Cell, index: number, total: number): TemplateResult {
    const number = total > 1 ? html`<span class="sample-number" aria-hidden="true">${index + 1}</span>` : nothing;
    if (cell.status === 'failed') {
      return html`<div class="sample failed">
        ${number}
        <div class="note">${icon('error', 'c-wrong')}<span class="prose">${cell.error}</span></div>
        <div class="foot links">
          <button class="link" @click=${() => this.#retry(cell)}>${l10n.t('Retry')}</button>
          <button class="link" @click=${() => this.store.ask(this.store.host.act({ action: 'show-log' }))}>${l10n.t('Show Log')}</button>
        </div>
      </div>`;
    }
    return html`<div class="sample">
      ${number}
      <div class="prose">${answerText(cell)}${cell.status === 'running' ? html`<span class="caret" aria-hidden="true"></span>` : nothing}</div>
      ${cell.error === null ? nothing : html`<div class="note">${icon('warning', 'c-dim')}<span class="prose">${cell.error}</span></div>`}
      ${cell.votes.length > 0 ? votes(cell) : nothing}
      ${cell.stages.length > 0 && cell.status === 'done' ? steps(cell) : nothing}
      ${cell.status === 'waiting' ? html`<div class="foot">${icon('watch', 'c-dim')}<span>${l10n.t('waiting')}</span></div>` : this.#foot(cell)}
      ${
        cell.status === 'done' || cell.status === 'cancelled'
          ? html`<span class="acts">
            ${this.#action('copy', l10n.t('Copy'), () => this.store.ask(this.store.host.copy({ text: cell.text })), false)}
            ${this.#action('refresh', l10n.t('Run Again'), () => this.#retry(cell), false)}
          </span>`
          : nothing
      }
    </div>`;
  }

  #retry(cell: Cell): void {
    void this.store.ask(this.store.host.retry({ column: cell.column, row: cell.row, repeat: cell.repeat }));
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
    const parts: string[] = [];
    if (cell.cached) parts.push(l10n.t('cached'));
    else if (cell.latencyMs !== null) {
      parts.push(l10n.t('{0} s', (cell.latencyMs / 1000).toFixed(1)));
      if (cell.tokens !== null && cell.tokens > 1 && cell.latencyMs > 0) {
        parts.push(l10n.t('{0} tok/s', ((1000 * cell.tokens) / cell.latencyMs).toFixed(0)));
      }
    }
    if (cell.tokens !== null) parts.push(l10n.t('{0} tok', cell.tokens));
    if (cell.status === 'cancelled') parts.push(l10n.t('stopped'));
    else if (cell.finishReason) parts.push(finishWords(cell.finishReason));
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
      <span class="figures">${parts.join(' · ')}</span>
    </div>`;
  }
}

function finishWords(reason: string): string {
  switch (reason) {
    case 'stop':
      return l10n.t('stop');
    case 'length':
      return l10n.t('cut off');
    case 'stop-sequence':
      return l10n.t('stop string');
    default:
      return reason;
  }
}

/** How the samples voted: the winner first. */
function votes(cell: Cell): TemplateResult {
  return html`<div class="votes" role="list" aria-label=${l10n.t('Votes of the samples')}>
    ${cell.votes.map(
      ({ answer, count }, i) =>
        html`<span role="listitem" class=${i === 0 ? 'won' : ''}><span class="clip">${answer}</span> <span class="dim">${count}</span></span>`,
    )}
  </div>`;
}

/** What the model said on the way to the answer; folded. */
function steps(cell: Cell): TemplateResult {
  return html`<details class="steps">
    <summary>${l10n.t('{0} steps', cell.stages.length)}</summary>
    ${cell.stages.map(({ name, text }) => html`<div><span class="label">${stageWords(name)}</span><div class="prose">${text.trim()}</div></div>`)}
  </details>`;
}

function stageWords(name: string): string {
  switch (name) {
    case 'reasoning':
      return l10n.t('Reasoning');
    case 'extraction':
    case 'answer':
      return l10n.t('Answer');
    case 'sample':
      return l10n.t('Sample');
    case 'critique':
      return l10n.t('Critique');
    case 'revision':
      return l10n.t('Revision');
    case 'questions':
      return l10n.t('Questions');
    default:
      return l10n.t('Step');
  }
}

/** The answer's text, with the extracted part underlined. Always text: markup of a model stays characters. */
function answerText(cell: Cell): TemplateResult {
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
