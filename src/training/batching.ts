/** Sorts sequences of different lengths into micro-batches with little padding, in an order that depends on the seed alone. */

import type { Rng } from '../base/rng.ts';

export interface BatchingSettings {
  /** Rows × longest row of a micro-batch stay within this, unless one row alone is longer. */
  readonly tokensPerMicroBatch: number;
  /** Longest row that a micro-batch may hold beside a shortest one, as a ratio; bounds the padding of each. Default 1.15. */
  readonly lengthRatio?: number;
}

/**
 * Indices of `lengths` in micro-batches: sorted by length, cut where the batch is full or its rows differ too much in
 * length, then shuffled. Rows of equal length are mixed first, so that neighbours change from window to window.
 */
export function bucketByLength(lengths: readonly number[], settings: BatchingSettings, rng: Rng): number[][] {
  const ratio = settings.lengthRatio ?? 1.15;
  const order = rng.shuffled(lengths.map((_, index) => index)).sort((a, b) => lengths[a]! - lengths[b]!);
  const batches: number[][] = [];
  let current: number[] = [];
  for (const index of order) {
    const length = lengths[index]!;
    const shortest = current.length === 0 ? length : lengths[current[0]!]!;
    // One token of slack, or the shortest rows would never find company.
    const tooUneven = length > Math.max(shortest + 1, shortest * ratio);
    if (current.length > 0 && (tooUneven || (current.length + 1) * length > settings.tokensPerMicroBatch)) {
      batches.push(current);
      current = [];
    }
    current.push(index);
  }
  if (current.length > 0) batches.push(current);
  return rng.shuffled(batches);
}

/** Share of the padded tokens that are padding, over all batches. */
export function paddingShare(lengths: readonly number[], batches: readonly (readonly number[])[]): number {
  let real = 0;
  let padded = 0;
  for (const batch of batches) {
    const own = batch.map(index => lengths[index]!);
    real += own.reduce((sum, length) => sum + length, 0);
    padded += own.length * Math.max(...own);
  }
  return padded === 0 ? 0 : 1 - real / padded;
}
