/**
 * Runs jobs on this computer, each in a detached process that reports through its folder. This side holds nothing that it
 * could not find again: any window, and the command line, sees the same jobs and may stop or resume them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Disposable } from '../base/disposable.ts';
import { HumanError } from '../base/errors.ts';
import { Emitter } from '../base/event.ts';
import { l10n } from '../base/l10n.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { canResume, isOver } from '../core/jobs/status.ts';
import { diskError, nodeDisk } from '../storage/fileSystem.ts';
import { JobFolder, listJobFolders, startOfEvents } from '../storage/jobFolder.ts';
import { processFact } from '../storage/processIdentity.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';
import type { JobBackend, JobListener, JobSummary, StartOptions } from './backend.ts';
import { childEnvironment, languageOf } from './childEnvironment.ts';
import { type ForecastOfJob, forecastJob } from './jobForecast.ts';
import { JobQueue } from './jobQueue.ts';
import { type WorkerEntry, type WorkerOptions, workerEntry } from './workerEntry.ts';

export interface SupervisorOptions extends WorkerOptions {
  /** Translations for what the process says to people: `l10n/bundle.l10n.<locale>.json`. */
  readonly bundleFile?: string;
  readonly layout: WorkspaceLayout;
  readonly logger?: Logger;
  /** Seconds that a job may take to stop by itself before it is ended. */
  readonly graceSeconds?: number;
  /** The program of a job's process; tests bring their own. */
  readonly entry?: () => WorkerEntry;
  /** Seconds between two looks where the file system reports no changes. */
  readonly pollSeconds?: number;
}

export class Supervisor implements JobBackend {
  readonly #options: SupervisorOptions;
  readonly #logger: Logger;
  readonly #changed = new Emitter<void>();
  readonly #watches = new Set<Disposable>();
  readonly #queue: JobQueue;
  #asking: Promise<void> = Promise.resolve();
  #disposed = false;

  readonly onDidChange = this.#changed.event;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#queue = new JobQueue({
      folder: options.layout.jobs,
      pollSeconds: options.pollSeconds ?? 2,
      logger: this.#logger,
      list: () => this.list(),
      get: id => this.get(id),
      launch: (id, start) => this.start(id, start),
      fail: async (id, message, human) => {
        const job = await this.#folder(id);
        await job.recordFailure(message, human);
        await job.leaveQueue();
        this.#fire();
      },
    });
  }

  async list() {
    const { jobs, problems } = await listJobFolders(this.#options.layout);
    const summaries: JobSummary[] = [];
    const all = [...problems];
    for (const job of jobs) {
      try {
        summaries.push(await summaryOf(job));
      } catch (error) {
        if (!(error instanceof HumanError)) throw error;
        all.push({ file: error.place.file ?? job.path, line: 1, message: error.message });
      }
    }
    return { jobs: summaries, problems: all };
  }

  async get(id: string): Promise<JobSummary> {
    return summaryOf(await this.#folder(id));
  }

  async start(id: string, options: StartOptions = {}): Promise<void> {
    const job = await this.#startable(id);
    await job.clearControl();
    const child = await this.#spawn(job, options);
    await job.recordLaunch(child.pid!);
    this.#logger.info(`job ${id}: process ${child.pid} started`);
    child.once('exit', () => this.#fire());
    this.#fire();
  }

  /** One after the other, so that jobs which are put in together keep their order. */
  enqueue(id: string, options: StartOptions = {}): Promise<void> {
    const done = this.#asking.then(async () => {
      const job = await this.#startable(id);
      await job.requestTurn();
      await this.#queue.tend(options, id);
      this.#fire();
    });
    this.#asking = done.catch(() => {});
    return done;
  }

  tend(options: StartOptions = {}): Promise<void> {
    return this.#queue.tend(options);
  }

  /** What the job in this folder would need; the folder need not be in the list. Rejects with the sentence of its refusal. */
  forecast(folder: string, signal?: AbortSignal): Promise<ForecastOfJob> {
    return forecastJob(folder, this.#options, signal);
  }

  async cancel(id: string): Promise<JobSummary> {
    const job = await this.#folder(id);
    await job.leaveQueue();
    if (isOver((await job.status()).status)) return summaryOf(job);
    await job.requestCancel();
    this.#fire();
    const grace = this.#options.graceSeconds ?? 30;
    for (const [signal, seconds] of [
      [undefined, grace],
      ['SIGTERM', Math.min(5, grace)],
      ['SIGKILL', 5],
    ] as const) {
      if (signal) await this.#signal(job, signal);
      if (await this.#isOverWithin(job, seconds)) break;
    }
    this.#fire();
    return summaryOf(job);
  }

  async remove(id: string): Promise<void> {
    const job = await this.#folder(id);
    const { status } = await job.status();
    if (status !== 'queued' && status !== 'waiting' && !isOver(status)) {
      throw new HumanError(l10n.t('This job is running. Stop it before you delete it.'));
    }
    try {
      // Renamed first, so that half of a job is never in the list.
      const trash = join(this.#options.layout.jobs, `.${id}.deleted`);
      await nodeDisk.rename(job.path, trash);
      await nodeDisk.remove(trash);
    } catch (error) {
      throw diskError(error, job.path);
    }
    this.#fire();
  }

  watch(id: string, listener: JobListener): Disposable {
    const watching = new JobWatch(() => this.#folder(id), listener, this.#options.pollSeconds ?? 2, this.#logger);
    this.#watches.add(watching);
    return {
      dispose: () => {
        this.#watches.delete(watching);
        watching.dispose();
      },
    };
  }

  wait(id: string, options: { signal?: AbortSignal; onEvents?: JobListener['onEvents'] } = {}): Promise<JobSummary> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        watching.dispose();
        reject(options.signal?.reason ?? new Error('aborted'));
      };
      const watching = this.watch(id, {
        onEvents: options.onEvents,
        onChange: job => {
          if (!isOver(job.status)) return;
          options.signal?.removeEventListener('abort', stop);
          watching.dispose();
          resolve(job);
        },
      });
      if (options.signal?.aborted) stop();
      else options.signal?.addEventListener('abort', stop, { once: true });
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#queue.dispose();
    for (const watching of this.#watches) watching.dispose();
    this.#watches.clear();
    this.#changed.dispose();
  }

  /** The folder of a job that may be started. */
  async #startable(id: string): Promise<JobFolder> {
    const job = await this.#folder(id);
    const { status } = await job.status();
    if (!canResume(status)) {
      throw new HumanError(
        status === 'succeeded'
          ? l10n.t('This job is done. Make a new one to train again.')
          : l10n.t('This job is already running. Stop it first, or wait until it is done.'),
      );
    }
    const { root } = this.#options.layout;
    if (!isInside(resolve(root, job.specification.output), root)) {
      throw new HumanError(
        l10n.t('This job wants to write outside of the workspace, so it was not started. Make it again from here.'),
        { place: { file: job.file('specification') } },
      );
    }
    return job;
  }

  #fire(): void {
    if (!this.#disposed) this.#changed.fire();
  }

  async #folder(id: string): Promise<JobFolder> {
    if (!/^[^./\\][^/\\]*$/.test(id)) throw new HumanError(l10n.t('There is no job “{0}”.', id));
    return JobFolder.open(join(this.#options.layout.jobs, id));
  }

  async #spawn(job: JobFolder, options: StartOptions): Promise<ChildProcess> {
    const entry = this.#options.entry?.() ?? workerEntry('jobMain', this.#options);
    const log = await open(job.file('log'), 'a');
    const flags = [
      ...(options.allowCode ? ['--allow-code'] : []),
      ...(options.pauseOnBattery ? ['--pause-on-battery'] : []),
    ];
    try {
      const child = spawn(entry.execPath, [...entry.args, job.path, ...flags], {
        // Relative paths of a specification are the workspace's.
        cwd: this.#options.layout.root,
        detached: true,
        windowsHide: true,
        stdio: ['ignore', log.fd, log.fd],
        env: childEnvironment({ ...languageOf(this.#options.bundleFile), ...entry.env }),
      });
      await once(child, 'spawn');
      child.unref();
      return child;
    } catch (error) {
      throw new HumanError(
        l10n.t(
          'The process of this job could not be started ({0}). Check the setting tunesmith.nodePath.',
          (error as Error).message,
        ),
        { cause: error },
      );
    } finally {
      await log.close();
    }
  }

  /**
   * Sends the signal to the processes that are proved to be this job's. A job's files may come with a checkout, so a number in
   * them proves nothing: the start of the process must match, or, where the system does not tell it, the job must be alive.
   */
  async #signal(job: JobFolder, signal: NodeJS.Signals): Promise<void> {
    const [state, launch] = await Promise.all([job.state(), job.launch()]);
    for (const known of [state, launch]) {
      const fact = processFact(known?.pid, known?.processStartedAt);
      if (known?.pid === undefined || known.pid === process.pid || fact === 'gone') continue;
      try {
        process.kill(known.pid, signal);
        this.#logger.warn(`job ${job.id}: sent ${signal} to process ${known.pid}`);
      } catch {
        // It ended by itself meanwhile.
      }
    }
  }

  async #isOverWithin(job: JobFolder, seconds: number): Promise<boolean> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      if (isOver((await job.status()).status)) return true;
      if (Date.now() >= end) return false;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}

const isInside = (path: string, folder: string): boolean => {
  const way = relative(folder, path);
  return way !== '' && !isAbsolute(way) && way.split(sep)[0] !== '..';
};

async function summaryOf(job: JobFolder): Promise<JobSummary> {
  const { specification } = job;
  const { status, state, turn } = await job.status();
  const result = status === 'succeeded' ? await job.result() : undefined;
  const refusals = status === 'succeeded' ? await job.refusals() : undefined;
  const { name, kind } = specification;
  const { id, path } = job;
  return {
    id,
    name,
    kind,
    status,
    specification,
    state,
    result,
    path,
    ...(refusals ? { refusals } : {}),
    ...(turn ? { turn } : {}),
  };
}

/** Follows one job's folder: by notices of the file system where they come, by looking now and then everywhere. */
class JobWatch implements Disposable {
  readonly #open: () => Promise<JobFolder>;
  readonly #listener: JobListener;
  readonly #logger: Logger;
  readonly #poll: NodeJS.Timeout;
  #notices: FSWatcher | undefined;
  #folder: JobFolder | undefined;
  #cursor = startOfEvents;
  #last = '';
  #looking = false;
  #again = false;
  #soon: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(open: () => Promise<JobFolder>, listener: JobListener, pollSeconds: number, logger: Logger) {
    this.#open = open;
    this.#listener = listener;
    this.#logger = logger;
    this.#poll = setInterval(() => void this.#look(), pollSeconds * 1000);
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        this.#again = false;
        await this.#lookOnce();
      } while (this.#again && !this.#disposed);
    } catch (error) {
      this.#logger.warn(`watching a job: ${String(error)}`);
    } finally {
      this.#looking = false;
    }
  }

  async #lookOnce(): Promise<void> {
    this.#folder ??= await this.#open();
    const folder = this.#folder;
    if (!this.#notices) {
      try {
        this.#notices = watch(folder.path, () => {
          this.#soon ??= setTimeout(() => {
            this.#soon = undefined;
            void this.#look();
          }, 50);
        });
        this.#notices.on('error', () => {});
      } catch {
        // No notices here (a network drive, no watches left): the timer does.
      }
    }
    // The summary first: whoever hears that a job is over has then been given all of its events.
    const job = await summaryOf(folder);
    const { events, cursor, restarted } = await folder.eventsSince(this.#cursor);
    if (this.#disposed) return;
    this.#cursor = cursor;
    if (events.length > 0 || restarted) this.#listener.onEvents?.(events, restarted);
    const now = JSON.stringify([job.status, job.state, job.result, job.refusals?.change]);
    if (now === this.#last || this.#disposed) return;
    this.#last = now;
    this.#listener.onChange?.(job);
  }

  dispose(): void {
    this.#disposed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    this.#notices?.close();
  }
}
