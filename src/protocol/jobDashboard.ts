/** The contracts of a job's dashboard and of jobs compared: the host sends what to show, the page asks for what to do. */
import * as v from 'valibot';
import { ComparisonSchema } from '../core/jobs/comparison.ts';
import { DashboardSchema } from '../core/jobs/dashboard.ts';
import type { Contract } from './rpc.ts';

export type { Comparison } from '../core/jobs/comparison.ts';
export type { Dashboard } from '../core/jobs/dashboard.ts';
export type { Chart, Series } from '../core/jobs/dashboardCharts.ts';
export { seriesDashes } from '../core/jobs/seriesDashes.ts';

export const JobActions = [
  'stop',
  'resume',
  'use-model',
  'fine-tune',
  'compare',
  'export',
  'open-specification',
  'open-log',
  'open-folder',
  'delete',
] as const;

/** The charts as they are drawn, a PNG as a data URL; null where there is none yet. */
const picture = {
  params: v.object({}),
  result: v.nullable(v.pipe(v.string(), v.startsWith('data:image/png;base64,'))),
} as const;

export const jobDashboardContract = {
  toHost: {
    open: { params: v.object({}), result: DashboardSchema },
    act: { params: v.object({ action: v.picklist(JobActions) }), result: v.null() },
    /** The job that made a model of the lineage. */
    openJob: { params: v.object({ job: v.string() }) },
    /** A chart for every metric, or for the chief ones. */
    showCurves: { params: v.object({ all: v.boolean() }) },
    /** Answers of which two steps to put beside each other. */
    compareSamples: { params: v.object({ before: v.number(), now: v.number() }) },
  },
  toWebview: {
    show: { params: DashboardSchema },
    picture,
  },
} as const satisfies Contract;

export const jobComparisonContract = {
  toHost: {
    open: { params: v.object({}), result: ComparisonSchema },
    openJob: { params: v.object({ job: v.string() }) },
    act: { params: v.object({ action: v.picklist(['export', 'choose']) }), result: v.null() },
  },
  toWebview: {
    show: { params: ComparisonSchema },
    picture,
  },
} as const satisfies Contract;
