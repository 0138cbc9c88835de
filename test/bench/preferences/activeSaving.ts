/** How many comparisons choosing saves: noisy simulated annotators, a reward learned from them, chosen against random order. */
import { Rng } from '../../../src/base/rng.ts';
import {
  type Difference,
  type Observed,
  PreferencePosterior,
} from '../../../src/core/preferences/preferencePosterior.ts';

const features = 12;
const poolSize = 1500;
const testSize = 2000;
const batch = 10;
const most = 900;

export interface ActiveSaving {
  readonly seeds: number;
  /** Share of comparisons saved, mean over seeds with a 95 % interval. */
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Each seed: a hidden reward over features of unequal spread, a pool of pairs in which a third comes twice, annotators who answer by
 * Bradley–Terry (so that close pairs are often "wrong"). Both orders pass over duplicates. Counted is how many comparisons it takes
 * until the learned reward orders `target` of the held-out pairs as the hidden one does, and stays there for three batches.
 */
export function activeSaving(seeds = 32, target = 0.9): ActiveSaving {
  const savings = Array.from({ length: seeds }, (_, seed) => {
    const chosen = needed(seed, true, target);
    const random = needed(seed, false, target);
    return 1 - chosen / random;
  });
  const mean = savings.reduce((sum, value) => sum + value, 0) / seeds;
  const deviation = Math.sqrt(savings.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (seeds - 1));
  // Student's t at 97.5 % for 9 or more degrees of freedom is at most 2.26.
  const half = (2.26 * deviation) / Math.sqrt(seeds);
  return { seeds, mean, low: mean - half, high: mean + half };
}

function needed(seed: number, isChosen: boolean, target: number): number {
  const world = Rng.seeded(seed).stream('world');
  const annotator = Rng.seeded(seed).stream('annotator', String(isChosen));
  const order = Rng.seeded(seed).stream('order', String(isChosen));
  const normal = (rng: Rng): number => Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
  const spread = Array.from({ length: features }, (_, i) => 1 / Math.sqrt(1 + i));
  const hidden = Float64Array.from(
    { length: features },
    (_, i) => (1.5 * normal(world)) / spread[i]! / Math.sqrt(features),
  );
  const pair = (): Difference =>
    Float64Array.from({ length: features }, (_, i) => spread[i]! * (normal(world) - normal(world)));
  const unique = Array.from({ length: poolSize }, pair);
  const pool = [...unique, ...unique.slice(0, poolSize / 3)];
  const test = Array.from({ length: testSize }, pair);
  const margin = (x: Difference): number => x.reduce((sum, value, i) => sum + value * hidden[i]!, 0);

  const seen = new Set<string>();
  const left = order.shuffled(pool).filter(x => {
    const key = x.join();
    return !seen.has(key) && seen.add(key) !== undefined;
  });
  const observed: Observed[] = [];
  const posterior = new PreferencePosterior(features);
  let since = 0;
  while (observed.length < most && left.length > 0) {
    for (let i = 0; i < batch; i++) {
      let best = left.length - 1;
      if (isChosen) {
        let most = -1;
        for (const [j, x] of left.entries()) {
          const gain = posterior.information(x);
          if (gain > most) [most, best] = [gain, j];
        }
      }
      const [difference] = left.splice(best, 1);
      posterior.expect(difference!);
      observed.push({
        difference: difference!,
        outcome: annotator.next() < 1 / (1 + Math.exp(-margin(difference!))) ? 1 : 0,
      });
    }
    posterior.fit(observed);
    const right = test.filter(x => posterior.margin(x) > 0 === margin(x) > 0).length;
    since = right >= target * testSize ? since + 1 : 0;
    if (since === 3) return observed.length - 2 * batch;
  }
  return most;
}
