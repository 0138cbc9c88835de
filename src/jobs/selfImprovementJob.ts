/** A round's tuning in self-improvement: one job, made once. */

import type { JobResult } from '../core/jobs/job.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import type { JobBackend } from './backend.ts';
import { type NewSftJob, newSftJob } from './newJobs.ts';
import { earlierSame } from './repeatedJob.ts';

export interface RoundTuning extends Omit<NewSftJob, 'name'> {
  readonly backend: JobBackend;
  readonly round: number;
  /** Of the models that come out; the default is made of the base's. */
  readonly name?: string | undefined;
  readonly run: (job: JobFolder) => Promise<JobResult>;
}

/** Runs the round's job, unless one with the same specification is done already. Resolves with the adapter's folder. */
export async function tuneRound({ backend, round, name, run, ...job }: RoundTuning): Promise<string> {
  const wanted = `${name ?? `${job.model.id.replace(/^.*[:/\\]/, '')}-self`}-${round}`;
  const found = await earlierSame(job.layout, backend, await newSftJob({ ...job, name: wanted }));
  const { status } = await found.status();
  const result = status === 'succeeded' ? await found.result() : undefined;
  return (result ?? (await run(found))).adapter;
}
