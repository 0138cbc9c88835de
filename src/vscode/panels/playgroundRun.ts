/** Runs the matrix of the playground: columns × rows × samples, streaming, stoppable within a token. No part of the editor is needed here. */
import { errorMessage, isAbort, isHumanError } from '../../base/errors.ts';
import { GrowingText } from '../../base/growingText.ts';
import type { Logger } from '../../base/logger.ts';
import type { Ask } from '../../core/evaluation/ask.ts';
import { matchUntilRefused, pool } from '../../core/evaluation/cellPool.ts';
import { costOf, type Price } from '../../core/evaluation/prices.ts';
import {
  type CellResult,
  type Cell as CoreCell,
  type RunCellsContext,
  runCells,
  samplingOf,
} from '../../core/evaluation/runCells.ts';
import type { RenderedPrompt, Strategy, Template } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { Cell } from '../../protocol/playgroundCells.ts';
import type { RunState } from '../../protocol/playgroundRuns.ts';

/** What a column of the matrix runs. */
export interface RunColumn {
  readonly id: string;
  readonly template: Template;
  readonly strategy: Strategy;
  generator(): Promise<TextGenerator>;
  /** Renders a row; throws a HumanError that says what is wrong with it. */
  render(row: number): Promise<RenderedPrompt>;
  expected(row: number): unknown;
  /** Of its model, where the person set one. */
  readonly price?: Price;
}

export interface RunListener {
  cells(cells: readonly Cell[]): void;
  append(cell: CellKey & { text: string; latencyMs: number; tokens: number }): void;
  state(state: RunState): void;
  /** A cell came to its end with an answer to this prompt. */
  finished(cell: Cell, result: CellResult, prompt: RenderedPrompt): void;
}

export interface CellKey {
  readonly column: string;
  readonly row: number;
  readonly repeat: number;
}

export const keyOf = ({ column, row, repeat }: CellKey): string => `${column}|${row}|${repeat}`;

export const idle: RunState = { running: false, done: 0, total: 0, failed: 0, secondsLeft: null };

/** A prompt that several repeats share, rendered when the first of them begins. */
interface Job extends CellKey {
  readonly of: RunColumn;
  readonly prompt: Lazily<RenderedPrompt>;
}

/** Likeliest tokens shown at each place. */
const Alternatives = 5;

/** What is asked of a model's tokens: nothing where the person does not want it, or the model cannot tell. */
export const logProbsOf = ({ model }: TextGenerator, wanted: boolean): CoreCell['logProbs'] =>
  wanted && model.logProbs ? { alternatives: Alternatives } : undefined;

interface Asking extends Pick<CoreCell, 'logProbs'> {
  readonly ask: Ask;
}

export class PlaygroundRun {
  readonly #listener: RunListener;
  readonly #match: RunCellsContext['match'];
  readonly #logger: Logger;
  readonly #askOf: (generator: TextGenerator) => Ask;
  readonly #probabilities: boolean;
  readonly #abort = new AbortController();
  readonly #began = performance.now();
  #done = 0;
  #failed = 0;
  #total = 0;

  constructor(options: {
    listener: RunListener;
    match: RunCellsContext['match'];
    logger: Logger;
    ask: (generator: TextGenerator) => Ask;
    /** Ask for the probabilities of tokens, of models that give them. */
    probabilities?: boolean;
  }) {
    this.#listener = options.listener;
    this.#match = matchUntilRefused(options.match);
    this.#logger = options.logger;
    this.#askOf = options.ask;
    this.#probabilities = options.probabilities ?? false;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Resolves when every cell has ended, with an answer, a failure or cancelled. `only`: no cells but those with these keys. */
  async run(
    columns: readonly RunColumn[],
    rows: readonly number[],
    repeats: readonly number[],
    only?: ReadonlySet<string>,
  ): Promise<void> {
    const cells = columns
      .flatMap(({ id }) => rows.flatMap(row => repeats.map(repeat => emptyCell({ column: id, row, repeat }))))
      .filter(cell => !only || only.has(keyOf(cell)));
    this.#total = cells.length;
    this.#listener.cells(cells);
    this.#report(true);
    const asks = new Map(
      columns.map(column => [column.id, lazily(async () => this.#asking(await column.generator()))]),
    );
    await pool(jobs(columns, rows, repeats, only), async job => {
      if (this.#abort.signal.aborted) this.#stopped(job, '');
      else await this.#cell(job, asks.get(job.column)!);
      this.#report(true);
    });
    this.#report(false);
  }

  #asking(generator: TextGenerator): Asking {
    const ask = this.#askOf(generator);
    const logProbs = logProbsOf(generator, this.#probabilities);
    return logProbs ? { ask, logProbs } : { ask };
  }

  async #cell(job: Job, asking: Lazily<Asking>): Promise<void> {
    const { of: column, row, repeat } = job;
    const key: CellKey = { column: column.id, row, repeat };
    /** What the listener has been told. */
    const streamed = new GrowingText();
    let tokens = 0;
    /** Of the text, what the listener has not been told. */
    let untold = '';
    let tell = (): void => {};
    try {
      const prompt = await job.prompt();
      const options = samplingOf(column.template);
      const { ask, logProbs } = await asking();
      const cell: CoreCell = { prompt, options, repeat, expected: column.expected(row), ...(logProbs && { logProbs }) };
      this.#listener.cells([{ ...emptyCell(key), status: 'running' }]);
      const began = performance.now();
      tell = () => {
        if (untold === '') return;
        streamed.add(untold);
        this.#listener.append({ ...key, text: untold, latencyMs: performance.now() - began, tokens });
        untold = '';
      };
      const [result] = await runCells(ask, column.template, column.strategy, [cell], {
        match: this.#match,
        signal: this.#abort.signal,
        onDelta: (_, text) => {
          tokens++;
          // Tokens that came in one packet are told as one text.
          if (untold === '') queueMicrotask(() => tell());
          untold += text;
        },
        onRestart: () => {
          untold = '';
          streamed.clear();
          tokens = 0;
          this.#listener.cells([{ ...emptyCell(key), status: 'running' }]);
        },
      });
      this.#finish(key, result!, prompt, column);
    } catch (error) {
      if (isAbort(error)) this.#stopped(key, `${streamed}${untold}`);
      else this.#fail([key], error);
    } finally {
      untold = '';
    }
  }

  #finish(key: CellKey, result: CellResult, prompt: RenderedPrompt, { price }: RunColumn): void {
    const { generation, failure } = result;
    if (failure !== undefined) {
      this.#fail([key], failure);
      return;
    }
    if (generation.finishReason === 'cancelled') {
      this.#stopped(key, result.text);
      return;
    }
    const stages = result.stages.map(stage => stage.generation);
    const tokens = stages.reduce((sum, { usage }) => sum + (usage?.completionTokens ?? Number.NaN), 0);
    const cost = stages.reduce((sum, { usage }) => sum + (costOf(usage, price) ?? Number.NaN), 0);
    const cell: Cell = {
      ...emptyCell(key),
      status: 'done',
      text: result.text,
      latencyMs: stages.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
      tokens: Number.isNaN(tokens) ? null : tokens,
      cached: result.cached,
      firstTokenMs: stages[0]!.firstTokenMs ?? null,
      cost: Number.isNaN(cost) ? null : cost,
      seed: generation.options.seed,
      finishReason: generation.finishReason,
      answer: result.answer === undefined || result.correct === undefined ? null : placed(result.text, result.answer),
      right: result.correct ?? null,
      error: result.problem?.message ?? null,
      warning: prompt.cut ?? null,
      votes: (result.votes ?? []).slice(0, 20),
      stages: result.stages.length === 1 ? [] : result.stages.map(({ name, generation: { text } }) => ({ name, text })),
    };
    this.#done++;
    this.#listener.cells([cell]);
    this.#listener.finished(cell, result, prompt);
  }

  #stopped(key: CellKey, text: string): void {
    this.#listener.cells([{ ...emptyCell(key), status: 'cancelled', text }]);
  }

  #fail(keys: readonly CellKey[], error: unknown): void {
    if (!isHumanError(error)) this.#logger.error('An answer failed.', error);
    const message = errorMessage(error);
    this.#done += keys.length;
    this.#failed += keys.length;
    this.#listener.cells(keys.map(key => ({ ...emptyCell(key), status: 'failed', error: message })));
  }

  #report(running: boolean): void {
    const seconds = (performance.now() - this.#began) / 1000;
    const left =
      this.#done > 0 && this.#done < this.#total ? (seconds / this.#done) * (this.#total - this.#done) : null;
    this.#listener.state({
      running,
      done: this.#done,
      total: this.#total,
      failed: this.#failed,
      secondsLeft: running ? left : null,
    });
  }
}

type Lazily<T> = () => Promise<T>;

/** Made at the first call, once; all calls get the same, a failure too. */
function lazily<T>(make: () => Promise<T>): Lazily<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Row by row, so that all columns of the first rows are there soon. */
function* jobs(
  columns: readonly RunColumn[],
  rows: readonly number[],
  repeats: readonly number[],
  only: ReadonlySet<string> | undefined,
): Generator<Job> {
  for (const row of rows) {
    for (const of of columns) {
      const prompt = lazily(() => of.render(row));
      for (const repeat of repeats) {
        const job = { column: of.id, of, row, repeat, prompt };
        if (!only || only.has(keyOf(job))) yield job;
      }
    }
  }
}

export const emptyCell = ({ column, row, repeat }: CellKey): Cell => ({
  column,
  row,
  repeat,
  status: 'waiting',
  text: '',
  cached: false,
  latencyMs: null,
  firstTokenMs: null,
  tokens: null,
  cost: null,
  seed: null,
  finishReason: null,
  error: null,
  warning: null,
  answer: null,
  right: null,
  votes: [],
  stages: [],
  marks: null,
});

/** Where the extracted answer stands in the text: its last place, or nowhere when it was rewritten (`1,000` → `1000`). */
export function placed(text: string, answer: string): NonNullable<Cell['answer']> {
  const start = text.lastIndexOf(answer);
  return start === -1 ? { text: answer, start: 0, end: 0 } : { text: answer, start, end: start + answer.length };
}
