/** Runs rendered prompts on a model the way their reasoning strategy asks, extracts the answers and grades them. */
import type { HumanError } from '../../base/errors.ts';
import { defaultSampling, type Generation, type SamplingOptions } from '../generation.ts';
import type { Strategy, Template } from '../prompts/template.ts';
import { gradeAnswer, type MatchPattern, readAnswers } from './answers.ts';
import { type Ask, type AskContext, stopped } from './ask.ts';
import { critiqueRevise } from './strategies/critiqueRevise.ts';
import { direct } from './strategies/direct.ts';
import { leastToMost } from './strategies/leastToMost.ts';
import { selfConsistency } from './strategies/selfConsistency.ts';
import type { Cell, RunStrategy, Stage, StrategyTools, Vote } from './strategies/strategy.ts';
import { zeroShotCot } from './strategies/zeroShotCot.ts';

export type { Cell } from './strategies/strategy.ts';

export interface CellResult {
  /** What the assistant's message holds in the end: trigger, reasoning and answer where there are two stages. */
  readonly text: string;
  /** The last stage. */
  readonly generation: Generation;
  /** All stages in the order in which they were asked. */
  readonly stages: readonly Stage[];
  /** All of them were answered from the cache. */
  readonly cached: boolean;
  readonly answer?: string;
  readonly votes?: readonly Vote[];
  readonly correct?: boolean;
  /** Why the model gave nothing here, where it did answer other cells. */
  readonly failure?: unknown;
  /** Why no answer could be read from the text, which stands; it is not graded then. */
  readonly problem?: HumanError;
}

export interface RunCellsContext {
  readonly match: MatchPattern;
  readonly signal?: AbortSignal;
  /** New text of a cell while it is made. Its end may differ: votes choose, drafts are not shown. */
  readonly onDelta?: (index: number, text: string) => void;
  /** A cell begins anew: what `onDelta` gave of it before counts no more. */
  readonly onRestart?: (index: number) => void;
}

const strategies: Readonly<Record<Strategy, RunStrategy>> = {
  direct,
  'few-shot-cot': direct,
  'zero-shot-cot': zeroShotCot,
  'self-consistency': selfConsistency,
  'critique-revise': critiqueRevise,
  'least-to-most': leastToMost,
};

/** Sampling options: what the caller says, else the template, else the defaults. */
export const samplingOf = (template: Template, overrides: Partial<SamplingOptions> = {}): SamplingOptions => ({
  ...defaultSampling,
  ...template.model.options,
  ...Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined)),
});

/**
 * The results in the order of the cells. A cancelled cell has finishReason `cancelled` and no answer. Rejects when the model
 * fails for all of them; where it fails for some, the others keep their answers. All are asked at once: `ask` sets the pace.
 */
export async function runCells(
  ask: Ask,
  template: Template,
  strategy: Strategy,
  cells: readonly Cell[],
  context: RunCellsContext,
): Promise<CellResult[]> {
  const results = await Promise.all(cells.map((cell, index) => runCell(ask, template, strategy, cell, index, context)));
  if (results.length > 0 && results.every(result => result.failure !== undefined)) throw results[0]!.failure;
  return results;
}

async function runCell(
  ask: Ask,
  template: Template,
  strategy: Strategy,
  cell: Cell,
  index: number,
  context: RunCellsContext,
): Promise<CellResult> {
  const { reasoning, grade } = template.tunesmith;
  const stages: Stage[] = [];
  let shown = '';
  let cached = true;
  /** Shown only once the model has said something: a cell that waits is empty. */
  let pending = '';
  const stream = (text: string): void => {
    context.onDelta?.(index, pending + text);
    pending = '';
  };
  const tools: StrategyTools = {
    cell,
    settings: reasoning,
    show(text) {
      shown += text;
      pending += text;
    },
    shown: () => shown,
    async ask(name, requests, { visible = false } = {}) {
      const before = shown;
      const askContext: AskContext = {
        signal: context.signal,
        onDelta: visible && context.onDelta ? stream : undefined,
        // What the strategy itself and earlier stages have shown stays.
        onRestart:
          visible && context.onRestart
            ? () => {
                context.onRestart?.(index);
                pending = before;
              }
            : undefined,
      };
      const outcomes = await Promise.allSettled(requests.map(request => ask(request, askContext)));
      const generations = outcomes.map((outcome, i) => {
        if (outcome.status === 'rejected') throw new Halted(outcome.reason);
        const { generation } = outcome.value;
        cached &&= outcome.value.cached;
        stages.push({ name, prompt: requests[i]!.prompt, generation });
        return generation;
      });
      if (visible) shown += generations[0]?.text ?? '';
      if (generations.some(({ finishReason }) => finishReason === 'cancelled')) throw new Halted(undefined);
      return generations;
    },
    async read(texts, options) {
      const { answers, problem } = await readAnswers(texts, template, context.match, options);
      return problem ? { answers: [], problem } : { answers };
    },
  };
  try {
    const result = await strategies[strategy](tools);
    const done = { ...result, stages, cached, generation: stages.at(-1)!.generation };
    if (done.problem || cell.expected === undefined) return done;
    return { ...done, correct: await gradeAnswer(done.answer, cell.expected, grade, context.match) };
  } catch (error) {
    if (!(error instanceof Halted)) throw error;
    const generation = stages.at(-1)?.generation ?? stopped(cell, '');
    const done = { text: shown, stages, cached: false, generation };
    return error.failure === undefined ? done : { ...done, failure: error.failure };
  }
}

/** Ends a cell: with the failure of a request, or, without one, because it was cancelled. */
class Halted extends Error {
  readonly failure: unknown;
  constructor(failure: unknown) {
    super('halted');
    this.failure = failure;
  }
}
