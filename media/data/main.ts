/** The page of the data view: what is found, the filters, the table of items, and the chosen item in full. */
import '../common/theme.css';
import '../common/answerText.css';
import './data.css';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { DataAction } from '../../src/protocol/preferenceData.ts';
import { icon } from '../common/codicon.ts';
import { chartsTab } from './chartsTab.ts';
import { DataPage, noFilter, type Tab, Tabs } from './dataPage.ts';
import { detailView } from './detail.ts';
import { exportTab } from './exportTab.ts';
import { filtersView } from './filters.ts';
import { findingsTab } from './findingsTab.ts';
import './table.ts';
import type { DataTable } from './table.ts';
import { figure } from './words.ts';

/** Milliseconds of rest after typing before the items are searched. */
const SearchDelay = 150;
/** Where there is room the filters are open, until somebody closes them. */
const wide = matchMedia('(min-width: 700px)');

class PreferenceData extends LitElement {
  readonly #page = new DataPage();
  /** What somebody chose; undefined before. */
  #filtersChosen: boolean | undefined;
  #equalLength = false;
  /** Findings of each kind that are drawn. */
  readonly #findingsOpen = new Map<string, number>();
  #searchTimer: ReturnType<typeof setTimeout> | undefined;

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#page.addEventListener('changed', () => this.requestUpdate());
    this.addEventListener('enter', () => this.#goTo('.detail .scroll'));
    wide.addEventListener('change', () => {
      this.#filtersChosen = undefined;
      this.requestUpdate();
    });
    window.addEventListener('keydown', event => this.#keys(event));
    void this.#page.start();
  }

  override render(): TemplateResult {
    const page = this.#page;
    const { state, problem } = page;
    if (!state)
      return html`<main aria-busy=${problem ? 'false' : 'true'}>${
        problem
          ? html`<p class="note lone" role="alert">${icon('error', 'c-wrong')}<span>${problem}</span></p>`
          : nothing
      }</main>`;
    if (state.facets.items === 0) return html`<main>${this.#bar()}${this.#notices()}${this.#empty()}</main>`;
    // Findings and exports are of all data.
    const isFiltered = page.tab === 'items' || page.tab === 'charts';
    return html`<main>${this.#bar()}${this.#tabs()}${isFiltered ? filtersView(page, this.#filtersOpen, text => this.#search(text)) : nothing}${this.#notices()}${this.#tab()}</main>`;
  }

  #tabs(): TemplateResult {
    const page = this.#page;
    const names: Readonly<Record<Tab, string>> = {
      items: l10n.t('Items'),
      charts: l10n.t('Charts'),
      findings: l10n.t('Findings'),
      export: l10n.t('Export'),
    };
    const onKey = (event: KeyboardEvent): void => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = Tabs[(Tabs.indexOf(page.tab) + step + Tabs.length) % Tabs.length]!;
      page.open(next);
      this.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
    };
    return html`<div class="tabs" role="tablist" aria-label=${l10n.t('Views of the data')} @keydown=${onKey}>${Tabs.map(
      tab =>
        html`<button role="tab" id="tab-${tab}" aria-selected=${page.tab === tab} tabindex=${page.tab === tab ? 0 : -1}
          aria-controls=${page.tab === tab ? `panel-${tab}` : nothing} @click=${() => page.open(tab)}>${names[tab]}</button>`,
    )}</div>`;
  }

  #tab(): TemplateResult {
    const page = this.#page;
    if (page.tab === 'charts')
      return chartsTab(page.figures, {
        equalLength: this.#equalLength,
        toggle: () => {
          this.#equalLength = !this.#equalLength;
          this.requestUpdate();
        },
        changed: () => this.requestUpdate(),
        again: () => {
          page.figures.forget();
          page.open('charts');
        },
      });
    if (page.tab === 'findings')
      return findingsTab(page, {
        open: this.#findingsOpen,
        more: kind => {
          this.#findingsOpen.set(kind, (this.#findingsOpen.get(kind) ?? 10) + 100);
          this.requestUpdate();
        },
        redact: () => {
          page.chooseExport({ redact: true });
          page.open('export');
        },
      });
    if (page.tab === 'export') return exportTab(page);
    const { state } = page;
    return html`<div class="body ${page.detail ? 'with-detail' : ''}" role="tabpanel" id="panel-items" aria-labelledby="tab-items">
        <tunesmith-data-table .page=${page}></tunesmith-data-table>
        ${page.shown === 0 && state?.share === 1 ? this.#nothingFound() : nothing}
        ${page.detail ? detailView(page, page.detail) : nothing}
      </div>`;
  }

  #bar(): TemplateResult {
    const page = this.#page;
    const { undo } = page.state!;
    return html`<header class="bar"><h1 class="clip">${l10n.t('Preference data')}</h1>
      <span class="dim clip counts" role="status">${this.#counts()}</span><span class="grow"></span>
      ${
        undo === null
          ? nothing
          : html`<button class="action text" title=${l10n.t('Undo: {0}', undo)} @click=${() => void page.undo()}>${icon('discard')}${l10n.t('Undo')}</button>`
      }
      ${
        page.tab === 'items' || page.tab === 'charts'
          ? html`<button class="action" aria-pressed=${this.#filtersOpen} title=${l10n.t('Filters')} aria-label=${l10n.t('Filters')} @click=${() => this.#toggleFilters()}>${icon(page.isFiltered ? 'filter-filled' : 'filter')}</button>`
          : nothing
      }
    </header>`;
  }

  /** `12 of 40 items, 60 judgements, 71 pairs`. */
  #counts(): string {
    const { found, facets, share } = this.#page.state!;
    const items =
      found.items === facets.items
        ? l10n.t('{0} items', figure(found.items))
        : l10n.t('{0} of {1} items', figure(found.items), figure(facets.items));
    const counts = l10n.t('{0}, {1} judgements, {2} pairs', items, figure(found.judgements), figure(found.pairs));
    return share === 1 ? counts : `${counts} · ${l10n.t('searching, {0} %', Math.floor(100 * share))}`;
  }

  #notices(): TemplateResult | typeof nothing {
    const page = this.#page;
    const { problems } = page.state!;
    const notes = [
      ...(page.problem
        ? [html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span>${page.problem}</span></p>`]
        : []),
      ...problems.slice(0, 3).map(text => html`<p class="note">${icon('warning', 'c-warn')}<span>${text}</span></p>`),
      ...(problems.length > 3
        ? [html`<p class="dim">${l10n.t('{0} more lines were passed over.', problems.length - 3)}</p>`]
        : []),
    ];
    return notes.length === 0 ? nothing : html`<div class="notices">${notes}</div>`;
  }

  #empty(): TemplateResult {
    const act = (action: DataAction): void => this.#page.host.act({ action });
    return html`<div class="welcome">
      <p>${l10n.t('Judgements appear here once there is something to judge: sample several answers to a prompt and send them to ranking, or put up answers that you have.')}</p>
      <button class="button" @click=${() => act('open-playground')}>${l10n.t('Sample Answers in the Playground')}</button>
      <button class="button secondary" @click=${() => act('import-answers')}>${l10n.t('Put Up Answers from a File…')}</button>
      <button class="button secondary" @click=${() => act('open-ranking')}>${l10n.t('Open the Ranking View')}</button>
    </div>`;
  }

  #nothingFound(): TemplateResult {
    return html`<div class="welcome over"><p>${l10n.t('No item passes these filters.')}</p>
      <button class="button secondary" @click=${() => void this.#page.show(noFilter)}>${l10n.t('Show All Items')}</button></div>`;
  }

  #toggleFilters(): void {
    this.#filtersChosen = !this.#filtersOpen;
    this.requestUpdate();
  }

  get #filtersOpen(): boolean {
    return this.#filtersChosen ?? wide.matches;
  }

  #search(text: string): void {
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => void this.#page.show({ text }), SearchDelay);
  }

  /** Keys that hold wherever the focus is. */
  #keys(event: KeyboardEvent): void {
    const inField = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
    const control = event.ctrlKey || event.metaKey;
    if ((event.key === '/' && !inField && !control) || (control && event.key.toLowerCase() === 'f')) {
      this.querySelector<HTMLInputElement>('.search')?.select();
    } else if (event.key === 'Escape' && this.#page.detail && !inField) {
      this.#page.close();
      this.#table?.focus();
    } else if (
      (event.key === 'ArrowDown' || event.key === 'Enter') &&
      inField &&
      (event.target as Element).matches('.search')
    ) {
      this.#table?.focus();
      if (this.#page.row < 0) this.#page.choose(0);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #goTo(selector: string): void {
    // The item may still be on its way.
    const go = (): boolean => {
      const element = this.querySelector<HTMLElement>(selector);
      element?.focus();
      return element !== null;
    };
    if (!go()) this.#page.addEventListener('changed', () => setTimeout(go), { once: true });
  }

  get #table(): DataTable | null {
    return this.querySelector<DataTable>('tunesmith-data-table');
  }
}

customElements.define('tunesmith-data', PreferenceData);
document.body.append(document.createElement('tunesmith-data'));
