/** A chart with its words: title, what it says in a sentence, the drawing in the width that there is, and the same as a table. */
import { html, LitElement, nothing, type SVGTemplateResult, type TemplateResult } from 'lit';
import { l10n } from '../../../src/base/l10n.ts';

/** Draws for a width in pixels. */
export type Draw = (width: number) => SVGTemplateResult | TemplateResult;

export interface TableOf {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Redraws what it is given when its width changes: text in a drawing keeps its size. */
class Drawing extends LitElement {
  declare draw: Draw;
  static override properties = { draw: { attribute: false } };
  readonly #size = new ResizeObserver(() => this.requestUpdate());

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#size.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#size.disconnect();
  }

  override render(): unknown {
    return this.clientWidth > 0 ? this.draw(this.clientWidth) : nothing;
  }
}
customElements.define('tunesmith-drawing', Drawing);

const asTable = new Set<string>();

/** `legend` names colours; `table` is shown to everyone on demand, and to screen readers always. */
export function chartView(chart: {
  readonly id: string;
  readonly title: string;
  readonly says?: unknown;
  readonly legend?: readonly { readonly name: string; readonly color: string }[];
  readonly draw: Draw;
  readonly table: TableOf;
  readonly changed: () => void;
}): TemplateResult {
  const shown = asTable.has(chart.id);
  const toggle = (): void => {
    if (shown) asTable.delete(chart.id);
    else asTable.add(chart.id);
    chart.changed();
  };
  return html`<figure class="card" aria-label=${chart.title}>
    <figcaption class="line"><b>${chart.title}</b><span class="grow"></span>
      <button class="action text" aria-pressed=${shown} @click=${toggle}>${l10n.t('Table')}</button></figcaption>
    ${chart.says === undefined ? nothing : html`<p class="says">${chart.says}</p>`}
    ${
      shown
        ? nothing
        : html`${
            chart.legend
              ? html`<p class="legend xs" aria-hidden="true">${chart.legend.map(
                  ({ name, color }) =>
                    html`<span class="line"><i style="background:${color}"></i><span class="clip">${name}</span></span>`,
                )}</p>`
              : nothing
          }<tunesmith-drawing aria-hidden="true" .draw=${chart.draw}></tunesmith-drawing>`
    }
    <div class=${shown ? 'table-box' : 'sr-only'} tabindex=${shown ? 0 : nothing} role=${shown ? 'group' : nothing} aria-label=${shown ? chart.title : nothing}>
      <table class="table figures"><caption class="sr-only">${chart.title}</caption>
        <thead><tr>${chart.table.head.map((name, i) => html`<th scope="col" class=${i === 0 ? '' : 'num'}>${name}</th>`)}</tr></thead>
        <tbody>${chart.table.rows.map(
          row =>
            html`<tr>${row.map((cell, i) => (i === 0 ? html`<th scope="row">${cell}</th>` : html`<td class="num">${cell}</td>`))}</tr>`,
        )}</tbody>
      </table></div>
  </figure>`;
}

/** Colours of series in their order; the last is for all others. */
export const seriesColors = [
  'var(--vscode-charts-blue)',
  'var(--orange)',
  'var(--vscode-charts-green)',
  'var(--vscode-charts-purple)',
  'var(--vscode-charts-red)',
  'var(--dim)',
] as const;

/** Round values from 0 to at least `most`, at about `count` steps. */
export function ticks(most: number, count: number): number[] {
  const raw = Math.max(most, 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, ([1, 2, 5, 10].find(factor => factor * power >= raw) ?? 10) * power);
  const values: number[] = [];
  for (let value = 0; value < most + step; value += step) values.push(value);
  return values;
}
