/** A job on disk: `.tunesmith/jobs/<id>/` with the files of `protocol/jobWorker.ts`. Made whole, then only ever read here. */
import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson, stringifyJsonLines } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { JobFiles } from '../core/jobs/files.ts';
import {
  type JobControl,
  JobControlSchema,
  type JobEvent,
  JobEventSchema,
  type JobResult,
  JobResultSchema,
  type JobSpecification,
  JobSpecificationSchema,
  type JobState,
  JobStateSchema,
  type JobStatus,
} from '../core/jobs/job.ts';
import {
  type JobLaunch,
  JobLaunchSchema,
  type JobTurn,
  JobTurnSchema,
  jobStatus,
  type ProcessFact,
  Wakefulness,
} from '../core/jobs/status.ts';
import { type RefusalReport, RefusalReportSchema } from '../core/refusals/report.ts';
import { type Disk, diskError, nodeDisk, randomName, replaceJsonFile, writeNewFile } from './fileSystem.ts';
import { processFact, processStartedAt } from './processIdentity.ts';
import { takeLock } from './processLock.ts';
import type { FileProblem } from './recordLog.ts';
import { ensureGitFiles, fileNameFor, readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

/** A data file of the specification, ready to be put into it. */
export interface DataFile {
  readonly file: string;
  readonly sha256: string;
  readonly rows: number;
}

export interface NewJob<Names extends string> {
  /** Shown in the list; part of the folder's name. */
  readonly name: string;
  /** Rows of each data file, by name (`pairs.jsonl`). */
  readonly data: Readonly<Record<Names, readonly unknown[]>>;
  /** Called once with what only the folder knows. */
  readonly specification: (made: {
    readonly id: string;
    readonly createdAt: string;
    readonly data: Readonly<Record<Names, DataFile>>;
  }) => JobSpecification;
}

/** Makes the folder of a job under a temporary name and renames it when it is whole. */
export async function createJobFolder<Names extends string>(
  layout: WorkspaceLayout,
  job: NewJob<Names>,
  disk: Disk = nodeDisk,
): Promise<JobFolder> {
  const createdAt = new Date().toISOString();
  const time = createdAt.slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const id = `${time}-${fileNameFor(job.name, 'job')}-${randomName(4)}`;
  const path = join(layout.jobs, id);
  const temporary = join(layout.jobs, `.${id}.tmp`);
  try {
    await ensureGitFiles(layout, disk);
    await disk.makeFolder(temporary);
    const data = {} as Record<Names, DataFile>;
    for (const [file, rows] of Object.entries(job.data) as [Names, readonly unknown[]][]) {
      if (file !== basename(file) || Object.values<string>(JobFiles).includes(file))
        throw new Error(`bad name ${file}`);
      const text = stringifyJsonLines(rows);
      await writeNewFile(join(temporary, file), text, disk);
      data[file] = { file, sha256: createHash('sha256').update(text).digest('hex'), rows: rows.length };
    }
    const specification = v.parse(JobSpecificationSchema, job.specification({ id, createdAt, data }));
    await writeNewFile(join(temporary, JobFiles.specification), JSON.stringify(specification, null, 2) + '\n', disk);
    await disk.syncFolder(temporary);
    await disk.rename(temporary, path);
    await disk.syncFolder(layout.jobs);
    return new JobFolder(path, specification);
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw diskError(error, path);
  }
}

/** Where a reader of events stands: bytes of `events.jsonl` that it has taken. */
export interface EventCursor {
  readonly offset: number;
}

export const startOfEvents: EventCursor = { offset: 0 };

/** Of this process: all its looks at jobs. */
const wakefulness = new Wakefulness();

/** What can be said of a job now. */
export interface JobStanding {
  readonly status: JobStatus;
  readonly state?: JobState;
  /** Its turn in the queue, while it waits there. */
  readonly turn?: string;
}

export class JobFolder {
  readonly path: string;
  readonly specification: JobSpecification;

  constructor(path: string, specification: JobSpecification) {
    this.path = path;
    this.specification = specification;
  }

  /** Opens a job by its folder. Rejects with a HumanError when it is none. */
  static async open(path: string): Promise<JobFolder> {
    const file = join(path, JobFiles.specification);
    const text = await readTextFile(file);
    if (text === undefined) {
      throw new HumanError(l10n.t('There is no job here. Choose one from the list of jobs.'), {
        place: { file: path },
      });
    }
    return new JobFolder(path, readVersioned(file, text, JobSpecificationSchema));
  }

  get id(): string {
    return basename(this.path);
  }

  file(name: keyof typeof JobFiles): string {
    return join(this.path, JobFiles[name]);
  }

  /** A data file named in the specification. Rejects when it is no longer what was copied in. */
  async readData(data: DataFile): Promise<string> {
    const file = join(this.path, basename(data.file));
    const bytes = await readFile(file).catch(() => undefined);
    if (!bytes || createHash('sha256').update(bytes).digest('hex') !== data.sha256) {
      throw new HumanError(
        l10n.t('The data of this job are not those it was made with. Make the job again from your rankings.'),
        { place: { file } },
      );
    }
    return bytes.toString('utf8');
  }

  state(): Promise<JobState | undefined> {
    return this.#read('state', JobStateSchema);
  }

  result(): Promise<JobResult | undefined> {
    return this.#read('result', JobResultSchema);
  }

  /** The refusal suite before and after, where it was asked for. Of a file that cannot be read nothing is told: the job stands without it. */
  refusals(): Promise<RefusalReport | undefined> {
    return this.#read('refusals', RefusalReportSchema).catch(() => undefined);
  }

  control(): Promise<JobControl | undefined> {
    return this.#read('control', JobControlSchema);
  }

  launch(): Promise<JobLaunch | undefined> {
    return this.#read('launch', JobLaunchSchema);
  }

  /** What can be said of the job now; never waits for its process. */
  async status(now: number = Date.now()): Promise<JobStanding> {
    // Before the launch: who starts a job notes its launch first and takes it out of the queue then.
    const asked = await this.#read('queue', JobTurnSchema);
    const [launch, control] = await Promise.all([this.launch(), this.control()]);
    // A turn that was taken counts no more, also when its file could not be removed any more.
    const turn = asked?.turn === launch?.turn ? undefined : asked?.turn;
    // The process first: a worker that ends between the two looks has written its last state by then. One that begins
    // between them is looked at again: the fact must be of the process that the state names.
    let state = await this.state();
    let worker: ProcessFact;
    for (let before: JobState | undefined; ; ) {
      before = state;
      worker = processFact(before?.pid, before?.processStartedAt);
      state = (await this.state()) ?? before;
      if (state?.pid === before?.pid) break;
    }
    const launched = processFact(launch?.pid, launch?.processStartedAt);
    const status = jobStatus({
      state,
      launch,
      control,
      worker,
      launched,
      now,
      beforeSleep: wakefulness.look(now),
      queued: turn !== undefined,
    });
    return { status, state, ...(status === 'queued' && turn !== undefined ? { turn } : {}) };
  }

  /** Puts the job into the queue of its workspace, whatever was asked of it before. */
  async requestTurn(disk: Disk = nodeDisk): Promise<void> {
    await this.clearControl(disk);
    const turn: JobTurn = { format: 1, turn: randomName(12), at: new Date().toISOString() };
    await replaceJsonFile(this.file('queue'), turn, disk);
  }

  leaveQueue(disk: Disk = nodeDisk): Promise<void> {
    return disk.remove(this.file('queue'));
  }

  /** For a job whose process could not even be started. */
  async recordFailure(message: string, human: boolean, disk: Disk = nodeDisk): Promise<void> {
    const now = new Date().toISOString();
    const before = await this.state().catch(() => undefined);
    const state: JobState = {
      format: 1,
      status: 'failed',
      heartbeatAt: now,
      endedAt: now,
      step: before?.step ?? 0,
      totalSteps: before?.totalSteps ?? 0,
      error: { message, human },
    };
    await replaceJsonFile(this.file('state'), state, disk);
  }

  requestCancel(disk: Disk = nodeDisk): Promise<void> {
    return replaceJsonFile(this.file('control'), { format: 1, request: 'cancel' } satisfies JobControl, disk);
  }

  clearControl(disk: Disk = nodeDisk): Promise<void> {
    return disk.remove(this.file('control'));
  }

  /** The turn that it had in the queue is taken by this. */
  async recordLaunch(pid: number, disk: Disk = nodeDisk): Promise<void> {
    const asked = await this.#read('queue', JobTurnSchema).catch(() => undefined);
    const launch: JobLaunch = {
      format: 1,
      pid,
      ...(asked ? { turn: asked.turn } : {}),
      processStartedAt: processStartedAt(pid),
      at: new Date().toISOString(),
    };
    await replaceJsonFile(this.file('launch'), launch, disk);
    if (asked) await this.leaveQueue(disk);
  }

  /**
   * Events since `cursor`; a line that is not yet whole waits for the next call. After a resume some steps come again: the
   * later event of a step counts. `restarted` says that the file began anew, so that what was read before is void.
   */
  async eventsSince(
    cursor: EventCursor,
  ): Promise<{ readonly events: JobEvent[]; readonly cursor: EventCursor; readonly restarted: boolean }> {
    const { bytes, offset, restarted } = await readFrom(this.file('events'), cursor.offset);
    const end = bytes.lastIndexOf(0x0a) + 1;
    const events: JobEvent[] = [];
    for (const line of bytes.subarray(0, end).toString('utf8').split('\n')) {
      if (line.trim() === '') continue;
      const parsed = v.safeParse(JobEventSchema, parseJson(line));
      if (parsed.success) events.push(parsed.output);
    }
    return { events, cursor: { offset: offset + end }, restarted };
  }

  /** The end of `log.txt`. */
  async logTail(bytes = 16_384): Promise<string> {
    const all = await readFile(this.file('log')).catch(() => Buffer.alloc(0));
    return all.subarray(Math.max(0, all.length - bytes)).toString('utf8');
  }

  async #read<T>(name: keyof typeof JobFiles, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
    const text = await readTextFile(this.file(name));
    return text === undefined ? undefined : readVersioned(this.file(name), text, schema);
  }
}

/** All jobs of a workspace, newest first, and what is wrong with those that cannot be read. */
export async function listJobFolders(
  layout: WorkspaceLayout,
): Promise<{ readonly jobs: JobFolder[]; readonly problems: FileProblem[] }> {
  const names = await readdir(layout.jobs).catch(() => [] as string[]);
  const jobs: JobFolder[] = [];
  const problems: FileProblem[] = [];
  for (const name of names
    .filter(name => !name.startsWith('.'))
    .sort()
    .reverse()) {
    const path = join(layout.jobs, name);
    try {
      jobs.push(await JobFolder.open(path));
    } catch (error) {
      if (!(error instanceof HumanError)) throw error;
      problems.push({ file: error.place.file ?? path, line: 1, message: error.message });
    }
  }
  return { jobs, problems };
}

/**
 * Takes the lock of a job for this process. Rejects with a HumanError while another living process holds it; a lock whose
 * process is gone is taken over. The returned function gives it back.
 */
export async function acquireJobLock(path: string, disk: Disk = nodeDisk): Promise<() => Promise<void>> {
  const release = await takeLock(join(path, JobFiles.lock), disk);
  if (release) return release;
  throw new HumanError(l10n.t('This job is already running. Stop it first, or wait until it is done.'), {
    place: { file: path },
  });
}

function readVersioned<T>(file: string, text: string, schema: v.GenericSchema<unknown, T>): T {
  const value = parseJson(text);
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const format = (value as { format?: unknown } | undefined)?.format;
  throw new HumanError(
    typeof format === 'number' && format > 1
      ? l10n.t('This file was written by a newer version of Tunesmith. Update Tunesmith to read it.')
      : l10n.t('This file of a job is damaged. Delete the job and make it again.'),
    { cause: new v.ValiError(parsed.issues), place: { file } },
  );
}

async function readFrom(
  file: string,
  offset: number,
): Promise<{ readonly bytes: Buffer; readonly offset: number; readonly restarted: boolean }> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch {
    return { bytes: Buffer.alloc(0), offset: 0, restarted: offset > 0 };
  }
  try {
    const { size } = await handle.stat();
    const restarted = size < offset;
    const start = restarted ? 0 : offset;
    const bytes = Buffer.alloc(size - start);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, bytesRead), offset: start, restarted };
  } finally {
    await handle.close();
  }
}
