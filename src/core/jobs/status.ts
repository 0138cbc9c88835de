/** What a job's status is, judged from its files and its process: a worker that died cannot say so itself. */
import * as v from 'valibot';
import { l10n } from '../../base/l10n.ts';
import type { JobControl, JobState, JobStatus } from './job.ts';

/** `launch.json`: the process that was started last for a job, written by whoever started it. */
export const JobLaunchSchema = v.object({
  format: v.literal(1),
  pid: v.number(),
  processStartedAt: v.optional(v.string()),
  at: v.string(),
});
export type JobLaunch = v.InferOutput<typeof JobLaunchSchema>;

/** `unknown`: a process with this number lives, but nothing proves that it is the same one. */
export type ProcessFact = 'alive' | 'gone' | 'unknown';

export interface JobFacts {
  readonly state?: JobState;
  readonly launch?: JobLaunch;
  readonly control?: JobControl;
  /** Of the process that `state` names. */
  readonly worker: ProcessFact;
  /** Of the process that `launch` names. */
  readonly launched: ProcessFact;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Without proof that the process is the same, silence longer than this counts as its end. Seconds. */
const SilenceSeconds = 30;

/** Not of the future either: a clock that was set back, or a file that lies. */
const fresh = (time: string, now: number): boolean => Math.abs(now - Date.parse(time)) < SilenceSeconds * 1000;

export const isOver = (status: JobStatus): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'cancelled' || status === 'lost';

/** Jobs that can be started by hand: from their last checkpoint, or because the window that was to start them is gone. */
export const canResume = (status: JobStatus): boolean =>
  status === 'queued' || status === 'failed' || status === 'cancelled' || status === 'lost';

/** For lists, in small letters. */
export const statusWord = (status: JobStatus): string =>
  ({
    queued: l10n.t('waiting'),
    running: l10n.t('running'),
    stopping: l10n.t('stopping'),
    succeeded: l10n.t('done'),
    failed: l10n.t('failed'),
    cancelled: l10n.t('stopped'),
    lost: l10n.t('interrupted'),
  })[status];

export function jobStatus({ state, launch, control, worker, launched, now }: JobFacts): JobStatus {
  const cancelled = control?.request === 'cancel';
  const starting =
    launch !== undefined &&
    launch.pid !== state?.pid &&
    (launched === 'alive' || (launched === 'unknown' && fresh(launch.at, now)));
  if (starting) return cancelled ? 'stopping' : 'running';
  if (!state) {
    if (cancelled) return 'cancelled';
    return launch ? 'lost' : 'queued';
  }
  if (state.status === 'succeeded' || state.status === 'failed' || state.status === 'cancelled') return state.status;
  const alive = worker === 'alive' || (worker === 'unknown' && fresh(state.heartbeatAt, now));
  if (!alive) return cancelled ? 'cancelled' : 'lost';
  return cancelled ? 'stopping' : state.status;
}
