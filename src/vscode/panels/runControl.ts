/** What is run in a playground: begin, stop, retry, resume, what failed or changed; each answer goes into the record of its run. */
import * as v from 'valibot';
import type { Disposable } from '../../base/disposable.ts';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { pool } from '../../core/evaluation/cellPool.ts';
import { continues } from '../../core/runs/changes.ts';
import { groupCells, stretches } from '../../core/runs/missing.ts';
import { type Asked, partsOf, type RunSpecification } from '../../core/runs/runRecord.ts';
import { type playgroundContract, type Setup, SetupSchema } from '../../protocol/playground.ts';
import type { Cell } from '../../protocol/playgroundCells.ts';
import type { Offer, Rows, RunForecast, RunState } from '../../protocol/playgroundRuns.ts';
import type { Remote } from '../../protocol/rpc.ts';
import type { CellBoard } from './cellBoard.ts';
import type { CellDetails } from './cellDetails.ts';
import { changedCells } from './changedCells.ts';
import { type LoadedTemplate, rowCount, rowList } from './loadedTemplate.ts';
import { OpenRun } from './openRun.ts';
import type { Past } from './pastTemplate.ts';
import type { PlaygroundColumn } from './playgroundColumns.ts';
import { RunHistory } from './playgroundHistory.ts';
import { type CellKey, idle, keyOf, PlaygroundRun, type RunColumn } from './playgroundRun.ts';
import { ForecastGate } from './runForecast.ts';
import type { RunTools } from './runTools.ts';

/** Milliseconds between two messages about how far a run is. */
const StateDelay = 100;

/** Milliseconds until it is asked again whether another window still runs. */
const LookDelay = 2000;

/** What a run needs of its playground. */
export interface RunHost extends RunTools {
  /** What these columns run, written down. Asked only where there is a folder. */
  specify(columns: readonly PlaygroundColumn[]): Promise<RunSpecification>;
  /** The template, rows and examples of then. Rejects with a HumanError where they are not kept. */
  past(then: RunSpecification, now: RunSpecification): Promise<Past>;
  readonly page: Remote<typeof playgroundContract.toWebview>;
  readonly board: CellBoard;
  readonly details: CellDetails;
  readonly setup: Setup;
  readonly loaded: LoadedTemplate;
  /** Of the template as it is, or of one of then. */
  columns(own?: LoadedTemplate, others?: ReadonlyMap<string, LoadedTemplate>): PlaygroundColumn[];
  /** Takes this setup, as far as its models are there, and tells the page. */
  choose(setup: Setup): Promise<void>;
  /** Reads the template and its files anew. */
  refresh(): Promise<void>;
  /** Shows the answers of now. */
  closeView(): void;
}

export class RunControl implements Disposable {
  readonly #host: RunHost;
  readonly #history: RunHistory;
  readonly #gate: ForecastGate<{ readonly rows: Rows; readonly fresh: boolean }>;
  #run: PlaygroundRun | undefined;
  #running: Promise<void> = Promise.resolve();
  #state: RunState = idle;
  /** Answers on their way to the disk. */
  readonly #keeping = new Set<Promise<void>>();
  #stateTimer: NodeJS.Timeout | undefined;
  #offer: Offer | null = null;
  #lookTimer: NodeJS.Timeout | undefined;

  constructor(host: RunHost) {
    this.#host = host;
    this.#gate = new ForecastGate(forecast => host.page.forecast(forecast), host.logger);
    this.#history = new RunHistory({
      layout: () => host.layout(),
      path: host.path,
      kind: 'answers',
      logger: host.logger,
      showError: error => host.showError(error),
      counts: () => countsOf(host.board.all()),
    });
  }

  get history(): RunHistory {
    return this.#history;
  }

  get state(): RunState {
    return this.#state;
  }

  get offer(): Offer | null {
    return this.#offer;
  }

  /** Of a big run that waits for a yes. */
  get forecast(): RunForecast | null {
    return this.#gate.forecast;
  }

  /** Begins the run that waits for a yes, or lets it be. */
  async confirm(run: boolean): Promise<void> {
    const held = this.#gate.release();
    if (run && held) await this.start(held.rows, { fresh: held.fresh, sure: true });
  }

  /** Runs rows and shows that they run; resolves when it has begun. A big run waits for `confirm`, unless the person is `sure`. */
  async start(rows: Rows, { fresh = false, sure = false } = {}): Promise<void> {
    await this.#ready();
    const list = rowList(this.#host.loaded, rows);
    const repeats = Array.from({ length: this.#host.setup.samples }, (_, i) => i);
    const columns = this.#host.columns();
    if (!sure && (await this.#holds({ rows, fresh }, columns, list))) return;
    const asked = new Set(list);
    const ids = new Set(columns.map(({ id }) => id));
    // Answers that are all made anew are a run of their own: those before stay to be compared with.
    const anew = fresh && [...this.#host.board.all()].every(c => c.earlier || (asked.has(c.row) && ids.has(c.column)));
    await this.#record(columns, [{ columns: [...ids], rows: stretches(list), repeats: repeats.length }], anew);
    // Samples beyond those that are asked for now would stay from an earlier run.
    this.#host.board.remove(cell => asked.has(cell.row) && cell.repeat >= repeats.length);
    await this.#begin(columns, list, repeats, { fresh });
  }

  /** Asks the model anew. */
  async retry({ column, row, repeat }: CellKey): Promise<void> {
    this.#host.closeView();
    await this.#running;
    const columns = this.#host.columns();
    await this.#record(columns, [{ columns: [column], rows: [[row, row]], repeats: [repeat] }], false);
    const own = columns.filter(({ id }) => id === column);
    await this.#begin(own, [row], [repeat], { fresh: true });
  }

  /** Goes on with a run that was interrupted (without a name: the current one), with its own template, rows and models. */
  async resume(id?: string): Promise<void> {
    await this.#ready();
    const cells = new Map<string, Cell>();
    const { current } = this.#history;
    const run = id === undefined || id === current?.id ? current : await this.#history.find(id, lightInto(cells));
    const then = run?.specification;
    if (!run || !then) throw new HumanError(l10n.t('There is no run to resume.'));
    const before = this.#host.setup;
    try {
      const { columns, left, rows } = await this.#leftOf(run, then);
      if (run !== current) {
        this.#history.takeUp(run);
        this.#host.board.remove(() => true);
        this.#host.board.putKept(
          [...cells.values()].filter(({ row }) => row < rows),
          run,
        );
        this.#host.page.runsChanged({});
      }
      await this.#history.resume();
      await this.#runKeys(columns, left, false);
    } catch (error) {
      if (run !== this.#history.current) await run.close();
      await this.#host.choose(before);
      throw error;
    }
  }

  /** What is missing of a run, and the columns that answer it: those of then, where anything is different now. */
  async #leftOf(
    run: OpenRun,
    then: RunSpecification,
  ): Promise<{ readonly columns: PlaygroundColumn[]; readonly left: readonly string[]; readonly rows: number }> {
    const { keys } = run.missing();
    if (keys.length === 0) throw new HumanError(l10n.t('This run has all its answers.'));
    const chosen = v.safeParse(SetupSchema, then.setup);
    if (chosen.success) await this.#host.choose({ ...chosen.output, row: this.#host.setup.row });
    const now = await this.#specify(this.#host.columns());
    const past = !now || continues(then, now) ? undefined : await this.#host.past(then, now);
    const columns = past ? this.#host.columns(past.loaded, past.others) : this.#host.columns();
    const ids = new Set(columns.map(({ id }) => id));
    const left = keys.filter(key => ids.has(partsOf(key)?.column ?? ''));
    if (left.length === 0) throw new HumanError(l10n.t('The models of this run are no longer there.'));
    return { columns, left, rows: rowCount(past?.loaded ?? this.#host.loaded) };
  }

  /** Asks again what failed, or what would be asked differently now; how many cells that are. */
  async runSome(which: 'failed' | 'changed'): Promise<number> {
    await this.#ready();
    const columns = this.#host.columns();
    const ids = new Set(columns.map(({ id }) => id));
    const last = rowCount(this.#host.loaded);
    const cells = [...this.#host.board.all()].filter(({ column, row }) => ids.has(column) && row < last);
    const failed = cells.filter(({ status }) => status === 'failed' || status === 'cancelled').map(keyOf);
    if (which === 'failed' && failed.length === 0) throw new HumanError(l10n.t('No answer has failed.'));
    const done = cells.filter(({ status }) => status === 'done');
    const { changed, same } = await changedCells(done, columns, cell =>
      this.#history.requestOf(this.runOf(cell), keyOf(cell)),
    );
    const keys = which === 'failed' ? failed : [...changed];
    if (keys.length === 0) {
      throw new HumanError(l10n.t('Nothing has changed: each answer was asked for as it would be now.'));
    }
    const all = [...same, ...keys];
    const asked = groupCells(all).map(
      ({ column, rows, repeats }): Asked => ({
        columns: [column],
        rows: stretches(rows.sort((a, b) => a - b)),
        repeats,
      }),
    );
    await this.#record(columns, asked, false);
    await this.#take(same);
    await this.#runKeys(columns, keys, which === 'failed');
    return keys.length;
  }

  /** The last run's answers, and what is left to do of it. */
  async restore(): Promise<void> {
    const last = rowCount(this.#host.loaded);
    const cells = new Map<string, Cell>();
    const run = await this.#history.restore(lightInto(cells));
    if (!run) return;
    this.#host.board.putKept(
      [...cells.values()].filter(({ row }) => row < last),
      run,
    );
    this.#offer = await this.#history.offer();
    if (this.#offer === null) this.#lookAgain();
  }

  /** Another window still has the run, or is just being closed: once it is gone, the rest is offered here. */
  #lookAgain(): void {
    clearTimeout(this.#lookTimer);
    if (!this.#history.isUnfinished) return;
    this.#lookTimer = setTimeout(async () => {
      if (this.#state.running) return;
      const offer = await this.#history.offer().catch(() => null);
      if (offer) this.#showOffer(offer);
      else this.#lookAgain();
    }, LookDelay);
  }

  stop(): void {
    this.#gate.release();
    this.#run?.stop();
  }

  async #holds(
    run: { rows: Rows; fresh: boolean },
    columns: readonly RunColumn[],
    list: readonly number[],
  ): Promise<boolean> {
    const [dispatcher, match] = await Promise.all([this.#host.dispatcher(), this.#host.match()]);
    const { samples, probabilities } = this.#host.setup;
    const planned = { columns, rows: list, repeats: samples, fresh: run.fresh, probabilities };
    return this.#gate.holds(run, planned, this.#host.limits(), { dispatcher, match });
  }

  /** The run that a shown answer is kept in; undefined while it is only in memory. */
  runOf(key: CellKey): OpenRun | undefined {
    const source = this.#host.board.sourceOf(key);
    return source instanceof OpenRun ? source : undefined;
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.#stateTimer);
    clearTimeout(this.#lookTimer);
    this.#history.dispose();
  }

  async #begin(
    columns: readonly PlaygroundColumn[],
    rows: readonly number[],
    repeats: readonly number[],
    { fresh, only }: { readonly fresh: boolean; readonly only?: ReadonlySet<string> },
  ): Promise<void> {
    const [dispatcher, match] = await Promise.all([this.#host.dispatcher(), this.#host.match()]);
    const byId = new Map(columns.map(column => [column.id, column]));
    const run = new PlaygroundRun({
      logger: this.#host.logger,
      match,
      ask: generator => dispatcher.ask(generator, { fresh }),
      probabilities: this.#host.setup.probabilities,
      listener: {
        cells: cells => {
          this.#host.board.put(cells);
          for (const cell of cells) if (cell.status === 'failed') void this.#history.keepFailure(cell);
        },
        append: delta => this.#host.board.append(delta),
        state: state => this.#showState(state),
        finished: (cell, result, prompt) => {
          this.#host.details.finished(cell);
          const keeping = this.#history.keep(cell, result, prompt, byId.get(cell.column)!).then(kept => {
            if (kept) this.#host.board.kept(cell, kept);
            this.#keeping.delete(keeping);
          });
          this.#keeping.add(keeping);
        },
      },
    });
    this.#run = run;
    this.#showOffer(null);
    this.#running = run
      .run(columns, rows, repeats, only)
      .catch((error: unknown) => this.#host.showError(error))
      // What was asked is told by where an answer is kept: the next run must not begin before that is known.
      .then(() => Promise.allSettled(this.#keeping))
      .then(() => this.#ended());
  }

  #runKeys(columns: readonly PlaygroundColumn[], keys: readonly string[], fresh: boolean): Promise<void> {
    const parts = keys.flatMap(key => partsOf(key) ?? []);
    const unique = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
    const rows = unique(parts.map(({ row }) => row));
    const repeats = unique(parts.map(({ repeat }) => repeat));
    return this.#begin(columns, rows, repeats, { fresh, only: new Set(keys) });
  }

  /** What runs is stopped, the template is read anew, and the answers of now are shown. */
  async #ready(): Promise<void> {
    this.#host.closeView();
    this.stop();
    await this.#running;
    await this.#host.refresh();
  }

  /** Notes in the run's record what is about to be asked. */
  async #record(columns: readonly PlaygroundColumn[], asked: readonly Asked[], anew: boolean): Promise<void> {
    const specification = await this.#specify(columns);
    if (!(await this.#history.begin(specification, asked, anew))) this.#host.board.setEarlier();
    this.#host.page.runsChanged({});
  }

  /** Undefined where there is no folder to keep runs in. */
  async #specify(columns: readonly PlaygroundColumn[]): Promise<RunSpecification | undefined> {
    return this.#history.hasFolder ? this.#host.specify(columns) : undefined;
  }

  /** Answers of earlier runs that are as they would be now become answers of this one. */
  async #take(keys: Iterable<string>): Promise<void> {
    const current = this.#history.current;
    if (!current) return;
    await pool(keys, async key => {
      const parts = partsOf(key);
      const cell = parts && this.#host.board.get(parts);
      const from = cell && this.runOf(cell);
      if (!cell || !from || from === current || !(await current.take(from, key, cell.marks))) return;
      this.#host.board.taken(cell, current);
    });
    this.#host.board.settle();
  }

  async #ended(): Promise<void> {
    await this.#history.end();
    this.#showOffer(await this.#history.offer());
    this.#host.page.runsChanged({});
  }

  #showOffer(offer: Offer | null): void {
    if (offer === null && this.#offer === null) return;
    this.#offer = offer;
    this.#host.page.offer(offer);
  }

  /** Every answer changes the state; the page hears of it some times a second, of begin and end at once. */
  #showState(state: RunState): void {
    const turned = state.running !== this.#state.running || state.done === state.total;
    this.#state = state;
    if (!state.running) this.#host.board.settle();
    if (!turned) {
      this.#stateTimer ??= setTimeout(() => this.#sendState(), StateDelay);
      return;
    }
    this.#sendState();
  }

  #sendState(): void {
    clearTimeout(this.#stateTimer);
    this.#stateTimer = undefined;
    this.#host.page.run(this.#state);
  }
}

/** Takes cells as they come, without what is read again from the disk. */
const lightInto =
  (cells: Map<string, Cell>) =>
  (cell: Cell): void => {
    cells.set(keyOf(cell), { ...cell, text: '', answer: null, votes: [], stages: [] });
  };

/** How the current run stands; what earlier ones left does not count. */
function countsOf(cells: Iterable<Cell>): { done: number; failed: number; graded: number; right: number } {
  const counts = { done: 0, failed: 0, graded: 0, right: 0 };
  for (const { status, right, earlier } of cells) {
    if (earlier || (status !== 'done' && status !== 'failed')) continue;
    counts.done++;
    if (status === 'failed') counts.failed++;
    if (right !== null) counts.graded++;
    if (right) counts.right++;
  }
  return counts;
}
