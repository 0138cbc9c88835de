/** An opened answer: whole text or token probabilities, what was measured, the steps on the way, and the conversation that goes on from it. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Cell, Detail } from '../../src/protocol/playgroundCells.ts';
import { icon } from '../common/codicon.ts';
import { namedFigures, stageWords } from './figures.ts';
import { editNote } from './marks.ts';
import { answerText, votes } from './matrixRow.ts';
import type { Store } from './store.ts';
import './tokenMap.ts';

export class CellView extends LitElement {
  declare store: Store;
  #stop: (() => void) | undefined;
  /** The answer as it was when the matrix last held it: scrolling away closes nothing. */
  #cell: Cell | undefined;
  #heat = true;

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.store.on(['cells', 'detail', 'columns'], () => this.requestUpdate());
    this.addEventListener('keydown', event => {
      const inField = (event.target as HTMLElement).matches('input, textarea, select');
      if (event.key === 'e' && !inField && !event.ctrlKey && !event.metaKey && !event.altKey && this.#cell) {
        event.preventDefault();
        this.store.answers.capture(this.#cell);
      }
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#close();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('.close')?.focus();
  }

  override render(): TemplateResult {
    const { opened } = this.store;
    if (!opened) return html``;
    const { key, detail } = opened;
    const now = this.store.answers.samples(key.column, key.row).find(({ repeat }) => repeat === key.repeat);
    if (now || this.#cell?.row !== key.row || this.#cell.column !== key.column) this.#cell = now;
    const cell = this.#cell;
    if (!cell) return html``;
    const column = this.store.columns.find(({ id }) => id === key.column);
    const name = column ? `${column.modelLabel}, ${column.label}` : key.column;
    return html`<header class="bar">
        <strong class="clip grow">${l10n.t('Row {0}', key.row + 1)} <span class="dim">${name}</span></strong>
        ${
          this.store.readOnly
            ? nothing
            : html`${this.#action(cell.marks?.starred ? 'star-full' : 'star-empty', l10n.t('Star (*)'), () => this.store.answers.mark(cell, { starred: !cell.marks?.starred }))}
        ${this.#action(cell.marks?.pinned ? 'pinned' : 'pin', l10n.t('Pin (p)'), () => this.store.answers.mark(cell, { pinned: !cell.marks?.pinned }))}
        ${this.#action('note', l10n.t('Note (n)'), () => editNote(this.store, cell, this))}`
        }
        ${this.#action('mortar-board', l10n.t('Add to Examples (e)'), () => this.store.answers.capture(cell))}
        ${this.#action('diff', l10n.t('Diff (d)'), () => this.store.answers.diff(cell))}
        ${this.#action('close', l10n.t('Close (Escape)'), () => this.#close(), 'close')}
      </header>
      <div class="cell-body" tabindex="0" role="group" aria-label=${l10n.t('Answer')}>
        ${this.#answer(cell, detail)}
        ${cell.error === null ? nothing : html`<p class="note">${icon(cell.status === 'failed' ? 'error' : 'warning', cell.status === 'failed' ? 'c-wrong' : 'c-dim')}<span class="prose">${cell.error}</span></p>`}
        ${cell.warning === null ? nothing : html`<p class="note">${icon('warning', 'c-warn')}<span class="prose">${cell.warning}</span></p>`}
        ${cell.marks?.note ? html`<p class="cell-note">${icon('note', 'c-dim')}<span class="prose">${cell.marks.note}</span></p>` : nothing}
        ${cell.votes.length > 0 ? votes(cell) : nothing}
        <dl class="figures-list">${namedFigures(cell).map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
        ${cell.stages.map(({ name: stage, text }) => html`<details><summary>${stageWords(stage)}</summary><div class="prose">${text.trim()}</div></details>`)}
        ${this.#prompt(detail)}
        ${this.#conversation(cell, detail)}
      </div>`;
  }

  #answer(cell: Cell, detail: Detail | undefined): TemplateResult {
    const tokens = detail?.tokens;
    if (!tokens || tokens.length === 0 || cell.status !== 'done')
      return html`<div class="prose">${answerText(cell)}</div>`;
    return html`<label class="check xs"><input type="checkbox" .checked=${this.#heat}
          @change=${(event: Event) => {
            this.#heat = (event.target as HTMLInputElement).checked;
            this.requestUpdate();
          }} />${l10n.t('Token probabilities')}</label>
      ${this.#heat ? html`<tunesmith-token-map .tokens=${tokens}></tunesmith-token-map>` : html`<div class="prose">${answerText(cell)}</div>`}`;
  }

  #prompt(detail: Detail | undefined): TemplateResult | typeof nothing {
    if (!detail || detail.prompt.length === 0) return nothing;
    return html`<details><summary>${l10n.t('Prompt')}</summary>
      ${detail.prompt.map(({ role, content }) => html`<div class="turn ${role}"><span class="label">${role}</span><div class="prose">${content}</div></div>`)}
    </details>`;
  }

  #conversation(cell: Cell, detail: Detail | undefined): TemplateResult | typeof nothing {
    if (!detail || detail.prompt.length === 0 || cell.status !== 'done') return nothing;
    const last = detail.turns.length - 1;
    return html`<section aria-label=${l10n.t('Conversation')} aria-live="polite" class="conversation">
        ${detail.turns.map(
          ({ role, text }, i) => html`<div class="turn ${role}"><span class="label">${role}</span>
            <div class="prose">${text}${detail.busy && i === last ? html`<span class="caret" aria-hidden="true"></span>` : nothing}</div></div>`,
        )}
        ${detail.problem === null ? nothing : html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span class="prose">${detail.problem}</span></p>`}
      </section>
      ${this.store.readOnly ? nothing : this.#sayField(detail)}`;
  }

  #sayField(detail: Detail): TemplateResult {
    return html`<textarea class="field say" rows="2" aria-label=${l10n.t('Go on with this conversation')} placeholder=${l10n.t('Go on with this conversation (Enter sends)')}
        ?readonly=${detail.busy} @keydown=${(event: KeyboardEvent) => this.#sayKey(event)}></textarea>
      <div class="line wrap"><button class="link" ?disabled=${detail.busy} @click=${() => this.#feedback()}>${l10n.t('Tell it what is wrong')}</button>
        <span class="grow"></span>
        ${detail.busy ? html`<button class="button secondary" @click=${() => this.store.ask(this.store.host.stop({}))}>${l10n.t('Stop')}</button>` : nothing}
        <button class="button secondary" ?disabled=${detail.busy} @click=${() => this.#say()}>${l10n.t('Send')}</button></div>`;
  }

  get #field(): HTMLTextAreaElement | null {
    return this.querySelector('.say');
  }

  /** The feedback turn, prepared: what is wrong remains to be written. */
  #feedback(): void {
    const field = this.#field;
    if (!field) return;
    field.value = l10n.t('That is wrong because ');
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  #sayKey(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    this.#say();
  }

  #say(): void {
    const field = this.#field;
    const text = field?.value.trim();
    const { opened } = this.store;
    if (!field || !text || !opened || opened.detail?.busy) return;
    field.value = '';
    // The button that was pressed rests while the answer comes; the keyboard stays with the conversation.
    field.focus();
    void this.store.ask(this.store.host.say({ cell: opened.key, text }));
  }

  #close(): void {
    this.store.close();
    // The focus goes back to where the keyboard was in the grid.
    document.querySelector<HTMLElement>('tunesmith-matrix [tabindex="0"][data-column]')?.focus({ preventScroll: true });
  }

  #action(glyph: string, title: string, run: () => unknown, name = ''): TemplateResult {
    return html`<button class="action ${name}" title=${title} aria-label=${title} @click=${run}>${icon(glyph)}</button>`;
  }
}

customElements.define('tunesmith-cell-view', CellView);
