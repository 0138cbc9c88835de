/** What can run jobs: this computer (`supervisor.ts`), later a cluster. Editor and command line know only this. */
import type { Disposable } from '../base/disposable.ts';
import type { Event } from '../base/event.ts';
import type { JobEvent, JobKind, JobResult, JobSpecification, JobState, JobStatus } from '../core/jobs/job.ts';
import type { RefusalReport } from '../core/refusals/report.ts';
import type { FileProblem } from '../storage/recordLog.ts';

export interface JobSummary {
  readonly id: string;
  readonly name: string;
  readonly kind: JobKind;
  readonly status: JobStatus;
  readonly specification: JobSpecification;
  /** Absent until its process has written it. */
  readonly state?: JobState;
  /** Of a job that succeeded. */
  readonly result?: JobResult;
  /** Of one whose refusals were asked for before and after. */
  readonly refusals?: RefusalReport;
  /** The job's folder. */
  readonly path: string;
  /** Of a job that waits in the queue. Without it, nobody asked for it to run yet. */
  readonly turn?: string;
}

export interface JobListener {
  /** New events in their order. `restarted`: forget those before, the file began anew. */
  onEvents?(events: readonly JobEvent[], restarted: boolean): void;
  /** Status, state or result changed. */
  onChange?(job: JobSummary): void;
}

export interface StartOptions {
  /** Code of the workspace (a JavaScript reward) may run: a trusted workspace, or `--allow-code`. */
  readonly allowCode?: boolean;
  /** Wait while the computer runs on its battery, once it was plugged in. */
  readonly pauseOnBattery?: boolean;
}

export interface JobBackend extends Disposable {
  /** A job came, went or changed its status. */
  readonly onDidChange: Event<void>;
  /** Newest first. */
  list(): Promise<{ readonly jobs: JobSummary[]; readonly problems: readonly FileProblem[] }>;
  get(id: string): Promise<JobSummary>;
  /** Starts a queued job at once, or resumes one from its last checkpoint. */
  start(id: string, options?: StartOptions): Promise<void>;
  /** Starts the job now, or lets it wait, on the disk, until what runs and those made before it are over. */
  enqueue(id: string, options?: StartOptions): Promise<void>;
  /** Starts waiting jobs, one after the other, whoever put them into the queue. */
  tend(options?: StartOptions): Promise<void>;
  /** Resolves when the job is over: asked first, then ended. */
  cancel(id: string): Promise<JobSummary>;
  /** Removes a job that is over, with its checkpoints; the model made by it stays. */
  remove(id: string): Promise<void>;
  /** First everything that happened so far, then what happens. */
  watch(id: string, listener: JobListener): Disposable;
  /** Resolves when the job is over, however it ended. */
  wait(id: string, options?: { signal?: AbortSignal; onEvents?: JobListener['onEvents'] }): Promise<JobSummary>;
}
