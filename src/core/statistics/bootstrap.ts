/** Percentile bootstrap: how much a figure would move if other units (items, prompts) had been drawn. */
import { Rng } from '../../base/rng.ts';
import type { Interval } from './intervals.ts';

export interface BootstrapOptions {
  /** Resamples; 1000 when left out. */
  readonly repeats?: number;
  readonly seed?: number;
}

/** The value below which the share `q` of `sorted` lies, interpolated as numpy's `percentile` does. NaN for an empty list. */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low]!;
  return below + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)]! - below);
}

/**
 * 95 % percentile interval (Efron & Tibshirani 1993, ch. 13) of several figures at once. `statistic` gets how often each of
 * the `units` was drawn, so that sums over units need no copies; figures that are undefined in a resample (NaN) are left out.
 */
export function bootstrapWeights(
  units: number,
  statistic: (weights: Float64Array) => readonly number[],
  { repeats = 1000, seed = 0 }: BootstrapOptions = {},
): Interval[] {
  const weights = new Float64Array(units).fill(1);
  const estimates = statistic(weights);
  const samples = estimates.map((): number[] => []);
  const rng = Rng.seeded(seed);
  for (let repeat = 0; units > 0 && repeat < repeats; repeat++) {
    weights.fill(0);
    for (let draw = 0; draw < units; draw++) weights[rng.int(units)]!++;
    for (const [index, value] of statistic(weights).entries()) if (!Number.isNaN(value)) samples[index]!.push(value);
  }
  return estimates.map((estimate, index) => {
    const sorted = samples[index]!.sort((a, b) => a - b);
    return { estimate, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975), n: units };
  });
}
