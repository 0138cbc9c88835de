/** Heads of the matrix: which model and variant a column is, and how many of its answers are right. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Column } from '../../src/protocol/playground.ts';
import { intervalBar } from '../common/controls.ts';
import type { Store } from './store.ts';

export function cornerHead(store: Store): TemplateResult {
  const graded = store.columns.some(column => column.score !== null);
  const rows = store.rows.length;
  return html`<div class="head corner" role="columnheader"><span class="dim xs"
    >${rows === 1 ? l10n.t('1 input') : l10n.t('{0} inputs', rows)}${
      graded ? html`;<br />${l10n.t('bars show the 95 % interval')}` : nothing
    }</span></div>`;
}

export function columnHead(store: Store, column: Column, index: number): TemplateResult {
  const variants = new Set(store.columns.map(({ variant }) => variant)).size > 1;
  const title = variants ? column.label : column.modelLabel;
  const detail = variants ? (index === 0 ? l10n.t('baseline') : column.detail) : column.label;
  const { score } = column;
  return html`<div class="head" role="columnheader">
    <div class="line"><strong class="clip">${title}</strong><span class="dim clip grow">${detail}</span></div>
    ${score ? html`<div class="line score">${intervalBar(score, score.right)}</div>` : nothing}
    ${column.failed > 0 ? html`<div class="dim xs">${l10n.t('{0} failed', column.failed)}</div>` : nothing}
  </div>`;
}
