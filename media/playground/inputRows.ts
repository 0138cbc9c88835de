/** The table of input rows: only those in view are drawn, so that a thousand rows cost a keystroke nothing. */
import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import type { Store } from './store.ts';

/** Pixels, as `--row` says. */
const RowHeight = 22;
/** Pixels of the table that are seen, its head among them: `max-height` of `.rows`. */
const Height = 176;
/** Rows drawn beyond the view on either side. */
const Beyond = 6;

export class InputRows extends LitElement {
  static override properties: PropertyDeclarations = { template: { attribute: false }, chosen: { attribute: false } };
  declare store: Store;
  declare template: TemplateState;
  declare chosen: number;
  #top = 0;

  override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const { rows, inputs } = this.template;
    const total = rows.values.length;
    const first = Math.max(0, Math.min(total, Math.floor(this.#top / RowHeight) - Beyond));
    const last = Math.min(total, Math.ceil((this.#top + Height) / RowHeight) + Beyond);
    return html`<div class="rows" @scroll=${(event: Event) => this.#scrolled(event.currentTarget as HTMLElement)}>
      <table class="table inputs" tabindex="0" aria-label=${l10n.t('Rows of inputs')} aria-rowcount=${total + 1} @keydown=${(event: KeyboardEvent) => this.#key(event)}>
        <thead>
          <tr aria-rowindex="1">
            <th><span class="sr-only">${l10n.t('Row')}</span></th>
            ${inputs.map(input => html`<th title=${input.description}>${input.name}</th>`)}
            ${rows.expected ? html`<th class="expected">${l10n.t('expected')}</th>` : nothing}
          </tr>
        </thead>
        ${gap(first)}
        <tbody>
          ${rows.values.slice(first, last).map((values, i) => this.#row(first + i, values))}
        </tbody>
        ${gap(total - last)}
      </table>
    </div>`;
  }

  #row(row: number, values: readonly string[]): TemplateResult {
    const { expected } = this.template.rows;
    return html`<tr data-row=${row} aria-rowindex=${row + 2} aria-selected=${row === this.chosen} @click=${() => this.store.updateSetup({ row })}>
      <td>${row + 1}</td>
      ${values.map(value => html`<td class="clip" title=${value}>${value}</td>`)}
      ${expected ? html`<td class="mono clip expected" title=${expected[row] ?? ''}>${expected[row] ?? ''}</td>` : nothing}
    </tr>`;
  }

  #scrolled(rows: HTMLElement): void {
    this.#top = rows.scrollTop;
    this.requestUpdate();
  }

  #key(event: KeyboardEvent): void {
    const last = this.template.rows.values.length - 1;
    const to = { ArrowDown: this.chosen + 1, ArrowUp: this.chosen - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const row = Math.max(0, Math.min(last, to));
    this.store.updateSetup({ row });
    this.#reveal(row);
  }

  #reveal(row: number): void {
    const rows = this.querySelector<HTMLElement>('.rows');
    if (!rows) return;
    const top = row * RowHeight;
    // The head stays over the rows.
    const lowest = top + 2 * RowHeight - rows.clientHeight;
    if (top < rows.scrollTop) rows.scrollTop = top;
    else if (rows.scrollTop < lowest) rows.scrollTop = lowest;
  }
}

/** Room for rows that are not drawn. */
const gap = (rows: number): TemplateResult | typeof nothing =>
  rows === 0
    ? nothing
    : html`<tbody aria-hidden="true"><tr class="gap" style="height:${rows * RowHeight}px"></tr></tbody>`;

customElements.define('tunesmith-input-rows', InputRows);
