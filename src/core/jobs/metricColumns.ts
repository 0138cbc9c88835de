/** A job's metrics as columns over its steps, added to as events come, and thinned to what a screen can show. */
import type { JobEvent } from './job.ts';

type MetricsEvent = Extract<JobEvent, { type: 'metrics' }>;
export type Point = [number, number];

/** One row a step, in their order. A job that was resumed goes over steps again: then what came last counts. */
export class MetricColumns {
  readonly #steps: number[] = [];
  readonly #times: number[] = [];
  readonly #columns = new Map<string, number[]>();

  static of(events: readonly JobEvent[]): MetricColumns {
    const columns = new MetricColumns();
    columns.add(events);
    return columns;
  }

  /** Takes the metrics among the events. Two events of one step are one row. */
  add(events: readonly JobEvent[]): void {
    for (const event of events) if (event.type === 'metrics') this.#addOne(event);
  }

  #addOne({ step, time, values }: MetricsEvent): void {
    const row = this.#rowOf(step);
    this.#times[row] = Date.parse(time);
    for (const name in values) {
      let column = this.#columns.get(name);
      if (!column) {
        column = new Array<number>(this.#steps.length).fill(Number.NaN);
        this.#columns.set(name, column);
      }
      column[row] = values[name]!;
    }
  }

  /** The row of a step, made where there is none. */
  #rowOf(step: number): number {
    let row = this.#steps.length;
    while (row > 0 && this.#steps[row - 1]! > step) row--;
    if (this.#steps[row - 1] === step) return row - 1;
    this.#steps.splice(row, 0, step);
    this.#times.splice(row, 0, 0);
    for (const column of this.#columns.values()) column.splice(row, 0, Number.NaN);
    return row;
  }

  clear(): void {
    this.#steps.length = 0;
    this.#times.length = 0;
    this.#columns.clear();
  }

  get length(): number {
    return this.#steps.length;
  }

  get steps(): readonly number[] {
    return this.#steps;
  }

  /** Milliseconds since 1970, of each row. */
  get times(): readonly number[] {
    return this.#times;
  }

  /** In the order in which they were first reported. */
  get names(): readonly string[] {
    return [...this.#columns.keys()];
  }

  /** The last row's metrics by name; null where there is no row. */
  last(): { readonly step: number; readonly values: Readonly<Record<string, number>> } | null {
    const row = this.#steps.length - 1;
    if (row < 0) return null;
    const known = [...this.#columns].filter(([, column]) => !Number.isNaN(column[row]));
    return { step: this.#steps[row]!, values: Object.fromEntries(known.map(([name, column]) => [name, column[row]!])) };
  }

  /** NaN where a step did not report it; empty where no step did. */
  column(name: string): readonly number[] {
    return this.#columns.get(name) ?? [];
  }
}

export interface Thinned {
  /** In the order of x. Where there are too many, of each bucket the lowest and the highest, and the last of all. */
  readonly points: Point[];
  /** Where `points` were thinned: the mean of each bucket. */
  readonly trend?: Point[];
}

/** Points of one curve at most: two for each pixel of a chart in a row of four. */
export const MaxPoints = 800;

/**
 * At most `max` points that keep every peak, as a screen of `max`/2 columns would show them. What is not finite is passed over.
 */
export function thinned(xs: ArrayLike<number>, ys: ArrayLike<number>, max = MaxPoints): Thinned {
  let count = 0;
  for (let i = 0; i < ys.length; i++) if (Number.isFinite(ys[i]!)) count++;
  const at = (i: number): Point => [xs[i]!, ys[i]!];
  const points: Point[] = [];
  if (count <= max) {
    for (let i = 0; i < ys.length; i++) if (Number.isFinite(ys[i]!)) points.push(at(i));
    return { points };
  }
  const buckets = max >> 1;
  const trend: Point[] = [];
  let i = 0;
  let seen = 0;
  let last = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const to = Math.floor(((bucket + 1) * count) / buckets);
    const size = to - seen;
    let [low, high] = [-1, -1];
    let [sumX, sumY] = [0, 0];
    for (; seen < to; i++) {
      const y = ys[i]!;
      if (!Number.isFinite(y)) continue;
      seen++;
      last = i;
      if (low < 0 || y < ys[low]!) low = i;
      if (high < 0 || y > ys[high]!) high = i;
      sumX += xs[i]!;
      sumY += y;
    }
    points.push(at(Math.min(low, high)));
    if (low !== high) points.push(at(Math.max(low, high)));
    trend.push([sumX / size, sumY / size]);
  }
  // The figure beside a curve's name is its last point.
  if (points.at(-1)![0] !== xs[last]) points.push(at(last));
  return { points, trend };
}

/** Means of equal buckets, for curves that are smooth already. */
export function meansOf(points: readonly Point[], max = MaxPoints): Point[] {
  if (points.length <= max) return [...points];
  return Array.from({ length: max }, (_, i) => {
    const bucket = points.slice(Math.floor((i * points.length) / max), Math.floor(((i + 1) * points.length) / max));
    const mean = (axis: 0 | 1): number => bucket.reduce((sum, point) => sum + point[axis], 0) / bucket.length;
    return [mean(0), mean(1)];
  });
}
