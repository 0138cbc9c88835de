/**
 * The supervised stage of Constitutional AI (Bai et al. 2022, section 3): a model answers, criticises its answer by a drawn
 * principle and writes it anew, some rounds long. Departure: no examples of critiques stand before the requests.
 */
import type { Ask } from '../evaluation/ask.ts';
import { pool } from '../evaluation/cellPool.ts';
import { withTurns } from '../evaluation/strategies/strategy.ts';
import type { Generation, Prompt, SamplingOptions } from '../generation.ts';
import { type Constitution, drawPrinciples } from './constitution.ts';

export interface RevisionRound {
  readonly principle: string;
  readonly critique: string;
  readonly revision: string;
}

/** One prompt's way from its first answer to what is learned. */
export interface RevisionChain {
  readonly prompt: Prompt;
  readonly draft: string;
  readonly rounds: readonly RevisionRound[];
  /** Why nothing is learned from it: an answer is empty, or was cut off. */
  readonly leftOut?: 'empty' | 'cut-off';
}

export interface RevisionOptions {
  readonly constitution: Constitution;
  readonly rounds: number;
  /** Draws the principles; answers are sampled with `sampling.seed`. */
  readonly seed: number;
  readonly sampling: SamplingOptions;
  readonly ask: Ask;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface Revisions {
  /** In the order of the prompts, without those that failed. */
  readonly chains: readonly RevisionChain[];
  readonly failed: number;
  readonly failure?: unknown;
}

/** Rejects with the model's failure where it fails for every prompt, and when it was cancelled. */
export async function reviseAnswers(prompts: readonly Prompt[], options: RevisionOptions): Promise<Revisions> {
  const chains = new Array<RevisionChain | undefined>(prompts.length);
  let [done, failed] = [0, 0];
  let failure: unknown;
  await pool(prompts.entries(), async ([index, prompt]) => {
    options.signal?.throwIfAborted();
    try {
      chains[index] = await revised(prompt, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      failure ??= error;
      failed++;
    }
    options.onProgress?.(++done);
  });
  if (prompts.length > 0 && failed === prompts.length) throw failure;
  return { chains: chains.filter(chain => chain !== undefined), failed, ...(failed > 0 && { failure }) };
}

async function revised(prompt: Prompt, { constitution, rounds, seed, sampling, ...options }: RevisionOptions) {
  const say = async (asked: Prompt): Promise<Generation> => {
    const { generation } = await options.ask({ prompt: asked, options: sampling, repeat: 0 }, options);
    options.signal?.throwIfAborted();
    return generation;
  };
  const principles = drawPrinciples(constitution.principles, seed, JSON.stringify(prompt));
  const draft = await say(prompt);
  const made: RevisionRound[] = [];
  let last = draft;
  for (let round = 0; round < rounds && usable(last); round++) {
    const principle = principles[round % principles.length]!;
    const wantsCritique = withTurns(prompt, ['assistant', last.text.trim()], ['user', principle.critique]);
    const critique = (await say(wantsCritique)).text.trim();
    last = await say(withTurns(wantsCritique, ['assistant', critique], ['user', principle.revision]));
    made.push({ principle: principle.name, critique, revision: last.text.trim() });
  }
  const leftOut = usable(last) ? undefined : last.text.trim() === '' ? 'empty' : 'cut-off';
  return { prompt, draft: draft.text.trim(), rounds: made, ...(leftOut && { leftOut }) } satisfies RevisionChain;
}

const usable = ({ text, finishReason }: Generation): boolean => text.trim() !== '' && finishReason !== 'length';

/** What `train sft` learns from a chain, in TRL's conversational layout; undefined where nothing is. */
export function exampleOf({ prompt, rounds, leftOut }: RevisionChain) {
  const last = rounds.at(-1);
  if (leftOut !== undefined || !last) return undefined;
  const messages = prompt.kind === 'messages' ? prompt.messages : [{ role: 'user' as const, content: prompt.text }];
  return { prompt: messages, completion: [{ role: 'assistant' as const, content: last.revision }] };
}
