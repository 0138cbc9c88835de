/**
 * One job at a time: those that wait have their turn in files of their folders, and whoever is there starts the next one, under a lock
 * of the workspace. So the queue outlives windows and terminals, and no job is started twice.
 */
import { join } from 'node:path';
import type { Disposable } from '../base/disposable.ts';
import { errorMessage, isHumanError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { isOver } from '../core/jobs/status.ts';
import { takeLock } from '../storage/processLock.ts';
import type { JobSummary, StartOptions } from './backend.ts';

export interface QueueHost {
  /** The folder of all jobs. */
  readonly folder: string;
  readonly pollSeconds: number;
  readonly logger: Logger;
  list(): Promise<{ readonly jobs: readonly JobSummary[] }>;
  get(id: string): Promise<JobSummary>;
  /** Starts the process; rejects when it could not be started. */
  launch(id: string, options: StartOptions): Promise<void>;
  /** The job could not be started and leaves the queue. */
  fail(id: string, message: string, human: boolean): Promise<void>;
}

/** What a look at the queue found: `waitFor` is over before the next one may start. */
interface Look {
  readonly waitFor?: string;
  /** Somebody else is looking at this moment. */
  readonly busy?: boolean;
}

export class JobQueue implements Disposable {
  readonly #host: QueueHost;
  #options: StartOptions = {};
  #tending = false;
  #disposed = false;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;

  constructor(host: QueueHost) {
    this.#host = host;
  }

  /** Starts the next job if nothing runs, and sees to those after it for as long as this process lives. Rejects when `wanted` was next and did not start. */
  async tend(options: StartOptions, wanted?: string): Promise<void> {
    // A permission once given in this process holds for the jobs that it starts.
    this.#options = { ...this.#options, ...options, allowCode: options.allowCode || this.#options.allowCode };
    if (this.#tending && wanted === undefined) return;
    const look = await this.#look(wanted);
    if (!this.#tending && (look.waitFor !== undefined || look.busy)) void this.#follow(look);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#wake?.();
  }

  async #follow(first: Look): Promise<void> {
    this.#tending = true;
    try {
      for (let look = first; !this.#disposed && (look.waitFor !== undefined || look.busy); ) {
        await this.#pause();
        if (this.#disposed) return;
        const job = look.waitFor === undefined ? undefined : await this.#host.get(look.waitFor).catch(() => undefined);
        if (job && !isOver(job.status)) continue;
        look = await this.#look();
      }
    } catch (error) {
      this.#host.logger.error('The queue of jobs stands still', error);
    } finally {
      this.#tending = false;
    }
  }

  /** Unless something runs, starts the oldest waiting job that may be started here. */
  async #look(wanted?: string): Promise<Look> {
    const release = await takeLock(join(this.#host.folder, '.starting'));
    if (!release) return { busy: true };
    try {
      const { jobs } = await this.#host.list();
      const waiting = jobs.filter(job => job.status === 'queued' && job.turn !== undefined).sort(byAge);
      const running = jobs.find(job => job.status === 'running' || job.status === 'stopping');
      if (running) return waiting.length > 0 ? { waitFor: running.id } : {};
      for (const { id, specification } of waiting) {
        // Code of the workspace waits for somebody who allows it; those behind it do not. Who starts such a job is told so by the job.
        if (!this.#options.allowCode && runsCode(specification) && id !== wanted) continue;
        try {
          await this.#host.launch(id, this.#options);
          return waiting.length > 1 ? { waitFor: id } : {};
        } catch (error) {
          this.#host.logger.error(`job ${id} did not start`, error);
          await this.#host.fail(id, errorMessage(error), isHumanError(error));
          if (id === wanted) throw error;
        }
      }
      return {};
    } finally {
      await release();
    }
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
      // A command that has nothing else to wait for may end; the queue is on the disk.
      this.#timer = setTimeout(resolve, this.#host.pollSeconds * 1000).unref();
    });
  }
}

const byAge = (a: JobSummary, b: JobSummary): number =>
  a.specification.createdAt < b.specification.createdAt
    ? -1
    : a.specification.createdAt > b.specification.createdAt || a.id > b.id
      ? 1
      : -1;

/** Whether a job runs a file of the workspace, as its reward, a part of that, or its gold. */
const runsCode = (specification: JobSummary['specification']): boolean =>
  JSON.stringify(specification).includes('"rule":"javascript"');
