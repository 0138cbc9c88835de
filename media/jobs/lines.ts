/** A chart's series as lines over one x axis, the noisy ones smoothed. */
import type { Chart } from '../../src/protocol/jobDashboard.ts';

/** Exponential moving average from the first value on. */
export function smooth(values: readonly number[]): number[] {
  // Few values are smoothed little: the line should not lag behind a short job.
  const share = Math.min(1, Math.max(0.16, 5 / values.length));
  let last = values[0] ?? 0;
  return values.map(value => {
    last += (value - last) * share;
    return last;
  });
}

/** The lines of a chart over one x axis: each series, and above a noisy one its smoothed self. */
export function columns(chart: Chart): { readonly xs: number[]; readonly lines: (number | null)[][] } {
  const xs = [
    ...new Set(
      chart.series.flatMap(({ points, trend = [], noisy }) => [...points, ...(noisy ? trend : [])].map(([x]) => x)),
    ),
  ].sort((a, b) => a - b);
  const at = new Map(xs.map((x, i) => [x, i]));
  const place = (points: readonly (readonly [number, number])[]): (number | null)[] => {
    const line: (number | null)[] = new Array(xs.length).fill(null);
    for (const [x, y] of points) line[at.get(x)!] = y;
    return line;
  };
  const lines = chart.series.flatMap(series => {
    const raw = place(series.points);
    if (!series.noisy) return [raw];
    // Peaks are no means: what was thinned brings its own.
    const through = series.trend ?? series.points;
    const smoothed = smooth(through.map(([, y]) => y));
    return [raw, place(through.map(([x], i) => [x, smoothed[i]!]))];
  });
  return { xs, lines };
}
