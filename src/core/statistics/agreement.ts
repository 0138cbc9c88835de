/** How far annotators agree beyond chance: raw agreement, Cohen's and Fleiss' kappa, Krippendorff's alpha. */
import { type BootstrapOptions, bootstrapWeights } from './bootstrap.ts';
import type { Interval } from './intervals.ts';

/** One thing that was judged: a value of each annotator who judged it. Units with fewer than two values say nothing. */
export type RatedUnit = readonly number[];

export type Metric = 'nominal' | 'ordinal' | 'interval';

/** Share of pairs of annotators that gave the same value, over all units. NaN where no unit was judged twice. */
export function rawAgreement(units: readonly RatedUnit[]): number {
  let same = 0;
  let all = 0;
  for (const values of units) {
    values.forEach((value, i) => {
      for (const other of values.slice(i + 1)) {
        all++;
        if (value === other) same++;
      }
    });
  }
  return same / all;
}

/** Cohen's κ (1960) of two annotators who both judged every unit. NaN when chance alone makes them agree always. */
export function cohenKappa(first: readonly number[], second: readonly number[]): number {
  if (first.length !== second.length) throw new RangeError('cohenKappa needs two values for each unit');
  const values = [...new Set([...first, ...second])];
  const counts = new Array<number>(values.length ** 2).fill(0);
  for (const [i, value] of first.entries())
    counts[values.indexOf(value) * values.length + values.indexOf(second[i]!)]!++;
  return kappaOfCounts(counts, values.length);
}

/** Cohen's κ from a table of counts by rows, `size` × `size`: one annotator's values down, the other's across. */
export function kappaOfCounts(counts: readonly number[], size: number): number {
  const n = sum(counts);
  let observed = 0;
  let chance = 0;
  for (let value = 0; value < size; value++) {
    observed += counts[value * size + value]!;
    let [row, column] = [0, 0];
    for (let other = 0; other < size; other++) {
      row += counts[value * size + other]!;
      column += counts[other * size + value]!;
    }
    chance += (row / n) * (column / n);
  }
  return (observed / n - chance) / (1 - chance);
}

/** Fleiss' κ (1971). `counts[unit][category]`; every unit has the same number of judgements, at least two. */
export function fleissKappa(counts: readonly (readonly number[])[]): number {
  const raters = sum(counts[0] ?? []);
  if (raters < 2 || counts.some(row => sum(row) !== raters))
    throw new RangeError('fleissKappa needs the same number of judgements, at least two, of every unit');
  const observed = sum(counts.map(row => sum(row.map(c => c * (c - 1))) / (raters * (raters - 1)))) / counts.length;
  const chance = sum(counts[0]!.map((_, j) => (sum(counts.map(row => row[j]!)) / (counts.length * raters)) ** 2));
  return (observed - chance) / (1 - chance);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Krippendorff's α (2011, "Computing Krippendorff's alpha-reliability") from the coincidences of values within units:
 * α = 1 − (n − 1) Σ o(c,k) δ²(c,k) / Σ n(c) n(k) δ²(c,k). NaN where nothing was judged twice or all values are the same.
 */
export function krippendorffAlpha(units: readonly RatedUnit[], metric: Metric): number {
  const { values, cells } = coincidences(units);
  return alphaOf(total(values.length, cells, undefined), values, metric);
}

/** α with a bootstrap interval. Units of one `cluster` (pairs of answers to one prompt) are drawn together. */
export function alphaInterval(
  units: readonly RatedUnit[],
  metric: Metric,
  options: BootstrapOptions & { readonly clusters?: readonly string[] } = {},
): Interval {
  const { values, cells } = coincidences(units);
  const names = options.clusters ?? units.map((_, i) => String(i));
  const clusterIds = new Map<string, number>();
  const cluster = names.map(name => {
    const id = clusterIds.get(name) ?? clusterIds.size;
    clusterIds.set(name, id);
    return id;
  });
  const statistic = (weights: Float64Array) => [
    alphaOf(
      total(values.length, cells, unit => weights[cluster[unit]!]!),
      values,
      metric,
    ),
  ];
  return bootstrapWeights(clusterIds.size, statistic, options)[0]!;
}

interface Cell {
  readonly unit: number;
  /** Row × values + column. */
  readonly at: number;
  readonly weight: number;
}

function coincidences(units: readonly RatedUnit[]): { values: number[]; cells: Cell[] } {
  const values = [...new Set(units.filter(unit => unit.length > 1).flat())].sort((a, b) => a - b);
  const index = new Map(values.map((value, i) => [value, i]));
  const cells: Cell[] = [];
  for (const [unit, ratings] of units.entries()) {
    if (ratings.length < 2) continue;
    const counts = new Map<number, number>();
    for (const rating of ratings) {
      const at = index.get(rating)!;
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
    for (const [c, nc] of counts) {
      for (const [k, nk] of counts) {
        const pairs = c === k ? nc * (nc - 1) : nc * nk;
        if (pairs > 0) cells.push({ unit, at: c * values.length + k, weight: pairs / (ratings.length - 1) });
      }
    }
  }
  return { values, cells };
}

function total(size: number, cells: readonly Cell[], weightOf: ((unit: number) => number) | undefined): Float64Array {
  const matrix = new Float64Array(size * size);
  for (const { unit, at, weight } of cells) matrix[at]! += weight * (weightOf?.(unit) ?? 1);
  return matrix;
}

function alphaOf(matrix: Float64Array, values: readonly number[], metric: Metric): number {
  const size = values.length;
  const marginal = values.map((_, c) => matrix.subarray(c * size, (c + 1) * size).reduce((a, b) => a + b, 0));
  const n = sum(marginal);
  const below: number[] = [0];
  for (const count of marginal) below.push(below.at(-1)! + count);
  const distance = (c: number, k: number): number => {
    if (c === k) return 0;
    if (metric === 'nominal') return 1;
    if (metric === 'interval') return (values[c]! - values[k]!) ** 2;
    const [low, high] = c < k ? [c, k] : [k, c];
    return (below[high + 1]! - below[low]! - (marginal[low]! + marginal[high]!) / 2) ** 2;
  };
  let observed = 0;
  let expected = 0;
  for (let c = 0; c < size; c++) {
    for (let k = 0; k < size; k++) {
      const d = distance(c, k);
      observed += matrix[c * size + k]! * d;
      expected += marginal[c]! * marginal[k]! * d;
    }
  }
  return expected === 0 ? Number.NaN : 1 - ((n - 1) * observed) / expected;
}
