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
import type { LoraConfig } from '../language-model/lora.ts';
import { createTrainingProgram, type TrainingProgram } from '../language-model/trainable.ts';
import { type Critic, type CriticStart, createCritic } from './critic.ts';
import { type GoldOptions, GoldWatch } from './goldWatch.ts';
import { klEstimate } from './math/kl.ts';
import { groupSpread, mean, standardDeviation } from './math/normalise.ts';
import {
  approximateKl,
  idleInputs,
  type Lesson,
  type PolicyMethod,
  policyMethod,
  type Scored,
} from './policyMethods.ts';
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
  ModelAway,
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
  /** What the reward says of the answers that it scored last, for the metrics of the step. */
  readonly rewardMetrics?: () => Readonly<Record<string, number>>;
  /** Measured at every evaluation beside the reward. */
  readonly gold?: GoldOptions;
  /** An adapter that was tuned before, to go on from; its ranks and modules count, not those of the settings. */
  readonly start?: PolicyStart;
  /** Where PPO's critic starts; a fresh adapter where absent. */
  readonly critic?: CriticStart;
  readonly endIds: readonly number[];
  readonly decode: (ids: readonly number[]) => string;
  readonly host: RecipeHost;
  readonly resume?: RecipeCheckpoint;
  readonly threads?: number;
}

export interface PolicyStart {
  readonly lora: LoraConfig;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** What the KL is measured to: this adapter as it is, or the base without one. */
  readonly reference: 'start' | 'base';
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
  readonly warnings: readonly string[];
}

export async function trainPolicy(options: PolicyOptions): Promise<Outcome<PolicyResult>> {
  const { settings, seed, host, prompts } = options;
  if (prompts.length === 0) throw new HumanError(l10n.t('There are no prompts to learn from. Add some to the data.'));
  if (settings.algorithm === 'ppo' && settings.missingEosScore !== null && settings.missingEosPenalty !== null) {
    throw new HumanError(
      l10n.t('An answer without an end has either a score of its own or a penalty. Set one of the two to none.'),
    );
  }
  if (options.gold && (settings.evaluateEvery === 0 || settings.evaluationPrompts === 0)) {
    throw new HumanError(
      l10n.t(
        'A gold reward is read off the answers to fixed prompts. Set how many there are and how often they are asked.',
      ),
    );
  }
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const { config, weights, start } = options;
  const lora = start?.lora ?? settings.lora;
  const method = policyMethod(settings);
  const program = await createTrainingProgram({
    config,
    weights,
    trainable: { kind: 'lora', lora, seed, ...(start ? { initial: start.parameters } : {}) },
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
    adapter: { config: lora, weights: program.trainable },
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
    const gold = options.gold && new GoldWatch(options.gold, options.resume);
    const save = () =>
      checkpoints.save(
        step,
        new Map([...(critic?.arrays() ?? []), ...(method.arrays?.() ?? []), ...(gold?.arrays ?? [])]),
        gold?.values,
      );
    const watch = async (evaluation: Evaluation): Promise<Record<string, number>> => {
      if (!gold || !options.gold) return {};
      const { answers, scores } = evaluation;
      const found = await checkedScores(answers, options.gold.score);
      // The base is no distance from itself.
      const kl =
        step === 0 && !start ? scores.map(() => 0) : (await scoreAnswers(program, method, answers, options, scores)).kl;
      return gold.note({ step, gold: found, proxy: scores, kl }, program.trainable);
    };

    // 1. The fixed prompts as the base answers them, or the adapter that training starts from.
    host.phase(l10n.t('Sampling before training'));
    const before = await withWeights(program, start?.parameters, () => evaluate(watched, rollout, options, !start));
    const warnings = warningsOf(before, settings.maxNewTokens);
    for (const warning of warnings) host.log('warning', warning);
    if (step === 0) {
      if (gold) host.metrics(0, await watch(before));
      host.samples(0, before.samples);
    }

    host.phase(l10n.t('Training'));
    let after: Evaluation | undefined;
    while (step < steps && !gold?.past) {
      if (await host.breathe()) {
        await save();
        return { kind: 'stopped' };
      }
      // 2. Rollout: n answers of the policy to each prompt of the step.
      const chosen = promptsOfStep(prompts.length, promptsPerStep, step, order);
      const repeated = chosen.flatMap(index => Array.from({ length: n }, () => prompts[index]!));
      const answers = await sampleAnswers(repeated, row => step * repeated.length + row, rollout);
      // 3. Scores, and log-probabilities under policy and base.
      const scored = await scoreAnswers(program, method, answers, options).catch(async (error: unknown) => {
        // Nothing was updated since the step began, so that it can begin again from here.
        if (error instanceof ModelAway && step > 0) await save();
        throw error;
      });
      const parts = options.rewardMetrics?.() ?? {};
      // 4. Rewards and advantages.
      const values = await critic?.values(answers);
      const lesson = method.lesson(values ? { ...scored, values } : scored);
      // 5. Updates.
      const learningRate = learningRateAt(settings, step, steps);
      const update = await updatePolicy({ program, critic, values }, scored, lesson, learningRate, options);
      step++;
      const { loss, grad_norm: gradNorm } = update as { loss: number; grad_norm: number };
      await checkpoints.requireFinite({ step, loss, gradNorm });
      host.progress(step, steps);
      // 6. The fixed prompts, now and then and at the end.
      const last = step === steps;
      after = undefined;
      let watching: Record<string, number> = {};
      if (last) host.phase(l10n.t('Sampling after training'));
      if (last || (settings.evaluateEvery > 0 && step % settings.evaluateEvery === 0)) {
        after = await evaluate(watched, rollout, options);
        watching = await watch(after);
      }
      // 7. Reports.
      host.metrics(step, {
        ...update,
        ...describe(scored, lesson.rewards, n),
        ...lesson.metrics,
        ...parts,
        learning_rate: learningRate,
        ...watching,
      });
      if (after) host.samples(step, after.samples);
      if (!last && settings.checkpointEvery > 0 && step % settings.checkpointEvery === 0) await save();
    }
    if (gold?.past && step < steps) {
      host.log('info', l10n.t('Stopped after step {0} of {1}: the gold reward was highest before.', step, steps));
    }

    // 8. The weights of the best evaluation, and how far the policy went from its base on the fixed prompts.
    const better = gold?.better(step);
    let written = step;
    if (better) {
      written = better.step;
      setWeights(program, better.weights);
    }
    if (better || !after) {
      after = await evaluate(watched, rollout, options);
      host.samples(written, after.samples);
    }
    const end = after;
    const scored = await scoreAnswers(program, method, end.answers, options, end.scores);
    return {
      kind: 'finished',
      value: {
        parameters: program.state().parameters,
        shapes: program.shapes,
        samples: watched.map((prompt, index) => ({
          prompt: prompt.text,
          before: before.answers[index]!.text,
          after: end.answers[index]!.text,
          rewardBefore: before.scores[index]!,
          rewardAfter: end.scores[index]!,
        })),
        warnings,
        metrics: {
          steps: step,
          reward_before: mean(before.scores),
          reward_after: mean(end.scores),
          kl: mean(scored.kl),
          ...gold?.result(written),
        },
      },
    };
  } finally {
    await generator.dispose();
    await critic?.dispose();
    await program.dispose();
  }
}

function setWeights({ trainable }: TrainingProgram, weights: ReadonlyMap<string, Float32Array>): void {
  for (const [name, view] of trainable) view.set(weights.get(name)!);
}

/** Runs `work` with other adapter weights in the place of those that are learned, where there are some. */
async function withWeights<T>(
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

interface Evaluation {
  readonly answers: readonly Answer[];
  readonly scores: readonly number[];
  readonly samples: readonly RecipeSample[];
}

/** Answers to the fixed prompts, always with the same random numbers. */
async function evaluate(
  prompts: readonly EncodedPrompt[],
  rollout: RolloutOptions,
  options: PolicyOptions,
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
function warningsOf({ answers, scores }: Evaluation, maxNewTokens: number): string[] {
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
async function scoresOf(answers: readonly Answer[], { reward, settings }: PolicyOptions): Promise<number[]> {
  const scores = await checkedScores(answers, reward);
  return scores.map((score, row) => (answers[row]!.ended ? score : (settings.missingEosScore ?? score)));
}

async function checkedScores(answers: readonly Answer[], reward: RewardFunction): Promise<readonly number[]> {
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
    const frozen = options.start?.reference === 'start' ? options.start.parameters : undefined;
    const base = await withWeights(
      program,
      frozen,
      async () => (await program.forward(batch, { adapter: frozen !== undefined })).rows.logProbs!,
    );
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
  const targetKl = 'targetKl' in settings ? settings.targetKl : null;
  const learned = lesson.learned ?? answers.map((_, row) => row);
  if (learned.length === 0) return { loss: 0, grad_norm: 0 };
  for (let update = 0; update < updates; update++) {
    let loss = 0;
    const totals: Record<string, number> = {};
    const length = (row: number) => rowLength(answers[row]!);
    await inParts(learned, length, settings.microBatchSize, host, async places => {
      const part = places.map(place => learned[place]!);
      const batch = answerBatch(part.map(index => answers[index]!));
      const result = await program.gradients({ ...batch, inputs: lesson.feed(part) });
      loss += result.loss;
      for (const [name, value] of Object.entries(result.metrics)) totals[name] = (totals[name] ?? 0) + value;
    });
    const { gradNorm } = program.apply(learningRate);
    all.push({ loss, grad_norm: gradNorm, ...totals });
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) break;
    if (critic && values && lesson.returns) {
      const value = await critic.learn(answers, values, lesson.returns, learningRate);
      Object.assign(all.at(-1)!, {
        loss: loss + ('valueWeight' in settings ? settings.valueWeight : 1) * value.loss,
        'loss/policy_avg': loss,
        'loss/value_avg': value.loss,
        'val/grad_norm': value.gradNorm,
      });
      if (!Number.isFinite(value.loss) || !Number.isFinite(value.gradNorm)) break;
    }
    // As published implementations of PPO (CleanRL): the update that was too far is the last of its round.
    if (targetKl !== null && totals[approximateKl]! > targetKl) break;
  }
  const last = all.at(-1)!;
  if (targetKl !== null) for (const one of all) one.updates = all.length;
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
