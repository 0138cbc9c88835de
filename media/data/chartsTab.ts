/** The tab of charts: figures of the items that pass the filter, computed anew when it or the journal changes. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { ShownFigures } from '../../src/protocol/preferenceFigures.ts';
import { icon } from '../common/codicon.ts';
import { agreementView, annotatorsView } from './charts/annotators.ts';
import { boardView } from './charts/board.ts';
import { lengthsChart } from './charts/lengths.ts';
import { timelineChart } from './charts/timeline.ts';
import type { Question } from './question.ts';
import { figure } from './words.ts';

export interface ChartsOptions {
  readonly equalLength: boolean;
  readonly toggle: () => void;
  readonly changed: () => void;
  readonly again: () => void;
}

export function chartsTab(question: Question<ShownFigures>, options: ChartsOptions): TemplateResult {
  const { value, problem, isBusy } = question;
  return html`<div class="tab-body" role="tabpanel" id="panel-charts" aria-labelledby="tab-charts" tabindex="0" aria-busy=${isBusy}>
    ${isBusy ? html`<p class="note waits" role="status">${icon('loading')}<span>${value ? l10n.t('Computing anew…') : l10n.t('Computing…')}</span></p>` : nothing}
    ${
      problem === undefined || isBusy
        ? nothing
        : html`<p class="note waits" role="alert">${icon('error', 'c-wrong')}<span>${problem} <button class="link" @click=${options.again}>${l10n.t('Try Again')}</button></span></p>`
    }
    ${value ? charts(value, options) : nothing}
  </div>`;
}

function charts(value: ShownFigures, options: ChartsOptions): TemplateResult {
  if (value.judgements === 0) return html`<p class="note waits">${l10n.t('No judgement passes the filter.')}</p>`;
  return html`${
    value.used < value.judgements
      ? html`<p class="note waits">${icon('info', 'c-info')}<span>${l10n.t(
          'All but the timeline is of {0} of {1} judgements, of items that were drawn by chance: the same ones each time.',
          figure(value.used),
          figure(value.judgements),
        )}</span></p>`
      : nothing
  }<div class="cards">
    ${timelineChart(value, options.changed)}
    ${lengthsChart(value, options.changed)}
    ${boardView(value, options)}
    ${agreementView(value)}
    ${annotatorsView(value)}
  </div>`;
}
