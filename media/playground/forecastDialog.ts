/** Asks before a big run: what it will ask of the models, as far as that is known, with Run and Cancel. */
import { html, nothing, render, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { RunForecast } from '../../src/protocol/playgroundRuns.ts';
import { costWords } from './figures.ts';
import type { Store } from './store.ts';

/** Shows the forecast while the host waits for an answer to it. Returns what ends that. */
export function watchForecast(store: Store, host: HTMLElement): () => void {
  let shown: { readonly dialog: HTMLDialogElement; readonly before: HTMLElement | null } | undefined;
  const close = (): void => {
    if (!shown) return;
    const { dialog, before } = shown;
    shown = undefined;
    dialog.close();
    dialog.remove();
    before?.focus();
  };
  const update = (): void => {
    const forecast = store.state?.forecast ?? null;
    if (!forecast) {
      close();
      return;
    }
    const before = shown?.before ?? (document.activeElement as HTMLElement | null);
    if (!shown) {
      shown = { dialog: newDialog(store), before };
      host.append(shown.dialog);
    }
    render(body(store, forecast), shown.dialog);
    if (shown.dialog.open) return;
    shown.dialog.showModal();
    shown.dialog.querySelector<HTMLElement>('.go')?.focus();
  };
  const stop = store.on(['page', 'run'], update);
  return () => {
    stop();
    close();
  };
}

function newDialog(store: Store): HTMLDialogElement {
  const dialog = document.createElement('dialog');
  dialog.className = 'note-dialog';
  dialog.setAttribute('aria-labelledby', 'forecast-title');
  dialog.addEventListener('cancel', event => {
    event.preventDefault();
    answer(store, false);
  });
  // Ctrl+Enter, which would run the row behind, runs what is asked about.
  dialog.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    answer(store, true);
  });
  return dialog;
}

const answer = (store: Store, run: boolean): void => void store.ask(store.host.confirm({ run }));

function body(store: Store, forecast: RunForecast): TemplateResult {
  return html`<h2 class="forecast-title" id="forecast-title">${l10n.t('Run {0} cells?', forecast.cells)}</h2>
    <dl class="forecast">
      ${figures(forecast).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
    </dl>
    ${forecast.exact ? nothing : html`<p class="dim xs">${l10n.t('Estimated from some of the cells.')}</p>`}
    <div class="line"><span class="grow"></span>
      <button class="button secondary" @click=${() => answer(store, false)}>${l10n.t('Cancel')}</button>
      <button class="button go" @click=${() => answer(store, true)}>${l10n.t('Run')}</button></div>`;
}

function figures({
  calls,
  cached,
  counted,
  exact,
  promptTokens,
  completionTokens,
  cost,
  seconds,
}: RunForecast): [string, string][] {
  const about = (tokens: number): string =>
    counted && exact ? tokens.toLocaleString() : l10n.t('about {0}', rounded(tokens).toLocaleString());
  const { expected, most } = completionTokens;
  return [
    [
      l10n.t('Calls'),
      calls.toLocaleString() + (cached > 0 ? `; ${l10n.t('{0} cells are in the cache', cached.toLocaleString())}` : ''),
    ],
    [l10n.t('Tokens in'), about(promptTokens)],
    [
      l10n.t('Tokens out'),
      expected === most
        ? l10n.t('at most {0}', most.toLocaleString())
        : l10n.t('about {0}, at most {1}', rounded(expected).toLocaleString(), most.toLocaleString()),
    ],
    [
      l10n.t('Cost'),
      cost === null
        ? l10n.t('not known: no price is set (tunesmith.prices)')
        : cost.most === 0
          ? l10n.t('none')
          : l10n.t('about {0}, at most {1}', costWords(cost.expected), costWords(cost.most)),
    ],
    [
      l10n.t('Time'),
      seconds === null ? l10n.t('not known: this model was not measured yet') : l10n.t('about {0}', timeWords(seconds)),
    ],
  ];
}

/** Two digits: an estimate has no more. */
const rounded = (value: number): number => (value < 100 ? Math.round(value) : Number(value.toPrecision(2)));

function timeWords(seconds: number): string {
  if (seconds < 90) return l10n.t('{0} s', Math.max(1, Math.round(seconds)));
  if (seconds < 5400) return l10n.t('{0} min', Math.round(seconds / 60));
  return l10n.t('{0} h', (seconds / 3600).toFixed(1));
}
