/**
 * The whole loop as one experiment: answers are sampled, a declared simulated annotator judges them, a reward model learns
 * its preferences, the policy is tuned on that reward model alone, and unseen prompts tell whether it got better under the
 * annotator's true rule. Models and processes are the host's; the order of things and every random choice are here.
 */

import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';
import type { Prompt, SamplingOptions } from '../generation.ts';
import type { PreferencePair } from '../preferences/judgement.ts';
import {
  compareReplies,
  defaultLabelNoise,
  judgeReply,
  shufflePreferences,
} from '../preferences/simulatedAnnotator.ts';
import { winRate } from '../statistics/intervals.ts';
import { distinct, meanWords } from '../statistics/textStatistics.ts';
import type { JobResult, RewardSettings, RlhfSettings, RlooSettings } from './job.ts';
import { rewardSettings, rlhfSettings } from './presets.ts';

export interface LoopPrompt {
  readonly prompt: Prompt;
  /** What the review talks about. */
  readonly about: string;
}

export interface LoopSettings {
  /** Prompts whose answers are judged, and answers to each. */
  readonly judgedPrompts: number;
  readonly answersPerPrompt: number;
  /** Unseen prompts that are compared, at most. */
  readonly comparedPrompts: number;
  readonly maxOutputTokens: number;
  readonly labelNoise: number;
  readonly reward: RewardSettings;
  readonly rlhf: RlooSettings;
}

export interface LoopOptions {
  readonly model: string;
  readonly seed: number;
  readonly training: readonly LoopPrompt[];
  /** Never judged and never trained on. */
  readonly heldOut: readonly LoopPrompt[];
  readonly settings: LoopSettings;
  /** The control: preferences that say nothing. */
  readonly shufflePreferences: boolean;
}

export interface LoopHost {
  /**
   * One answer to each prompt. `repeat` names its random numbers: it differs for each of them, or all answers would begin
   * alike and count as one observation. `adapter`: folder of a tuned model; without one the base answers.
   */
  sample(
    prompts: readonly { readonly prompt: Prompt; readonly repeat: number }[],
    sampling: SamplingOptions,
    adapter?: string,
  ): Promise<string[]>;
  trainReward(pairs: readonly PreferencePair[], settings: RewardSettings, seed: number): Promise<JobResult>;
  /** On the rewards of the model in folder `rewardModel`, and on nothing else. */
  trainPolicy(
    prompts: readonly Prompt[],
    heldOut: readonly Prompt[],
    rewardModel: string,
    settings: RlhfSettings,
    seed: number,
  ): Promise<JobResult>;
  progress(message: string): void;
  /** Since the start. */
  seconds(): number;
}

export interface LoopResult {
  readonly model: string;
  readonly seed: number;
  readonly heldOut: { readonly winRate: number; readonly low: number; readonly high: number; readonly n: number };
  readonly rewardModel: { readonly accuracy: number; readonly low: number; readonly high: number; readonly n: number };
  /** Mean reward by the trained reward model on held-out prompts. */
  readonly reward: BeforeAfter;
  /** Words. */
  readonly length: BeforeAfter;
  readonly distinct2: BeforeAfter;
  /** Nats a whole answer, tuned model to base. */
  readonly kl: number;
  readonly seconds: number;
}

interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}

/** Sizes that fit the model: a small one does the whole experiment in minutes, a larger one a shorter one. */
export function loopSettings(parameters: number): LoopSettings {
  const small = parameters < 30e6;
  const maxOutputTokens = small ? 64 : 48;
  return {
    judgedPrompts: small ? 240 : 24,
    answersPerPrompt: 4,
    comparedPrompts: small ? 1000 : 200,
    maxOutputTokens,
    labelNoise: defaultLabelNoise,
    reward: { ...rewardSettings('quick', parameters), epochs: 1, ...(small ? { batchSize: 16 } : {}) },
    rlhf: {
      ...rlhfSettings('quick', parameters),
      maxNewTokens: maxOutputTokens,
      evaluateEvery: 0,
      evaluationPrompts: small ? 48 : 12,
      ...(small ? { steps: 32 } : { steps: 10, promptsPerStep: 4, microBatchSize: 8 }),
    },
  };
}

export async function runLoop(options: LoopOptions, host: LoopHost): Promise<LoopResult> {
  const { settings, training } = options;
  const heldOut = options.heldOut.slice(0, settings.comparedPrompts);
  const sampling = samplingOf(settings, options.seed);
  const reward = await trainProxy(options, host);

  // 4. The policy, on the reward model alone.
  host.progress(l10n.t('Tuning the model on the reward model'));
  const policy = await host.trainPolicy(
    training.map(({ prompt }) => prompt),
    heldOut.map(({ prompt }) => prompt),
    reward.adapter,
    settings.rlhf,
    options.seed,
  );

  // 5. Before and after on unseen prompts, under the rule without noise.
  host.progress(l10n.t('Comparing before and after on {0} unseen prompts', heldOut.length));
  const unseen = heldOut.map(({ prompt }, repeat) => ({ prompt, repeat }));
  const before = await host.sample(unseen, sampling);
  const after = await host.sample(unseen, sampling, policy.adapter);
  const scores = (texts: readonly string[]) =>
    texts.map((text, index) => judgeReply(heldOut[index]!.about, text).score);
  const { estimate, low, high, n } = winRate(scores(before), scores(after));
  const accuracy = reward.accuracy ?? { estimate: 0, low: 0, high: 1, n: 0 };
  return {
    model: options.model,
    seed: options.seed,
    heldOut: { winRate: estimate, low, high, n },
    rewardModel: { accuracy: accuracy.estimate, low: accuracy.low, high: accuracy.high, n: accuracy.n },
    reward: { before: policy.metrics.reward_before ?? 0, after: policy.metrics.reward_after ?? 0 },
    length: { before: meanWords(before), after: meanWords(after) },
    distinct2: { before: distinct(before, 2), after: distinct(after, 2) },
    kl: policy.metrics.kl ?? 0,
    seconds: host.seconds(),
  };
}

const samplingOf = (settings: LoopSettings, seed: number): SamplingOptions => ({
  temperature: settings.rlhf.temperature,
  topP: 1,
  topK: 0,
  maxOutputTokens: settings.maxOutputTokens,
  seed,
  stopSequences: [],
});

/** A reward model of the annotator's preferences: all that the policy will ever learn about the rule. */
export async function trainProxy(
  { settings, training, seed, ...options }: Omit<LoopOptions, 'model' | 'heldOut'>,
  host: Pick<LoopHost, 'sample' | 'trainReward' | 'progress'>,
): Promise<JobResult> {
  const rng = Rng.seeded(seed);

  // 1. Answers of the base, to judge.
  const judged = rng.stream('judged').shuffled(training).slice(0, settings.judgedPrompts);
  host.progress(l10n.t('Sampling {0} answers to each of {1} prompts', settings.answersPerPrompt, judged.length));
  const repeats = Array.from({ length: settings.answersPerPrompt }, (_, repeat) => repeat);
  const answers = await host.sample(
    judged.flatMap(({ prompt }, index) => repeats.map(repeat => ({ prompt, repeat: index * repeats.length + repeat }))),
    samplingOf(settings, seed),
  );

  // 2. Preferences of the annotator, noise included.
  const pairs = judged.flatMap((item, index) => {
    const own = answers.slice(index * repeats.length, (index + 1) * repeats.length);
    return pairsOf(item, own, `prompt-${index}`, rng.stream('annotator', index), settings.labelNoise);
  });
  const preferences = options.shufflePreferences
    ? shufflePreferences(pairs, ({ kind }) => kind, rng.stream('shuffle'))
    : pairs;

  // 3. The reward model.
  host.progress(l10n.t('Training the reward model on {0} preferences', preferences.length));
  return host.trainReward(
    preferences.map(({ pair, chosen, rejected }) => ({ ...pair, chosen, rejected })),
    settings.reward,
    seed,
  );
}

interface JudgedPair {
  readonly pair: PreferencePair;
  readonly chosen: string;
  readonly rejected: string;
  /** How the rule sees the two: pairs of one kind are alike. */
  readonly kind: string;
}

function pairsOf(item: LoopPrompt, answers: readonly string[], name: string, rng: Rng, noise: number): JudgedPair[] {
  const messages =
    item.prompt.kind === 'messages' ? item.prompt.messages : [{ role: 'user' as const, content: item.prompt.text }];
  const verdicts = answers.map(answer => judgeReply(item.about, answer));
  return compareReplies(item.about, answers, rng, noise).map(({ chosen, rejected }) => {
    const [a, b] = [verdicts[chosen]!, verdicts[rejected]!];
    const texts = { chosen: answers[chosen]!, rejected: answers[rejected]! };
    return {
      pair: { messages: [...messages], ...texts, judgement: `${name}:${chosen}-${rejected}`, item: name },
      ...texts,
      kind: [
        Number(a.names) - Number(b.names),
        Number(a.offers) - Number(b.offers),
        Math.sign(b.words - a.words),
      ].join(),
    };
  });
}
