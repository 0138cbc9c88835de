/** Asks a model for the answers to rows, as many at once as the dispatcher lets through, and hands them on in the rows' order. */
import type { Ask } from '../core/evaluation/ask.ts';
import { matchUntilRefused, pool } from '../core/evaluation/cellPool.ts';
import { type Cell, type CellResult, runCells } from '../core/evaluation/runCells.ts';
import type { SamplingOptions } from '../core/generation.ts';
import type { Strategy, Template } from '../core/prompts/template.ts';
import type { Cli } from './cli.ts';
import type { KeptRun } from './keptRun.ts';
import type { Row } from './runOutput.ts';

export interface SampleOptions {
  readonly ask: Ask;
  readonly template: Template;
  readonly strategy: Strategy;
  readonly sampling: SamplingOptions;
  /** Answers for each row. */
  readonly samples: number;
  /** New text of the one answer. */
  readonly onDelta?: (text: string) => void;
  readonly onRestart?: () => void;
  /** Finished cells of an interrupted run are not asked for again, and new ones are kept. */
  readonly kept?: KeptRun;
  /** In the order of the rows, each once all its answers are there; those that failed are not among them. */
  readonly onRow: (row: Row, answers: readonly CellResult[]) => void | Promise<void>;
}

/** Cells that wait for their answers at once. */
const CellsInFlight = 64;

/** Resolves with the first failure, when there was one: what was answered before it was handed on. Rejects for bugs. */
export async function sampleRows(cli: Cli, rows: readonly Row[], options: SampleOptions): Promise<unknown> {
  const { ask, template, strategy, sampling, samples, onDelta, onRestart } = options;
  const match = matchUntilRefused((...call) => cli.evaluator.match(...call));
  const waiting = new Map<number, readonly CellResult[]>();
  let next = 0;
  let failure: unknown;
  const handOn = async (): Promise<void> => {
    for (let answers = waiting.get(next); answers; answers = waiting.get(next)) {
      waiting.delete(next);
      const row = rows[next++]!;
      if (answers.length > 0) await options.onRow(row, answers);
    }
  };
  let handing = Promise.resolve();
  const context = {
    match,
    signal: cli.signal,
    ...(onDelta && { onDelta: (_: number, text: string) => onDelta(text) }),
    ...(onRestart && { onRestart: () => onRestart() }),
  };
  const { kept } = options;
  const answersOf = async (index: number, cells: readonly Cell[]): Promise<CellResult[]> => {
    const results = await Promise.all(cells.map((_, repeat) => kept?.finished(index, repeat)));
    const missing = [...cells.keys()].filter(repeat => !results[repeat]);
    const fresh = await runCells(
      ask,
      template,
      strategy,
      missing.map(repeat => cells[repeat]!),
      context,
    );
    await Promise.all(missing.map((repeat, i) => kept?.keep(index, repeat, fresh[i]!)));
    for (const [i, repeat] of missing.entries()) results[repeat] = fresh[i]!;
    return results.map(result => result!);
  };
  await pool(
    rows.keys(),
    async index => {
      const { prompt, expected } = rows[index]!;
      const cells = Array.from(
        { length: samples },
        (_, repeat): Cell => ({
          prompt,
          options: sampling,
          repeat,
          expected,
        }),
      );
      let answers: readonly CellResult[] = [];
      if (!cli.signal.aborted) {
        try {
          const results = await answersOf(index, cells);
          failure ??= results.find(result => result.failure !== undefined)?.failure;
          answers = results.filter(result => result.failure === undefined);
        } catch (error) {
          failure ??= error;
        }
      }
      waiting.set(index, answers);
      handing = handing.then(handOn);
      await handing;
    },
    Math.max(1, Math.floor(CellsInFlight / samples)),
  );
  return failure;
}
