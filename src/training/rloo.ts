/**
 * Reinforcement learning from a reward by RLOO (Ahmadian et al. 2024, arXiv 2402.14740), in the dialect of TRL's
 * `rloo_trainer.py`: a KL penalty (k1) to the frozen base inside the reward, a leave-one-out baseline, and one clipped
 * ratio for each whole answer.
 * Departures: the policy is a LoRA adapter, and the base is the same weights without it; an answer that was cut off may be
 * given a fixed score (as in arXiv 2403.17031); `reward` is reported before the KL penalty, `objective/rlhf_reward` after it.
 */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import type { RlhfSettings } from '../core/jobs/job.ts';
import { add, and, cast, clamp, exp, greater, less, minimum, mul, neg, scatterAdd, sub, sum } from '../engine/index.ts';
import type { ModelConfig } from '../language-model/config.ts';
import { createGenerator } from '../language-model/generate.ts';
import {
  createTrainingProgram,
  type LossBuilder,
  predictFrom,
  type TrainingProgram,
} from '../language-model/trainable.ts';
import { leaveOneOutAdvantages } from './math/advantages.ts';
import { klEstimate } from './math/kl.ts';
import { groupSpread, mean, standardDeviation } from './math/normalise.ts';
import {
  Checkpoints,
  learningRateAt,
  type Outcome,
  type RecipeCheckpoint,
  type RecipeHost,
  type RecipeSample,
  unpackState,
} from './recipe.ts';
import {
  type Answer,
  type EncodedPrompt,
  inParts,
  promptsOfStep,
  type RewardFunction,
  type RolloutOptions,
  sampleAnswers,
} from './rollout.ts';

export interface RlooOptions {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly settings: RlhfSettings;
  readonly seed: number;
  readonly prompts: readonly EncodedPrompt[];
  /** Never trained on; the first `evaluationPrompts` are answered before, during and after. */
  readonly heldOut: readonly EncodedPrompt[];
  readonly reward: RewardFunction;
  readonly endIds: readonly number[];
  readonly decode: (ids: readonly number[]) => string;
  readonly host: RecipeHost;
  readonly resume?: RecipeCheckpoint;
  readonly threads?: number;
}

export interface ComparedSample {
  readonly prompt: string;
  readonly before: string;
  readonly after: string;
  readonly rewardBefore: number;
  readonly rewardAfter: number;
}

export interface RlooResult {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly samples: readonly ComparedSample[];
  readonly metrics: Readonly<Record<string, number>>;
}

/** What the loss is fed with besides the answers. */
export const rlooInputs = {
  advantages: { dtype: 'float32', shape: ['B'] },
  weight: { dtype: 'float32', shape: ['B'] },
  oldLogProbs: { dtype: 'float32', shape: ['N'] },
} as const;

/** L = −Σ_b w_b·min(ρ_b A_b, clip(ρ_b, 1 ± ε) A_b), ρ_b = exp Σ_t (log p − log p_old) over the answer's tokens. */
export const clippedLoss =
  (clipRange: number): LossBuilder =>
  (_graph, out, inputs) => {
    const advantages = inputs.advantages!;
    const weight = inputs.weight!;
    const ratio = exp(scatterAdd(sub(out.logProbs, inputs.oldLogProbs!), out.rows, 'B'));
    const held = clamp(ratio, 1 - clipRange, 1 + clipRange);
    const low = and(less(ratio, 1 - clipRange), less(advantages, 0));
    const high = and(greater(ratio, 1 + clipRange), greater(advantages, 0));
    const share = (rows: typeof ratio) => sum(mul(rows, weight));
    return {
      loss: neg(share(minimum(mul(ratio, advantages), mul(held, advantages)))),
      metrics: {
        ratio: share(ratio),
        low: share(cast(low, 'float32')),
        high: share(cast(high, 'float32')),
        either: share(add(cast(low, 'float32'), cast(high, 'float32'))),
      },
    };
  };

/** The rows of a step with what the update needs to know of them. */
interface Scored {
  readonly answers: readonly Answer[];
  readonly scores: readonly number[];
  /** Log-probability of each answer token before the update, nats, at the sampling temperature. */
  readonly old: readonly Float32Array[];
  /** Σ_t log p − log p_ref of each answer: the k1 estimate of its KL. */
  readonly kl: readonly number[];
  readonly entropy: number;
}

export async function trainRloo(options: RlooOptions): Promise<Outcome<RlooResult>> {
  const { settings, seed, host, prompts } = options;
  if (prompts.length === 0) throw new HumanError(l10n.t('There are no prompts to learn from. Add some to the data.'));
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const { config, weights } = options;
  const program = await createTrainingProgram({
    config,
    weights,
    trainable: { kind: 'lora', lora: settings.lora, seed },
    head: 'lm',
    baseProducts: settings.baseProducts,
    recompute: settings.recompute === 'on',
    temperature: settings.temperature,
    inputs: rlooInputs,
    loss: clippedLoss(settings.clipRange),
    optimizer: { weightDecay: settings.weightDecay, maxGradNorm: settings.maxGradNorm },
    ...threads,
  });
  const generator = await createGenerator({
    config,
    weights,
    adapter: { config: settings.lora, weights: program.trainable },
    ...threads,
  });
  try {
    let step = 0;
    if (options.resume) {
      program.restore(unpackState(options.resume.arrays));
      step = options.resume.step;
    }
    const { steps, promptsPerStep, samplesPerPrompt: n } = settings;
    const { endIds, decode } = options;
    const { temperature, maxNewTokens } = settings;
    const rollout: RolloutOptions = { generator, endIds, decode, temperature, maxNewTokens, seed };
    const watched = (options.heldOut.length > 0 ? options.heldOut : prompts).slice(0, settings.evaluationPrompts);
    const rng = Rng.seeded(seed);
    const order = (epoch: number) => rng.stream('prompts', epoch).shuffled(prompts.map((_, index) => index));
    const checkpoints = new Checkpoints(host, program, step);

    // 1. The fixed prompts as the base answers them.
    host.phase(l10n.t('Sampling before training'));
    const before = await evaluate(watched, rollout, options, true);
    if (step === 0) host.samples(0, before.samples);

    host.phase(l10n.t('Training'));
    while (step < steps) {
      if (await host.breathe()) {
        await checkpoints.save(step);
        return { kind: 'stopped' };
      }
      // 2. Rollout: n answers of the policy to each prompt of the step.
      const chosen = promptsOfStep(prompts.length, promptsPerStep, step, order);
      const repeated = chosen.flatMap(index => Array.from({ length: n }, () => prompts[index]!));
      const answers = await sampleAnswers(repeated, row => step * repeated.length + row, rollout);
      // 3. Scores, log-probabilities under policy and base, and r = score − β Σ_t k1_t.
      const scored = await scoreAnswers(program, answers, options);
      const rewards = scored.scores.map((score, row) => score - settings.beta * scored.kl[row]!);
      // 4. Advantages: each answer against the others of its prompt.
      const advantages = leaveOneOutAdvantages(rewards, n);
      // 5. Updates.
      const learningRate = learningRateAt(settings, step, steps);
      const update = await updatePolicy(program, scored, advantages, learningRate, options);
      step++;
      const { loss, grad_norm: gradNorm } = update as { loss: number; grad_norm: number };
      await checkpoints.requireFinite({ step, loss, gradNorm });
      // 6. Reports.
      host.metrics(step, { ...update, ...describe(scored, rewards, n), learning_rate: learningRate });
      host.progress(step, steps);
      const last = step === steps;
      if (!last && settings.evaluateEvery > 0 && step % settings.evaluateEvery === 0) {
        host.samples(step, (await evaluate(watched, rollout, options)).samples);
      }
      if (!last && settings.checkpointEvery > 0 && step % settings.checkpointEvery === 0) await checkpoints.save(step);
    }

    // 7. The fixed prompts once more, and how far the policy went from its base on them.
    host.phase(l10n.t('Sampling after training'));
    const after = await evaluate(watched, rollout, options);
    host.samples(step, after.samples);
    const scored = await scoreAnswers(program, after.answers, options, after.scores);
    return {
      kind: 'finished',
      value: {
        parameters: program.state().parameters,
        shapes: program.shapes,
        samples: watched.map((prompt, index) => ({
          prompt: prompt.text,
          before: before.answers[index]!.text,
          after: after.answers[index]!.text,
          rewardBefore: before.scores[index]!,
          rewardAfter: after.scores[index]!,
        })),
        metrics: { steps, reward_before: mean(before.scores), reward_after: mean(after.scores), kl: mean(scored.kl) },
      },
    };
  } finally {
    await generator.dispose();
    await program.dispose();
  }
}

/** Answers to the fixed prompts, always with the same random numbers. */
async function evaluate(
  prompts: readonly EncodedPrompt[],
  rollout: RolloutOptions,
  options: RlooOptions,
  base = false,
) {
  // Negative streams never meet those of training.
  const answers = await sampleAnswers(prompts, index => -1 - index, rollout, base);
  const scores = await scoresOf(answers, options);
  const samples = answers.map(
    ({ prompt, text }, index): RecipeSample => ({ prompt: prompt.text, answer: text, reward: scores[index]! }),
  );
  return { answers, scores, samples };
}

/** Rewards as they count: an answer that was cut off may have a score of its own. */
async function scoresOf(answers: readonly Answer[], { reward, settings }: RlooOptions): Promise<number[]> {
  if (answers.length === 0) return [];
  const scores = await reward(answers);
  const bad = scores.findIndex(score => !Number.isFinite(score));
  if (bad >= 0 || scores.length !== answers.length) {
    throw new HumanError(
      l10n.t('The reward of an answer is not a number ({0}). Check the reward.', String(scores[bad])),
    );
  }
  return scores.map((score, row) => (answers[row]!.ended ? score : (settings.missingEosScore ?? score)));
}

async function scoreAnswers(
  program: TrainingProgram,
  answers: readonly Answer[],
  options: RlooOptions,
  known?: readonly number[],
): Promise<Scored> {
  const scores = known ?? (await scoresOf(answers, options));
  const old = new Array<Float32Array>(answers.length);
  const kl = new Array<number>(answers.length);
  let entropy = 0;
  let tokens = 0;
  await inParts(answers, rowLength, options.settings.microBatchSize, options.host, async part => {
    const rows = part.map(index => answers[index]!);
    const batch = answerBatch(rows, { advantages: 0, weight: 0 });
    const policy = await program.forward(batch);
    const logProbs = policy.rows.logProbs!.slice();
    const entropies = policy.rows.entropy!;
    for (const value of entropies) entropy += value;
    tokens += entropies.length;
    const reference = (await program.forward(batch, { adapter: false })).rows.logProbs!;
    let at = 0;
    for (const [place, index] of part.entries()) {
      const end = at + rows[place]!.ids.length;
      old[index] = logProbs.slice(at, end);
      kl[index] = 0;
      for (; at < end; at++) kl[index] += klEstimate('k1', logProbs[at]! - reference[at]!);
    }
  });
  return { answers, scores, old, kl, entropy: tokens === 0 ? 0 : entropy / tokens };
}

/** `updatesPerRollout` updates from the same answers; metrics of the last one. */
async function updatePolicy(
  program: TrainingProgram,
  scored: Scored,
  advantages: Float64Array,
  learningRate: number,
  { settings, host }: RlooOptions,
): Promise<Record<string, number>> {
  const { answers, old } = scored;
  let metrics: Record<string, number> = {};
  for (let update = 0; update < Math.max(1, settings.updatesPerRollout); update++) {
    let loss = 0;
    const totals: Record<string, number> = { ratio: 0, low: 0, high: 0, either: 0 };
    await inParts(answers, rowLength, settings.microBatchSize, host, async part => {
      const rows = part.map(index => answers[index]!);
      const batch = answerBatch(rows, { advantages: 0, weight: 1 / answers.length });
      const result = await program.gradients({
        ...batch,
        inputs: {
          ...batch.inputs,
          advantages: part.map(index => advantages[index]!),
          oldLogProbs: part.flatMap(index => [...old[index]!]),
        },
      });
      loss += result.loss;
      for (const name of Object.keys(totals)) totals[name]! += result.metrics[name]!;
    });
    const { gradNorm } = program.apply(learningRate);
    metrics = {
      loss,
      grad_norm: gradNorm,
      'clip_ratio/low_mean': totals.low!,
      'clip_ratio/high_mean': totals.high!,
      'clip_ratio/region_mean': totals.either!,
      'val/ratio': totals.ratio!,
    };
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) break;
  }
  return metrics;
}

/** Metrics of a step's answers under TRL's names. Lengths are tokens. */
function describe(
  { answers, scores, kl, entropy }: Scored,
  rewards: readonly number[],
  n: number,
): Record<string, number> {
  const lengths = answers.map(({ ids }) => ids.length);
  const cut = answers.filter(({ ended }) => !ended).length;
  const spread = groupSpread(rewards, n);
  return {
    reward: mean(scores),
    reward_std: standardDeviation(scores),
    frac_reward_zero_std: spread.shareZero,
    'objective/rlhf_reward': mean(rewards),
    kl: mean(kl),
    entropy,
    'completions/mean_length': mean(lengths),
    'completions/min_length': Math.min(...lengths),
    'completions/max_length': Math.max(...lengths),
    'completions/clipped_ratio': cut / answers.length,
    num_tokens: answers.reduce((total, answer) => total + rowLength(answer), 0),
  };
}

const rowLength = (answer: Answer): number => answer.prompt.ids.length + answer.ids.length;

/** Prompts and answers as sequences of which only the answers' tokens are predicted. */
function answerBatch(rows: readonly Answer[], fill: { advantages: number; weight: number }) {
  const ids = rows.map(({ prompt, ids: answer }) => [...prompt.ids, ...answer]);
  const predictions = predictFrom(
    ids,
    rows.map(({ prompt }) => prompt.ids.length),
  );
  return {
    ids,
    predictions,
    inputs: {
      advantages: rows.map(() => fill.advantages),
      weight: rows.map(() => fill.weight),
      oldLogProbs: new Float32Array(predictions.targets.length) as Float32Array | number[],
    },
  };
}
