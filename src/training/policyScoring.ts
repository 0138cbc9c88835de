/** What the policy's answers are worth and how likely they are, for updates and for the fixed prompts that are watched. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { RlhfSettings } from '../core/jobs/job.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import type { TrainingProgram } from '../language-model/trainable.ts';
import { klEstimate } from './math/kl.ts';
import { idleInputs, type PolicyMethod, type Scored } from './policyMethods.ts';
import type { RecipeHost, RecipeSample } from './recipe.ts';
import {
  type Answer,
  answerBatch,
  type EncodedPrompt,
  inParts,
  type RewardFunction,
  type RolloutOptions,
  rowLength,
  sampleAnswers,
} from './rollout.ts';

/** What answers are scored by. */
export interface Scoring {
  readonly reward: RewardFunction;
  readonly settings: RlhfSettings;
  readonly host: RecipeHost;
  readonly start?: PolicyStart;
}

export interface PolicyStart {
  readonly lora: LoraConfig;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** What the KL is measured to: this adapter as it is, or the base without one. */
  readonly reference: 'start' | 'base';
}

export function setWeights({ trainable }: TrainingProgram, weights: ReadonlyMap<string, Float32Array>): void {
  for (const [name, view] of trainable) view.set(weights.get(name)!);
}

/** Runs `work` with other adapter weights in the place of those that are learned, where there are some. */
export async function withWeights<T>(
  program: TrainingProgram,
  weights: ReadonlyMap<string, Float32Array> | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (!weights) return work();
  const own = new Map([...program.trainable].map(([name, view]) => [name, view.slice()]));
  setWeights(program, weights);
  try {
    return await work();
  } finally {
    setWeights(program, own);
  }
}

export interface Evaluation {
  readonly answers: readonly Answer[];
  readonly scores: readonly number[];
  readonly samples: readonly RecipeSample[];
}

/** Answers to the fixed prompts, always with the same random numbers. */
export async function evaluate(
  prompts: readonly EncodedPrompt[],
  rollout: RolloutOptions,
  options: Scoring,
  base = false,
): Promise<Evaluation> {
  // Negative streams never meet those of training.
  const answers = await sampleAnswers(prompts, index => -1 - index, rollout, base);
  const scores = await scoresOf(answers, options);
  const samples = answers.map(
    ({ prompt, text }, index): RecipeSample => ({ prompt: prompt.text, answer: text, reward: scores[index]! }),
  );
  return { answers, scores, samples };
}

/** Fewer answers to the fixed prompts say nothing of all. */
const fewestAnswers = 4;

/** What the first answers to the fixed prompts say of a run before it is paid for. */
export function warningsOf({ answers, scores }: Evaluation, maxNewTokens: number): string[] {
  if (answers.length < fewestAnswers) return [];
  const warnings: string[] = [];
  if (scores.every(score => score === scores[0])) {
    warnings.push(
      l10n.t(
        'All {0} answers to the fixed prompts get the same reward, {1}: where answers do not differ there is nothing to learn. Choose a reward that tells them apart, or raise the temperature.',
        scores.length,
        scores[0]!,
      ),
    );
  }
  const cut = answers.filter(({ ended }) => !ended).length;
  if (cut === answers.length) {
    warnings.push(
      l10n.t(
        'None of the {0} answers to the fixed prompts comes to an end within {1} tokens: raise the longest answer, or set a score without an end.',
        cut,
        maxNewTokens,
      ),
    );
  }
  return warnings;
}

/** Rewards as they count: an answer that was cut off may have a score of its own. */
async function scoresOf(answers: readonly Answer[], { reward, settings }: Scoring): Promise<number[]> {
  const scores = await checkedScores(answers, reward);
  return scores.map((score, row) => (answers[row]!.ended ? score : (settings.missingEosScore ?? score)));
}

export async function checkedScores(answers: readonly Answer[], reward: RewardFunction): Promise<readonly number[]> {
  if (answers.length === 0) return [];
  const scores = await reward(answers);
  const bad = scores.findIndex(score => !Number.isFinite(score));
  if (bad >= 0 || scores.length !== answers.length) {
    throw new HumanError(
      l10n.t('The reward of an answer is not a number ({0}). Check the reward.', String(scores[bad])),
    );
  }
  return scores;
}

/** The older policy that answers were sampled from: its log-probabilities of their tokens, nats, or its adapter. */
export type Sampler =
  | { readonly logProbs: readonly (readonly number[])[] }
  | { readonly weights: ReadonlyMap<string, Float32Array> };

/** `known`: scores, where there are any. `sampler`: where the policy has moved on since. */
export async function scoreAnswers(
  program: TrainingProgram,
  { inputs }: PolicyMethod,
  answers: readonly Answer[],
  options: Scoring,
  known?: readonly number[],
  sampler?: Sampler,
): Promise<Scored> {
  const scores = known ?? (await scoresOf(answers, options));
  const old = new Array<Float32Array>(answers.length);
  const reference = new Array<Float32Array>(answers.length);
  const kl = new Array<number>(answers.length);
  const importance = sampler && new Array<Float32Array>(answers.length);
  let entropy = 0;
  let tokens = 0;
  await inParts(answers, rowLength, options.settings.microBatchSize, options.host, async part => {
    const rows = part.map(index => answers[index]!);
    const sequences = answerBatch(rows);
    const idle = idleInputs(inputs, { B: rows.length, N: sequences.predictions.targets.length });
    const batch = { ...sequences, inputs: idle };
    const policy = await program.forward(batch);
    const logProbs = policy.rows.logProbs!.slice();
    const entropies = policy.rows.entropy!;
    for (const value of entropies) entropy += value;
    tokens += entropies.length;
    const frozen = options.start?.reference === 'start' ? options.start.parameters : undefined;
    const base = await withWeights(program, frozen, async () =>
      (await program.forward(batch, { adapter: frozen !== undefined })).rows.logProbs!.slice(),
    );
    const ofSampler =
      sampler && 'weights' in sampler
        ? await withWeights(program, sampler.weights, async () => (await program.forward(batch)).rows.logProbs!)
        : undefined;
    let at = 0;
    for (const [place, index] of part.entries()) {
      const end = at + rows[place]!.ids.length;
      old[index] = logProbs.slice(at, end);
      reference[index] = base.slice(at, end);
      kl[index] = 0;
      if (importance) {
        const older =
          ofSampler?.subarray(at, end) ?? (sampler as Extract<Sampler, { logProbs: unknown }>).logProbs[index]!;
        importance[index] = old[index].map((value, t) => value - older[t]!);
      }
      for (; at < end; at++) kl[index] += klEstimate('k1', logProbs[at]! - base[at]!);
    }
  });
  return {
    answers,
    scores,
    old,
    reference,
    kl,
    entropy: tokens === 0 ? 0 : entropy / tokens,
    ...(importance ? { importance } : {}),
  };
}
