/**
 * Over-optimisation as an experiment (Stiennon et al. 2020, fig. 5; Gao et al. 2022): a policy is tuned on a reward model, the
 * proxy, with and without a KL penalty, and the rule behind the preferences, the gold, only watches. Without the penalty
 * the proxy goes on rising while the gold falls.
 */

import { l10n } from '../../base/l10n.ts';
import type { Prompt } from '../generation.ts';
import { judgeReply } from '../preferences/simulatedAnnotator.ts';
import { type FrontierFit, fitFrontier } from '../statistics/overoptimisation.ts';
import type { JobEvent, RlooSettings } from './job.ts';
import { type LoopHost, type LoopPrompt, type LoopSettings, loopSettings, trainProxy } from './loop.ts';

export interface OveroptimisationOptions {
  readonly model: string;
  readonly seeds: readonly number[];
  /** Strengths of the KL penalty that are compared. */
  readonly betas: readonly number[];
  readonly training: readonly LoopPrompt[];
  /** Never judged and never trained on: proxy and gold are read on their answers. */
  readonly heldOut: readonly LoopPrompt[];
  readonly settings: LoopSettings;
}

export interface OveroptimisationHost extends Pick<LoopHost, 'sample' | 'trainReward' | 'progress' | 'seconds'> {
  /** Tunes on the reward model in folder `rewardModel` alone; the job's events. */
  trainPolicy(
    prompts: readonly Prompt[],
    heldOut: readonly Prompt[],
    rewardModel: string,
    settings: RlooSettings,
    seed: number,
  ): Promise<readonly JobEvent[]>;
}

/** Mean over the seeds with its standard error. */
export interface Mean {
  readonly mean: number;
  readonly error: number;
}

interface Evaluation {
  readonly step: number;
  readonly kl: number;
  readonly proxy: number;
  readonly gold: number;
}

export interface OveroptimisationPoint {
  readonly step: number;
  /** Nats an answer, tuned model to base. */
  readonly kl: Mean;
  /** Reward by the reward model above that of the base, in standard deviations of the base's rewards: each seed has a reward model of its own. */
  readonly proxy: Mean;
  /** The rule's points above those of the base. */
  readonly gold: Mean;
}

export interface OveroptimisationCurve {
  readonly beta: number;
  readonly points: readonly OveroptimisationPoint[];
  /** Step at which the mean gold is highest. */
  readonly peakStep: number;
  /** Gold at the peak less gold at the end, of the same seeds. */
  readonly drop: Mean;
  /** Proxy at the end less proxy at the peak of the gold. */
  readonly proxySince: Mean;
  /** Gao's form for RL, over the points of all seeds. */
  readonly fit: FrontierFit | null;
}

export interface OveroptimisationResult {
  readonly model: string;
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly curves: readonly OveroptimisationCurve[];
  readonly seconds: number;
}

/** A proxy of few comparisons, and a policy with time to find its holes. */
export function overoptimisationSettings(parameters: number): LoopSettings {
  const loop = loopSettings(parameters);
  return {
    ...loop,
    judgedPrompts: 12,
    labelNoise: 0.25,
    comparedPrompts: 128,
    rlhf: {
      ...loop.rlhf,
      steps: 100,
      evaluateEvery: 10,
      evaluationPrompts: 128,
      checkpointEvery: 0,
    },
  };
}

export async function runOveroptimisation(
  options: OveroptimisationOptions,
  host: OveroptimisationHost,
): Promise<OveroptimisationResult> {
  const { settings, seeds, betas, training } = options;
  const heldOut = options.heldOut.slice(0, settings.comparedPrompts);
  const runs: Evaluation[][][] = betas.map(() => []);
  for (const seed of seeds) {
    const { adapter } = await trainProxy({ seed, training, settings, shufflePreferences: false }, host);
    for (const [index, beta] of betas.entries()) {
      host.progress(l10n.t('Seed {0}: tuning with β = {1}', seed, beta));
      const events = await host.trainPolicy(
        training.map(({ prompt }) => prompt),
        heldOut.map(({ prompt }) => prompt),
        adapter,
        { ...settings.rlhf, beta },
        seed,
      );
      runs[index]!.push(evaluations(events, heldOut));
    }
  }
  return {
    model: options.model,
    seeds,
    steps: settings.rlhf.steps,
    curves: betas.map((beta, index) => curveOf(beta, runs[index]!)),
    seconds: host.seconds(),
  };
}

/** Steps over which the KL of training batches is averaged: one batch is noisy. */
const KlSteps = 5;

/** What the fixed prompts' answers of a job are worth, by its own reward and by the rule. */
export function evaluations(events: readonly JobEvent[], prompts: readonly LoopPrompt[]): Evaluation[] {
  const metrics = events.flatMap(event => (event.type === 'metrics' ? [event] : []));
  const samples = events.flatMap(event => (event.type === 'samples' ? [event] : []));
  const base = samples.find(({ step }) => step === 0);
  if (!base) return [];
  const rewards = (event: (typeof samples)[number]) => event.samples.map(({ reward }) => reward ?? 0);
  const gold = (event: (typeof samples)[number]) =>
    event.samples.map(({ answer }, index) => judgeReply(prompts[index]!.about, answer).score);
  const { mean: origin, error } = meanOf(rewards(base));
  const scale = error * Math.sqrt(base.samples.length) || 1;
  const goldOrigin = meanOf(gold(base)).mean;
  return samples.map(event => {
    const kl = metrics.filter(({ step }) => step > event.step - KlSteps && step <= event.step);
    return {
      step: event.step,
      kl: event.step === 0 ? 0 : meanOf(kl.map(({ values }) => values.kl ?? 0)).mean,
      proxy: (meanOf(rewards(event)).mean - origin) / scale,
      gold: meanOf(gold(event)).mean - goldOrigin,
    };
  });
}

export function curveOf(beta: number, runs: readonly (readonly Evaluation[])[]): OveroptimisationCurve {
  const points = (runs[0] ?? []).map(({ step }, index) => ({
    step,
    kl: meanOf(runs.map(run => run[index]!.kl)),
    proxy: meanOf(runs.map(run => run[index]!.proxy)),
    gold: meanOf(runs.map(run => run[index]!.gold)),
  }));
  const peak = points.reduce((best, { gold }, index) => (gold.mean > points[best]!.gold.mean ? index : best), 0);
  const fit = fitFrontier(
    runs.flatMap(run => run.map(({ kl, gold }) => ({ d: Math.sqrt(Math.max(0, kl)), reward: gold }))),
    'rl',
  );
  return {
    beta,
    points,
    peakStep: points[peak]?.step ?? 0,
    drop: meanOf(runs.map(run => run[peak]!.gold - run.at(-1)!.gold)),
    proxySince: meanOf(runs.map(run => run.at(-1)!.proxy - run[peak]!.proxy)),
    fit: fit ?? null,
  };
}

function meanOf(values: readonly number[]): Mean {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) || 0 };
}
