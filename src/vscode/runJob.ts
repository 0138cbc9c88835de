/** Runs a job of a longer work: its dashboard shows it, and the work goes on with what it made. */
import type { JobResult } from '../core/jobs/job.ts';
import { canResume } from '../core/jobs/status.ts';
import { resultOf } from '../jobs/jobOutcome.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import { jobsOf, startOptions } from './jobs.ts';
import { openDashboard } from './panels/jobDashboard.ts';
import type { Services } from './services.ts';

/**
 * Starts it, or waits for it where it runs already. Rejects where it did not succeed; when `signal` aborts, the job is stopped at a
 * checkpoint.
 */
export async function runJob(services: Services, job: JobFolder, signal: AbortSignal): Promise<JobResult> {
  signal.throwIfAborted();
  const jobs = await jobsOf(services);
  const { backend } = jobs;
  if (canResume((await job.status()).status)) await backend.enqueue(job.id, startOptions(services));
  await jobs.refresh();
  openDashboard(services, job.id, job.specification.name);
  const stop = () =>
    void backend.cancel(job.id).catch(error => services.logger.error('The job was not stopped', error));
  signal.addEventListener('abort', stop, { once: true });
  try {
    const done = await backend.wait(job.id);
    signal.throwIfAborted();
    return resultOf(done, job);
  } finally {
    signal.removeEventListener('abort', stop);
    (await services.models()).refresh();
  }
}
