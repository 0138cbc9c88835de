/** Lines above the matrix about runs: one that can be gone on with, and a past one that is looked at. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import { icon } from '../common/codicon.ts';
import type { Store } from './store.ts';

export function runNotices(store: Store): TemplateResult {
  return html`${viewing(store)}${offer(store)}`;
}

/** What was interrupted, how far it is, and the button that goes on with it. */
function offer(store: Store): TemplateResult | typeof nothing {
  const waiting = store.state?.offer;
  if (!waiting || store.run$.running || store.state?.viewing) return nothing;
  const { done, total, interrupted, note } = waiting;
  return html`<div class="run-notice" role="status">${icon(interrupted ? 'debug-disconnect' : 'debug-pause', 'c-dim')}
    <span class="grow">${
      interrupted ? l10n.t('The last run was interrupted:') : l10n.t('The last run was stopped:')
    } ${l10n.t('{0} of {1} cells are there.', done, total)}${note ? ` ${note}` : ''}</span>
    <button class="button secondary" @click=${() => store.resume()}>${icon('debug-continue')}${l10n.t('Resume')}</button></div>`;
}

function viewing(store: Store): TemplateResult | typeof nothing {
  const shown = store.state?.viewing;
  if (!shown) return nothing;
  const { kind, runs, title, detail } = shown;
  const [id] = runs;
  return html`<div class="run-notice viewing" role="status">${icon(kind === 'run' ? 'history' : 'diff', 'c-dim')}
    <span class="grow"><b>${title}</b> <span class="dim">${kind === 'run' ? l10n.t('a past run, to be read') : ''}${detail && kind === 'run' ? ` · ${detail}` : detail}</span></span>
    ${
      kind === 'run'
        ? html`<button class="button secondary" @click=${() => store.ask(store.host.restoreRun({ id: id! }))}>${l10n.t('Restore')}</button>`
        : html`<button class="button secondary" @click=${() => store.ask(store.host.diffRuns({ before: runs[0]!, after: runs[1]! }))}>${l10n.t('Template and Settings')}</button>`
    }
    <button class="button secondary back" @click=${() => store.viewCurrent()}>${l10n.t('Back')}</button></div>`;
}
