/** Runs the matrix of the playground: columns × rows × samples, streaming, stoppable within a token. No part of the editor is needed here. */
import { errorMessage, isAbort, isHumanError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import {
  type CellResult,
  type Cell as CoreCell,
  type RunCellsContext,
  runCells,
  samplingOf,
} from '../../core/evaluation/runCells.ts';
import type { RenderedPrompt, Strategy, Template } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { Cell, RunState } from '../../protocol/playground.ts';

/** What a column of the matrix runs. */
export interface RunColumn {
  readonly id: string;
  readonly template: Template;
  readonly strategy: Strategy;
  generator(): Promise<TextGenerator>;
  /** Renders a row; throws a HumanError that says what is wrong with it. */
  render(row: number): Promise<RenderedPrompt>;
  expected(row: number): unknown;
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

/** Answers that one call may make together: more is faster in sum, less shows the first ones sooner. */
const BatchSize = 8;

export const idle: RunState = { running: false, done: 0, total: 0, failed: 0, secondsLeft: null };

export class PlaygroundRun {
  readonly #listener: RunListener;
  readonly #match: RunCellsContext['match'];
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  readonly #began = performance.now();
  #done = 0;
  #failed = 0;
  #total = 0;

  constructor(options: { listener: RunListener; match: RunCellsContext['match']; logger: Logger }) {
    this.#listener = options.listener;
    this.#match = options.match;
    this.#logger = options.logger;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Resolves when every cell has ended, with an answer, a failure or cancelled. */
  async run(columns: readonly RunColumn[], rows: readonly number[], repeats: readonly number[]): Promise<void> {
    const chunks: number[][] = [];
    const perChunk = Math.max(1, Math.floor(BatchSize / repeats.length));
    for (let i = 0; i < rows.length; i += perChunk) chunks.push(rows.slice(i, i + perChunk));
    this.#total = columns.length * rows.length * repeats.length;
    this.#listener.cells(
      columns.flatMap(({ id }) => rows.flatMap(row => repeats.map(repeat => emptyCell({ column: id, row, repeat })))),
    );
    this.#report(true);
    for (const chunk of chunks) {
      for (const column of columns) {
        if (this.#abort.signal.aborted) this.#cancel(column, chunk, repeats);
        else await this.#chunk(column, chunk, repeats);
        this.#report(true);
      }
    }
    this.#report(false);
  }

  async #chunk(column: RunColumn, rows: readonly number[], repeats: readonly number[]): Promise<void> {
    const keys: CellKey[] = [];
    const cells: CoreCell[] = [];
    for (const row of rows) {
      try {
        const prompt = await column.render(row);
        const options = samplingOf(column.template);
        for (const repeat of repeats) {
          keys.push({ column: column.id, row, repeat });
          cells.push({ prompt, options, repeat, expected: column.expected(row) });
        }
      } catch (error) {
        this.#fail(
          repeats.map(repeat => ({ column: column.id, row, repeat })),
          error,
        );
      }
    }
    if (cells.length === 0) return;
    const streams = keys.map(() => ({ text: '', began: 0, tokens: 0 }));
    try {
      const generator = await column.generator();
      this.#listener.cells(keys.map(key => ({ ...emptyCell(key), status: 'running' })));
      const began = performance.now();
      const results = await runCells(generator, column.template, column.strategy, cells, {
        match: this.#match,
        signal: this.#abort.signal,
        onDelta: (index, text) => {
          const stream = streams[index]!;
          stream.text += text;
          stream.tokens++;
          this.#listener.append({ ...keys[index]!, text, latencyMs: performance.now() - began, tokens: stream.tokens });
        },
      });
      for (const [i, result] of results.entries()) this.#finish(keys[i]!, result, cells[i]!.prompt);
    } catch (error) {
      if (isAbort(error)) for (const [i, key] of keys.entries()) this.#stopped(key, streams[i]!.text);
      else this.#fail(keys, error);
    }
  }

  #finish(key: CellKey, result: CellResult, prompt: RenderedPrompt): void {
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
    const cell: Cell = {
      ...emptyCell(key),
      status: 'done',
      text: result.text,
      latencyMs: stages.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
      tokens: Number.isNaN(tokens) ? null : tokens,
      finishReason: generation.finishReason,
      answer: result.answer === undefined || result.correct === undefined ? null : placed(result.text, result.answer),
      right: result.correct ?? null,
      error: result.problem?.message ?? null,
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

  #cancel(column: RunColumn, rows: readonly number[], repeats: readonly number[]): void {
    for (const row of rows) for (const repeat of repeats) this.#stopped({ column: column.id, row, repeat }, '');
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
