/** The right half of the playground: what to run, and the matrix of answers. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import { type Filter, Filters } from '../../src/protocol/playgroundCells.ts';
import type { RunState } from '../../src/protocol/playgroundRuns.ts';
import { icon } from '../common/codicon.ts';
import { stepper } from '../common/controls.ts';
import { type MenuEntry, openMenu } from '../common/menu.ts';
import './cellView.ts';
import './historyPane.ts';
import './matrix.ts';
import { runNotices } from './runNotices.ts';
import { modeSwitch, runsButton } from './scorePane.ts';
import type { Store } from './store.ts';
import './sweepPane.ts';
import { strategyChoices } from './strategyChoices.ts';

/** Rows of “Run First …”: enough to rank, few enough for a coffee. */
const SomeRows = 12;

export class AnswersPane extends LitElement {
  declare store: Store;
  #stop: (() => void) | undefined;

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.store.on(
      ['template', 'setup', 'models', 'columns', 'cells', 'run', 'page', 'detail', 'scores', 'sweep', 'history'],
      () => this.requestUpdate(),
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render(): TemplateResult {
    const { store } = this;
    const run = this.#run;
    return html`<header class="bar run-bar">
        <span class="split">
          <button class="button" title=${store.mode === 'sweep' ? l10n.t('Sweep shots (Ctrl+Enter)') : l10n.t('Run row {0} (Ctrl+Enter)', store.setup.row + 1)} ?disabled=${!store.state?.template}
            @click=${() => store.run({ kind: 'row', row: store.setup.row })}>${icon('play')}${l10n.t('Run')}</button>
          <button class="button" title=${l10n.t('Run Options')} aria-label=${l10n.t('Run Options')} aria-haspopup="menu" ?disabled=${!store.state?.template}
            @click=${(event: Event) => this.#runMenu(event.currentTarget as HTMLElement)}>${icon('chevron-down')}</button>
        </span>
        <button class="action" title=${l10n.t('Stop')} aria-label=${l10n.t('Stop')} ?disabled=${!run.running}
          @click=${() => store.ask(store.host.stop({}))}>${icon('debug-stop')}</button>
        <span class="dim clip grow" role="status">${this.#status()}</span>
        ${this.#models()}
        ${
          store.mode !== 'answers'
            ? nothing
            : html`<span class="line samples"><span class="label">${l10n.t('Samples')}</span>
          ${stepper(l10n.t('Samples of each answer'), store.setup.samples, { min: 1, max: 16 }, samples => store.updateSetup({ samples }))}</span>`
        }
      </header>
      <div class="progress" role="progressbar" aria-label=${l10n.t('Answers')} aria-valuemin="0" aria-valuenow=${run.done} aria-valuemax=${run.total}
        >${run.running ? html`<i style="width:${run.total === 0 ? 0 : (100 * run.done) / run.total}%"></i>` : nothing}</div>
      ${
        store.mode === 'scores'
          ? html`<tunesmith-score-pane .store=${store}></tunesmith-score-pane>`
          : store.mode === 'sweep'
            ? html`<tunesmith-sweep-pane .store=${store}></tunesmith-sweep-pane>`
            : html`${this.#tabs()} ${runNotices(store)} ${this.#matrix()}`
      }`;
  }

  /** How far what the mode runs is. */
  get #run(): RunState {
    const { store } = this;
    if (store.mode === 'sweep') return store.sweep.state;
    return store.mode === 'scores' ? { ...store.scores, secondsLeft: null } : store.run$;
  }

  #status(): string {
    const run = this.#run;
    if (run.running) {
      const left =
        run.secondsLeft === null ? '' : `, ${l10n.t('{0} s left', Math.max(1, Math.round(run.secondsLeft)))}`;
      return l10n.t('{0} of {1}', run.done, run.total) + left;
    }
    if (run.total === 0) return '';
    const { mode } = this.store;
    const ended = mode === 'scores' ? l10n.t('{0} scored', run.total - run.failed) : answersWords(run.total);
    return [
      run.done < run.total ? l10n.t('Stopped at {0} of {1}', run.done, run.total) : ended,
      ...(run.failed > 0 ? [l10n.t('{0} failed', run.failed)] : []),
    ].join(', ');
  }

  #label(id: string): string {
    return this.store.state?.models.find(model => model.id === id)?.label ?? id.replace(/^local:/, '');
  }

  #models(): TemplateResult {
    const { models } = this.store.setup;
    const add = (event: Event): void => this.#modelMenu(event.currentTarget as HTMLElement);
    const chosen = models.length === 1 ? this.#label(models[0]!) : l10n.t('{0} models', models.length);
    return html`<span class="chips">
        ${models.map(
          id =>
            html`<span class="chip"><span class="clip">${this.#label(id)}</span>
              <button class="action" title=${l10n.t('Remove {0}', this.#label(id))} aria-label=${l10n.t('Remove {0}', this.#label(id))}
                ?disabled=${models.length < 2} @click=${() => this.store.updateSetup({ models: models.filter(other => other !== id) })}
                >${icon('close')}</button></span>`,
        )}
        <button class="action" title=${l10n.t('Choose Models')} aria-label=${l10n.t('Choose Models')} aria-haspopup="menu" @click=${add}>${icon('add')}</button>
      </span>
      <button class="select models-menu" aria-haspopup="menu" aria-label=${`${l10n.t('Choose Models')}: ${chosen}`} @click=${add}
        ><span class="clip">${chosen}</span>${icon('chevron-down')}</button>`;
  }

  #modelMenu(anchor: HTMLElement): void {
    const { store } = this;
    const act = (action: 'add-model' | 'download-model') => () => void store.ask(store.host.act({ action }));
    openMenu(anchor, l10n.t('Models'), () => [
      ...(store.state?.models ?? []).map(model => {
        const chosen = store.setup.models;
        const checked = chosen.includes(model.id);
        return {
          label: model.label,
          detail: model.detail,
          title: model.note ?? undefined,
          depth: model.depth,
          checked,
          disabled: checked && chosen.length === 1,
          run: () =>
            store.updateSetup({ models: checked ? chosen.filter(id => id !== model.id) : [...chosen, model.id] }),
        };
      }),
      'separator' as const,
      { label: l10n.t('Add Model…'), icon: 'add', run: act('add-model') },
      { label: l10n.t('Download Model…'), icon: 'cloud-download', run: act('download-model') },
    ]);
  }

  #runMenu(anchor: HTMLElement): void {
    const { store } = this;
    const total = store.state?.template?.rows.total ?? 0;
    const { row, samples } = store.setup;
    openMenu(anchor, l10n.t('Run Options'), () => {
      if (store.mode === 'sweep') return this.#sweepEntries();
      const entries: MenuEntry[] = [
        {
          label: l10n.t('Run Row {0}', row + 1),
          detail: 'Ctrl+Enter',
          icon: 'play',
          run: () => store.run({ kind: 'row', row }),
        },
      ];
      const answers = store.mode === 'answers';
      if (answers) {
        entries.push({
          label: l10n.t('Run Fresh'),
          detail: l10n.t('Ask Anew, Past the Cache'),
          icon: 'refresh',
          run: () => store.run({ kind: 'row', row }, { fresh: true }),
        });
      }
      if (total > SomeRows) {
        entries.push({
          label: l10n.t('Run First {0} Rows', SomeRows),
          icon: 'run-all',
          run: () => store.run({ kind: 'first', count: SomeRows }),
        });
      }
      if (total > 1) {
        entries.push({
          label: l10n.t('Run All {0} Rows', total),
          icon: 'run-all',
          run: () => store.run({ kind: 'all' }),
        });
      }
      if (!answers) return entries;
      if (store.state?.template?.examples) {
        entries.push({
          label: l10n.t('Sweep Shots…'),
          detail: l10n.t('accuracy against examples'),
          icon: 'graph-line',
          run: () => store.showMode('sweep'),
        });
      }
      entries.push(...this.#againEntries());
      entries.push('separator');
      for (const count of [1, 2, 4, 8]) {
        entries.push({
          label: count === 1 ? l10n.t('1 Sample') : l10n.t('{0} Samples', count),
          checked: samples === count,
          run: () => store.updateSetup({ samples: count }),
        });
      }
      entries.push('separator', {
        label: l10n.t('Token Probabilities'),
        detail: l10n.t('where the model gives them'),
        checked: store.setup.probabilities,
        run: () => store.updateSetup({ probabilities: !store.setup.probabilities }),
      });
      return entries;
    });
  }

  #sweepEntries(): MenuEntry[] {
    const { store } = this;
    return [
      {
        label: l10n.t('Sweep Shots'),
        detail: 'Ctrl+Enter',
        icon: 'graph-line',
        run: () => store.startSweep(),
      },
      {
        label: l10n.t('Sweep Fresh'),
        detail: l10n.t('Ask Anew, Past the Cache'),
        icon: 'refresh',
        run: () => store.startSweep({ fresh: true }),
      },
    ];
  }

  /** What is asked again of what is there. */
  #againEntries(): MenuEntry[] {
    const { store } = this;
    const offer = store.state?.offer;
    const entries: MenuEntry[] = [];
    if (store.board.cells > 0 && !store.readOnly) {
      const run = (which: 'failed' | 'changed') => () => store.runSome(which);
      entries.push('separator', {
        label: l10n.t('Run Failed'),
        detail: 'Ctrl+Alt+F',
        icon: 'debug-restart',
        run: run('failed'),
      });
      entries.push({ label: l10n.t('Run Changed'), detail: 'Ctrl+Alt+C', icon: 'git-compare', run: run('changed') });
    }
    if (offer) {
      const detail = l10n.t('{0} left', offer.total - offer.done);
      entries.push({ label: l10n.t('Resume'), detail, icon: 'debug-continue', run: () => store.resume() });
    }
    return entries;
  }

  #tabs(): TemplateResult {
    const { store } = this;
    const { tabs } = store;
    return html`<div class="tabs">
      ${modeSwitch(store)}
      ${
        tabs
          ? html`<div class="tab-list" role="tablist" aria-label=${l10n.t('Models')}>
            ${tabs.map(
              tab =>
                html`<button role="tab" aria-selected=${tab.id === store.activeTab} tabindex=${tab.id === store.activeTab ? 0 : -1}
                  @click=${() => store.showTab(tab.id)} @keydown=${(event: KeyboardEvent) => this.#tabKey(event)}>${tab.label}</button>`,
            )}
          </div>`
          : nothing
      }
      <span class="grow"></span>
      <button class="action text" aria-haspopup="menu" ?disabled=${store.board.cells === 0} title=${l10n.t('Which rows are shown')}
        @click=${(event: Event) => this.#filterMenu(event.currentTarget as HTMLElement)}>${icon(store.board.filter === 'all' ? 'filter' : 'filter-filled')}<span
          class="words">${store.board.filter === 'all' ? l10n.t('Filter') : filterWords(store.board.filter)}</span></button>
      <button class="action text" aria-haspopup="menu" title=${l10n.t('Compare with a second variant of the prompt')}
        @click=${(event: Event) => this.#compareMenu(event.currentTarget as HTMLElement)}>${icon('split-horizontal')}<span class="words">${l10n.t('Compare')}</span></button>
      ${runsButton(store)}
      <button class="action text" ?disabled=${store.board.rankable === 0 || store.readOnly} title=${l10n.t('Put the answers of all rows up for ranking')}
        @click=${() => store.ask(store.host.sendToRanking({ kind: 'all' }))}>${icon('list-ordered')}<span class="words">${l10n.t('Send to Ranking')}</span></button>
    </div>`;
  }

  #tabKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const { tabs } = this.store;
    if (!step || !tabs) return;
    const index = tabs.findIndex(tab => tab.id === this.store.activeTab);
    this.store.showTab(tabs[(index + step + tabs.length) % tabs.length]!.id);
    void this.updateComplete.then(() => this.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus());
  }

  #filterMenu(anchor: HTMLElement): void {
    const { store } = this;
    openMenu(anchor, l10n.t('Filter'), () =>
      Filters.map(filter => ({
        label: filterWords(filter),
        icon: store.board.filter === filter ? 'check' : 'blank',
        run: () => store.answers.filter(filter),
      })),
    );
  }

  #compareMenu(anchor: HTMLElement): void {
    const { store } = this;
    const second = store.setup.variants[1];
    const current = store.state?.template?.strategy;
    openMenu(anchor, l10n.t('Compare'), () => [
      ...strategyChoices()
        .filter(choice => choice.value !== current)
        .map(choice => ({
          label: choice.label,
          checked: second?.kind === 'strategy' && second.strategy === choice.value,
          run: () => {
            const now = store.setup.variants[1];
            const on = now?.kind === 'strategy' && now.strategy === choice.value;
            store.updateSetup({
              variants: on
                ? [{ kind: 'current' }]
                : [{ kind: 'current' }, { kind: 'strategy', strategy: choice.value }],
            });
          },
        })),
      {
        label: second?.kind === 'template' ? l10n.t('Another template…') : l10n.t('Another Template…'),
        icon: 'file-text',
        run: () => void store.ask(store.host.act({ action: 'choose-variant-template' })),
      },
      'separator' as const,
      {
        label: l10n.t('Nothing'),
        icon: 'close',
        disabled: second === undefined,
        run: () => store.updateSetup({ variants: [{ kind: 'current' }] }),
      },
    ]);
  }

  #matrix(): TemplateResult {
    const { store } = this;
    const template = store.state?.template;
    if (!template) return html``;
    if (store.historyOpen) {
      return html`<div class="answers-body">
        ${store.board.cells === 0 ? this.#empty() : html`<tunesmith-matrix .store=${store}></tunesmith-matrix>`}
        <tunesmith-history role="region" aria-label=${l10n.t('Runs')} .store=${store}></tunesmith-history>
      </div>`;
    }
    if (store.board.cells === 0) return this.#empty();
    return html`<div class="answers-body">
      <tunesmith-matrix .store=${store}></tunesmith-matrix>
      ${store.opened ? html`<tunesmith-cell-view role="region" aria-label=${l10n.t('Opened Answer')} .store=${store}></tunesmith-cell-view>` : nothing}
    </div>`;
  }

  #empty(): TemplateResult {
    const { store } = this;
    const models = store.state?.models ?? [];
    if (store.readOnly) {
      const none =
        store.state?.viewing?.kind === 'diff'
          ? l10n.t('All answers that both runs have are the same.')
          : l10n.t('This run has no answers.');
      return html`<div class="welcome"><p>${none}</p></div>`;
    }
    return html`<div class="welcome">
      <p>${l10n.t('Answers appear here, one column for each model or variant and one row for each input.')}</p>
      <button class="button secondary" @click=${() => store.run({ kind: 'row', row: store.setup.row })}>${icon('play')}${l10n.t('Run Row {0}', store.setup.row + 1)}<kbd>Ctrl+Enter</kbd></button>
      <p class="dim">
        ${l10n.t('Take two or more samples of each answer to rank them.')}
        ${
          models.length < 2
            ? html`<button class="link" @click=${() => store.ask(store.host.act({ action: 'add-model' }))}>${l10n.t('Add a model')}</button> ${l10n.t('to compare it side by side.')}`
            : nothing
        }
      </p>
    </div>`;
  }
}

function filterWords(filter: Filter): string {
  switch (filter) {
    case 'all':
      return l10n.t('All rows');
    case 'starred':
      return l10n.t('Starred');
    case 'failed':
      return l10n.t('Failed');
    case 'wrong':
      return l10n.t('Wrong');
  }
}

const answersWords = (count: number): string => (count === 1 ? l10n.t('1 answer') : l10n.t('{0} answers', count));

customElements.define('tunesmith-answers-pane', AnswersPane);
