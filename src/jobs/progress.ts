/** Where a job stands, as numbers and as one line for a list. */
import { l10n } from '../base/l10n.ts';
import { isOver } from '../core/jobs/status.ts';
import type { JobSummary } from './backend.ts';

export interface JobProgress {
  /** 0 … 1; absent while the number of steps is not known. */
  readonly fraction?: number;
  /** Seconds. */
  readonly secondsLeft?: number;
  /** `118 of 200, 6 min` while it runs; afterwards what became of it. */
  readonly label: string;
}

export function jobProgress(job: JobSummary): JobProgress {
  const { state, status } = job;
  if (status === 'queued') return { label: l10n.t('waiting') };
  if (status === 'waiting') return { label: l10n.t('waiting for the editor') };
  if (status === 'succeeded') return { fraction: 1, label: l10n.t('done') };
  if (status === 'failed') return { label: state?.error?.message ?? l10n.t('failed') };
  if (!state || state.totalSteps === 0) {
    return { label: isOver(status) ? endWord(status) : (state?.phase ?? l10n.t('starting')) };
  }
  const fraction = Math.min(1, state.step / state.totalSteps);
  const steps = l10n.t('{0} of {1}', state.step, state.totalSteps);
  if (isOver(status)) return { fraction, label: l10n.t('{0} at {1}', endWord(status), steps) };
  if (status === 'stopping') return { fraction, label: l10n.t('{0}, stopping', steps) };
  if (state.paused) return { fraction, label: l10n.t('{0}, paused on battery', steps) };
  const left = state.secondsLeft;
  return {
    fraction,
    secondsLeft: left,
    label: left === undefined ? steps : l10n.t('{0}, {1}', steps, duration(left)),
  };
}

const endWord = (status: JobSummary['status']): string =>
  status === 'cancelled' ? l10n.t('stopped') : status === 'lost' ? l10n.t('interrupted') : l10n.t('failed');

/** `40 s`, `6 min`, `1 h 20 min`, `3 d`. */
export function duration(seconds: number): string {
  if (seconds < 90) return l10n.t('{0} s', Math.max(0, Math.round(seconds)));
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return l10n.t('{0} min', minutes);
  if (minutes < 2880) return l10n.t('{0} h {1} min', Math.floor(minutes / 60), minutes % 60);
  return l10n.t('{0} d', Math.round(minutes / 1440));
}
