/** Runs rendered prompts on a model the way their reasoning strategy asks, extracts the answers and grades them. */
import type { HumanError } from '../../base/errors.ts';
import { defaultSampling, type Generation, type SamplingOptions } from '../generation.ts';
import type { Strategy, Template } from '../prompts/template.ts';
import type { GenerateRequest, TextGenerator } from '../textGenerator.ts';
import { gradeAnswer, type MatchPattern, readAnswers } from './answers.ts';
import { type Asker, askerOf, type Outcome } from './asker.ts';
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
 * fails for all of them; where it fails for some, the others keep their answers.
 */
export async function runCells(
  model: Asker | TextGenerator,
  template: Template,
  strategy: Strategy,
  cells: readonly Cell[],
  context: RunCellsContext,
): Promise<CellResult[]> {
  const rounds = new Rounds('ask' in model ? model : askerOf(model), cells.length, context);
  const results = await Promise.all(
    cells.map((cell, index) => runCell(rounds, template, strategy, cell, index, context)),
  );
  if (results.length > 0 && results.every(result => result.failure !== undefined)) throw results[0]!.failure;
  return results;
}

async function runCell(
  rounds: Rounds,
  template: Template,
  strategy: Strategy,
  cell: Cell,
  index: number,
  context: RunCellsContext,
): Promise<CellResult> {
  const { reasoning, grade } = template.tunesmith;
  const stages: Stage[] = [];
  let shown = '';
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
      const outcomes = await rounds.ask(requests, visible && context.onDelta ? stream : undefined);
      const generations = outcomes.map(({ generation, failure }, i) => {
        if (!generation) throw new Halted(failure);
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
    const done = { ...result, stages, generation: stages.at(-1)!.generation };
    if (done.problem || cell.expected === undefined) return done;
    return { ...done, correct: await gradeAnswer(done.answer, cell.expected, grade, context.match) };
  } catch (error) {
    if (!(error instanceof Halted)) throw error;
    const generation = stages.at(-1)?.generation ?? nothing(cell, rounds.asker.model.id);
    if (error.failure === undefined) return { text: shown, stages, generation };
    return { text: shown, stages, generation, failure: error.failure };
  } finally {
    rounds.leave();
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

interface Waiting {
  readonly requests: readonly GenerateRequest[];
  readonly onDelta?: (text: string) => void;
  readonly resolve: (outcomes: Outcome[]) => void;
}

/** Cells walk through their stages in step, so that what they ask for goes to the model together. */
class Rounds {
  readonly asker: Asker;
  readonly #context: RunCellsContext;
  #running: number;
  #waiting: Waiting[] = [];

  constructor(asker: Asker, cells: number, context: RunCellsContext) {
    this.asker = asker;
    this.#running = cells;
    this.#context = context;
  }

  ask(requests: readonly GenerateRequest[], onDelta: ((text: string) => void) | undefined): Promise<Outcome[]> {
    return new Promise(resolve => {
      this.#waiting.push({ requests, onDelta, resolve });
      this.#advance();
    });
  }

  /** A cell has come to its end. */
  leave(): void {
    this.#running--;
    this.#advance();
  }

  #advance(): void {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#running) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    void this.#send(waiting);
  }

  async #send(waiting: readonly Waiting[]): Promise<void> {
    const owners = waiting.flatMap(one => one.requests.map(() => one));
    const requests = waiting.flatMap(one => one.requests);
    const onDelta = waiting.some(one => one.onDelta)
      ? (index: number, text: string) => owners[index]!.onDelta?.(text)
      : undefined;
    let outcomes: Outcome[];
    try {
      outcomes = await this.asker.ask(requests, { signal: this.#context.signal, onDelta });
    } catch (failure) {
      outcomes = requests.map(() => ({ failure }));
    }
    let from = 0;
    for (const { requests: own, resolve } of waiting) {
      resolve(outcomes.slice(from, from + own.length));
      from += own.length;
    }
  }
}

function nothing({ options, repeat }: Cell, model: string): Generation {
  return { text: '', finishReason: 'cancelled', latencyMs: 0, model, options, repeat };
}
