/** Jobs beside each other: who they are, their curves in common charts, what came of them, and what their specifications differ in. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Comparison } from '../../src/protocol/jobDashboard.ts';
import { icon } from '../common/codicon.ts';
import { chartsView } from './charts.ts';
import { opening, type PageModel, problem } from './livePage.ts';
import { stateIcons, stateWords } from './states.ts';

export interface ComparisonModel extends PageModel {
  readonly comparison: Comparison | null;
}

export interface ComparisonActions {
  act(action: 'export' | 'choose'): void;
  openJob(id: string): void;
  retry(): void;
}

export function comparisonView(
  { comparison, error, busy }: ComparisonModel,
  actions: ComparisonActions,
): TemplateResult {
  if (!comparison) return opening(error, () => actions.retry());
  const { jobs, charts, specification, same, results } = comparison;
  return html`<main class="job">
    <header class="head">
      <h1 class="clip">${l10n.t('Compare Jobs')}</h1>
      <div class="btns">
        <button class="button secondary" ?disabled=${busy} @click=${() => actions.act('choose')}>${icon('checklist')}${l10n.t('Choose Jobs')}</button>
        <button class="button secondary" ?disabled=${busy} @click=${() => actions.act('export')}>${icon('export')}${l10n.t('Export')}</button>
      </div>
    </header>
    ${error === null ? nothing : html`<div class="health">${problem(error)}</div>`}
    <div class="scroll">
      <ul class="cmp" aria-label=${l10n.t('Jobs')}>${jobs.map((job, i) => {
        const [name, color] = stateIcons[job.status];
        return html`<li>
          <span class="lg job-${i + 1}" aria-hidden="true"></span>
          <button class="link" @click=${() => actions.openJob(job.id)}>${job.name}</button>
          <span class="dim">${job.kindLabel}</span>
          <span class="st">${icon(name, color)}<span>${stateWords(job)}</span></span>
          <span class="dim">${job.outcome}</span>
        </li>`;
      })}</ul>
      ${chartsView(charts)}
      <div class="cmp-tables">
        <section aria-label=${l10n.t('What differs')}>
          <h2 class="section">${l10n.t('What differs')}<span class="sub">${l10n.t('{0} settings are the same', same)}</span></h2>
          ${
            specification.length === 0
              ? html`<p class="dim empty">${l10n.t('Nothing: the same specification gives the same model.')}</p>`
              : table(specification)
          }
        </section>
        ${
          results.length === 0
            ? nothing
            : html`<section aria-label=${l10n.t('Results')}><h2 class="section">${l10n.t('Results')}</h2>${table(results)}</section>`
        }
      </div>
    </div>
  </main>`;

  function table(rows: Comparison['results']): TemplateResult {
    return html`<table class="table cmp-table">
      <thead><tr><td></td>${jobs.map((job, i) => html`<th scope="col"><span class="lg job-${i + 1}"></span><span class="clip" title=${job.name}>${job.name}</span></th>`)}</tr></thead>
      <tbody>${rows.map(
        ({ label, values }) =>
          html`<tr><th scope="row">${label}</th>${values.map(value => html`<td>${value ?? html`<span class="dim">—</span>`}</td>`)}</tr>`,
      )}</tbody>
    </table>`;
  }
}
