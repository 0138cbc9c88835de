/** Rollouts: answers of the policy as it is now, and what a reward says of them. */
import type { GenerateRequest, Generator } from '../language-model/generate.ts';
import { predictFrom } from '../language-model/trainable.ts';
import type { SampledSequence } from './actors.ts';
import type { RecipeHost } from './recipe.ts';

export interface EncodedPrompt {
  readonly ids: readonly number[];
  /** For rewards that read it, and for lists. */
  readonly text: string;
}

export interface Answer {
  readonly prompt: EncodedPrompt;
  /** With the end token, where it came to one. */
  readonly ids: readonly number[];
  readonly text: string;
  /** False when it was cut off. */
  readonly ended: boolean;
}

/** One score for each answer, in their order; higher is better. */
export type RewardFunction = (answers: readonly Answer[]) => Promise<readonly number[]>;

/** Rejects a reward whose model nobody can ask now. The run ends, and goes on from its last checkpoint when somebody can. */
export class ModelAway extends Error {
  constructor() {
    super('nobody answers for the model');
    this.name = 'ModelAway';
  }
}

export interface RolloutOptions {
  readonly generator: Generator;
  readonly endIds: readonly number[];
  readonly decode: (ids: readonly number[]) => string;
  readonly temperature: number;
  readonly maxNewTokens: number;
  readonly seed: number;
}

/** Samples one answer to each prompt. `stream(index)` names its random numbers; `base` samples from the frozen base. */
export async function sampleAnswers(
  prompts: readonly EncodedPrompt[],
  stream: (index: number) => number,
  options: RolloutOptions,
  base = false,
): Promise<Answer[]> {
  const sequences = await options.generator.generate(requestsFor(prompts, stream, options), { useAdapter: !base });
  return answersOf(prompts, sequences, options);
}

/** What a generator is asked for an answer to each prompt. */
export const requestsFor = (
  prompts: readonly EncodedPrompt[],
  stream: (index: number) => number,
  { endIds, temperature, maxNewTokens, seed }: Omit<RolloutOptions, 'generator' | 'decode'>,
): GenerateRequest[] =>
  prompts.map(({ ids }, index) => ({
    prompt: ids,
    options: { temperature, maxNewTokens, seed, endIds },
    stream: stream(index),
  }));

export const answersOf = (
  prompts: readonly EncodedPrompt[],
  sequences: readonly SampledSequence[],
  { decode }: Pick<RolloutOptions, 'decode'>,
): Answer[] =>
  sequences.map(({ tokens, finishReason }, index) => ({
    prompt: prompts[index]!,
    ids: tokens,
    text: decode(tokens),
    ended: finishReason === 'end',
  }));

/** Tokens of prompt and answer. */
export const rowLength = (answer: Answer): number => answer.prompt.ids.length + answer.ids.length;

/** Prompts and answers as sequences of which only the answers' tokens are predicted. */
export function answerBatch(rows: readonly Answer[]) {
  const ids = rows.map(({ prompt, ids: answer }) => [...prompt.ids, ...answer]);
  const starts = rows.map(({ prompt }) => prompt.ids.length);
  return { ids, predictions: predictFrom(ids, starts) };
}

/** Indices of the prompts of one step: an endless order, shuffled anew for every pass over them. */
export function promptsOfStep(
  count: number,
  perStep: number,
  step: number,
  shuffled: (epoch: number) => readonly number[],
): number[] {
  const indices: number[] = [];
  let epoch = -1;
  let order: readonly number[] = [];
  for (let place = step * perStep; place < (step + 1) * perStep; place++) {
    const own = Math.floor(place / count);
    if (own !== epoch) {
      epoch = own;
      order = shuffled(epoch);
    }
    indices.push(order[place % count]!);
  }
  return indices;
}

/** Runs `pass` over parts of `items`, shortest first, so that little is padded; the host breathes after each. */
export async function inParts<T>(
  items: readonly T[],
  length: (item: T) => number,
  size: number,
  host: RecipeHost,
  pass: (part: readonly number[]) => Promise<void>,
): Promise<void> {
  const order = items.map((_, index) => index).sort((a, b) => length(items[a]!) - length(items[b]!) || a - b);
  for (let start = 0; start < order.length; start += size) {
    await pass(order.slice(start, start + size));
    await host.breathe();
  }
}
