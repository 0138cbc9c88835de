/** What the playground's page knows: the host's state, kept up to date by its messages, and what only the page decides. */
import { emptySetup, type PlaygroundState, playgroundContract, type Setup } from '../../src/protocol/playground.ts';
import type { Board, CellKey, Column, Detail } from '../../src/protocol/playgroundCells.ts';
import type { Rows, RunState, RunSummary } from '../../src/protocol/playgroundRuns.ts';
import { noScores, type ScoreState } from '../../src/protocol/playgroundScores.ts';
import type { Preview } from '../../src/protocol/playgroundTemplate.ts';
import type { Remote } from '../../src/protocol/rpc.ts';
import { connect, savedState } from '../common/vscodeApi.ts';
import { AnswersModel, cellKey, keyOf } from './answersModel.ts';
import type { PagePort, Topic } from './pagePort.ts';
import { PromptText } from './promptText.ts';
import { type SweepForm, SweepModel } from './sweepModel.ts';
import { TimelineModel } from './timelineModel.ts';

/** What the right pane shows: answers that models write, how likely they find given texts, or what examples do for them. */
export type Mode = 'answers' | 'scores' | 'sweep';

/** What survives a reload of the window, with the host's own share (`uri`, `setup`). */
interface Saved {
  readonly folded?: readonly string[];
  readonly tab?: string;
  readonly pane?: 'prompt' | 'answers';
  readonly mode?: Mode;
  readonly sweep?: SweepForm;
  readonly [key: string]: unknown;
}

export class Store extends EventTarget implements PagePort {
  readonly host: Remote<typeof playgroundContract.toHost>;
  state: PlaygroundState | undefined;
  preview: Preview | undefined;
  readonly prompt = new PromptText(this);
  readonly answers = new AnswersModel(this);
  readonly timeline = new TimelineModel(this);
  /** The cell that is opened beside the matrix, and what the host told of it. */
  opened: { readonly key: CellKey; detail: Detail | undefined } | undefined;
  historyOpen = false;
  folded = new Set<string>();
  /** Model whose columns are shown, where models and variants both are more than one. */
  tab: string | undefined;
  pane: 'prompt' | 'answers' = 'prompt';
  mode: Mode = 'answers';
  /** Nothing was ever chosen in this page. */
  readonly #isNew: boolean;
  scores: ScoreState = noScores;
  readonly sweep = new SweepModel();
  /** A sentence about something that did not work, until the next try. */
  problem: string | undefined;

  constructor() {
    super();
    const channel = connect(playgroundContract, {
      restart: () => void this.ask(this.start()),
      document: document => {
        this.prompt.open(document);
        this.changed('document');
      },
      changed: change => this.prompt.remote(change),
      template: change => {
        const rows = change.rows ?? this.state?.template?.rows;
        if (rows) this.#patch({ template: { ...change, rows } }, 'template');
      },
      preview: preview => {
        this.preview = preview;
        this.changed('preview');
      },
      models: models => this.#patch({ models }, 'models'),
      setup: setup => {
        this.#patch({ setup }, 'setup');
        this.#save();
      },
      columns: columns => this.#patch({ columns }, 'columns'),
      cells: change => this.answers.change(change),
      board: board => this.#patch({ board: { ...board, rows: board.rows ?? this.board.rows } }, 'cells'),
      detail: ({ cell, detail }) => {
        if (!this.opened || cellKey(this.opened.key) !== cellKey(cell)) return;
        this.opened.detail = detail;
        this.changed('detail');
      },
      run: run => {
        const begins = run.running && !this.run$.running;
        this.#patch({ run }, 'run');
        // Where only one pane fits, the answers are what someone who runs wants to see.
        if (begins) this.showPane('answers');
      },
      scores: scores => {
        const begins = scores.running && !this.scores.running;
        this.scores = scores;
        this.changed('scores');
        // The editor may have begun it: then what it scores is what someone wants to see.
        if (begins) this.#showMode('scores');
      },
      sweep: sweep => {
        const begins = sweep.running && !this.sweep.state.running;
        this.sweep.state = sweep;
        this.changed('sweep');
        if (begins) this.#showMode('sweep');
      },
      offer: offer => this.#patch({ offer }, 'run'),
      viewing: viewing => {
        this.opened = undefined;
        this.answers.marked = [];
        this.#patch({ viewing }, 'run');
        this.changed('cells');
        this.changed('history');
      },
      runsChanged: () => {
        if (this.historyOpen) void this.timeline.ask();
      },
      forecast: forecast => this.#patch({ forecast }, 'page'),
      trust: trusted => this.#patch({ trusted }, 'page'),
      command: command => {
        if (command === 'run') this.run({ kind: 'row', row: this.setup.row });
        else if (command === 'stop') void this.ask(this.host.stop({}));
        else if (command === 'history') this.toggleHistory();
        else if (command === 'resume') this.resume();
        else if (command === 'sweep') void this.#openSweep();
        else this.runSome(command);
      },
    });
    this.host = channel.remote;
    const saved = (savedState.get() ?? {}) as Saved;
    this.folded = new Set(saved.folded ?? []);
    this.tab = saved.tab;
    this.pane = saved.pane ?? 'prompt';
    this.mode = saved.mode ?? 'answers';
    this.sweep.write(saved.sweep);
    this.#isNew = saved.mode === undefined;
  }

  async start(): Promise<void> {
    const state = await this.host.ready({});
    this.state = state;
    this.preview = state.preview ?? undefined;
    if (state.run.total > 0 && (savedState.get() as Saved | undefined)?.pane === undefined) this.pane = 'answers';
    this.answers.forget();
    if (state.document) this.prompt.open(state.document);
    if (state.template) {
      void this.#askScores();
      void this.#askSweep();
    }
    this.#save();
    for (const topic of ['template', 'preview', 'setup', 'columns', 'cells', 'run', 'document', 'page'] as const)
      this.changed(topic);
  }

  async #askScores(): Promise<void> {
    const scores = await this.ask(this.host.scoreState({}));
    if (!scores) return;
    this.scores = scores;
    this.changed('scores');
    if (scores.running || (this.#isNew && scores.rows.length > 0 && this.board.cells === 0)) this.#showMode('scores');
  }

  async #askSweep(): Promise<void> {
    const sweep = await this.ask(this.host.sweepState({}));
    if (!sweep) return;
    this.sweep.state = sweep;
    this.changed('sweep');
  }

  /** Shows the sweep of before, or begins one where there is none of what the template is now. */
  async #openSweep(): Promise<void> {
    this.#showMode('sweep');
    await this.#askSweep();
    const { running, shown } = this.sweep.state;
    if (!running && (!shown || shown.outdated)) this.startSweep();
  }

  /** Sweeps what the form says; a big sweep is asked about first. */
  startSweep({ fresh = false } = {}): void {
    const { wanted } = this.sweep;
    this.#showMode('sweep');
    if (wanted) void this.ask(this.prompt.settled().then(() => this.host.sweep({ wanted, fresh })));
    else this.report(this.sweep.problem);
  }

  writeSweep(form: SweepForm): void {
    this.sweep.write(form);
    this.#save();
    this.changed('sweep');
  }

  #showMode(mode: Mode): void {
    this.mode = mode;
    this.historyOpen = false;
    this.showPane('answers');
  }

  get setup(): Setup {
    return this.state?.setup ?? emptySetup;
  }

  get run$(): RunState {
    return this.state?.run ?? { running: false, done: 0, total: 0, failed: 0, secondsLeft: null };
  }

  /** The columns that are shown: all, or those of the chosen tab. */
  get columns(): readonly Column[] {
    const columns = this.state?.columns ?? [];
    if (!this.tabs) return columns;
    return columns.filter(column => column.model === this.activeTab);
  }

  /** Models as tabs, where both models and variants are compared. */
  get tabs(): readonly { id: string; label: string }[] | undefined {
    const columns = this.state?.columns ?? [];
    const models = new Map(columns.map(column => [column.model, column.modelLabel]));
    const variants = new Set(columns.map(column => column.variant));
    if (models.size < 2 || variants.size < 2) return undefined;
    return [...models].map(([id, label]) => ({ id, label }));
  }

  get activeTab(): string | undefined {
    const tabs = this.tabs;
    return tabs?.find(tab => tab.id === this.tab)?.id ?? tabs?.[0]?.id;
  }

  get board(): Board {
    return this.state?.board ?? { filter: 'all', rows: [], cells: 0, rankable: 0 };
  }

  /** Rows of the matrix: those with answers that pass the filter. */
  get rows(): readonly number[] {
    return this.board.rows;
  }

  /** Past answers are only read. */
  get readOnly(): boolean {
    return this.state?.viewing != null;
  }

  toggleHistory(open = !this.historyOpen): void {
    this.historyOpen = open;
    if (open) {
      this.mode = 'answers';
      this.opened = undefined;
      this.showPane('answers');
      void this.timeline.ask();
    }
    this.changed('history');
    this.changed('detail');
  }

  /** Shows a past run in its own mode, in place of what is there now. False where the host refused. */
  async viewRun({ id, kind }: Pick<RunSummary, 'id' | 'kind'>): Promise<boolean> {
    const done = (await this.ask(this.host.viewRun({ id, answers: false }))) !== undefined;
    if (done && kind !== 'answers') this.#showMode(kind);
    return done;
  }

  /** Shows what was answered in a run of any kind. */
  async viewAnswers(id: string): Promise<void> {
    if ((await this.ask(this.host.viewRun({ id, answers: true }))) !== undefined) this.#showMode('answers');
  }

  /** Shows the answers in which two runs differ. False where the host refused. */
  async viewDiff(before: string, after: string): Promise<boolean> {
    return (await this.ask(this.host.viewDiff({ before, after }))) !== undefined;
  }

  viewCurrent(): void {
    void this.ask(this.host.viewCurrent({}));
  }

  /** Goes on with a run of the timeline; without a name with the current one. */
  resume(id?: string): void {
    this.showPane('answers');
    void this.ask(this.host.resume({ id: id ?? null }));
  }

  /** Asks again what failed, or what would be asked differently now. */
  runSome(which: 'failed' | 'changed'): void {
    this.showPane('answers');
    void this.ask(this.prompt.settled().then(() => this.host.runSome({ which })));
  }

  async open(key: CellKey): Promise<void> {
    this.historyOpen = false;
    this.opened = { key: keyOf(key), detail: undefined };
    this.changed('detail');
    const detail = await this.ask(this.host.detail(keyOf(key)));
    if (!detail || !this.opened || cellKey(this.opened.key) !== cellKey(key)) return;
    this.opened.detail ??= detail;
    this.changed('detail');
  }

  close(): void {
    this.opened = undefined;
    this.changed('detail');
  }

  updateSetup(patch: Partial<Setup>): void {
    const setup = { ...this.setup, ...patch };
    this.#patch({ setup }, 'setup');
    this.#save();
    void this.ask(this.host.setup(setup));
  }

  set(path: readonly string[], value: string | number | string[] | Record<string, string | number> | null): void {
    void this.ask(this.host.set({ path: [...path], value }));
  }

  /** `fresh` asks the models anew, where else earlier answers to the same prompt are shown. */
  run(rows: Rows, { fresh = false } = {}): void {
    this.showPane('answers');
    if (this.mode === 'sweep') this.startSweep({ fresh });
    else if (this.mode === 'scores') void this.ask(this.prompt.settled().then(() => this.host.score(rows)));
    else void this.ask(this.prompt.settled().then(() => (fresh ? this.host.runFresh(rows) : this.host.run(rows))));
  }

  fold(section: string, folded: boolean): void {
    if (folded) this.folded.add(section);
    else this.folded.delete(section);
    this.#save();
    this.changed('page');
  }

  showTab(id: string): void {
    this.tab = id;
    this.#save();
    this.changed('columns');
  }

  showPane(pane: 'prompt' | 'answers'): void {
    this.pane = pane;
    this.#save();
    this.changed('page');
  }

  showMode(mode: Mode): void {
    this.mode = mode;
    this.#save();
    this.changed('page');
  }

  /** Waits for the host; what it refuses is shown as a line of the page. */
  async ask<T>(reply: Promise<T>): Promise<T | undefined> {
    try {
      const result = await reply;
      this.report(undefined);
      return result;
    } catch (error) {
      this.report(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  on(topics: readonly Topic[], listener: () => void): () => void {
    for (const topic of topics) this.addEventListener(topic, listener);
    return () => {
      for (const topic of topics) this.removeEventListener(topic, listener);
    };
  }

  changed(topic: Topic): void {
    this.dispatchEvent(new Event(topic));
  }

  /** Shows that something did not work; undefined: all is well. */
  report(problem: string | undefined): void {
    if (this.problem === problem) return;
    this.problem = problem;
    this.changed('page');
  }

  #patch(patch: Partial<PlaygroundState>, topic: Topic): void {
    if (!this.state) return;
    this.state = { ...this.state, ...patch };
    this.changed(topic);
  }

  #save(): void {
    const saved: Saved = {
      ...((savedState.get() as Saved | undefined) ?? {}),
      folded: [...this.folded],
      tab: this.tab,
      pane: this.pane,
      mode: this.mode,
      sweep: this.sweep.written,
      setup: this.setup,
      uri: this.state?.uri ?? null,
    };
    savedState.set(saved);
  }
}
