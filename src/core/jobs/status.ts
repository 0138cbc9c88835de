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
  /** The turn in the queue that this start took. */
  turn: v.optional(v.string()),
});
export type JobLaunch = v.InferOutput<typeof JobLaunchSchema>;

/** `queue.json`: the job waits until those before it are over; written by whoever wants it to run. */
export const JobTurnSchema = v.object({ format: v.literal(1), turn: v.string(), at: v.string() });
export type JobTurn = v.InferOutput<typeof JobTurnSchema>;

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
  /** It has a turn in the queue that was not taken yet. */
  readonly queued?: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The last look before this computer may have slept; a heartbeat that was fresh then counts. */
  readonly beforeSleep?: number;
}

/** Without proof that the process is the same, silence longer than this counts as its end. Seconds. */
const SilenceSeconds = 30;

/** Not of the future either: a clock that was set back, or a file that lies. */
const fresh = (time: string, ...moments: readonly (number | undefined)[]): boolean =>
  moments.some(now => now !== undefined && Math.abs(now - Date.parse(time)) < SilenceSeconds * 1000);

/**
 * A computer that slept, or whose clock was set, finds every heartbeat old at once. After a gap between two looks the jobs have
 * `SilenceSeconds` to beat again, and until then are judged by the look before the gap.
 */
export class Wakefulness {
  #last: number | undefined;
  #before: number | undefined;
  #until = 0;

  /** Called with every look. `now`: milliseconds since 1970. Returns the look before the gap while jobs have time. */
  look(now: number): number | undefined {
    if (this.#last !== undefined && Math.abs(now - this.#last) > 0.5 * SilenceSeconds * 1000) {
      this.#before = this.#last;
      this.#until = now + SilenceSeconds * 1000;
    }
    this.#last = now;
    return now < this.#until ? this.#before : undefined;
  }
}

export const isOver = (status: JobStatus): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'cancelled' || status === 'lost';

/** Jobs that can be started by hand: from their last checkpoint, or because the window that was to start them is gone. */
export const canResume = (status: JobStatus): boolean =>
  status === 'queued' || status === 'waiting' || status === 'failed' || status === 'cancelled' || status === 'lost';

/** For lists, in small letters. */
export const statusWord = (status: JobStatus): string =>
  ({
    queued: l10n.t('waiting'),
    running: l10n.t('running'),
    stopping: l10n.t('stopping'),
    waiting: l10n.t('waiting for the editor'),
    succeeded: l10n.t('done'),
    failed: l10n.t('failed'),
    cancelled: l10n.t('stopped'),
    lost: l10n.t('interrupted'),
  })[status];

export function jobStatus({ state, launch, control, worker, launched, now, beforeSleep, queued }: JobFacts): JobStatus {
  const cancelled = control?.request === 'cancel';
  const starting =
    launch !== undefined &&
    launch.pid !== state?.pid &&
    (launched === 'alive' || (launched === 'unknown' && fresh(launch.at, now, beforeSleep)));
  if (starting) return cancelled ? 'stopping' : 'running';
  const living =
    state !== undefined &&
    !isOver(state.status) &&
    (worker === 'alive' || (worker === 'unknown' && fresh(state.heartbeatAt, now, beforeSleep)));
  if (queued && !living && !cancelled && state?.status !== 'succeeded') return 'queued';
  if (!state) {
    if (cancelled) return 'cancelled';
    return launch ? 'lost' : 'queued';
  }
  if (state.status === 'succeeded' || state.status === 'failed' || state.status === 'cancelled') return state.status;
  if (state.status === 'waiting') return cancelled ? 'cancelled' : 'waiting';
  if (!living) return cancelled ? 'cancelled' : 'lost';
  return cancelled ? 'stopping' : state.status;
}
