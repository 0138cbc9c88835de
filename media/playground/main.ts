/** The playground's page: the prompt on the left, the answers on the right. */
import './playground.css';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import { icon } from '../common/codicon.ts';
import { segments } from '../common/controls.ts';
import './answersPane.ts';
import { watchForecast } from './forecastDialog.ts';
import './promptPane.ts';
import { Store } from './store.ts';

class Playground extends LitElement {
  readonly #store = new Store();

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#store.on(['page', 'template', 'document'], () => this.requestUpdate());
    window.addEventListener('keydown', event => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
      event.preventDefault();
      event.stopPropagation();
      this.#store.run({ kind: 'row', row: this.#store.setup.row });
    });
    watchForecast(this.#store, document.body);
    void this.#store.ask(this.#store.start());
  }

  override render(): TemplateResult {
    const store = this.#store;
    const { state } = store;
    if (!state)
      return html`${store.problem ? html`<p class="note welcome" role="alert">${icon('error', 'c-wrong')}<span>${store.problem}</span></p>` : nothing}`;
    if (!state.uri) return this.#welcome();
    return html`<div class="pane-switch">
        ${segments(
          l10n.t('Pane'),
          [
            { value: 'prompt', label: l10n.t('Prompt') },
            { value: 'answers', label: l10n.t('Answers') },
          ],
          store.pane,
          pane => store.showPane(pane),
        )}
      </div>
      <main class="panes" data-pane=${store.pane}>
        <tunesmith-prompt-pane role="region" aria-label=${l10n.t('Template')} .store=${store}></tunesmith-prompt-pane>
        <tunesmith-answers-pane role="region" aria-label=${l10n.t('Answers')} .store=${store}></tunesmith-answers-pane>
      </main>`;
  }

  #welcome(): TemplateResult {
    const store = this.#store;
    const templates = store.state?.templates ?? [];
    const act = (action: 'new-template' | 'open-samples') => () => store.ask(store.host.act({ action }));
    return html`<main class="welcome page">
      <h1>${l10n.t('Open a template')}</h1>
      <p>${l10n.t('A template is one .prompty file: the prompt, its inputs and its examples.')}</p>
      ${store.problem ? html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span>${store.problem}</span></p>` : nothing}
      ${
        templates.length > 0
          ? html`<ul class="picks">
            ${templates.map(
              template =>
                html`<li><button class="pick" @click=${() => store.ask(store.host.openTemplate({ uri: template.uri }))}>
                  ${icon('file-text')}<span>${template.name}</span><span class="dim clip">${template.detail}</span></button></li>`,
            )}
          </ul>`
          : html`<p class="dim">${l10n.t('There are no templates in this folder yet.')}</p>`
      }
      <div class="line wrap">
        <button class="button" @click=${act('new-template')}>${l10n.t('New Template')}</button>
        <button class="button secondary" @click=${act('open-samples')}>${l10n.t('Open the Sample Workspace')}</button>
      </div>
    </main>`;
  }
}

customElements.define('tunesmith-playground', Playground);
document.body.append(document.createElement('tunesmith-playground'));
