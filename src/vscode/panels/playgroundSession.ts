/** What one playground works on: a template's document, what is compared, the answers so far. The panel shows it. */
import * as v from 'valibot';
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { HumanError } from '../../base/errors.ts';
import { kindOfId, priceOf, pricesOf } from '../../core/evaluation/prices.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import type { RunSpecification } from '../../core/runs/runRecord.ts';
import {
  type ModelChoice,
  type PlaygroundState,
  type playgroundContract,
  type Setup,
  SetupSchema,
} from '../../protocol/playground.ts';
import type { Rows } from '../../protocol/playgroundRuns.ts';
import type { SweepWanted } from '../../protocol/playgroundSweep.ts';
import type { TemplateState } from '../../protocol/playgroundTemplate.ts';
import type { Remote } from '../../protocol/rpc.ts';
import { setting } from '../config.ts';
import type { Services } from '../services.ts';
import { AnswerActions } from './answerActions.ts';
import { CellDetails } from './cellDetails.ts';
import { type LoadedTemplate, rowCount, rowList } from './loadedTemplate.ts';
import type { KeptDetail } from './openRun.ts';
import { pastOf } from './pastTemplate.ts';
import { firstSetup, modelChoices, validSetup } from './playgroundChoices.ts';
import { columnsOf, type PlaygroundColumn, shownColumns } from './playgroundColumns.ts';
import type { RunHistory } from './playgroundHistory.ts';
import { PlaygroundLanguage } from './playgroundLanguage.ts';
import { PlaygroundPrompts } from './playgroundPrompts.ts';
import { type CellKey, keyOf } from './playgroundRun.ts';
import { PlaygroundScores } from './playgroundScores.ts';
import { specificationOf } from './playgroundSpecification.ts';
import { PlaygroundSweep, type SweepTools } from './playgroundSweep.ts';
import { loadTemplate, templateState } from './playgroundTemplate.ts';
import { RowPreview } from './rowPreview.ts';
import { RunControl, type RunHost } from './runControl.ts';
import { type RunTools, runToolsOf } from './runTools.ts';
import { ShownAnswers } from './shownAnswers.ts';
import { TemplateSource } from './templateSource.ts';

type Page = Remote<typeof playgroundContract.toWebview>;

/** Milliseconds of rest after typing before the template is read anew. */
const RefreshDelay = 150;

export class PlaygroundSession implements Disposable {
  readonly services: Services;
  readonly uri: vscode.Uri;
  readonly #page: Page;
  readonly #store = new DisposableStore();
  /** What runs, and what can be run. */
  readonly runs: RunControl;
  readonly source: TemplateSource;
  #loaded!: LoadedTemplate;
  #setup: Setup | undefined;
  #choices: ModelChoice[] = [];
  readonly #others = new Map<string, LoadedTemplate>();
  readonly shown: ShownAnswers;
  readonly actions: AnswerActions;
  readonly details: CellDetails;
  readonly scores: PlaygroundScores;
  readonly sweeps: PlaygroundSweep;
  readonly #tools: RunTools;
  readonly language: PlaygroundLanguage;
  #refreshTimer: NodeJS.Timeout | undefined;
  readonly #prompts: PlaygroundPrompts;
  readonly #preview: RowPreview;
  /** The rows that the page has, as a text. */
  #toldRows: string | undefined;

  constructor(services: Services, uri: vscode.Uri, page: Page, setup?: Setup) {
    this.services = services;
    this.uri = uri;
    this.#page = page;
    this.#setup = setup;
    this.#prompts = new PlaygroundPrompts(services, uri);
    this.#tools = runToolsOf(services, uri);
    this.#preview = new RowPreview(services, uri, this.#prompts, preview => page.preview(preview));
    this.source = this.#store.add(
      new TemplateSource(uri, {
        page,
        logger: services.logger,
        loaded: () => this.#loaded,
        changed: () => this.#refreshSoon(),
        refresh: () => this.#refresh(),
      }),
    );
    this.shown = this.#store.add(
      new ShownAnswers({
        page,
        columns: () => shownColumns(this.#columns(), this.shown.now.all()),
        loaded: () => this.#loaded,
        kept: key => this.#kept(key),
      }),
    );
    this.details = this.#store.add(
      new CellDetails({
        cell: async key => (await this.shown.board.full([key]))[0],
        kept: key => this.shown.kept(key),
        said: (key, turns) => this.history.say(this.runs.runOf(key), keyOf(key), turns),
        model: key => this.#modelOf(key),
        show: (cell, detail) => page.detail({ cell, detail }),
      }),
    );
    this.runs = new RunControl(this.#runHost());
    this.actions = new AnswerActions({
      shown: this.shown,
      source: this.source,
      runs: this.runs,
      columns: () => this.#columns(),
      loaded: () => this.#loaded,
      journal: () => services.journal(uri),
    });
    this.sweeps = this.#store.add(new PlaygroundSweep(this.#sweepTools()));
    this.language = new PlaygroundLanguage(services, uri);
    this.scores = this.#store.add(
      new PlaygroundScores({
        ...this.#tools,
        columns: () => this.#scoreColumns(),
        loaded: () => this.#loaded,
        render: () => this.#prompts.renderer(),
        embed: () => this.#prompts.embedder(this.#loaded.template),
        specify: columns => this.#specify(columns, this.#loaded, []),
        runsChanged: () => page.runsChanged({}),
        show: state => page.scores(state),
      }),
    );
  }

  /** Scores the candidates of rows; resolves when it has begun. */
  async score(rows: Rows): Promise<void> {
    await this.#refresh();
    await this.scores.start(rowList(this.#loaded, rows));
  }

  /** Sweeps the number of examples; resolves when it has begun, or waits for a yes. */
  async sweep(wanted: SweepWanted, fresh: boolean): Promise<void> {
    await this.#refresh();
    await this.sweeps.start(wanted, { fresh });
  }

  /** Begins what waits for a yes, or lets it be. */
  async confirm(run: boolean): Promise<void> {
    await this.runs.confirm(run);
    await this.sweeps.confirm(run);
  }

  /** Opens the document and reads the template and the newest answers. */
  async open(): Promise<void> {
    await this.source.open();
    await this.#load();
    const models = await this.services.models(this.uri);
    this.#choices = await modelChoices(this.services, this.uri, this.#loaded);
    this.#store.add(models.onDidChange(() => void this.#modelsChanged()));
    this.#setup = this.#validSetup(this.#setup ?? this.#firstSetup());
    await this.runs.restore();
    // It comes by itself when it is there.
    void this.sweeps.restore();
    void this.scores.restore();
    this.#store.add(
      vscode.workspace.onDidSaveTextDocument(saved => {
        if (saved !== this.source.document && /\.(jsonl|csv|prompty)$/i.test(saved.uri.path)) this.#refreshSoon();
      }),
    );
    this.#store.add(
      this.services.approvals.onDidChange(async () => {
        await this.#refresh();
        await this.#modelsChanged();
      }),
    );
    this.#store.add(vscode.workspace.onDidGrantWorkspaceTrust(() => this.#refreshSoon()));
    void this.#showPreview();
  }

  /** Asks the user for what the template waits for. */
  async approve(id: string): Promise<void> {
    const reference = this.#loaded.waiting[Number(id)];
    if (reference) await this.services.approvals.ask(reference, this.#loaded.template.name);
  }

  state(): Omit<PlaygroundState, 'templates' | 'trusted'> {
    return {
      uri: this.uri.toString(),
      document: this.source.state(),
      template: this.#told(templateState(this.#loaded)),
      preview: this.#preview.shown,
      setup: this.setup,
      columns: this.shown.columns,
      board: this.shown.state(),
      run: this.runs.state,
      forecast: this.runs.forecast ?? this.sweeps.forecast,
      offer: this.runs.offer,
      viewing: this.shown.viewing,
      models: this.#choices,
    };
  }

  get setup(): Setup {
    return this.#setup ?? this.#firstSetup();
  }

  get loaded(): LoadedTemplate {
    return this.#loaded;
  }

  async configure(setup: Setup): Promise<void> {
    const before = this.setup;
    this.#setup = this.#validSetup(setup);
    for (const variant of this.#setup.variants) if (variant.kind === 'template') await this.#other(variant.file);
    const shown = ({ models, variants, axes, baseline, orders }: Setup) =>
      JSON.stringify([models, variants, axes, baseline, orders]);
    if (shown(before) !== shown(setup)) {
      this.shown.sendColumns();
      this.scores.refreshed();
      this.sweeps.refreshed();
    }
    if (before.row !== setup.row || before.models[0] !== setup.models[0]) void this.#showPreview();
  }

  stop(): void {
    this.runs.stop();
    this.details.stop();
    this.scores.stop();
    this.sweeps.stop();
  }

  get history(): RunHistory {
    return this.runs.history;
  }

  /** The texts of a past run are in the editor again: so is what was compared. */
  async restored(setup: unknown): Promise<void> {
    this.shown.close();
    const chosen = v.safeParse(SetupSchema, setup);
    if (chosen.success) await this.configure(chosen.output);
    this.#page.setup(this.setup);
    await this.#refresh();
  }

  async #modelOf(key: CellKey): ReturnType<ConstructorParameters<typeof CellDetails>[0]['model']> {
    const column = this.#columns().find(({ id }) => id === key.column);
    if (!column) throw new HumanError(vscode.l10n.t('The model of this answer is no longer chosen.'));
    return { generator: await column.generator(), options: samplingOf(column.template) };
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.#refreshTimer);
    this.runs.dispose();
    this.#store.dispose();
  }

  #refreshSoon(): void {
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(() => {
      this.#refresh().catch((error: unknown) => this.services.logger.error('A template could not be read.', error));
    }, RefreshDelay);
  }

  async #load(): Promise<void> {
    this.#loaded = await loadTemplate(this.uri, this.source.shared.text, this.services.approvals);
  }

  async #refresh(): Promise<void> {
    clearTimeout(this.#refreshTimer);
    await this.#load();
    const last = rowCount(this.#loaded) - 1;
    if (this.setup.row > last) {
      this.#setup = { ...this.setup, row: Math.max(0, last) };
      this.#page.setup(this.#setup);
    }
    this.#tellTemplate();
    this.shown.sendColumns();
    this.sweeps.refreshed();
    this.scores.refreshed();
    await this.#showPreview();
  }

  /** Rows go to the page only when they are others: keys come fast, and rows are many. */
  #tellTemplate(): void {
    const before = this.#toldRows;
    const state = this.#told(templateState(this.#loaded));
    this.#page.template(before === this.#toldRows ? { ...state, rows: null } : state);
  }

  #told(state: TemplateState): TemplateState {
    this.#toldRows = JSON.stringify(state.rows);
    return state;
  }

  async #showPreview(): Promise<void> {
    await this.#preview.render(this.#loaded, this.setup);
  }

  #firstSetup(): Setup {
    return firstSetup(this.#loaded.template, this.#choices, setting('defaultModel', this.uri));
  }

  /** What of it can be run: models that are gone leave the setup. */
  #validSetup(setup: Setup): Setup {
    return validSetup(setup, this.#choices, { rows: rowCount(this.#loaded), first: () => this.#firstSetup() });
  }

  async #modelsChanged(): Promise<void> {
    this.#choices = await modelChoices(this.services, this.uri, this.#loaded);
    this.#page.models(this.#choices);
    this.#setup = this.#validSetup(this.setup);
    this.#page.setup(this.#setup);
    this.shown.sendColumns();
  }

  async #other(file: string): Promise<void> {
    const uri = vscode.Uri.parse(file);
    const document = await vscode.workspace.openTextDocument(uri);
    this.#others.set(file, await loadTemplate(uri, document.getText(), this.services.approvals));
  }

  #columns(
    own = this.#loaded,
    others: ReadonlyMap<string, LoadedTemplate> = this.#others,
    setup = this.setup,
  ): PlaygroundColumn[] {
    return columnsOf({
      own,
      others,
      setup,
      choices: this.#choices,
      prices: pricesOf(setting('prices')),
      generator: async model => (await this.services.models(this.uri)).get(model),
      render: (...call) => this.#prompts.render(...call),
    });
  }

  /** The template's own variants: a second strategy or other orders are for answers that are written. */
  #scoreColumns(): PlaygroundColumn[] {
    return this.#columns(this.#loaded, new Map(), { ...this.setup, variants: [{ kind: 'current' }], orders: 1 });
  }

  #runHost(): RunHost {
    const session = this;
    const { services, uri } = this;
    return {
      ...this.#tools,
      specify: columns => {
        const { setup } = this;
        const files = setup.variants.flatMap(variant => (variant.kind === 'template' ? [variant.file] : []));
        const others = files.flatMap(file => this.#others.get(file) ?? []);
        return this.#specify(columns, this.#loaded, others);
      },
      past: (then, now) => pastOf(services, uri, { then, now, setup: this.setup }),
      page: this.#page,
      board: this.shown.now,
      details: this.details,
      get setup() {
        return session.setup;
      },
      get loaded() {
        return session.#loaded;
      },
      columns: (own, others) => this.#columns(own, others),
      choose: async setup => {
        await this.configure(setup);
        this.#page.setup(this.setup);
      },
      refresh: () => this.#refresh(),
      closeView: () => this.shown.close(),
    };
  }

  #sweepTools(): SweepTools {
    const { services, uri } = this;
    return {
      ...this.#tools,
      models: () =>
        this.setup.models.map(id => {
          const choice = this.#choices.find(one => one.id === id);
          return { id, label: choice?.label ?? id, controlled: choice?.controlled ?? true };
        }),
      generator: async id => (await services.models(uri)).get(id),
      loaded: () => this.#loaded,
      render: (...call) => this.#prompts.render(...call),
      price: id => priceOf(pricesOf(setting('prices')), { id, kind: kindOfId(id) }),
      specify: (columns, loaded) => this.#specify(columns, loaded, []),
      show: state => this.#page.sweep(state),
      forecast: forecast => this.#page.forecast(forecast),
      runsChanged: () => this.#page.runsChanged({}),
    };
  }

  #specify(
    columns: readonly PlaygroundColumn[],
    loaded: LoadedTemplate,
    others: readonly LoadedTemplate[],
  ): Promise<RunSpecification> {
    const { services, uri, setup } = this;
    return specificationOf(services, { uri, loaded, others, columns, setup });
  }

  /** What is kept with an answer of now. */
  async #kept(key: CellKey): Promise<KeptDetail> {
    const recent = this.history.recent(keyOf(key));
    return recent ?? (await this.runs.runOf(key)?.detail(keyOf(key))) ?? { prompt: [], tokens: null, turns: [] };
  }
}
