/**
 * Iterated preference tuning (as online RLHF: Bai et al. 2022, arXiv 2204.05862; Dong et al. 2024, arXiv 2405.07863): the policy
 * answers, people judge its answers, a reward model learns from all judgements so far, and the policy is tuned on it, again and
 * again. This file is what stands on disk between two of its steps.
 */
import * as v from 'valibot';
import { Rng } from '../../base/rng.ts';
import type { Prompt } from '../generation.ts';
import { ModelReferenceSchema } from './job.ts';

const MessageSchema = v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() });
const PromptSchema: v.GenericSchema<unknown, Prompt> = v.variant('kind', [
  v.object({ kind: v.literal('messages'), messages: v.array(MessageSchema) }),
  v.object({ kind: v.literal('text'), text: v.string() }),
]);

const RoundSchema = v.object({
  /** Id of who answered. */
  policy: v.string(),
  /** Of items in the preference journal. */
  set: v.string(),
  items: v.number(),
  /** Comparisons that the reward model learned from, those of earlier rounds included. */
  comparisons: v.optional(v.number()),
  /** Ids of jobs, written before they start. */
  rewardJob: v.optional(v.string()),
  tuneJob: v.optional(v.string()),
  /** The policy that came out. */
  tuned: v.optional(ModelReferenceSchema),
});
export type IterationRound = v.InferOutput<typeof RoundSchema>;

/** `.tunesmith/iterations/<name>.json`. */
export const IterationSchema = v.object({
  format: v.literal(1),
  name: v.string(),
  /** The first policy. */
  model: ModelReferenceSchema,
  seed: v.pipe(v.number(), v.safeInteger()),
  /** `about`: what a simulated annotator looks for. */
  prompts: v.array(v.object({ prompt: PromptSchema, about: v.optional(v.string()) })),
  rounds: v.array(RoundSchema),
});
export type Iteration = v.InferOutput<typeof IterationSchema>;

/** What is to be done next. */
export type IterationStage = 'sample' | 'judge' | 'reward' | 'tune';

/** `judged`: whether the answers of the last round are. */
export function iterationStage({ rounds }: Iteration, judged: (round: IterationRound) => boolean): IterationStage {
  const round = rounds.at(-1);
  if (!round || round.tuned) return 'sample';
  if (round.tuneJob !== undefined) return 'tune';
  if (round.rewardJob !== undefined) return 'reward';
  return judged(round) ? 'reward' : 'judge';
}

/** Who answers next. */
export const policyOf = ({ model, rounds }: Iteration): Iteration['model'] => rounds.at(-1)?.tuned ?? model;

/** Prompts of the next round: others than in the rounds before, as far as there are any. */
export function roundPrompts({ prompts, rounds, seed }: Iteration, count: number): Iteration['prompts'] {
  const order = Rng.seeded(seed).stream('rounds').shuffled(prompts);
  const start = (rounds.length * count) % prompts.length;
  return [...order.slice(start), ...order.slice(0, start)].slice(0, count);
}
