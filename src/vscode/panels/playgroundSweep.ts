/** A shot sweep of the playground: all rows with each number of examples in each order, as a curve that grows. No part of the editor is needed here. */
import type { Disposable } from '../../base/disposable.ts';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Price } from '../../core/evaluation/prices.ts';
import { checkSweep, sweepColumns } from '../../core/evaluation/sweep.ts';
import type { RenderedPrompt } from '../../core/prompts/template.ts';
import { continues } from '../../core/runs/changes.ts';
import { stretches } from '../../core/runs/missing.ts';
import type { RunSpecification } from '../../core/runs/runRecord.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { Cell } from '../../protocol/playgroundCells.ts';
import type { RunForecast, RunState } from '../../protocol/playgroundRuns.ts';
import type { SweepState, SweepWanted } from '../../protocol/playgroundSweep.ts';
import { hashOf } from '../../storage/runInputs.ts';
import { guarded, type LoadedTemplate, rowExpected } from './loadedTemplate.ts';
import type { PlaygroundColumn } from './playgroundColumns.ts';
import { RunHistory } from './playgroundHistory.ts';
import type { PromptOptions } from './playgroundPrompts.ts';
import { idle, PlaygroundRun } from './playgroundRun.ts';
import { ForecastGate } from './runForecast.ts';
import type { RunTools } from './runTools.ts';
import { SweepTally, type SweptColumn } from './sweepTally.ts';

/** Milliseconds between two looks at the curve; a curve that takes long is looked at less often. */
const LookDelay = 300;
/** Part of the time that looks at the curve may take while answers come. */
const LookShare = 0.1;
/** Resamples of a curve that still grows. */
const RoughRepeats = 200;

export interface SweepTools extends RunTools {
  /** The chosen ones. */
  models(): readonly { readonly id: string; readonly label: string; readonly controlled: boolean }[];
  generator(model: string): Promise<TextGenerator>;
  loaded(): LoadedTemplate;
  render(loaded: LoadedTemplate, row: number, options: PromptOptions): Promise<RenderedPrompt>;
  price(model: string): Price | undefined;
  /** What these columns run, written down. Asked only where there is a folder. */
  specify(columns: readonly PlaygroundColumn[], loaded: LoadedTemplate): Promise<RunSpecification>;
  show(state: SweepState): void;
  /** A big sweep waits for a yes; null: it waits no more. */
  forecast(forecast: RunForecast | null): void;
  /** The list of runs is another now. */
  runsChanged(): void;
}

type Record = NonNullable<RunSpecification['sweep']>;

interface Held {
  readonly wanted: SweepWanted;
  readonly fresh: boolean;
}

/** What is shown. */
interface Shown {
  readonly record: Record;
  readonly columns: readonly SweptColumn[];
  readonly rows: number;
  readonly bank: number;
  readonly leaks: number;
  /** Of the template's text. */
  readonly hash: string;
  /** Rows, examples or models are others than they were. */
  readonly stale: boolean;
}

export class PlaygroundSweep implements Disposable {
  readonly #tools: SweepTools;
  readonly #history: RunHistory;
  readonly #gate: ForecastGate<Held>;
  #tally = new SweepTally();
  #shown: Shown | undefined;
  #curves: ReturnType<SweepTally['curves']> = [];
  #state: RunState = idle;
  #run: PlaygroundRun | undefined;
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(tools: SweepTools) {
    this.#tools = tools;
    this.#gate = new ForecastGate(forecast => tools.forecast(forecast), tools.logger);
    this.#history = new RunHistory({
      layout: () => tools.layout(),
      path: tools.path,
      kind: 'sweep',
      logger: tools.logger,
      showError: error => tools.showError(error),
      counts: () => this.#tally.counts(),
    });
  }

  /** Of a big sweep that waits for a yes. */
  get forecast(): RunForecast | null {
    return this.#gate.forecast;
  }

  state(): SweepState {
    const shown = this.#shown;
    const run = this.#history.current;
    return {
      ...this.#state,
      shown: shown
        ? {
            wanted: { shots: [...shown.record.shots], orders: shown.record.orders, rows: shown.record.rows },
            seed: shown.record.seed,
            rows: shown.rows,
            bank: shown.bank,
            leaks: shown.leaks,
            ...this.#tally.asked(shown.columns),
            curves: this.#curves,
            run: run ? { id: run.id, at: run.createdAt } : null,
            outdated: shown.stale || shown.hash !== hashOf(this.#tools.loaded().template.text),
          }
        : null,
    };
  }

  /** Sweeps; resolves when it has begun, or waits for `confirm`. Rejects with a HumanError where there is nothing to sweep. */
  async start(wanted: SweepWanted, { fresh = false, sure = false } = {}): Promise<void> {
    this.stop();
    await this.#running;
    const loaded = testedOf(this.#tools.loaded(), wanted.rows);
    const { seed } = loaded.template.tunesmith.examples!;
    const record = { ...wanted, shots: [...new Set(wanted.shots)].sort((a, b) => a - b), seed };
    const columns = this.#columns(loaded, record);
    const rows = loaded.rows!.map((_, row) => row);
    const [dispatcher, match] = await Promise.all([this.#tools.dispatcher(), this.#tools.match()]);
    const planned = { columns, rows, repeats: 1, fresh, probabilities: false };
    if (!sure && (await this.#gate.holds({ wanted, fresh }, planned, this.#tools.limits(), { dispatcher, match })))
      return;
    const specification = this.#history.hasFolder
      ? { ...(await this.#tools.specify(columns, loaded)), kind: 'sweep' as const, sweep: record }
      : undefined;
    const asked = { columns: columns.map(({ id }) => id), rows: stretches(rows), repeats: 1 };
    const same = await this.#history.begin(specification, [asked], fresh);
    if (!same || fresh || !specification) this.#tally = new SweepTally();
    this.#tools.runsChanged();
    const { bank } = loaded;
    const hash = hashOf(loaded.template.text);
    const [size, leaks] = [bank?.rows.length ?? 0, bank?.leaks?.size ?? 0];
    this.#shown = { record, columns, rows: rows.length, bank: size, leaks, hash, stale: false };
    const byId = new Map(columns.map(column => [column.id, column]));
    this.#state = { ...idle, running: true };
    this.#run = new PlaygroundRun({
      logger: this.#tools.logger,
      match,
      ask: generator => dispatcher.ask(generator, { fresh }),
      listener: {
        cells: cells => {
          for (const cell of cells) {
            if (cell.status === 'failed') void this.#history.keepFailure(cell);
            this.#tally.add(cell);
          }
        },
        append() {},
        state: state => this.#showState(state),
        finished: (cell, result, prompt) => void this.#history.keep(cell, result, prompt, byId.get(cell.column)!),
      },
    });
    this.#running = this.#run
      .run(columns, rows, [0])
      .catch((error: unknown) => this.#tools.showError(error))
      .then(async () => {
        await this.#history.end();
        this.#state = { ...this.#state, running: false, secondsLeft: null };
        this.#look();
        this.#tools.runsChanged();
      });
  }

  /** Begins the sweep that waits for a yes, or lets it be. */
  async confirm(run: boolean): Promise<void> {
    const held = this.#gate.release();
    if (run && held) await this.start(held.wanted, { fresh: held.fresh, sure: true });
  }

  /** The sweep of before, from its run; nothing is asked. */
  async restore(): Promise<void> {
    const cells: Cell[] = [];
    const run = await this.#history.restore(cell => cells.push(cell));
    if (run) await this.#take(cells);
  }

  /** Shows a sweep of the timeline. Rejects with a HumanError where it is gone. */
  async open(id: string): Promise<void> {
    if (this.#history.current?.id === id) return;
    this.stop();
    await this.#running;
    const cells: Cell[] = [];
    this.#history.takeUp(await this.#history.find(id, cell => cells.push(cell)));
    await this.#take(cells);
    this.#send();
  }

  /** A run is deleted: it is shown no more. True where it was this one. */
  async forget(id: string): Promise<boolean> {
    if (this.#history.current?.id !== id) return false;
    this.stop();
    await this.#running;
    await this.#history.drop();
    this.#tally = new SweepTally();
    this.#shown = undefined;
    this.#state = idle;
    this.#send();
    return true;
  }

  /** The template is another now: what is shown may be of before. */
  refreshed(): void {
    if (this.#shown) this.#send();
  }

  stop(): void {
    this.#gate.release();
    this.#run?.stop();
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.#timer);
    this.#history.dispose();
  }

  async #take(cells: readonly Cell[]): Promise<void> {
    const specification = this.#history.current?.specification;
    if (!specification?.sweep) return;
    const { sweep: record, data, bank } = specification;
    this.#tally = new SweepTally();
    for (const cell of cells) this.#tally.add(cell);
    const columns = specification.columns.flatMap(({ id, model, modelLabel }): SweptColumn[] => {
      const [, shots, order] = /#shots=(\d+)&order=(\d+)$/.exec(id) ?? [];
      if (shots === undefined || !record.shots.includes(Number(shots)) || Number(order) > record.orders) return [];
      return [{ id, model, modelLabel, shots: Number(shots), order: Number(order) - 1 }];
    });
    const rows = Math.min(data?.rows ?? 0, record.rows ?? Number.POSITIVE_INFINITY);
    this.#state = { ...idle, ...this.#tally.ended(columns), total: rows * columns.length };
    const now = this.#tools.loaded();
    const tested = tryTested(now, record.rows);
    const stale = !tested || !(await this.#isSame(specification, tested));
    this.#shown = {
      record,
      columns,
      rows,
      bank: bank?.rows ?? 0,
      leaks: tested?.bank?.leaks?.size ?? 0,
      hash: specification.template.hash,
      stale,
    };
    this.#look();
  }

  /** Whether the same would be asked now; the template's own text is looked at elsewhere. */
  async #isSame(then: RunSpecification, loaded: LoadedTemplate): Promise<boolean> {
    try {
      const { seed } = loaded.template.tunesmith.examples!;
      const sweep = { ...then.sweep!, seed };
      const specified = await this.#tools.specify(this.#columns(loaded, sweep), loaded);
      return continues({ ...then, template: specified.template }, { ...specified, kind: 'sweep', sweep });
    } catch {
      return false;
    }
  }

  #columns(loaded: LoadedTemplate, record: Record): (PlaygroundColumn & SweptColumn)[] {
    const { template } = loaded;
    const { strategy } = template.tunesmith.reasoning;
    const swept = sweepColumns(template, record);
    return this.#tools.models().flatMap(({ id: model, label: modelLabel, controlled }) =>
      swept.map(({ shots, order, orderSeed, template: shown }, variant) => {
        const key = `shots=${shots}&order=${order + 1}`;
        const name = shots === 1 ? l10n.t('1 shot') : l10n.t('{0} shots', shots);
        const own = { ...loaded, template: shown };
        const generator = (): Promise<TextGenerator> => this.#tools.generator(model);
        return {
          id: `${model}#${key}`,
          model,
          modelLabel,
          variant,
          key,
          orderOf: `shots=${shots}`,
          baseline: variant === 0,
          label: order === 0 ? name : l10n.t('{0}, order {1}', name, order + 1),
          detail: '',
          controlled,
          score: null,
          failed: 0,
          paired: null,
          template: shown,
          strategy,
          generator,
          render: async (row: number) =>
            this.#tools.render(own, row, {
              strategy,
              orderSeed,
              generator: await generator().catch(() => undefined),
            }),
          expected: (row: number) => rowExpected(loaded, row),
          price: this.#tools.price(model),
          shots,
          order,
        };
      }),
    );
  }

  /** It runs until its last curve is drawn. */
  #showState(state: RunState): void {
    const begins = this.#state.total === 0;
    this.#state = { ...state, running: true };
    if (begins) this.#send();
    else this.#timer ??= setTimeout(() => this.#look({ repeats: RoughRepeats }), LookDelay);
  }

  /** Draws the curve anew from what is there. */
  #look(options: { readonly repeats?: number } = {}): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const shown = this.#shown;
    if (!shown) return;
    const began = performance.now();
    this.#curves = this.#tally.curves(shown.columns, shown.record.seed, options);
    this.#send();
    const pause = (performance.now() - began) / LookShare;
    if (this.#state.running && pause > LookDelay)
      this.#timer = setTimeout(() => this.#look({ repeats: RoughRepeats }), pause);
  }

  #send(): void {
    this.#tools.show(this.state());
  }
}

/** The template with the rows that are tested, its bank held against them. Throws a HumanError where nothing can be swept. */
function testedOf(loaded: LoadedTemplate, first: number | null): LoadedTemplate {
  const { template } = loaded;
  checkSweep(template);
  const column = template.tunesmith.expected;
  if (column === undefined || !loaded.rows)
    throw new HumanError(
      l10n.t(
        'To compare answers it must be known which are right. Add “rows” and “expected” under metadata.tunesmith.',
      ),
    );
  if (!loaded.bank) throw new HumanError(l10n.t('The example bank of this template cannot be read.'));
  const rows = first === null || first >= loaded.rows.length ? loaded.rows : loaded.rows.slice(0, first);
  const without = rows.find(({ values }) => values[column] === undefined);
  if (without)
    throw new HumanError(l10n.t('The row in line {0} has no “{1}”, which says what is right.', without.line, column));
  const tested = { ...loaded, rows };
  return guarded(tested, tested);
}

function tryTested(loaded: LoadedTemplate, first: number | null): LoadedTemplate | undefined {
  try {
    return testedOf(loaded, first);
  } catch {
    return undefined;
  }
}
