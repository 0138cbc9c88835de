/** Runs columns on one set of rows and says how they compare: accuracies, paired differences. */
import type { SamplingOptions } from '../generation.ts';
import type { RenderedPrompt, Template } from '../prompts/template.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import { comparePaired, type PairedComparison } from '../statistics/mcnemar.ts';
import type { TextGenerator } from '../textGenerator.ts';
import type { Ask } from './ask.ts';
import { type RunCellsContext, runCells, samplingOf } from './runCells.ts';

export interface ExperimentColumn {
  readonly label: string;
  readonly template: Template;
  readonly generator: TextGenerator;
  /** One for each row; all columns of an experiment have the same rows. */
  readonly prompts: readonly RenderedPrompt[];
}

export interface ColumnAnswers {
  readonly label: string;
  readonly model: string;
  /** By row; undefined where the answer failed, was cancelled or could not be read by the rule. */
  readonly correct: readonly (boolean | undefined)[];
  readonly answers: readonly (string | undefined)[];
  readonly failed: number;
}

/** Rows that are sent together. */
const batchSize = 64;

/** Asks for one answer to each row and grades it. Rejects when the model fails for all rows of a batch. */
export async function answerColumn(
  { label, template, generator, prompts }: ExperimentColumn,
  expected: readonly unknown[],
  context: Omit<RunCellsContext, 'onDelta'> & {
    readonly ask: Ask;
    readonly sampling?: Partial<SamplingOptions>;
    readonly onProgress?: (done: number) => void;
  },
): Promise<ColumnAnswers> {
  const options = samplingOf(template, context.sampling);
  const { strategy } = template.tunesmith.reasoning;
  const correct: (boolean | undefined)[] = [];
  const answers: (string | undefined)[] = [];
  let failed = 0;
  for (let start = 0; start < prompts.length; start += batchSize) {
    const batch = prompts.slice(start, start + batchSize);
    const cells = batch.map((prompt, i) => ({ prompt, options, repeat: 0, expected: expected[start + i] }));
    context.signal?.throwIfAborted();
    for (const result of await runCells(context.ask, template, strategy, cells, context)) {
      if (result.problem) throw result.problem;
      if (result.failure !== undefined) failed++;
      correct.push(result.correct);
      answers.push(result.answer);
    }
    context.onProgress?.(Math.min(start + batchSize, prompts.length));
  }
  context.signal?.throwIfAborted();
  return { label, model: generator.model.id, correct, answers, failed };
}

export interface ComparedColumn {
  readonly label: string;
  readonly model: string;
  /** Right answers, with Wilson's 95 % interval. */
  readonly accuracy: Interval & { readonly right: number };
  readonly failed: number;
  /** Against the first column; absent for itself. */
  readonly versus?: PairedComparison & {
    /** Mid-p after Holm's correction for the number of columns that are compared (Holm 1979). */
    readonly adjustedP: number;
  };
}

/** The first column is the baseline. */
export function compareColumns(columns: readonly ColumnAnswers[]): ComparedColumn[] {
  const [baseline, ...others] = columns;
  if (!baseline) return [];
  const pairs = others.map(({ correct }) => comparePaired(baseline.correct, correct));
  const adjusted = holm(pairs.map(({ midP }) => midP));
  return columns.map(({ label, model, correct, failed }, i) => ({
    label,
    model,
    failed,
    accuracy: accuracyOf(correct),
    ...(i === 0 ? {} : { versus: { ...pairs[i - 1]!, adjustedP: adjusted[i - 1]! } }),
  }));
}

function accuracyOf(correct: readonly (boolean | undefined)[]): ComparedColumn['accuracy'] {
  const graded = correct.filter(one => one !== undefined);
  const right = graded.filter(Boolean).length;
  return { right, ...wilson(right, graded.length) };
}

/** Holm's step-down correction; results in the order given. */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const adjusted = new Array<number>(values.length);
  let least = 0;
  for (const [rank, index] of order.entries()) {
    least = Math.max(least, Math.min(1, (values.length - rank) * values[index]!));
    adjusted[index] = least;
  }
  return adjusted;
}
