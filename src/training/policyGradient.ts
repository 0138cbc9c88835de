/**
 * Reinforcement learning from a reward: sample answers, score them, update, with the algorithms of `policyMethods.ts`.
 * Departures from TRL: the policy is a LoRA adapter, and the base is the same weights without it; an answer that was cut off may
 * be given a fixed score (as in arXiv 2403.17031); `reward` is reported before the KL penalty, `objective/rlhf_reward` after it,
 * and `kl` is that of whole answers for all algorithms.
 */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import type { PpoSettings, RlhfSettings } from '../core/jobs/job.ts';
import type { ModelConfig } from '../language-model/config.ts';
import { createGenerator } from '../language-model/generate.ts';
import { createTrainingProgram, type TrainingProgram } from '../language-model/trainable.ts';
import { type Critic, type CriticStart, createCritic } from './critic.ts';
import { klEstimate } from './math/kl.ts';
import { groupSpread, mean, standardDeviation } from './math/normalise.ts';
import { idleInputs, type Lesson, type PolicyMethod, policyMethod, type Scored } from './policyMethods.ts';
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
  answerBatch,
  type EncodedPrompt,
  inParts,
  promptsOfStep,
  type RewardFunction,
  type RolloutOptions,
  rowLength,
  sampleAnswers,
} from './rollout.ts';

export interface PolicyOptions {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly settings: RlhfSettings;
  readonly seed: number;
  readonly prompts: readonly EncodedPrompt[];
  /** Never trained on; the first `evaluationPrompts` are answered before, during and after. */
  readonly heldOut: readonly EncodedPrompt[];
  readonly reward: RewardFunction;
  /** Where PPO's critic starts; a fresh adapter where absent. */
  readonly critic?: CriticStart;
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

export interface PolicyResult {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly samples: readonly ComparedSample[];
  readonly metrics: Readonly<Record<string, number>>;
}

export async function trainPolicy(options: PolicyOptions): Promise<Outcome<PolicyResult>> {
  const { settings, seed, host, prompts } = options;
  if (prompts.length === 0) throw new HumanError(l10n.t('There are no prompts to learn from. Add some to the data.'));
  if (settings.algorithm === 'ppo' && settings.missingEosScore !== null && settings.missingEosPenalty !== null) {
    throw new HumanError(
      l10n.t('An answer without an end has either a score of its own or a penalty. Set one of the two to none.'),
    );
  }
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const { config, weights } = options;
  const method = policyMethod(settings);
  const program = await createTrainingProgram({
    config,
    weights,
    trainable: { kind: 'lora', lora: settings.lora, seed },
    head: 'lm',
    baseProducts: settings.baseProducts,
    recompute: settings.recompute === 'on',
    temperature: settings.temperature,
    inputs: method.inputs,
    loss: method.loss,
    optimizer: optimizerOf(settings),
    ...threads,
  });
  const critic = settings.algorithm === 'ppo' ? await openCritic(options, settings) : undefined;
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
      critic?.restore(options.resume.arrays);
      method.restore?.(options.resume.arrays);
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
    const save = () => checkpoints.save(step, new Map([...(critic?.arrays() ?? []), ...(method.arrays?.() ?? [])]));

    // 1. The fixed prompts as the base answers them.
    host.phase(l10n.t('Sampling before training'));
    const before = await evaluate(watched, rollout, options, true);
    if (step === 0) host.samples(0, before.samples);

    host.phase(l10n.t('Training'));
    while (step < steps) {
      if (await host.breathe()) {
        await save();
        return { kind: 'stopped' };
      }
      // 2. Rollout: n answers of the policy to each prompt of the step.
      const chosen = promptsOfStep(prompts.length, promptsPerStep, step, order);
      const repeated = chosen.flatMap(index => Array.from({ length: n }, () => prompts[index]!));
      const answers = await sampleAnswers(repeated, row => step * repeated.length + row, rollout);
      // 3. Scores, and log-probabilities under policy and base.
      const scored = await scoreAnswers(program, method, answers, options);
      // 4. Rewards and advantages.
      const values = await critic?.values(answers);
      const lesson = method.lesson(values ? { ...scored, values } : scored);
      // 5. Updates.
      const learningRate = learningRateAt(settings, step, steps);
      const update = await updatePolicy({ program, critic, values }, scored, lesson, learningRate, options);
      step++;
      const { loss, grad_norm: gradNorm } = update as { loss: number; grad_norm: number };
      await checkpoints.requireFinite({ step, loss, gradNorm });
      // 6. Reports.
      host.metrics(step, {
        ...update,
        ...describe(scored, lesson.rewards, n),
        ...lesson.metrics,
        learning_rate: learningRate,
      });
      host.progress(step, steps);
      const last = step === steps;
      if (!last && settings.evaluateEvery > 0 && step % settings.evaluateEvery === 0) {
        host.samples(step, (await evaluate(watched, rollout, options)).samples);
      }
      if (!last && settings.checkpointEvery > 0 && step % settings.checkpointEvery === 0) await save();
    }

    // 7. The fixed prompts once more, and how far the policy went from its base on them.
    host.phase(l10n.t('Sampling after training'));
    const after = await evaluate(watched, rollout, options);
    host.samples(step, after.samples);
    const scored = await scoreAnswers(program, method, after.answers, options, after.scores);
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
    await critic?.dispose();
    await program.dispose();
  }
}

/** PPO's ε of AdamW is that of arXiv 2403.17031. */
const optimizerOf = ({ algorithm, weightDecay, maxGradNorm }: RlhfSettings) => ({
  weightDecay,
  maxGradNorm,
  ...(algorithm === 'ppo' ? { epsilon: 1e-5 } : {}),
});

const openCritic = ({ config, weights, seed, host, critic, threads }: PolicyOptions, settings: PpoSettings) =>
  createCritic({
    config,
    weights,
    lora: settings.lora,
    start: critic,
    seed,
    clipRange: settings.valueClipRange,
    weight: settings.valueWeight,
    microBatchSize: settings.microBatchSize,
    optimizer: optimizerOf(settings),
    computation: {
      baseProducts: settings.baseProducts,
      recompute: settings.recompute === 'on',
      ...(threads === undefined ? {} : { threads }),
    },
    host,
  });

/** Answers to the fixed prompts, always with the same random numbers. */
async function evaluate(
  prompts: readonly EncodedPrompt[],
  rollout: RolloutOptions,
  options: PolicyOptions,
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
async function scoresOf(answers: readonly Answer[], { reward, settings }: PolicyOptions): Promise<number[]> {
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
  { inputs }: PolicyMethod,
  answers: readonly Answer[],
  options: PolicyOptions,
  known?: readonly number[],
): Promise<Scored> {
  const scores = known ?? (await scoresOf(answers, options));
  const old = new Array<Float32Array>(answers.length);
  const reference = new Array<Float32Array>(answers.length);
  const kl = new Array<number>(answers.length);
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
    const base = (await program.forward(batch, { adapter: false })).rows.logProbs!;
    let at = 0;
    for (const [place, index] of part.entries()) {
      const end = at + rows[place]!.ids.length;
      old[index] = logProbs.slice(at, end);
      reference[index] = base.slice(at, end);
      kl[index] = 0;
      for (; at < end; at++) kl[index] += klEstimate('k1', logProbs[at]! - base[at]!);
    }
  });
  return { answers, scores, old, reference, kl, entropy: tokens === 0 ? 0 : entropy / tokens };
}

interface Learners {
  readonly program: TrainingProgram;
  readonly critic: Critic | undefined;
  /** The critic's, of the rollout. */
  readonly values: readonly Float32Array[] | undefined;
}

/** Updates from the same answers; metrics of the last one, or the means over all where there is a critic (as `…_avg` says). */
async function updatePolicy(
  { program, critic, values }: Learners,
  { answers }: Scored,
  lesson: Lesson,
  learningRate: number,
  { settings, host }: PolicyOptions,
): Promise<Record<string, number>> {
  const all: Record<string, number>[] = [];
  const updates = 'updatesPerRollout' in settings ? settings.updatesPerRollout : 1;
  for (let update = 0; update < updates; update++) {
    let loss = 0;
    const totals: Record<string, number> = {};
    await inParts(answers, rowLength, settings.microBatchSize, host, async part => {
      const batch = answerBatch(part.map(index => answers[index]!));
      const result = await program.gradients({ ...batch, inputs: lesson.feed(part) });
      loss += result.loss;
      for (const [name, value] of Object.entries(result.metrics)) totals[name] = (totals[name] ?? 0) + value;
    });
    const { gradNorm } = program.apply(learningRate);
    all.push({ loss, grad_norm: gradNorm, ...totals });
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) break;
    if (critic && values && lesson.returns) {
      const learned = await critic.learn(answers, values, lesson.returns, learningRate);
      Object.assign(all.at(-1)!, {
        loss: loss + ('valueWeight' in settings ? settings.valueWeight : 1) * learned.loss,
        'loss/policy_avg': loss,
        'loss/value_avg': learned.loss,
        'val/grad_norm': learned.gradNorm,
      });
      if (!Number.isFinite(learned.loss) || !Number.isFinite(learned.gradNorm)) break;
    }
  }
  const last = all.at(-1)!;
  return critic ? Object.fromEntries(Object.keys(last).map(name => [name, mean(all.map(one => one[name]!))])) : last;
}

/** Metrics of a step's answers under TRL's names. Lengths are tokens. */
function describe(
  { answers, scores, kl, entropy }: Scored,
  rewards: readonly number[],
  n: number,
): Record<string, number> {
  const lengths = answers.map(({ ids }) => ids.length);
  const cut = answers.filter(({ ended }) => !ended).length;
  // A single answer to a prompt can only be compared with those to the others.
  const spread = groupSpread(rewards, n > 1 ? n : rewards.length);
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
