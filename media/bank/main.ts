/** The page of an example bank: a bar, what needs a decision, the table, and the chosen cell in full. */
import './bank.css';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import { icon } from '../common/codicon.ts';
import { openMenu } from '../common/menu.ts';
import { BankPage } from './bankPage.ts';
import './grid.ts';
import type { BankGrid } from './grid.ts';

/** Milliseconds of rest after typing before the rows are filtered. */
const FilterDelay = 120;

class Bank extends LitElement {
  readonly #page = new BankPage();
  #filterTimer: ReturnType<typeof setTimeout> | undefined;

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#page.addEventListener('changed', () => this.requestUpdate());
    window.addEventListener('keydown', event => this.#keys(event));
    void this.#page.start();
  }

  override render(): TemplateResult | typeof nothing {
    const { state, problem } = this.#page;
    if (!state)
      return problem
        ? html`<p class="note lone" role="alert">${icon('error', 'c-wrong')}<span>${problem}</span></p>`
        : nothing;
    return html`<main>${this.#bar()} ${this.#notices()}
      <tunesmith-bank-grid .page=${this.#page}></tunesmith-bank-grid>
      ${state.total === 0 ? this.#empty() : this.#detail()}</main>`;
  }

  #bar(): TemplateResult {
    const page = this.#page;
    const state = page.state!;
    const count =
      state.shown === state.total
        ? l10n.t('{0} examples', state.total)
        : l10n.t('{0} of {1} examples', state.shown, state.total);
    const fixed = page.inFileOrder ? '' : ` ${l10n.t('(only in the file’s own order)')}`;
    const several = page.chosen.to > page.chosen.from;
    return html`<header class="bar">
      ${icon('database')}<h1 class="nowrap clip">${state.file}</h1><span class="dim nowrap" role="status">${count}</span>
      <span class="grow"></span>
      <input class="field filter" type="search" placeholder=${l10n.t('Filter')} aria-label=${l10n.t('Filter rows')}
        title=${l10n.t('Filter rows (Ctrl+F)')} .value=${page.view.filter}
        @input=${(event: Event) => this.#filter((event.target as HTMLInputElement).value)}
        @keydown=${(event: KeyboardEvent) => this.#filterKey(event)} />
      ${this.#button('add', l10n.t('Add a Row Below (Ctrl+Enter)'), () => this.#grid.act('add'))}
      ${this.#button('copy', several ? l10n.t('Duplicate Rows (Shift+Alt+Down)') : l10n.t('Duplicate Row (Shift+Alt+Down)'), () => this.#grid.act('duplicate'), state.shown === 0)}
      ${this.#button('arrow-up', l10n.t('Move Up (Alt+Up)') + fixed, () => this.#grid.act('up'), fixed !== '')}
      ${this.#button('arrow-down', l10n.t('Move Down (Alt+Down)') + fixed, () => this.#grid.act('down'), fixed !== '')}
      ${this.#button('trash', several ? l10n.t('Delete Rows (Ctrl+Shift+K)') : l10n.t('Delete Row (Ctrl+Shift+K)'), () => this.#grid.act('remove'), state.shown === 0)}
      <button class="action" title=${l10n.t('More Actions')} aria-label=${l10n.t('More Actions')} aria-haspopup="menu"
        @click=${(event: Event) => this.#more(event.currentTarget as HTMLElement)}>${icon('ellipsis')}</button>
    </header>`;
  }

  #button(glyph: string, title: string, run: () => void, disabled = false): TemplateResult {
    return html`<button class="action" title=${title} aria-label=${title} ?disabled=${disabled} @click=${run}>${icon(glyph)}</button>`;
  }

  /** What is wrong in the file, and how far the screen is from it. */
  #notices(): TemplateResult | typeof nothing {
    const page = this.#page;
    const { bad, leaks, view, hiddenFields, template } = page.state!;
    const notes: TemplateResult[] = [];
    const note = (glyph: string, colour: string, text: string, link?: string, run?: () => void): void => {
      notes.push(
        html`<p class="note">${icon(glyph, colour)}<span>${text}
          ${link ? html`<button class="link" @click=${run}>${link}</button>` : nothing}</span></p>`,
      );
    };
    if (page.problem)
      notes.push(html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span>${page.problem}</span></p>`);
    if (bad > 0) {
      const text =
        bad === 1
          ? l10n.t('1 line cannot be read; templates cannot use this bank.')
          : l10n.t('{0} lines cannot be read; templates cannot use this bank.', bad);
      if (view.badOnly)
        note('error', 'c-wrong', text, l10n.t('Show All Rows'), () => void page.show({ badOnly: false }));
      else
        note(
          'error',
          'c-wrong',
          text,
          bad === 1 ? l10n.t('Show It') : l10n.t('Show Them'),
          () => void page.show({ badOnly: true, filter: '', sort: null }),
        );
    } else if (view.badOnly) {
      note(
        'check',
        'c-right',
        l10n.t('Every line can be read.'),
        l10n.t('Show All Rows'),
        () => void page.show({ badOnly: false }),
      );
    }
    if (leaks > 0 && template) {
      note(
        'shield',
        'c-warn',
        leaks === 1
          ? l10n.t('1 example is also a row that {0} is tested on.', template)
          : l10n.t('{0} examples are also rows that {1} is tested on.', leaks, template),
      );
    }
    if (view.sort) {
      note(
        'list-ordered',
        'c-dim',
        l10n.t('Shown by “{0}”; the file keeps its order.', view.sort.field),
        l10n.t('Show the File’s Order'),
        () => void page.show({ sort: null }),
      );
    }
    if (hiddenFields > 0)
      note('info', 'c-info', l10n.t('{0} more fields are in the file and not shown.', hiddenFields));
    return notes.length === 0 ? nothing : html`<div class="notices">${notes}</div>`;
  }

  #empty(): TemplateResult {
    return html`<div class="welcome">
      <p>${l10n.t('Worked examples appear here, one a row; templates draw their shots from them.')}</p>
      <button class="button" @click=${() => this.#grid.act('add')}>${l10n.t('Add a Row')}</button>
      <p class="dim">${l10n.t('Or paste cells from a spreadsheet.')}</p>
    </div>`;
  }

  /** The chosen cell, as far as its row brought it, and what is to say about the row. */
  #detail(): TemplateResult | typeof nothing {
    const page = this.#page;
    const { fields, tokensBy } = page.state!;
    const row = page.rowAt(page.row);
    if (!row) return html`<footer class="detail"></footer>`;
    const tokens = page.tokens.get(row.line) ?? -1;
    const field = fields[page.column];
    const text = row.raw ?? row.cells[page.column];
    const { from, to } = page.chosen;
    return html`<footer class="detail">
      <p class="line xs dim"><span>${to > from ? l10n.t('{0} rows chosen', to - from + 1) : l10n.t('Line {0}', row.line + 1)}</span>
        ${row.raw === null && field !== undefined ? html`<span>${field}</span>` : nothing}
        ${tokens >= 0 && to === from ? html`<span>${l10n.t('{0} tokens in {1}', tokens, tokensBy ?? '')}</span>` : nothing}</p>
      ${row.marks.map(
        mark =>
          html`<p class="note">${icon(mark.kind === 'error' ? 'error' : mark.kind === 'leak' ? 'shield' : 'warning', mark.kind === 'error' ? 'c-wrong' : 'c-warn')}<span>${mark.message}
            ${mark.kind === 'error' ? html`<button class="link" @click=${() => page.host.openText({ line: row.line }).catch(() => {})}>${l10n.t('Open as Text')}</button>` : nothing}</span></p>`,
      )}
      <p class="prose mono whole" tabindex="0" aria-label=${l10n.t('The chosen cell')}>${text ?? html`<span class="dim">${l10n.t('This row has no such field.')}</span>`}</p>
    </footer>`;
  }

  #more(anchor: HTMLElement): void {
    const page = this.#page;
    openMenu(anchor, l10n.t('More Actions'), () => [
      { label: l10n.t('Add a Field…'), icon: 'add', run: () => void page.addField() },
      {
        label: l10n.t('Copy Rows'),
        detail: 'Ctrl+C',
        icon: 'copy',
        run: () => this.#grid.act('copy'),
      },
      'separator',
      {
        label: l10n.t('Open as Text'),
        icon: 'go-to-file',
        run: () => void page.host.openText({ line: null }).catch(() => {}),
      },
    ]);
  }

  #filter(filter: string): void {
    clearTimeout(this.#filterTimer);
    this.#filterTimer = setTimeout(() => void this.#page.show({ filter }), FilterDelay);
  }

  #filterKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.#page.view.filter !== '') this.#filter('');
    else if (event.key === 'ArrowDown' || event.key === 'Enter') this.#grid.focus();
    else return;
    event.preventDefault();
  }

  /** Keys that hold wherever the focus is. */
  #keys(event: KeyboardEvent): void {
    if (event.key.toLowerCase() !== 'f' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    this.querySelector<HTMLInputElement>('.filter')?.select();
  }

  get #grid(): BankGrid {
    return this.querySelector<BankGrid>('tunesmith-bank-grid')!;
  }
}

customElements.define('tunesmith-bank', Bank);
document.body.append(document.createElement('tunesmith-bank'));
