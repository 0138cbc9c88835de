/** What one playground works on: a template's document, what is compared, the answers so far. The panel shows it. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { errorMessage, HumanError, isHumanError } from '../../base/errors.ts';
import { changeOf } from '../../base/textChange.ts';
import { type EmbedTexts, embedderOf } from '../../core/datasets/embeddings.ts';
import { kindOfId, priceOf, pricesOf } from '../../core/evaluation/prices.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import { parseTemplate } from '../../core/prompts/promptyFile.ts';
import { endpointOf, originOf } from '../../core/prompts/references.ts';
import { renderPrompt, shownAs } from '../../core/prompts/render.ts';
import type { RenderedPrompt, Strategy } from '../../core/prompts/template.ts';
import { setFrontMatter } from '../../core/prompts/templateEdits.ts';
import type {
  Cell,
  Column,
  Filter,
  Marks,
  ModelChoice,
  PlaygroundState,
  Preview,
  playgroundContract,
  RowInput,
  Rows,
  RunState,
  Setup,
} from '../../protocol/playground.ts';
import type { Remote } from '../../protocol/rpc.ts';
import { endpointModelId } from '../../providers/openAiCompatible.ts';
import { setting } from '../config.ts';
import type { Services } from '../services.ts';
import { diffAnswers } from './answerDocuments.ts';
import { CellBoard } from './cellBoard.ts';
import { CellDetails } from './cellDetails.ts';
import { columnScores } from './columnScores.ts';
import { choicesOf, strategyLabel, variantKey } from './playgroundChoices.ts';
import { PlaygroundDocument } from './playgroundDocument.ts';
import { RunHistory } from './playgroundHistory.ts';
import { failedPreview, previewOf } from './playgroundPreview.ts';
import { type CellKey, idle, PlaygroundRun, type RunColumn } from './playgroundRun.ts';
import {
  firstProblem,
  type LoadedTemplate,
  loadTemplate,
  rowCount,
  rowExpected,
  rowInput,
  rowValues,
  templateState,
} from './playgroundTemplate.ts';

type Page = Remote<typeof playgroundContract.toWebview>;

/** Milliseconds of rest after typing before the template is read anew. */
const RefreshDelay = 150;
/** Milliseconds between two messages about how far a run is. */
const StateDelay = 100;

export class PlaygroundSession implements Disposable {
  readonly services: Services;
  readonly uri: vscode.Uri;
  readonly #page: Page;
  readonly #store = new DisposableStore();
  readonly #history: RunHistory;
  #document!: PlaygroundDocument;
  #loaded!: LoadedTemplate;
  #setup: Setup | undefined;
  #choices: ModelChoice[] = [];
  readonly #others = new Map<string, LoadedTemplate>();
  readonly #board: CellBoard;
  readonly #details: CellDetails;
  #refreshTimer: NodeJS.Timeout | undefined;
  #stateTimer: NodeJS.Timeout | undefined;
  #state: RunState = idle;
  #run: PlaygroundRun | undefined;
  #running: Promise<void> = Promise.resolve();
  /** Vectors of examples stay for as long as the playground does. */
  readonly #embedders = new Map<string, EmbedTexts>();
  #previewing = 0;
  #shownPreview: Preview | null = null;

  constructor(services: Services, uri: vscode.Uri, page: Page, setup?: Setup) {
    this.services = services;
    this.uri = uri;
    this.#page = page;
    this.#setup = setup;
    this.#history = new RunHistory(services, uri);
    this.#board = this.#store.add(new CellBoard(page, () => page.columns(this.#scored())));
    this.#details = this.#store.add(
      new CellDetails({
        cell: key => this.#board.get(key),
        prompt: cell => this.#history.promptOf(cell),
        model: key => this.#modelOf(key),
        show: (cell, detail) => page.detail({ cell, detail }),
      }),
    );
  }

  /** Opens the document and reads the template and the newest answers. */
  async open(): Promise<void> {
    await this.#openDocument();
    await this.#load();
    const models = await this.services.models(this.uri);
    this.#choices = await this.#listChoices();
    this.#store.add(models.onDidChange(() => void this.#modelsChanged()));
    this.#setup = this.#validSetup(this.#setup ?? this.#firstSetup());
    this.#board.put(await this.#history.restore(this.#columns(), this.#loaded));
    this.#store.add(
      vscode.workspace.onDidSaveTextDocument(saved => {
        if (saved !== this.#document.document && /\.(jsonl|csv|prompty)$/i.test(saved.uri.path)) this.#refreshSoon();
      }),
    );
    this.#store.add(
      this.services.approvals.onDidChange(async () => {
        await this.#refresh();
        await this.#modelsChanged();
      }),
    );
    this.#store.add(vscode.workspace.onDidGrantWorkspaceTrust(() => this.#refreshSoon()));
    void this.#preview();
  }

  /** Asks the user for what the template waits for. */
  async approve(id: string): Promise<void> {
    const reference = this.#loaded.waiting[Number(id)];
    if (reference) await this.services.approvals.ask(reference, this.#loaded.template.name);
  }

  state(): Omit<PlaygroundState, 'templates' | 'trusted'> {
    return {
      uri: this.uri.toString(),
      document: this.#documentState(),
      template: templateState(this.#loaded),
      preview: this.#shownPreview,
      setup: this.setup,
      columns: this.#scored(),
      board: this.#board.board(),
      run: this.#state,
      models: this.#choices,
    };
  }

  #documentState(): NonNullable<PlaygroundState['document']> {
    const { version, text } = this.#document;
    return { version, text, bodyStart: parseTemplate(text, '').bodyRange.start };
  }

  get setup(): Setup {
    return this.#setup ?? this.#firstSetup();
  }

  get document(): vscode.TextDocument {
    return this.#document.document;
  }

  get loaded(): LoadedTemplate {
    return this.#loaded;
  }

  edit(version: number, change: (number | string)[]): Promise<boolean> {
    return this.#document.edit(version, change);
  }

  /** Sets a key of the front matter; null removes it. */
  async set(path: readonly string[], value: string | number | string[] | null): Promise<void> {
    const target = path[0] === 'inputs' && path.length === 3 && this.#isShorthand(path[1]!) ? path.slice(0, 2) : path;
    const done = await this.#document.change(text => changeOf(setFrontMatter(text, target, value)));
    if (!done) throw new HumanError(vscode.l10n.t('The file takes no changes. Is it read-only?'));
    await this.#refresh();
  }

  async configure(setup: Setup): Promise<void> {
    const before = this.setup;
    this.#setup = this.#validSetup(setup);
    for (const variant of this.#setup.variants) if (variant.kind === 'template') await this.#other(variant.file);
    if (JSON.stringify([before.models, before.variants]) !== JSON.stringify([setup.models, setup.variants])) {
      this.#page.columns(this.#scored());
    }
    if (before.row !== setup.row || before.models[0] !== setup.models[0]) void this.#preview();
  }

  /** Runs rows and shows that they run; resolves when it has begun. */
  async start(rows: Rows, { fresh = false } = {}): Promise<void> {
    this.stop();
    await this.#running;
    await this.#refresh();
    const list = this.#rowList(rows);
    const repeats = Array.from({ length: this.setup.samples }, (_, i) => i);
    const asked = new Set(list);
    // Samples beyond those that are asked for now would stay from an earlier run.
    this.#board.remove(cell => asked.has(cell.row) && cell.repeat >= repeats.length);
    await this.#begin(this.#columns(), list, repeats, fresh);
  }

  /** Asks the model anew. */
  async retry({ column, row, repeat }: CellKey): Promise<void> {
    await this.#running;
    await this.#begin(
      this.#columns().filter(({ id }) => id === column),
      [row],
      [repeat],
      true,
    );
  }

  stop(): void {
    this.#run?.stop();
    this.#details.stop();
  }

  /** The rows that the page shows from now on. */
  window(rows: readonly number[]): { cells: Cell[]; inputs: RowInput[] } {
    const total = rowCount(this.#loaded);
    return {
      cells: this.#board.window(rows),
      inputs: rows.filter(row => row < total).map(row => rowInput(this.#loaded, row)),
    };
  }

  filter(filter: Filter): void {
    this.#board.filter(filter);
  }

  /** Marks an answer and keeps that with its run. */
  async mark(key: CellKey, marks: Marks): Promise<void> {
    if (this.#board.mark(key, marks)) await this.#history.keepMarks(this.#board.all());
  }

  async diff(left: CellKey, right: CellKey): Promise<void> {
    const [before, after] = [left, right].map(key => {
      const cell = this.#board.get(key);
      if (!cell) throw new HumanError(vscode.l10n.t('This answer is no longer there.'));
      const column = this.#columns().find(({ id }) => id === key.column);
      const sample = key.repeat > 0 ? ` (${key.repeat + 1})` : '';
      const name = column ? `${column.modelLabel}, ${column.label}` : key.column;
      return { name: `${vscode.l10n.t('Row {0}', key.row + 1)}, ${name}${sample}`, text: cell.text };
    });
    await diffAnswers(before!, after!);
  }

  get details(): CellDetails {
    return this.#details;
  }

  async #modelOf(key: CellKey): ReturnType<ConstructorParameters<typeof CellDetails>[0]['model']> {
    const column = this.#columns().find(({ id }) => id === key.column);
    if (!column) throw new HumanError(vscode.l10n.t('The model of this answer is no longer chosen.'));
    return { generator: await column.generator(), options: samplingOf(column.template) };
  }

  /** Puts rows with two or more different answers up for ranking; how many that are. */
  async sendToRanking(rows: Rows): Promise<number> {
    const journal = await this.services.journal(this.uri);
    const wanted = rows.kind === 'row' ? [rows.row] : this.#board.rowNumbers();
    const shown = new Set(this.#columns().map(({ id }) => id));
    const items = [];
    for (const row of wanted.sort((a, b) => a - b)) {
      const done = this.#board
        .ofRow(row)
        .filter(cell => cell.status === 'done' && shown.has(cell.column) && cell.text.trim() !== '');
      if (new Set(done.map(({ text }) => text)).size < 2) continue;
      const messages = this.#history.promptOf(done[0]!);
      if (!messages) continue;
      items.push({
        set: this.#loaded.template.name,
        messages: [...messages],
        answers: done.map(({ text, column, repeat }) => ({
          text,
          model: column.slice(0, column.lastIndexOf('#')),
          seed: samplingOf(this.#loaded.template).seed,
          repeat,
        })),
      });
    }
    if (items.length === 0) {
      throw new HumanError(
        vscode.l10n.t(
          'There is nothing to rank: a row needs two different answers. Take more samples or raise the temperature.',
        ),
      );
    }
    return (await journal.addItems(items)).length;
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.#refreshTimer);
    clearTimeout(this.#stateTimer);
    this.#document?.dispose();
    this.#history.dispose();
    this.#store.dispose();
  }

  async #openDocument(): Promise<void> {
    this.#document?.dispose();
    const document = new PlaygroundDocument(await vscode.workspace.openTextDocument(this.uri));
    this.#document = document;
    document.onDidChange(({ version, change, own }) => {
      const bodyStart = parseTemplate(document.text, '').bodyRange.start;
      this.#page.changed({ version, change: [...change], bodyStart, own });
      this.#refreshSoon();
    });
    // The editor lets go of documents that no tab shows; the playground still does.
    document.onDidClose(() => {
      this.#openDocument().then(
        () => this.#page.document(this.#documentState()),
        error => this.services.logger.warn(`The template is gone: ${errorMessage(error)}`),
      );
    });
  }

  #refreshSoon(): void {
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(() => {
      this.#refresh().catch((error: unknown) => this.services.logger.error('A template could not be read.', error));
    }, RefreshDelay);
  }

  async #load(): Promise<void> {
    this.#loaded = await loadTemplate(this.uri, this.#document.text, this.services.approvals);
  }

  async #refresh(): Promise<void> {
    clearTimeout(this.#refreshTimer);
    await this.#load();
    const last = rowCount(this.#loaded) - 1;
    if (this.setup.row > last) {
      this.#setup = { ...this.setup, row: Math.max(0, last) };
      this.#page.setup(this.#setup);
    }
    this.#page.template(templateState(this.#loaded));
    this.#page.columns(this.#scored());
    await this.#preview();
  }

  /** Renders the chosen row and counts its tokens; a later call overtakes an earlier one. */
  async #preview(): Promise<void> {
    const turn = ++this.#previewing;
    const loaded = this.#loaded;
    const { row, models } = this.setup;
    try {
      const prompt = await this.#render(loaded, row);
      const registry = await this.services.models(this.uri);
      const generator = await registry.get(models[0]!);
      const { maxOutputTokens } = samplingOf(loaded.template);
      const preview = await previewOf({ row, template: loaded.template, prompt, generator, maxOutputTokens });
      this.#showPreview(turn, preview);
    } catch (error) {
      if (!isHumanError(error)) this.services.logger.error('A preview failed.', error);
      this.#showPreview(turn, failedPreview(row, models[0] ?? '', errorMessage(error)));
    }
  }

  #showPreview(turn: number, preview: Preview): void {
    if (turn !== this.#previewing) return;
    this.#shownPreview = preview;
    this.#page.preview(preview);
  }

  async #render(loaded: LoadedTemplate, row: number, strategy?: Strategy): Promise<RenderedPrompt> {
    const evaluator = await this.services.evaluator();
    const models = await this.services.models(this.uri);
    const embed = await embedderOf(loaded.template, id => models.get(id), this.#embedders);
    const { prompt, diagnostics } = await renderPrompt(
      loaded.template,
      { values: rowValues(loaded, row), bank: loaded.bank, strategy, embed },
      evaluator.render,
    );
    if (prompt) return prompt;
    throw new HumanError(
      firstProblem([...diagnostics, ...loaded.diagnostics]) ?? vscode.l10n.t('The prompt cannot be rendered.'),
    );
  }

  #firstSetup(): Setup {
    const { template } = this.#loaded;
    const wanted = template.model.id ?? setting('defaultModel', this.uri);
    const own = this.#choices.find(({ id, label }) => id === wanted || label === wanted);
    const model = own?.id ?? this.#choices[0]?.id ?? setting('defaultModel', this.uri);
    // Where nothing says what is right, answers are there to be ranked: several of each.
    const open = template.tunesmith.expected === undefined && samplingOf(template).temperature > 0;
    return { models: [model], variants: [{ kind: 'current' }], samples: open ? 4 : 1, row: 0, probabilities: false };
  }

  /** Models that are gone leave the setup; one stays. */
  #validSetup(setup: Setup): Setup {
    const models = setup.models.filter(id => this.#choices.some(choice => choice.id === id));
    const row = Math.max(0, Math.min(setup.row, rowCount(this.#loaded) - 1));
    const variants = setup.variants.length > 0 ? setup.variants.slice(0, 2) : [{ kind: 'current' } as const];
    return { ...setup, models: models.length > 0 ? models : this.#firstSetup().models, variants, row };
  }

  /** The registry's models, and the one on the server that the template names once that was allowed. */
  async #listChoices(): Promise<ModelChoice[]> {
    const models = await this.services.models(this.uri);
    const choices = choicesOf(await models.list());
    const { template, waiting } = this.#loaded;
    const address = endpointOf(template);
    const allowed = this.services.trusted && !waiting.some(({ kind }) => kind === 'endpoint');
    const origin = address === undefined || !allowed ? undefined : originOf(address);
    if (address === undefined || origin === undefined || !template.model.id) return choices;
    const id = endpointModelId(address, template.model.id);
    if (choices.some(choice => choice.id === id)) return choices;
    return [...choices, { id, label: template.model.id, detail: origin, depth: 0 }];
  }

  async #modelsChanged(): Promise<void> {
    this.#choices = await this.#listChoices();
    this.#page.models(this.#choices);
    this.#setup = this.#validSetup(this.setup);
    this.#page.setup(this.#setup);
    this.#page.columns(this.#scored());
  }

  async #other(file: string): Promise<void> {
    const uri = vscode.Uri.parse(file);
    const document = await vscode.workspace.openTextDocument(uri);
    this.#others.set(file, await loadTemplate(uri, document.getText(), this.services.approvals));
  }

  #columns(): (Column & RunColumn)[] {
    const prices = pricesOf(setting('prices'));
    return this.setup.models.flatMap(model =>
      this.setup.variants.flatMap((variant, index) => {
        const loaded = variant.kind === 'template' ? this.#others.get(variant.file) : this.#loaded;
        if (!loaded) return [];
        const strategy = variant.kind === 'strategy' ? variant.strategy : loaded.template.tunesmith.reasoning.strategy;
        const shots =
          shownAs(strategy, loaded.template) === 'zero-shot-cot' ? 0 : (loaded.template.tunesmith.examples?.shots ?? 0);
        const label = this.#choices.find(({ id }) => id === model)?.label ?? model;
        return [
          {
            id: `${model}#${variantKey(variant)}`,
            model,
            modelLabel: label,
            variant: index,
            label: variant.kind === 'template' ? loaded.template.name : strategyLabel(strategy),
            detail: shots > 0 ? vscode.l10n.t('{0} shots', shots) : '',
            score: null,
            failed: 0,
            paired: null,
            template: loaded.template,
            strategy,
            generator: async () => (await this.services.models(this.uri)).get(model),
            render: (row: number) => this.#render({ ...loaded, rows: this.#loaded.rows }, row, strategy),
            expected: (row: number) => rowExpected(this.#loaded, row),
            price: priceOf(prices, { id: model, kind: kindOfId(model) }),
          },
        ];
      }),
    );
  }

  /** The columns as the page knows them. */
  #scored(): Column[] {
    const columns = this.#columns();
    const scores = columnScores(this.#board.all(), columns);
    return columns.map(({ id, model, modelLabel, variant, label, detail }) => {
      return { id, model, modelLabel, variant, label, detail, ...scores.get(id)! };
    });
  }

  #rowList(rows: Rows): number[] {
    const total = rowCount(this.#loaded);
    if (rows.kind === 'row') return rows.row < total ? [rows.row] : [];
    return Array.from({ length: rows.kind === 'first' ? Math.min(rows.count, total) : total }, (_, i) => i);
  }

  async #begin(
    columns: readonly RunColumn[],
    rows: readonly number[],
    repeats: readonly number[],
    fresh: boolean,
  ): Promise<void> {
    const evaluator = await this.services.evaluator();
    const dispatcher = await this.services.dispatcher();
    const run = new PlaygroundRun({
      logger: this.services.logger,
      match: evaluator.match.bind(evaluator),
      ask: generator => dispatcher.ask(generator, { fresh }),
      probabilities: this.setup.probabilities,
      listener: {
        cells: cells => this.#board.put(cells),
        append: delta => this.#board.append(delta),
        state: state => this.#showState(state),
        finished: (cell, result, prompt) => {
          this.#details.finished(cell, result);
          void this.#history.keep(cell, result, prompt);
        },
      },
    });
    this.#run = run;
    this.#running = run.run(columns, rows, repeats).catch((error: unknown) => this.services.showError(error));
  }

  /** Every answer changes the state; the page hears of it some times a second, of begin and end at once. */
  #showState(state: RunState): void {
    const turned = state.running !== this.#state.running || state.done === state.total;
    this.#state = state;
    if (!state.running) this.#board.settle();
    if (!turned) {
      this.#stateTimer ??= setTimeout(() => this.#sendState(), StateDelay);
      return;
    }
    this.#sendState();
  }

  #sendState(): void {
    clearTimeout(this.#stateTimer);
    this.#stateTimer = undefined;
    this.#page.run(this.#state);
  }

  /** `inputs: {name: value}` in place of a map with `default`. */
  #isShorthand(name: string): boolean {
    const inputs = this.#loaded.template.frontMatter.inputs;
    const value = inputs && typeof inputs === 'object' ? (inputs as Record<string, unknown>)[name] : undefined;
    return value !== undefined && value !== null && typeof value !== 'object';
  }
}
