/** Charts as figures with captions, and the same figures as tables for screen readers. */
import { html, nothing, type TemplateResult } from 'lit';
import { figure } from '../../src/base/figure.ts';
import { l10n } from '../../src/base/l10n.ts';
import type { Chart } from '../../src/protocol/jobDashboard.ts';

/** All charts of a page, in rows of three or four: whichever leaves less of the last row empty. */
export function chartsView(charts: readonly Chart[]): TemplateResult {
  const empty = (columns: number): number => (columns - (charts.length % columns)) % columns;
  return html`<section class="charts ${empty(3) < empty(4) ? 'thirds' : ''}" aria-label=${l10n.t('Curves')}>${
    charts.length === 0
      ? html`<p class="dim">${l10n.t('Curves come with the first step.')}</p>`
      : charts.map(chart => chartView(chart))
  }</section>`;
}

function chartView(chart: Chart): TemplateResult {
  return html`<figure aria-label=${chart.title}>
    <figcaption><b>${chart.title}</b><span class="lgs ${chart.series.length > 1 ? 'several' : ''}">${chart.series.map(
      series => {
        const last = series.points.at(-1);
        return html`<span class="lg ${series.color}" title=${series.label}><span class="clip">${series.label}</span>${last ? html` <i>${figure(last[1])}</i>` : nothing}${
          chart.unit === '' ? nothing : html` ${chart.unit}`
        }</span>`;
      },
    )}</span></figcaption>
    <div class="plot" data-chart=${chart.id} aria-hidden="true">${
      chart.series.length === 0 ? html`<p class="dim none">${l10n.t('Comes with the first step.')}</p>` : nothing
    }</div>
    <div class="xl dim" aria-hidden="true">${chart.xLabel}</div>
    ${chartTable(chart)}
  </figure>`;
}

/** The same figures for screen readers, at most 20 rows of each series. */
function chartTable(chart: Chart): TemplateResult | typeof nothing {
  if (chart.series.length === 0) return nothing;
  return html`<div class="sr-only">${chart.series.map(series => {
    const every = Math.max(1, Math.ceil(series.points.length / 20));
    const rows = series.points.filter((_, i) => i % every === 0 || i === series.points.length - 1);
    return html`<table>
      <caption>${chart.title}, ${series.label}</caption>
      <thead><tr><th scope="col">${chart.xLabel}</th><th scope="col">${chart.unit === '' ? chart.title : chart.unit}</th></tr></thead>
      <tbody>${rows.map(([x, y]) => html`<tr><td>${Number.isInteger(x) ? x : figure(x)}</td><td>${figure(y)}</td></tr>`)}</tbody>
    </table>`;
  })}</div>`;
}
