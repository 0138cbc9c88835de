/** A job's side of its folder: state, heartbeat, events and control, written so that any reader at any time finds sense. */
import { appendFileSync, closeSync, fstatSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { JobEstimate } from '../core/jobs/estimate.ts';
import type { JobEvent, JobState, JobStatus } from '../core/jobs/job.ts';
import { HeartbeatSeconds } from '../protocol/jobWorker.ts';
import { diskError, replaceJsonFile } from '../storage/fileSystem.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import { processStartedAt } from '../storage/processIdentity.ts';
import type { RecipeCheckpoint, RecipeHost, RecipeSample } from '../training/recipe.ts';
import { discardCheckpoint, saveCheckpoint } from './jobCheckpoints.ts';
import type { PowerSource } from './powerSource.ts';
import { TensorboardFile } from './tensorboardFile.ts';

type NewEvent = JobEvent extends infer E ? (E extends { time: string } ? Omit<E, 'time'> : never) : never;

/** Milliseconds between two states on disk, and between two looks at the control file. */
const stateEvery = 1000;
const lookEvery = 200;
/** Between two questions of what the computer runs on. */
const powerSeconds = 5;
/** Bytes for a state and a temporary file of it. */
const reserved = 1 << 14;
/** Steps over whose times the rest is estimated. */
const rateSteps = 8;

export interface ReporterOptions {
  /** The step that the job goes on from. */
  readonly step?: number;
  /** Where the job is to wait while the computer runs on its battery: asks what it runs on. */
  readonly power?: () => Promise<PowerSource>;
  /** Seconds between two of these questions. */
  readonly powerSeconds?: number;
}

export class JobReporter implements RecipeHost {
  readonly #folder: JobFolder;
  /** Seconds of work so far. */
  readonly #seconds: () => number;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #times: { step: number; at: number }[] = [];
  #state: JobState;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #written = 0;
  #looked = 0;
  #stop = false;
  readonly #tensorboard: TensorboardFile | undefined;
  readonly #power: (() => Promise<PowerSource>) | undefined;
  readonly #powerEvery: number;
  #powerLooked = Number.NEGATIVE_INFINITY;
  /** A job that was started on battery is wanted there. */
  #pluggedIn = false;

  /** `seconds` counts the work up to now, over all processes that took part. */
  constructor(folder: JobFolder, before: JobState | undefined, seconds: () => number, options: ReporterOptions = {}) {
    this.#folder = folder;
    this.#seconds = seconds;
    this.#power = options.power;
    this.#powerEvery = 1000 * (options.powerSeconds ?? powerSeconds);
    const { tensorboard, createdAt } = folder.specification;
    if (tensorboard) {
      const name = `events.out.tfevents.${Math.floor(Date.parse(createdAt) / 1000)}.tunesmith`;
      this.#tensorboard = new TensorboardFile(join(folder.file('tensorboard'), name), options.step ?? 0);
    }
    const now = new Date().toISOString();
    this.#state = {
      format: 1,
      status: 'running',
      pid: process.pid,
      processStartedAt: processStartedAt(process.pid),
      heartbeatAt: now,
      startedAt: before?.startedAt ?? now,
      step: before?.step ?? 0,
      totalSteps: before?.totalSteps ?? 0,
    };
    closeTornLine(folder.file('events'));
    keepReserve(folder.file('reserve'));
    this.#heartbeat = setInterval(() => this.#write(), HeartbeatSeconds * 1000);
    this.#write();
  }

  /** Ends the recipe at its next step, as a cancellation through the control file does. */
  stop(): void {
    this.#stop = true;
  }

  phase(phase: string): void {
    this.#state = { ...this.#state, phase };
    this.#append({ type: 'phase', phase });
    this.#write();
  }

  progress(step: number, totalSteps: number): void {
    this.#times.push({ step, at: performance.now() });
    if (this.#times.length > rateSteps + 1) this.#times.shift();
    const first = this.#times[0]!;
    const last = this.#times.at(-1)!;
    const rate = (last.at - first.at) / 1000 / (last.step - first.step);
    const secondsLeft = Number.isFinite(rate) ? Math.round((totalSteps - step) * rate * 10) / 10 : undefined;
    this.#state = { ...this.#state, step, totalSteps, secondsLeft };
    if (performance.now() - this.#written > stateEvery || step === totalSteps) this.#write();
  }

  metrics(step: number, values: Readonly<Record<string, number>>): void {
    this.#append({ type: 'metrics', step, values: { ...values } });
    this.#tensorboard?.scalars(step, values, Date.now() / 1000);
  }

  samples(step: number, samples: readonly RecipeSample[]): void {
    this.#append({ type: 'samples', step, samples: samples.map(sample => ({ ...sample })) });
  }

  log(level: 'info' | 'warning' | 'error', message: string): void {
    this.#append({ type: 'log', level, message });
    process.stdout.write(`${new Date().toISOString()} ${level}: ${message}\n`);
  }

  estimate({ memory, available, steps, seconds: [low, high] }: JobEstimate): void {
    const [bytes, free] = [Math.round(memory), Math.round(available)];
    this.#append({ type: 'estimate', memory: bytes, available: free, steps, seconds: [low, high] });
  }

  async checkpoint(checkpoint: RecipeCheckpoint): Promise<void> {
    const checkpoints = this.#folder.file('checkpoints');
    const stored = { ...checkpoint, seconds: this.#seconds() };
    const { folder, bytes } = await saveCheckpoint(checkpoints, stored, this.#folder.specification.keepCheckpoints);
    this.#append({ type: 'checkpoint', step: checkpoint.step, folder, bytes });
  }

  discardCheckpoint(step: number): Promise<number> {
    return discardCheckpoint(this.#folder.file('checkpoints'), step);
  }

  /** Lets timers run; whether the recipe is to stop. Rejects when the disk refused what was reported. */
  async breathe(): Promise<boolean> {
    await new Promise(resolve => setImmediate(resolve));
    const now = performance.now();
    // A pass through the model holds up everything here, timers and writes too: the heart beats between two passes, and is waited for.
    if (now - this.#written > stateEvery) this.#write();
    await this.#writing;
    if (this.#failure) throw this.#failure;
    if (!this.#stop && now - this.#looked > lookEvery) {
      this.#looked = now;
      const control = await this.#folder.control().catch(() => undefined);
      if (control?.request === 'cancel') this.#stop = true;
    }
    await this.#waitForPower();
    return this.#stop;
  }

  /** Waits while the computer, which was plugged in before, runs on its battery. The heart goes on beating. */
  async #waitForPower(): Promise<void> {
    if (!this.#power || this.#stop || performance.now() - this.#powerLooked < this.#powerEvery) return;
    const { phase } = this.#state;
    let paused = false;
    for (;;) {
      const source = await this.#power();
      this.#powerLooked = performance.now();
      if (source === 'mains') this.#pluggedIn = true;
      if (source !== 'battery' || !this.#pluggedIn) break;
      if (!paused) {
        paused = true;
        this.#state = { ...this.#state, paused: 'battery', secondsLeft: undefined };
        this.phase(l10n.t('Paused on battery power; it goes on when the computer is plugged in'));
      }
      await new Promise(resolve => setTimeout(resolve, lookEvery));
      const control = await this.#folder.control().catch(() => undefined);
      if (control?.request === 'cancel') this.#stop = true;
      if (this.#stop) break;
    }
    if (!paused) return;
    this.#times.length = 0;
    this.#state = { ...this.#state, paused: undefined };
    this.phase(phase ?? '');
  }

  /** The last state. After it nothing is written. */
  async end(status: JobStatus, error?: unknown): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#failure = undefined;
    const human = isHumanError(error);
    this.#state = {
      ...this.#state,
      status,
      endedAt: new Date().toISOString(),
      secondsLeft: undefined,
      paused: undefined,
      ...(error === undefined
        ? {}
        : {
            error: {
              message: human ? error.describe() : error instanceof Error ? error.message : String(error),
              human,
              ...(human || !(error instanceof Error) || !error.stack ? {} : { stack: error.stack }),
            },
          }),
    };
    this.#write();
    await this.#writing;
    // What was reserved makes room for the last words of a job that ended because the disk is full.
    rmSync(this.#folder.file('reserve'), { force: true });
    if (!this.#failure) return;
    this.#failure = undefined;
    this.#write();
    await this.#writing;
    if (this.#failure) throw this.#failure;
  }

  #append(event: NewEvent): void {
    const line = JSON.stringify({ time: new Date().toISOString(), ...event }) + '\n';
    try {
      appendFileSync(this.#folder.file('events'), line);
    } catch (error) {
      throw diskError(error, this.#folder.file('events'));
    }
  }

  /** Writes the state as it is when its turn comes; turns that have been overtaken fall together. */
  #write(): void {
    this.#written = performance.now();
    this.#state = { ...this.#state, heartbeatAt: new Date().toISOString() };
    const state = this.#state;
    this.#writing = this.#writing.then(async () => {
      if (state !== this.#state) return;
      try {
        await replaceJsonFile(this.#folder.file('state'), state);
      } catch (error) {
        this.#failure ??= error;
      }
    });
  }
}

/** A file of bytes to give back; without it a job goes on all the same. */
function keepReserve(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(reserved, 1));
  } catch {
    rmSync(path, { force: true });
  }
}

/** A line that a killed process left unfinished gets its end, so that the next event begins a line of its own. */
function closeTornLine(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return;
  }
  let torn: boolean;
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    torn = size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
  } finally {
    closeSync(file);
  }
  if (torn) appendFileSync(path, '\n');
}
