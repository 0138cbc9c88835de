/** Who agrees with whom, and each annotator's biases and consistency. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../../src/base/l10n.ts';
import type { ShownFigures, ShownInterval } from '../../../src/protocol/preferenceFigures.ts';
import { figure } from '../words.ts';
import { decimal, percent, percentOf } from './figures.ts';

/** Krippendorff's α and raw agreement, and raw agreement of each two. */
export function agreementView({ agreement, between }: ShownFigures): TemplateResult {
  const { alpha, raw, units } = agreement;
  return html`<figure class="card" aria-label=${l10n.t('Agreement')}>
    <figcaption class="line"><b>${l10n.t('Agreement')}</b></figcaption>
    <p class="says">${
      units === 0
        ? l10n.t('No two annotators judged the same answers.')
        : html`${l10n.t('Of {0} pairs of answers, {1} judged alike; Krippendorff’s α', figure(units), percent(raw))}
          <b>${decimal(alpha.estimate)}</b> (${decimal(alpha.low)}–${decimal(alpha.high)})`
    }</p>
    ${between.annotators.length < 2 ? nothing : matrix(between)}
  </figure>`;
}

function matrix({ annotators, cells }: ShownFigures['between']): TemplateResult {
  return html`<div class="table-box" tabindex="0" role="group" aria-label=${l10n.t('Agreement between annotators')}>
    <table class="table figures heat"><caption class="sr-only">${l10n.t('Share of answers’ pairs that two annotators judged alike')}</caption>
      <thead><tr><td></td>${annotators.map(name => html`<th scope="col" class="num"><span class="clip" title=${name}>${name}</span></th>`)}</tr></thead>
      <tbody>${annotators.map(
        (name, i) =>
          html`<tr><th scope="row"><span class="clip" title=${name}>${name}</span></th>${annotators.map((other, j) => {
            const cell = cells[i]?.[j];
            if (!cell) return html`<td class="num dim">${i === j ? '' : '–'}</td>`;
            const title = l10n.t(
              '{0} and {1}: {2} pairs of answers, Cohen’s κ {3}',
              name,
              other,
              figure(cell.units),
              decimal(cell.kappa),
            );
            return html`<td class="num" title=${title} style="--share:${cell.raw ?? 0}">${percent(cell.raw)}<span class="sr-only"> ${title}</span></td>`;
          })}</tr>`,
      )}</tbody>
    </table></div>`;
}

/** A bias of place or length is a share away from one half. */
export function annotatorsView({ annotators }: ShownFigures): TemplateResult {
  const cell = (interval: ShownInterval, middle: boolean): TemplateResult =>
    interval.n === 0 || interval.estimate === null
      ? html`<td class="dim">–</td>`
      : html`<td><span class="line"><span class="interval ${middle ? 'middle' : ''}" aria-hidden="true"
          ><i style="left:${100 * (interval.low ?? 0)}%;right:${100 - 100 * (interval.high ?? 1)}%"></i><b style="left:${100 * interval.estimate}%"></b></span
          ><span class="nowrap xs">${percentOf(interval)}</span></span></td>`;
  return html`<figure class="card wide" aria-label=${l10n.t('Each annotator')}>
    <figcaption class="line"><b>${l10n.t('Each annotator')}</b></figcaption>
    <p class="says">${l10n.t('Half is no bias: how often the answer shown first wins, and how often the longer one. Of items judged twice, how often alike.')}</p>
    <div class="table-box" tabindex="0" role="group" aria-label=${l10n.t('Each annotator')}>
    <table class="table figures people"><thead><tr><th scope="col">${l10n.t('Annotator')}</th><th scope="col" class="num">${l10n.t('Judgements')}</th><th scope="col" class="num">${l10n.t('Skipped')}</th>
      <th scope="col">${l10n.t('First shown wins')}</th><th scope="col">${l10n.t('Longer wins')}</th><th scope="col">${l10n.t('Same on repeats')}</th></tr></thead>
      <tbody>${annotators.map(
        one =>
          html`<tr><th scope="row"><span class="clip" title=${one.annotator}>${one.annotator}</span></th><td class="num">${figure(one.judgements)}</td><td class="num">${figure(one.skipped)}</td>
          ${cell(one.firstShownWins, true)}${cell(one.longerWins, true)}${cell(one.consistency, false)}</tr>`,
      )}</tbody></table></div>
  </figure>`;
}
