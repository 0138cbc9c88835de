/** Two or more jobs beside each other: their curves in one chart each, what their specifications differ in, and what came of them. */
import * as v from 'valibot';
import { figure } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';
import { type DashboardInput, kindLabel, outcome, settingRows } from './dashboard.ts';
import { type Chart, ChartSchema, charts, type Series } from './dashboardCharts.ts';
import { JobStatuses } from './job.ts';
import { MetricColumns } from './metricColumns.ts';

/** As many as colours that can be told apart. */
export const MostCompared = 6;

const RowSchema = v.object({
  label: v.string(),
  /** One for each job; null where it has no such thing. */
  values: v.array(v.nullable(v.string())),
});

export const ComparisonSchema = v.object({
  jobs: v.array(
    v.object({
      id: v.string(),
      name: v.string(),
      kindLabel: v.string(),
      status: v.picklist(JobStatuses),
      outcome: v.string(),
    }),
  ),
  charts: v.array(ChartSchema),
  /** What is not the same in all of them. */
  specification: v.array(RowSchema),
  /** How many settings are. */
  same: v.number(),
  results: v.array(RowSchema),
});
export type Comparison = v.InferOutput<typeof ComparisonSchema>;

export function comparison(jobs: readonly DashboardInput[]): Comparison {
  const names = distinct(jobs.map(({ specification }) => specification.name));
  const { differing, same } = settingDifferences(jobs);
  return {
    jobs: jobs.map(({ id, specification, status, result }, i) => ({
      id,
      name: names[i]!,
      kindLabel: kindLabel(specification),
      status,
      outcome: outcome(specification, result),
    })),
    charts: commonCharts(jobs, names),
    specification: differing,
    same,
    results: resultRows(jobs),
  };
}

const colours = ['job-1', 'job-2', 'job-3', 'job-4', 'job-5', 'job-6'] as const;

/** Each chart that one of the jobs has, with the first curve of every job that has it. */
function commonCharts(jobs: readonly DashboardInput[], names: readonly string[]): Chart[] {
  const merged = new Map<string, Chart>();
  for (const [i, job] of jobs.entries()) {
    const metrics = job.metrics ?? MetricColumns.of(job.events);
    for (const chart of charts(job, metrics).charts) {
      const [first] = chart.series;
      // A calibration curve and the like have no time in common with others.
      if (!first || chart.id === 'calibration') continue;
      const series: Series = { ...first, label: names[i]!, color: colours[i % colours.length]! };
      const known = merged.get(chart.id);
      merged.set(chart.id, {
        ...chart,
        xMax: chart.xMax === null ? null : Math.max(chart.xMax, known?.xMax ?? 0),
        series: [...(known?.series ?? []), series],
      });
    }
  }
  return [...merged.values()];
}

function settingDifferences(jobs: readonly DashboardInput[]) {
  const columns = jobs.map(({ specification }) => {
    const rows = new Map(
      settingRows(specification)
        .flat()
        .map(({ label, value }) => [label, value]),
    );
    return new Map([
      [l10n.t('Kind'), kindLabel(specification)],
      [l10n.t('Data (SHA-256)'), specification.data.sha256.slice(0, 12)],
      ...rows,
    ]);
  });
  const labels = new Set(columns.flatMap(column => [...column.keys()]));
  const all = [...labels].map(label => ({ label, values: columns.map(column => column.get(label) ?? null) }));
  const differing = all.filter(({ values }) => values.some(value => value !== values[0]));
  return { differing, same: all.length - differing.length };
}

function resultRows(jobs: readonly DashboardInput[]): Comparison['results'] {
  const names = new Set(jobs.flatMap(({ result }) => Object.keys(result?.metrics ?? {})));
  return [...names].map(label => ({
    label,
    values: jobs.map(({ result }) => {
      const value = result?.metrics[label];
      return value === undefined || !Number.isFinite(value) ? null : figure(value);
    }),
  }));
}

/** Jobs may have one name: the second gets a number. */
function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map(name => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
