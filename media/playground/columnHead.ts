/** Heads of the matrix: which model and variant a column is, and how many of its answers are right. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Column } from '../../src/protocol/playgroundCells.ts';
import { icon } from '../common/codicon.ts';
import { intervalBar } from '../common/controls.ts';
import { openMenu } from '../common/menu.ts';
import type { Store } from './store.ts';

export function cornerHead(store: Store): TemplateResult {
  const graded = store.columns.some(column => column.score !== null);
  const rows = store.rows.length;
  return html`<div class="head corner" role="columnheader" aria-colindex="1"><span class="dim xs"
    >${rows === 1 ? l10n.t('1 input') : l10n.t('{0} inputs', rows)}${
      graded ? html`;<br />${l10n.t('bars show the 95 % interval')}` : nothing
    }</span></div>`;
}

export function columnHead(store: Store, column: Column, index: number, gridColumn: number): TemplateResult {
  const variants = new Set(store.columns.map(({ variant }) => variant)).size > 1;
  const title = variants ? column.label : column.modelLabel;
  const detail = variants
    ? [column.baseline ? l10n.t('baseline') : '', column.detail].filter(Boolean).join(', ')
    : column.label;
  const { score } = column;
  return html`<div class="head" role="columnheader" aria-colindex=${index + 2} style="grid-column:${gridColumn}">
    <div class="line"><strong class="clip" title=${title}>${title}</strong><span class="dim clip grow">${detail}</span>${
      variants ? headMenu(store, column, title) : nothing
    }</div>
    ${column.controlled ? nothing : html`<div class="dim xs clip" title=${l10n.t('This model does not honour temperature and seed.')}>${l10n.t('uncontrolled sampling')}</div>`}
    ${score ? html`<div class="line score">${intervalBar(score, score.right)}</div>` : nothing}
    ${column.paired ? difference(column.paired) : nothing}
    ${column.failed > 0 ? html`<div class="dim xs">${l10n.t('{0} failed', column.failed)}</div>` : nothing}
  </div>`;
}

/** What the column can do; a tab stop of its own, as the heads are no cells of the grid. */
function headMenu(store: Store, column: Column, title: string): TemplateResult {
  const name = l10n.t('Actions for {0}', title);
  const open = (event: Event): void =>
    openMenu(event.currentTarget as HTMLElement, name, () => [
      {
        label: l10n.t('Use as Baseline'),
        icon: column.baseline ? 'check' : 'blank',
        run: () => store.updateSetup({ baseline: column.key }),
      },
    ]);
  return html`<button class="action" title=${name} aria-label=${name} aria-haspopup="menu" @click=${open}>${icon('ellipsis')}</button>`;
}

/** How the column differs from its baseline, over the answers that both have. */
function difference(paired: NonNullable<Column['paired']>): TemplateResult {
  const signed = (share: number): string =>
    `${share > 0 ? '+' : share < 0 ? '−' : ''}${Math.abs(share * 100).toFixed(0)}`;
  const words = (value: number): string => (value < 0.001 ? '< 0.001' : `= ${value.toFixed(value < 0.1 ? 3 : 2)}`);
  const p = words(paired.adjustedP);
  const tested = l10n.t(
    'McNemar, mid-p: {0} gained, {1} lost, {2} paired, p {3}; difference with its 95 % interval (Newcombe)',
    paired.gained,
    paired.lost,
    paired.n,
    words(paired.midP),
  );
  const title =
    paired.comparisons > 1
      ? `${tested}. ${l10n.t('Corrected for {0} comparisons (Holm): p {1}', paired.comparisons, p)}`
      : tested;
  return html`<div class="xs difference" title=${title}><b>${signed(paired.estimate)}</b> <span class="dim"
    >${l10n.t('{0} to {1}, {2} paired, p {3}', signed(paired.low), signed(paired.high), paired.n, p)}</span></div>`;
}
