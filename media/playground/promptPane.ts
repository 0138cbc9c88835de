/** The left half of the playground: what the template is, and what it would send for the chosen row. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Strategy, TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { icon } from '../common/codicon.ts';
import { select } from '../common/controls.ts';
import { openMenu } from '../common/menu.ts';
import type { PromptEditor } from './promptEditor.ts';
import './promptEditor.ts';
import { answerSection } from './answerSection.ts';
import { bankSection } from './bankSection.ts';
import { inputsSection, samplingSection } from './sections.ts';
import type { Store } from './store.ts';
import { strategyChoices } from './strategyChoices.ts';
import { strategySettings } from './strategySettings.ts';
import { tokenMeter } from './tokenMeter.ts';
import './variantsSection.ts';

export class PromptPane extends LitElement {
  declare store: Store;
  #stop: (() => void) | undefined;

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.store.on(['template', 'preview', 'setup', 'page', 'models', 'columns'], () =>
      this.requestUpdate(),
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render(): TemplateResult {
    const { store } = this;
    const template = store.state?.template;
    return html`<header class="bar title">
        ${icon('file-text')}<h1 class="nowrap clip">${template?.fileName ?? ''}</h1>
        <span class="dim clip grow path">${template?.folder ?? ''}</span>
        <button class="action" title=${l10n.t('Open as Text')} aria-label=${l10n.t('Open as Text')}
          @click=${() => this.#act('open-text')}>${icon('go-to-file')}</button>
        <button class="action" title=${l10n.t('More Actions')} aria-label=${l10n.t('More Actions')} aria-haspopup="menu"
          @click=${(event: Event) => this.#more(event.currentTarget as HTMLElement)}>${icon('ellipsis')}</button>
      </header>
      ${
        template
          ? html`<div class="strategy">
              <span class="label">${l10n.t('Reasoning')}</span>
              <div class="grow">${select(l10n.t('Reasoning strategy'), strategyChoices(), template.strategy, value => this.#strategy(value))}</div>
            </div>
            ${strategySettings(store, template)}
            <div class="scroller" tabindex="-1">
              ${this.#notices(template)}
              <tunesmith-prompt-editor .store=${store}></tunesmith-prompt-editor>
              ${store.preview ? tokenMeter(store) : nothing}
              ${inputsSection(store, template)} ${answerSection(store, template)} ${bankSection(store, template)}
              <tunesmith-variants .store=${store} .template=${template} .version=${{}}></tunesmith-variants>
              ${samplingSection(store, template)}
            </div>`
          : nothing
      }`;
  }

  /** What is wrong outside the visible prompt, and what waits for a decision. */
  #notices(template: TemplateState): TemplateResult | typeof nothing {
    const { store } = this;
    const at = store.prompt.bodyStart;
    const elsewhere = template.diagnostics.filter(({ place, range }) => place !== null || range.end <= at || at === 0);
    const errors = elsewhere.filter(({ severity }) => severity === 'error');
    const shown = [...errors, ...elsewhere.filter(({ severity }) => severity === 'warning')].slice(0, 3);
    const error = store.preview?.error ?? null;
    const problem = store.problem ?? (errors.length === 0 ? error : null);
    if (shown.length === 0 && template.approvals.length === 0 && !problem && store.state?.trusted !== false)
      return nothing;
    return html`<div class="notices">
      ${problem ? html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span>${problem}</span></p>` : nothing}
      ${shown.map(
        ({ severity, message, place, range }) =>
          html`<p class="note">
            ${icon(severity === 'error' ? 'error' : 'warning', severity === 'error' ? 'c-wrong' : 'c-warn')}
            <span>${place ? html`<span class="dim">${place}: </span>` : nothing}${message}
              ${
                place === null
                  ? html`<button class="link" @click=${() => this.#reveal(range.start)}>${l10n.t('Show')}</button>`
                  : nothing
              }</span>
          </p>`,
      )}
      ${template.approvals.map(
        approval =>
          html`<p class="note">${icon('shield', 'c-warn')}<span>${approval.message}
            <button class="link" @click=${() => store.ask(store.host.approve({ id: approval.id }))}>${l10n.t('Review…')}</button></span></p>`,
      )}
      ${
        store.state?.trusted === false
          ? html`<p class="note">${icon('shield', 'c-dim')}<span>${l10n.t('This workspace is restricted: servers, environment variables and files named by the template are off.')}
            <button class="link" @click=${() => this.#act('trust')}>${l10n.t('Manage Trust')}</button></span></p>`
          : nothing
      }
    </div>`;
  }

  #reveal(offset: number): void {
    if (offset < this.store.prompt.bodyStart) this.#act('open-text');
    else this.querySelector<PromptEditor>('tunesmith-prompt-editor')?.reveal(offset);
  }

  #strategy(value: Strategy): void {
    this.store.set(['metadata', 'tunesmith', 'reasoning', 'strategy'], value);
  }

  #act(action: Parameters<Store['host']['act']>[0]['action']): void {
    void this.store.ask(this.store.host.act({ action }));
  }

  #more(anchor: HTMLElement): void {
    openMenu(anchor, l10n.t('More Actions'), () => [
      { label: l10n.t('Open as Text'), icon: 'go-to-file', run: () => this.#act('open-text') },
      { label: l10n.t('New Template'), icon: 'add', run: () => this.#act('new-template') },
      'separator',
      { label: l10n.t('Export Prompt As…'), icon: 'export', run: () => this.#act('export-prompt') },
      { label: l10n.t('Search for a Better Prompt…'), icon: 'search-sparkle', run: () => this.#act('search-prompt') },
      'separator',
      { label: l10n.t('Show Log'), icon: 'output', run: () => this.#act('show-log') },
    ]);
  }
}

customElements.define('tunesmith-prompt-pane', PromptPane);
