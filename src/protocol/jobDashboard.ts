/** The contract of a job's dashboard: the host sends what to show, the page asks for what to do. */
import * as v from 'valibot';
import { DashboardSchema } from '../core/jobs/dashboard.ts';
import type { Contract } from './rpc.ts';

export type { Dashboard } from '../core/jobs/dashboard.ts';
export type { Chart, Series } from '../core/jobs/dashboardCharts.ts';

export const JobActions = [
  'stop',
  'resume',
  'use-model',
  'fine-tune',
  'open-specification',
  'open-log',
  'open-folder',
  'delete',
] as const;

export const jobDashboardContract = {
  toHost: {
    open: { params: v.object({}), result: DashboardSchema },
    act: { params: v.object({ action: v.picklist(JobActions) }), result: v.null() },
    /** The job that made a model of the lineage. */
    openJob: { params: v.object({ job: v.string() }) },
  },
  toWebview: {
    show: { params: DashboardSchema },
  },
} as const satisfies Contract;
