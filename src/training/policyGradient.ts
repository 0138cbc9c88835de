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
import { createTrainingProgram } from '../language-model/trainable.ts';
import { type ActorPool, RolloutsAhead } from './actors.ts';
import { type CriticStart, createCritic } from './critic.ts';
import { type GoldOptions, GoldWatch } from './goldWatch.ts';
import { mean } from './math/normalise.ts';
import { policyMethod } from './policyMethods.ts';
import {
  checkedScores,
  type Evaluation,
  evaluate,
  type PolicyStart,
  type Sampler,
  scoreAnswers,
  setWeights,
  warningsOf,
  withWeights,
} from './policyScoring.ts';
import { describe, describeImportance, updatePolicy } from './policyUpdate.ts';
import {
  Checkpoints,
  learningRateAt,
  type Outcome,
  type RecipeCheckpoint,
  type RecipeHost,
  unpackState,
} from './recipe.ts';
import {
  type Answer,
  answersOf,
  type EncodedPrompt,
  ModelAway,
  promptsOfStep,
  type RewardFunction,
  type RolloutOptions,
  requestsFor,
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
  /** Samples the answers beside the updates; they are sampled here, in turn, where absent. */
  readonly actors?: ActorPool;
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
    const promptsOf = (at: number): EncodedPrompt[] =>
      promptsOfStep(prompts.length, promptsPerStep, at, order).flatMap(index =>
        Array.from({ length: n }, () => prompts[index]!),
      );
    const streamOf = (at: number) => (row: number) => at * promptsPerStep * n + row;
    const ahead =
      options.actors &&
      new RolloutsAhead(options.actors, settings, at => requestsFor(promptsOf(at), streamOf(at), rollout), step);
    if (options.resume) ahead?.restore(options.resume.arrays);
    const checkpoints = new Checkpoints(host, program, step);
    const gold = options.gold && new GoldWatch(options.gold, options.resume);
    const save = () =>
      checkpoints.save(
        step,
        new Map([
          ...(critic?.arrays() ?? []),
          ...(method.arrays?.() ?? []),
          ...(gold?.arrays ?? []),
          ...(ahead?.arrays(step) ?? []),
        ]),
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
    if (step < steps) ahead?.publish(step, program.trainable);
    let after: Evaluation | undefined;
    while (step < steps && !gold?.past) {
      if (await host.breathe()) {
        await save();
        return { kind: 'stopped' };
      }
      // 2. Rollout: n answers of the policy to each prompt of the step, or of one of the last policies.
      const { answers, sampler, lag } = ahead
        ? await takeAnswers(ahead, step, promptsOf(step), rollout)
        : { answers: await sampleAnswers(promptsOf(step), streamOf(step), rollout) };
      // 3. Scores, and log-probabilities under policy, base and sampler.
      const scored = await scoreAnswers(program, method, answers, options, undefined, sampler).catch(
        async (error: unknown) => {
          // Nothing was updated since the step began, so that it can begin again from here.
          if (error instanceof ModelAway && step > 0) await save();
          throw error;
        },
      );
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
      if (step < steps && !gold?.past) ahead?.publish(step, program.trainable);
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
        ...(lag === undefined ? {} : { 'rollout/lag': lag, ...describeImportance(scored, settings) }),
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

/**
 * The answers of a step from the actors, and the policy that they are from where it is not that of now. The decoder's log-probabilities
 * are those of the model itself, so that at another temperature than 1 they are computed from its weights.
 */
async function takeAnswers(
  ahead: RolloutsAhead,
  step: number,
  prompts: readonly EncodedPrompt[],
  options: RolloutOptions,
): Promise<{ readonly answers: Answer[]; readonly lag: number; readonly sampler?: Sampler }> {
  const { sequences, version } = await ahead.take(step);
  const answers = answersOf(prompts, sequences, options);
  const lag = step - version;
  if (lag === 0) return { answers, lag };
  if (options.temperature !== 1) return { answers, lag, sampler: { weights: ahead.weightsOf(version) } };
  return { answers, lag, sampler: { logProbs: sequences.map(({ logProbs }) => logProbs) } };
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
