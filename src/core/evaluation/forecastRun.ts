/** Forecasts a matrix of cells from a sample of them: prompts are rendered and counted, and the cache says what is known already. */

import { messageOverhead } from '../datasets/budget.ts';
import type { Generation, SamplingOptions } from '../generation.ts';
import type { RenderedPrompt, Strategy, Template } from '../prompts/template.ts';
import type { GenerateRequest, TextGenerator } from '../textGenerator.ts';
import type { MatchPattern } from './answers.ts';
import type { Ask } from './ask.ts';
import { estimatedTokens, type Forecast, type ForecastPart, forecast } from './forecast.ts';
import type { Price } from './prices.ts';
import type { Measured } from './rates.ts';
import { runCells, samplingOf } from './runCells.ts';

export interface ForecastColumn {
  readonly template: Template;
  readonly strategy: Strategy;
  generator(): Promise<TextGenerator>;
  /** Renders a row; what it rejects with is left to the run itself to say. */
  render(row: number): Promise<RenderedPrompt>;
  readonly price?: Price;
  readonly sampling?: Partial<SamplingOptions>;
}

export interface ForecastContext {
  /** An answer that is in the cache; absent where all is asked anew. */
  readonly known?: (generator: TextGenerator, request: GenerateRequest) => Promise<Generation | undefined>;
  readonly measured: (model: string) => Measured | undefined;
  readonly match: MatchPattern;
  readonly signal?: AbortSignal;
}

export interface RunForecast extends Forecast {
  readonly cells: number;
  /** Of all cells, those whose answers are in the cache; `calls`, tokens, money and time are of the others. */
  readonly cached: number;
  /** Every cell was looked at; else the rest is taken to be like those that were. */
  readonly exact: boolean;
}

/** Cells that are looked at, of all columns together. */
const SampledCells = 256;

/** Questions that least-to-most asks first, as a guess: one that lists, some steps, the last. */
const LeastToMostCalls = 5;

/** Calls that a strategy makes for a cell. */
export function callsOf(strategy: Strategy, { tunesmith: { reasoning } }: Template): number {
  switch (strategy) {
    case 'direct':
    case 'few-shot-cot':
      return 1;
    case 'zero-shot-cot':
      return 2;
    case 'critique-revise':
      return 3;
    case 'self-consistency':
      return reasoning.samples;
    case 'least-to-most':
      return LeastToMostCalls;
  }
}

/** At most this many calls, before anything is looked at. */
export const mostCalls = (
  columns: readonly Pick<ForecastColumn, 'template' | 'strategy'>[],
  rows: number,
  repeats: number,
): number => columns.reduce((sum, { strategy, template }) => sum + rows * repeats * callsOf(strategy, template), 0);

/** Rejects only for bugs and cancellation: what cannot be rendered or counted is estimated. */
export async function forecastRun(
  columns: readonly ForecastColumn[],
  rows: readonly number[],
  repeats: number,
  context: ForecastContext,
): Promise<RunForecast> {
  const perColumn = Math.max(4, Math.floor(SampledCells / Math.max(1, columns.length)));
  const parts: ForecastPart[] = [];
  let cached = 0;
  let exact = true;
  for (const column of columns) {
    context.signal?.throwIfAborted();
    const cells = rows.length * repeats;
    const sample = spread(cells, perColumn);
    exact &&= sample.length === cells;
    const looked = await lookAt(
      column,
      sample.map(i => ({ row: rows[Math.floor(i / repeats)]!, repeat: i % repeats })),
      context,
    );
    const share = sample.length === 0 ? 0 : cells / sample.length;
    const callsPerCell = callsOf(column.strategy, column.template);
    const calls = Math.round(looked.calls * share);
    cached += Math.round(looked.cached * share);
    const { maxOutputTokens } = samplingOf(column.template, column.sampling);
    parts.push({
      // A cell that is known in part counts as that part.
      cells: calls / callsPerCell,
      callsPerCell,
      promptTokens: (looked.tokens / Math.max(1, looked.counted)) * (calls / callsPerCell),
      counted: looked.exact,
      maxOutputTokens,
      ...(column.price && { price: column.price }),
      ...(looked.model !== undefined && measuredOf(context, looked.model)),
    });
  }
  const made = forecast(parts);
  return { ...made, calls: Math.round(made.calls), cells: rows.length * repeats * columns.length, cached, exact };
}

const measuredOf = ({ measured }: ForecastContext, model: string): { measured?: Measured } => {
  const known = measured(model);
  return known ? { measured: known } : {};
};

/** Up to `most` of `count` indices, evenly. */
function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.floor((i * count) / most));
}

interface Looked {
  /** That are not in the cache. */
  calls: number;
  /** Cells that need none. */
  cached: number;
  /** Of the prompts of `counted` cells. */
  tokens: number;
  counted: number;
  /** Tokens were counted by the model's tokenizer. */
  exact: boolean;
  model?: string;
}

async function lookAt(
  column: ForecastColumn,
  cells: readonly { readonly row: number; readonly repeat: number }[],
  context: ForecastContext,
): Promise<Looked> {
  const looked: Looked = { calls: 0, cached: 0, tokens: 0, counted: 0, exact: true };
  const callsPerCell = callsOf(column.strategy, column.template);
  const generator = await column.generator().catch(() => undefined);
  if (generator) looked.model = generator.model.id;
  const prompts = new Map<number, RenderedPrompt | undefined>();
  for (const { row, repeat } of cells) {
    context.signal?.throwIfAborted();
    if (!prompts.has(row)) prompts.set(row, await column.render(row).catch(() => undefined));
    const prompt = prompts.get(row);
    if (!prompt || !generator) {
      looked.calls += callsPerCell;
      continue;
    }
    const calls = context.known ? await callsLeft(column, generator, prompt, repeat, context) : callsPerCell;
    looked.calls += calls;
    if (calls === 0) looked.cached++;
  }
  for (const prompt of prompts.values()) {
    if (!prompt) continue;
    const texts = prompt.messages.map(({ content }) => content);
    const counts = await generator?.countTokens?.(texts).catch(() => undefined);
    if (!counts) looked.exact = false;
    looked.tokens += (counts ?? texts.map(estimatedTokens)).reduce((sum, tokens) => sum + tokens + messageOverhead, 0);
    looked.counted++;
  }
  return looked;
}

/** Walks through the strategy as far as the cache knows its answers; what lies behind the first that it does not is taken to be unknown. */
async function callsLeft(
  { strategy, template, sampling }: ForecastColumn,
  generator: TextGenerator,
  prompt: RenderedPrompt,
  repeat: number,
  { known, match, signal }: ForecastContext,
): Promise<number> {
  let found = 0;
  let missing = 0;
  const ask: Ask = async request => {
    const generation = await known!(generator, request);
    if (!generation) {
      missing++;
      throw new Error('not known');
    }
    found++;
    return { generation, cached: true };
  };
  const cell = { prompt, options: samplingOf(template, sampling), repeat };
  await runCells(ask, template, strategy, [cell], { match, signal }).catch((error: unknown) => {
    if (missing === 0) throw error;
  });
  return missing === 0 ? 0 : Math.max(missing, callsOf(strategy, template) - found);
}

/** What the run must exceed to be asked about first. */
export interface ForecastLimits {
  readonly calls: number;
  /** US dollars. */
  readonly cost: number;
}

/** Money counts where it is known; where it is not, calls do. */
export const isBig = ({ calls, cost }: Pick<Forecast, 'calls' | 'cost'>, limits: ForecastLimits): boolean =>
  calls > limits.calls || (cost !== undefined && cost.expected > limits.cost);
