/** How a job ended, for whoever waits for what it makes. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { JobResult } from '../core/jobs/job.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import type { JobSummary } from './backend.ts';

/** Its result; throws its own sentence, or its bug, where it gave none. */
export function resultOf(
  { status, state, result }: Pick<JobSummary, 'status' | 'state' | 'result'>,
  job: JobFolder,
): JobResult {
  if (status === 'succeeded' && result) return result;
  if (status === 'cancelled')
    throw new HumanError(l10n.t('The job was stopped. It can go on from its last checkpoint: {0}.', job.path));
  const { error } = state ?? {};
  if (error && !error.human) {
    const bug = new Error(error.message);
    if (error.stack) bug.stack = error.stack;
    throw bug;
  }
  throw new HumanError(
    error?.message ?? l10n.t('The job’s process ended without a word. Its log may say why: {0}.', job.file('log')),
  );
}
