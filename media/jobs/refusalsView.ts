/** What tuning did to refusals: counts by attack, totals with their tests, and the prompts whose outcome changed. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Dashboard } from '../../src/protocol/jobDashboard.ts';
import { icon } from '../common/codicon.ts';

const shownPrompts = 4;

/** `all`: every prompt whose outcome changed; the first few otherwise. */
export function refusalsView(
  { refusals }: Dashboard,
  all: boolean,
  showAll: () => void,
): TemplateResult | typeof nothing {
  if (!refusals) return nothing;
  const { attacks, totals, empty, changed } = refusals;
  const sub =
    changed.length === 0
      ? l10n.t('before and after tuning')
      : l10n.t('before and after tuning; outcome changed for {0} prompts', changed.length);
  return html`<section class="logs" aria-label=${l10n.t('Refusals')}>
    <h2 class="section">${l10n.t('Refusals')}<span class="sub clip">${sub}</span><span class="acts">${
      changed.length > shownPrompts
        ? html`<button class="link" aria-expanded=${all ? 'true' : 'false'} @click=${showAll}>${all ? l10n.t('Show Fewer') : l10n.t('Show All')}</button>`
        : nothing
    }</span></h2>
    <table class="table rf">
      <thead><tr><th scope="col">${l10n.t('Attack')}</th><th scope="col" class="num">${l10n.t('Refused before')}</th><th scope="col" class="num">${l10n.t('Refused now')}</th></tr></thead>
      <tbody>${attacks.map(
        ({ attack, before, now }) =>
          html`<tr><th scope="row">${attack}</th><td class="num">${before}</td><td class="num">${before === now ? html`<span class="dim">${now}</span>` : html`<b>${now}</b>`}</td></tr>`,
      )}</tbody>
      ${totals.map(
        ({ label, before, now, change, test }) => html`<tbody class="sum">
          <tr><th scope="row">${label}</th><td class="num">${before}</td><td class="num">${now}</td></tr>
          <tr><td class="dim" colspan="3" title=${test}>${change}</td></tr>
        </tbody>`,
      )}
    </table>
    ${empty === null ? nothing : html`<p class="dim empty">${empty}</p>`}
    ${
      changed.length === 0
        ? nothing
        : html`<table class="table fx changed">
      <thead><tr><th scope="col">${l10n.t('Before')}</th><th scope="col">${l10n.t('Now')}</th></tr></thead>
      ${(all ? changed : changed.slice(0, shownPrompts)).map(
        ({ attack, prompt, before, now, outcome, better }) => html`<tbody>
          <tr><td class="asked" colspan="2"><span class="xs">${icon(better ? 'check' : 'close', better ? 'c-right' : 'c-wrong')} ${attack}, ${outcome}</span><div class="clamp dim" title=${prompt}>${prompt}</div></td></tr>
          <tr><td class="prose">${before}</td><td class="prose">${now}</td></tr>
        </tbody>`,
      )}
    </table>`
    }
  </section>`;
}
