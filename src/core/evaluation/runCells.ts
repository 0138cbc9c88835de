/** Runs rendered prompts on a model the way their reasoning strategy asks, extracts the answers and grades them. */
import type { HumanError } from '../../base/errors.ts';
import { defaultSampling, type Generation, type SamplingOptions } from '../generation.ts';
import { extractionPrompt } from '../prompts/render.ts';
import { promptOf, type RenderedPrompt, type Strategy, type Template } from '../prompts/template.ts';
import type { GenerateRequest, TextGenerator } from '../textGenerator.ts';
import { gradeAnswer, type MatchPattern, type ReadAnswers, readAnswers } from './answers.ts';

/** One answer to be made: a cell of the matrix template × model × row × repeat. */
export interface Cell {
  readonly prompt: RenderedPrompt;
  readonly options: SamplingOptions;
  readonly repeat: number;
  /** Present: the answer is graded against it. */
  readonly expected?: unknown;
  readonly logProbs?: { readonly alternatives: number };
}

export interface CellResult {
  /** What the assistant's message holds in the end: trigger, reasoning and answer where there are two stages. */
  readonly text: string;
  /** The last stage. */
  readonly generation: Generation;
  /** First stage of zero-shot chain of thought. */
  readonly reasoning?: Generation;
  readonly answer?: string;
  readonly correct?: boolean;
  /** Why the model gave nothing here, where it did answer other cells. */
  readonly failure?: unknown;
  /** Why no answer could be read from the text, which stands; it is not graded then. */
  readonly problem?: HumanError;
}

export interface RunCellsContext {
  readonly match: MatchPattern;
  readonly signal?: AbortSignal;
  /** New text of a cell; together they are its `text`. */
  readonly onDelta?: (index: number, text: string) => void;
}

/** Tokens that the answer of the second stage may have. */
const extractionTokens = 32;

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
  generator: TextGenerator,
  template: Template,
  strategy: Strategy,
  cells: readonly Cell[],
  context: RunCellsContext,
): Promise<CellResult[]> {
  const { reasoning } = template.tunesmith;
  const first = await generateAll(
    generator,
    cells.map(requestOf),
    context.signal,
    starting(strategy, reasoning.trigger, context),
  );
  if (strategy !== 'zero-shot-cot') {
    const texts = first.map(({ generation }) => generation.text);
    const read = await readAnswers(texts, template, context.match);
    return cells.map((cell, i) => graded(cell, { text: texts[i]!, ...first[i]! }, read, i, template));
  }

  const going = cells.map((_, i) => i).filter(i => first[i]!.generation.finishReason !== 'cancelled');
  const bridge = `\n${reasoning.extract}`;
  const second = await generateAll(
    generator,
    going.map(i => secondStage(cells[i]!, first[i]!.generation, reasoning.extract)),
    context.signal,
    following(going, bridge, context),
  );
  const read = await readAnswers(
    second.map(({ generation }) => generation.text),
    template,
    context.match,
    { afterPhrase: true },
  );
  return cells.map((cell, i) => {
    const { generation: stage1, ...failed } = first[i]!;
    const at = going.indexOf(i);
    const stage2 = second[at];
    const start = `${reasoning.trigger}${stage1.text}`;
    if (!stage2) return { text: start, generation: stage1, ...failed };
    const text = `${start.trimEnd()}${bridge}${stage2.generation.text}`;
    return graded(cell, { text, ...stage2, reasoning: stage1 }, read, at, template);
  });
}

function requestOf(cell: Cell): GenerateRequest {
  const { options, repeat, logProbs } = cell;
  return { prompt: promptOf(cell.prompt), options, repeat, ...(logProbs ? { logProbs } : {}) };
}

function secondStage(cell: Cell, first: Generation, extract: string): GenerateRequest {
  return {
    ...requestOf(cell),
    prompt: promptOf(extractionPrompt(cell.prompt, first.text, extract)),
    options: { ...cell.options, maxOutputTokens: Math.min(cell.options.maxOutputTokens, extractionTokens) },
  };
}

function graded(
  cell: Cell,
  result: CellResult,
  { answers, problem }: ReadAnswers,
  at: number,
  { tunesmith: { grade } }: Template,
): CellResult {
  if (result.generation.finishReason === 'cancelled') return result;
  if (problem) return { ...result, problem };
  const answer = answers[at];
  if (cell.expected === undefined) return { ...result, answer };
  return { ...result, answer, correct: gradeAnswer(answer, cell.expected, grade) };
}

type OnDelta = (index: number, text: string) => void;

/** Zero-shot chain of thought shows the trigger before the model's own words. */
function starting(strategy: Strategy, trigger: string, { onDelta }: RunCellsContext): OnDelta | undefined {
  if (!onDelta || strategy !== 'zero-shot-cot') return onDelta;
  return prefixed(() => trigger, onDelta);
}

function following(going: readonly number[], bridge: string, { onDelta }: RunCellsContext): OnDelta | undefined {
  if (!onDelta) return undefined;
  return prefixed(
    () => bridge,
    (index, text) => onDelta(going[index]!, text),
  );
}

function prefixed(prefix: () => string, onDelta: OnDelta): OnDelta {
  const begun = new Set<number>();
  return (index, text) => {
    const start = begun.has(index) ? '' : prefix();
    begun.add(index);
    onDelta(index, start + text);
  };
}

type Generated = Pick<CellResult, 'generation' | 'failure'>;

async function generateAll(
  generator: TextGenerator,
  requests: readonly GenerateRequest[],
  signal: AbortSignal | undefined,
  onDelta: OnDelta | undefined,
): Promise<Generated[]> {
  if (requests.length === 0) return [];
  if (generator.generateAll && requests.length > 1) {
    const generations = await generator.generateAll(requests, { signal, onDelta });
    return generations.map(generation => ({ generation }));
  }
  // A server answers several at once; more would only queue there.
  const concurrent = generator.model.kind === 'endpoint' ? 4 : 1;
  const results: Generated[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < requests.length) {
      const index = next++;
      const request = requests[index]!;
      try {
        // After a failure nothing more is sent: a server that refused one refuses the rest.
        if (failures.length > 0) throw failures[0];
        const own = onDelta && ((text: string) => onDelta(index, text));
        results[index] = { generation: await generator.generate(request, { signal, onDelta: own }) };
      } catch (failure) {
        failures.push(failure);
        results[index] = { generation: nothing(request, generator.model.id), failure };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrent, requests.length) }, lane));
  if (failures.length === requests.length) throw failures[0];
  return results;
}

function nothing({ options, repeat }: GenerateRequest, model: string): Generation {
  return { text: '', finishReason: 'cancelled', latencyMs: 0, model, options, repeat };
}
