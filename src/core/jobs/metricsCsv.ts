/** All metrics of jobs as CSV. */
import type { Comparison } from './comparison.ts';
import type { DashboardInput } from './dashboard.ts';
import { MetricColumns } from './metricColumns.ts';

/** One row a step, one column a metric, none thinned; empty where a step did not report it (RFC 4180). */
export function metricsCsv(metrics: MetricColumns): string {
  return csv([['step', 'time', ...metrics.names], ...metricRows(metrics, metrics.names)]);
}

/** The rows of all jobs, with the job's name in the first column. */
export function comparisonCsv({ jobs }: Comparison, inputs: readonly DashboardInput[]): string {
  const all = inputs.map(({ metrics, events }) => metrics ?? MetricColumns.of(events));
  const names = [...new Set(all.flatMap(metrics => metrics.names))];
  return csv([
    ['job', 'step', 'time', ...names],
    ...all.flatMap((metrics, i) => [...metricRows(metrics, names)].map(row => [jobs[i]!.name, ...row])),
  ]);
}

function* metricRows(metrics: MetricColumns, names: readonly string[]): Generator<string[]> {
  const columns = names.map(name => metrics.column(name));
  for (let row = 0; row < metrics.length; row++) {
    const time = metrics.times[row]!;
    yield [
      String(metrics.steps[row]),
      Number.isFinite(time) ? new Date(time).toISOString() : '',
      ...columns.map(column => (Number.isFinite(column[row]) ? String(column[row]) : '')),
    ];
  }
}

const csv = (rows: readonly (readonly string[])[]): string =>
  rows
    .map(row => `${row.map(cell => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`)
    .join('');
