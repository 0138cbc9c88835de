/** Score mode: each row's candidates with their likelihood by model, the winner marked, and each one's tokens when a row is opened. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import {
  decide,
  type ScoreCell,
  type ScoreColumnSummary,
  type ScoreMeasure,
  type ScoreMethod,
  type ScoreSettings,
  type ScoreTokens,
} from '../../src/protocol/playgroundScores.ts';
import { icon } from '../common/codicon.ts';
import { intervalBar, segments } from '../common/controls.ts';
import type { Store } from './store.ts';
import './scores.css';
import './tokenMap.ts';

/** Rows on one page of the table. */
const PageRows = 50;
/** Candidates of a cell that are shown; more only when the row is opened. */
const ShownCandidates = 6;
/** Candidates of an opened row whose tokens are drawn. */
const OpenedCandidates = 12;

/** Between the answers that models write and the likelihood of given texts. */
export function modeSwitch(store: Store): TemplateResult {
  return segments(
    l10n.t('Mode'),
    [
      { value: 'answers', label: l10n.t('Answers'), title: l10n.t('What models write') },
      { value: 'scores', label: l10n.t('Scores'), title: l10n.t('How likely models find given texts') },
      { value: 'sweep', label: l10n.t('Shots'), title: l10n.t('Accuracy against the number of examples') },
    ],
    store.mode,
    mode => {
      store.showMode(mode);
      // The switch that was pressed is drawn anew with the other mode.
      setTimeout(() =>
        document.querySelector<HTMLElement>('tunesmith-answers-pane .tabs [role=radio][aria-checked=true]')?.focus(),
      );
    },
  );
}

/** Opens the timeline. */
export const runsButton = (store: Store): TemplateResult =>
  html`<button class="action text history-button" aria-pressed=${store.historyOpen} title=${l10n.t('Past runs of this template (h)')}
    @click=${() => store.toggleHistory()}>${icon('history')}<span class="words">${l10n.t('Runs')}</span></button>`;

const keyOf = ({ column, row }: { column: string; row: number }): string => `${column}|${row}`;

export class ScorePane extends LitElement {
  declare store: Store;
  #stop: (() => void) | undefined;
  /** Of the rows on this page. */
  #cells: ReadonlyMap<string, ScoreCell> = new Map();
  #page = 0;
  /** What the cells at hand were asked for. */
  #asked = '';
  #asking = false;
  /** As the person chose it here; else the template's. */
  #by: ScoreMeasure | undefined;
  #method: ScoreMethod | undefined;
  #opened: number | undefined;
  readonly #tokens = new Map<string, ScoreTokens>();

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.store.on(['scores', 'template', 'setup', 'models'], () => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  protected override updated(): void {
    void this.#ask();
  }

  override render(): TemplateResult {
    const { store } = this;
    const settings = store.state?.template?.score;
    return html`<div class="tabs scores-bar">
        ${modeSwitch(store)}<span class="grow"></span>
        ${settings ? this.#switches(settings) : nothing}
        ${runsButton(store)}
      </div>
      ${settings && store.scores.rows.length > 0 ? this.#outdated() : nothing}
      ${!settings ? this.#unsaid() : store.scores.rows.length === 0 ? this.#empty(settings) : this.#table(settings)}`;
  }

  #switches(settings: ScoreSettings): TemplateResult | typeof nothing {
    if (settings.task === 'last-word') return nothing;
    const { by, method } = this.#way(settings);
    return html`${
      settings.inside
        ? segments(
            l10n.t('Which part of the text is scored'),
            [
              {
                value: 'partial',
                label: l10n.t('Rest'),
                title: l10n.t('What follows the candidate, given all before it (partial)'),
              },
              {
                value: 'full',
                label: l10n.t('Whole'),
                title: l10n.t('The whole text with the candidate in it (full)'),
              },
            ],
            method,
            value => {
              this.#method = value;
              this.requestUpdate();
            },
          )
        : nothing
    }
    ${segments(
      l10n.t('Which figure decides'),
      [
        {
          value: 'total',
          label: l10n.t('Total'),
          title: l10n.t('The log-likelihood of the whole; short texts have an advantage'),
        },
        { value: 'per-token', label: l10n.t('Per token'), title: l10n.t('Its mean over tokens') },
        { value: 'per-character', label: l10n.t('Per character'), title: l10n.t('Its mean over characters') },
      ],
      by,
      value => {
        this.#by = value;
        this.requestUpdate();
      },
    )}`;
  }

  #way({ by, method, inside }: ScoreSettings): { by: ScoreMeasure; method: ScoreMethod } {
    return { by: this.#by ?? by, method: inside ? (this.#method ?? method) : 'partial' };
  }

  /** The template says nothing of scoring: what that is, and how to begin. */
  #unsaid(): TemplateResult {
    const { store } = this;
    const path = (key: string): string[] => ['metadata', 'tunesmith', 'score', key];
    const take = (): void => {
      const field = this.querySelector<HTMLTextAreaElement>('.candidates')!;
      const texts = [
        ...new Set(
          field.value
            .split('\n')
            .map(text => text.trim())
            .filter(Boolean),
        ),
      ];
      field.setAttribute('aria-invalid', String(texts.length < 2));
      if (texts.length >= 2) store.set(path('candidates'), texts);
      else field.focus();
    };
    return html`<div class="welcome">
      <p>${l10n.t('A model also tells how likely it finds a text that it is given. The most likely of several candidates is its choice, without a word being written.')}</p>
      <label class="label" for="score-candidates">${l10n.t('Candidates, one a line, that follow the prompt')}</label>
      <textarea id="score-candidates" class="field candidates" rows="4" placeholder=${l10n.t('positive\nnegative')}></textarea>
      <button class="button secondary" @click=${take}>${l10n.t('Use These Candidates')}</button>
      <p class="dim">${l10n.t('Or ask how likely the last word of the prompt is:')}
        <button class="link" @click=${() => store.set(path('task'), 'last-word')}>${l10n.t('Score the Last Word')}</button></p>
    </div>`;
  }

  #empty(settings: ScoreSettings): TemplateResult {
    const { store } = this;
    const { row } = store.setup;
    const words =
      settings.task === 'last-word'
        ? l10n.t('How likely each model finds the last word of each row appears here.')
        : l10n.t('How likely each model finds the candidates of each row appears here.');
    const total = store.state?.template?.rows.total ?? 1;
    return html`<div class="welcome">
      <p>${words}</p>
      <div class="line wrap">
        <button class="button secondary" @click=${() => store.run({ kind: 'row', row })}>${icon('play')}${l10n.t('Score Row {0}', row + 1)}<kbd>Ctrl+Enter</kbd></button>
        ${total > 1 ? html`<button class="button secondary" @click=${() => store.run({ kind: 'all' })}>${icon('run-all')}${l10n.t('Score All {0} Rows', total)}</button>` : nothing}
      </div>
      <p class="dim">${l10n.t('Local models can score, and servers whose completions echo the prompt.')}</p>
    </div>`;
  }

  /** What is shown is of another text or of other rows. */
  #outdated(): TemplateResult | typeof nothing {
    const { store } = this;
    if (!store.scores.outdated || store.scores.running) return nothing;
    return html`<div class="run-notice" role="status">${icon('history', 'c-dim')}<span class="grow">${l10n.t('These scores are of another version of the template, its rows or its examples.')}</span>
      <button class="button secondary" @click=${() => store.run({ kind: 'all' })}>${icon('law')}${l10n.t('Score Again')}</button></div>`;
  }

  #table(settings: ScoreSettings): TemplateResult {
    const { store } = this;
    const { columns } = store.scores;
    const rows = this.#rows;
    return html`<div class="scores-scroller" tabindex="-1" @keydown=${(event: KeyboardEvent) => this.#key(event)}>
      <table class="scores" aria-label=${l10n.t('Scores')}>
        <thead><tr>
          <th scope="col" class="score-head dim xs">${settings.task === 'last-word' ? l10n.t('passage') : l10n.t('row; bars show the share among the candidates')}</th>
          ${columns.map(column => this.#head(column, settings))}
        </tr></thead>
        <tbody>${rows.map(row => this.#row(row, columns, settings))}</tbody>
      </table>
      ${this.#pages()}
    </div>`;
  }

  #head(summary: ScoreColumnSummary, settings: ScoreSettings): TemplateResult {
    const { by, method } = this.#way(settings);
    const { words } = summary;
    const accuracy = words
      ? words.accuracy
      : summary.ways.find(way => way.by === by && way.method === method)?.accuracy;
    const figures = words
      ? [
          l10n.t(
            'perplexity of a word {0}',
            words.perplexity < 1e5 ? words.perplexity.toPrecision(3) : words.perplexity.toExponential(1),
          ),
          ...(words.medianRank === null ? [] : [l10n.t('median rank {0}', words.medianRank)]),
        ]
      : [];
    return html`<th scope="col" class="score-head model"><strong class="clip">${summary.label}</strong>${summary.variant ? html`<div class="clip xs" title=${summary.variant}>${summary.variant}</div>` : nothing}
      ${accuracy ? html`<div class="line score">${intervalBar(accuracy, accuracy.right)}</div>` : nothing}
      ${figures.length > 0 ? html`<div class="dim xs">${figures.join(', ')}</div>` : nothing}
      ${summary.failed > 0 ? html`<div class="dim xs">${l10n.t('{0} failed', summary.failed)}</div>` : nothing}</th>`;
  }

  #row(row: number, columns: readonly ScoreColumnSummary[], settings: ScoreSettings): TemplateResult {
    const cells = columns.map(({ column }) => this.#cells.get(keyOf({ column, row })));
    const context = cells.find(cell => cell?.context)?.context ?? '';
    const open = this.#opened === row;
    return html`<tr data-row=${row} aria-current=${row === this.store.setup.row}>
        <th scope="row" class="score-row"><button class="score-fold" data-row=${row} aria-expanded=${open} title=${l10n.t('Show the tokens')} @click=${() => this.#toggle(row)}
          >${icon(open ? 'chevron-down' : 'chevron-right')}<i class="score-number">${row + 1}</i><span class="prose score-context">${oneLine(context)}</span></button></th>
        ${cells.map(cell => html`<td class="score-cell">${cell ? this.#cell(cell, settings) : html`<span class="dim xs">${l10n.t('not scored')}</span>`}</td>`)}
      </tr>
      ${open ? html`<tr><td class="score-opened" colspan=${columns.length + 1}>${columns.map(column => this.#heat(column, row, settings))}</td></tr>` : nothing}`;
  }

  #cell(cell: ScoreCell, settings: ScoreSettings): TemplateResult {
    if (cell.error !== null)
      return html`<p class="note">${icon('error', 'c-wrong')}<span class="prose">${cell.error}</span></p>`;
    const { by, method } = this.#way(settings);
    const { scores, shares, best, right } = decide(cell, by, method);
    if (settings.task === 'last-word') return this.#word(cell, right);
    const order = [...cell.candidates.keys()];
    const shown =
      order.length <= ShownCandidates ? order : order.sort((a, b) => scores[b]! - scores[a]!).slice(0, ShownCandidates);
    const rest = cell.candidates.length - shown.length;
    return html`<ul class="candidates-list">
      ${shown.map(i => {
        const { text } = cell.candidates[i]!;
        const expected = cell.expected === i;
        return html`<li class=${i === best ? 'best' : ''}>
          ${i === best ? icon('triangle-right') : html`<span class="codicon"></span>`}
          <span class="clip" title=${text}>${text}${i === best ? html`<span class="sr-only">, ${l10n.t('most likely')}</span>` : nothing}</span>
          <span class="share" aria-hidden="true"><i class="share-bar ${i === best ? 'winner' : ''}" style="width:${(shares[i]! * 100).toFixed(1)}%"></i></span>
          <span class="num">${percent(shares[i]!)}</span>
          <span class="num dim" title=${l10n.t('nats')}>${nats(scores[i]!)}</span>
          ${expected ? this.#sign(right) : html`<span></span>`}
        </li>`;
      })}
      ${rest > 0 ? html`<li class="dim xs more">${l10n.t('and {0} less likely ones', rest)}</li>` : nothing}
    </ul>`;
  }

  #sign(right: boolean | null): TemplateResult {
    const words = right ? l10n.t('expected, and most likely') : l10n.t('expected, but not most likely');
    return html`<span class="sign" title=${words}>${icon(right ? 'check' : 'close', right ? 'c-right' : 'c-wrong')}<span class="sr-only">${words}</span></span>`;
  }

  #word(cell: ScoreCell, right: boolean | null): TemplateResult {
    const [word] = cell.candidates;
    if (!word) return html``;
    const words = right ? l10n.t('greedy decoding writes this word') : l10n.t('greedy decoding writes another word');
    const probability = Math.exp(word.partial.total);
    return html`<ul class="candidates-list"><li class=${right ? 'best' : ''}>
      ${right === null ? html`<span></span>` : html`<span class="sign" title=${words}>${icon(right ? 'check' : 'close', right ? 'c-right' : 'c-wrong')}<span class="sr-only">${words}</span></span>`}
      <span class="clip" title=${word.text}>${word.text}</span>
      <span class="share" aria-hidden="true"><i class="share-bar ${right ? 'winner' : ''}" style="width:${(probability * 100).toFixed(1)}%"></i></span>
      <span class="num">${percent(probability)}</span>
      <span class="num dim" title=${l10n.t('nats')}>${nats(word.partial.total)}</span>
      <span class="num dim">${word.rank === null ? '' : l10n.t('rank {0}', word.rank)}</span>
    </li></ul>`;
  }

  /** Each candidate's tokens, the doubtful ones in orange. */
  #heat({ column, label, variant }: ScoreColumnSummary, row: number, settings: ScoreSettings): TemplateResult {
    const tokens = this.#tokens.get(keyOf({ column, row }));
    const name = [label, variant].filter(Boolean).join(', ');
    const { method } = this.#way(settings);
    const many = this.store.scores.columns.length > 1;
    if (!tokens) return html`<p class="dim xs">${icon('loading', 'c-dim')} ${name}</p>`;
    const shown = tokens.slice(0, OpenedCandidates);
    return html`<section aria-label=${l10n.t('Tokens, {0}', name)}>
      ${many ? html`<div class="label">${name}</div>` : nothing}
      ${shown.map(
        ({ text, partial, full }) => html`<div class="heat">
          <div class="dim clip xs" title=${text}>${text}</div>
          <tunesmith-token-map .tokens=${method === 'full' && full ? full : partial}></tunesmith-token-map>
        </div>`,
      )}
      ${tokens.length > shown.length ? html`<p class="dim xs">${l10n.t('The first {0} of {1} candidates', shown.length, tokens.length)}</p>` : nothing}
      ${tokens.length === 0 ? html`<p class="dim xs">${this.store.scores.outdated ? l10n.t('Tokens are not kept with the runs. Score again to see those of now.') : l10n.t('This row cannot be scored.')}</p>` : nothing}
    </section>`;
  }

  #pages(): TemplateResult | typeof nothing {
    const total = this.store.scores.rows.length;
    if (total <= PageRows) return nothing;
    const last = Math.ceil(total / PageRows) - 1;
    const to = (page: number) => () => {
      this.#page = page;
      this.#opened = undefined;
      this.querySelector('.scores-scroller')?.scrollTo({ top: 0 });
      this.requestUpdate();
    };
    const from = this.#page * PageRows;
    return html`<nav class="line pages" aria-label=${l10n.t('Pages')}>
      <button class="action" ?disabled=${this.#page === 0} title=${l10n.t('Previous Page')} aria-label=${l10n.t('Previous Page')} @click=${to(this.#page - 1)}>${icon('chevron-left')}</button>
      <span class="dim">${l10n.t('{0} to {1} of {2} rows', from + 1, Math.min(total, from + PageRows), total)}</span>
      <button class="action" ?disabled=${this.#page >= last} title=${l10n.t('Next Page')} aria-label=${l10n.t('Next Page')} @click=${to(this.#page + 1)}>${icon('chevron-right')}</button>
    </nav>`;
  }

  get #rows(): readonly number[] {
    const { rows } = this.store.scores;
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(rows.length / PageRows) - 1));
    return rows.slice(this.#page * PageRows, (this.#page + 1) * PageRows);
  }

  /** Asks for the cells of this page when they are new; one question at a time, and the last one counts. */
  async #ask(): Promise<void> {
    const name = (): string =>
      `${this.store.scores.version} ${this.#page} ${this.store.scores.columns.map(({ column }) => column).join()}`;
    if (this.#asking || name() === this.#asked || !this.store.state?.template?.score) return;
    this.#asking = true;
    try {
      const asked = name();
      const cells = await this.store.ask(this.store.host.scoreCells({ rows: [...this.#rows] }));
      this.#asked = asked;
      if (!cells) return;
      const now = new Map(cells.map(cell => [keyOf(cell), cell]));
      // Tokens of a row that was scored anew are others.
      for (const key of this.#tokens.keys())
        if (JSON.stringify(this.#cells.get(key)) !== JSON.stringify(now.get(key))) this.#tokens.delete(key);
      this.#cells = now;
      if (this.#opened !== undefined) void this.#askTokens(this.#opened);
    } finally {
      this.#asking = false;
      this.requestUpdate();
    }
  }

  #toggle(row: number): void {
    this.#opened = this.#opened === row ? undefined : row;
    if (this.#opened !== undefined) {
      // Ctrl+Enter then scores the row that is looked at.
      if (row !== this.store.setup.row) this.store.updateSetup({ row });
      void this.#askTokens(row);
    }
    this.requestUpdate();
  }

  async #askTokens(row: number): Promise<void> {
    for (const { column } of this.store.scores.columns) {
      const key = keyOf({ column, row });
      const cell = this.#cells.get(key);
      if (this.#tokens.has(key)) continue;
      const tokens =
        !cell || cell.error !== null ? [] : await this.store.ask(this.store.host.scoreTokens({ column, row }));
      this.#tokens.set(key, tokens ?? []);
      this.requestUpdate();
    }
  }

  /** Arrows walk the rows. */
  #key(event: KeyboardEvent): void {
    const button = (event.target as HTMLElement).closest<HTMLElement>('button.score-fold');
    if (!button) return;
    const rows = this.#rows;
    const at = rows.indexOf(Number(button.dataset.row));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    this.querySelector<HTMLElement>(`button.score-fold[data-row="${row}"]`)?.focus();
  }
}

const percent = (share: number): string => {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : '< 0.1'} %`;
};
const nats = (value: number): string => value.toFixed(2).replace('-', '−');
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

customElements.define('tunesmith-score-pane', ScorePane);
