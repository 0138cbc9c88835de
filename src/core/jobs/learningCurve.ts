/**
 * Whether more comparisons or a larger model would help: held-out accuracy of reward models against both, beside what people
 * reach (Stiennon et al. 2020, fig. 6). All models are measured on the same held-out prompts.
 */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { HumanAgreement } from '../preferences/humanAgreement.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import type { JobResult } from './job.ts';

export interface LearningCurveOptions {
  readonly models: readonly string[];
  /** Comparisons to learn from at most, rising. */
  readonly sizes: readonly number[];
  readonly seeds: readonly number[];
  readonly people: HumanAgreement;
}

export interface LearningCurveHost {
  /** Parameters of the model; called before its jobs. */
  parametersOf(model: string): Promise<number>;
  /** Trains on `comparisons` at most; the same held-out pairs every time. */
  train(model: string, comparisons: number, seed: number): Promise<Pick<JobResult, 'accuracy' | 'metrics' | 'report'>>;
  progress(message: string): void;
}

export interface LearningCurvePoint {
  /** That were learned from, a mean over the seeds. */
  readonly comparisons: number;
  /** Mean over the seeds, with Wilson's interval for the held-out pairs, which are the same for all seeds. */
  readonly accuracy: Interval;
  readonly seeds: readonly number[];
}

export interface LearningCurveModel {
  readonly model: string;
  readonly parameters: number;
  readonly points: readonly LearningCurvePoint[];
}

export interface LearningCurveResult {
  readonly models: readonly LearningCurveModel[];
  /** One person against another, and against most of the others; null where too few people judged the same. */
  readonly person: Interval | null;
  readonly group: Interval | null;
  /** The better rule about length, on the same held-out pairs. */
  readonly lengthRule: Interval | null;
}

/** Halves of what there is, five sizes at most and none below 8: that many are hardly enough to learn anything. */
export function curveSizes(available: number): number[] {
  const sizes = [available];
  while (sizes.length < 5 && Math.floor(sizes[0]! / 2) >= 8) sizes.unshift(Math.floor(sizes[0]! / 2));
  return sizes;
}

/** Rejects with a HumanError where nothing could be held out. */
export async function runLearningCurve(
  { models, sizes, seeds, people }: LearningCurveOptions,
  host: LearningCurveHost,
): Promise<LearningCurveResult> {
  const found: LearningCurveModel[] = [];
  let lengthRule: Interval | null = null;
  for (const model of models) {
    const parameters = await host.parametersOf(model);
    const points: LearningCurvePoint[] = [];
    for (const size of sizes) {
      const accuracies: Interval[] = [];
      let comparisons = 0;
      for (const seed of seeds) {
        host.progress(l10n.t('{0}: {1} comparisons, seed {2}', model, size, seed));
        const { accuracy, metrics, report } = await host.train(model, size, seed);
        if (!accuracy) {
          throw new HumanError(
            l10n.t('No prompt could be held out, so there is no accuracy to draw. Rank answers to more prompts.'),
          );
        }
        accuracies.push(accuracy);
        comparisons += (metrics.train_pairs ?? size) / seeds.length;
        lengthRule = report?.lengthRule.accuracy ?? lengthRule;
      }
      const { n } = accuracies[0]!;
      const estimates = accuracies.map(({ estimate }) => estimate);
      const mean = estimates.reduce((a, b) => a + b, 0) / estimates.length;
      points.push({ comparisons, accuracy: { ...wilson(mean * n, n), estimate: mean }, seeds: estimates });
    }
    found.push({ model, parameters, points });
  }
  return { models: found, person: people.one ?? null, group: people.group ?? null, lengthRule };
}
