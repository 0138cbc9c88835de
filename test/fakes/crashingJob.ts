/**
 * A job's process that ends itself by SIGKILL: `node crashingJob.ts <folder> <boundary> <when> <k>` dies at the k-th boundary of
 * that kind, `before` it, `after` it, or when `half` of the bytes are written. Without a boundary it runs to its end.
 * What every checkpoint holds is noted as `step sha256` in `checkpoints.txt` of the folder.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { JobFiles } from '../../src/core/jobs/files.ts';
import type { JobEvent, JobSpecification } from '../../src/core/jobs/job.ts';
import { nodeDisk, type WritableFile } from '../../src/storage/fileSystem.ts';
import type { RecipeCheckpoint } from '../../src/training/recipe.ts';
import { JobReporter } from '../../src/worker/jobReporter.ts';

/** `step` and `samples` are lines of the event log; `rollout`, `pass` and `evaluation` runs of the model; the rest is the disk. */
export type Boundary =
  | 'step'
  | 'samples'
  | 'rollout'
  | 'pass'
  | 'evaluation'
  | `${'checkpoint' | 'model' | 'state' | 'result'} ${'create' | 'write' | 'sync' | 'rename' | 'syncFolder' | 'remove'}`;
export type When = 'before' | 'half' | 'after';

if (import.meta.main) {
  const [folder = '', boundary, when, k] = process.argv.slice(2);
  if (boundary !== undefined) hook(folder, boundary, when as When, Number(k));
  noteCheckpoints(folder);
  // It looks for its folder at the same place.
  await import('../../src/worker/jobMain.ts');
}

function hook(folder: string, wanted: string, moment: When, k: number): void {
  let count = 0;
  const isTheOne = (boundary: string, when: When): boolean => boundary === wanted && when === moment && ++count === k;
  const die = (): void => {
    process.kill(process.pid, 'SIGKILL');
    // The signal comes at once; nothing after it may run.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  const at = (boundary: string, when: When): void => {
    if (isTheOne(boundary, when)) die();
  };
  hookDisk(folder, at, isTheOne, die);
  hookEvents(at, isTheOne, die);
  hookModel(folder, at);
}

type At = (boundary: string, when: When) => void;
type IsTheOne = (boundary: string, when: When) => boolean;

function hookDisk(folder: string, at: At, isTheOne: IsTheOne, die: () => void): void {
  const own = { ...nodeDisk };
  /** What a path is of. */
  const placeOf = (path: string): string =>
    path.includes(join(folder, JobFiles.checkpoints))
      ? 'checkpoint'
      : path.includes(JobFiles.result)
        ? 'result'
        : path.startsWith(folder)
          ? 'state'
          : 'model';
  const around = async <T>(name: string, path: string, action: () => Promise<T>): Promise<T> => {
    at(`${placeOf(path)} ${name}`, 'before');
    const result = await action();
    at(`${placeOf(path)} ${name}`, 'after');
    return result;
  };
  const hooked = (file: WritableFile, path: string): WritableFile => ({
    write: (bytes, position) =>
      around('write', path, async () => {
        if (isTheOne(`${placeOf(path)} write`, 'half')) {
          await file.write(bytes.subarray(0, bytes.length >> 1), position);
          die();
        }
        await file.write(bytes, position);
      }),
    sync: () => around('sync', path, () => file.sync()),
    truncate: length => file.truncate(length),
    identity: () => file.identity(),
    close: () => file.close(),
  });
  Object.assign(nodeDisk, {
    create: async (path: string) => hooked(await around('create', path, () => own.create(path)), path),
    rename: (from: string, to: string) => around('rename', to, () => own.rename(from, to)),
    syncFolder: (path: string) => around('syncFolder', path, () => own.syncFolder(path)),
    remove: (path: string) => around('remove', path, () => own.remove(path)),
  } satisfies Partial<typeof nodeDisk>);
}

function hookEvents(at: At, isTheOne: IsTheOne, die: () => void): void {
  const append = fs.appendFileSync;
  fs.appendFileSync = (file, data, options) => {
    const line = String(data);
    if (basename(String(file)) !== JobFiles.events || line.trim() === '') return append(file, data, options);
    const { type } = JSON.parse(line) as JobEvent;
    const boundary = type === 'metrics' ? 'step' : type;
    at(boundary, 'before');
    if (isTheOne(boundary, 'half')) {
      append(file, line.slice(0, line.length >> 1));
      die();
    }
    append(file, data, options);
    at(boundary, 'after');
  };
  syncBuiltinESMExports();
}

/** Runs of the model, told apart by what the recipe reported last. */
function hookModel(folder: string, at: At): void {
  const specification = JSON.parse(fs.readFileSync(join(folder, JobFiles.specification), 'utf8')) as JobSpecification;
  const online = specification.kind === 'rlhf' ? specification.settings : undefined;
  let stage = 'start';
  const { phase, progress, samples, breathe } = JobReporter.prototype;
  Object.assign(JobReporter.prototype, {
    phase(this: JobReporter, text: string) {
      stage = /^(Sampling|Measuring|Computing)/.test(text) ? 'evaluation' : 'next';
      phase.call(this, text);
    },
    progress(this: JobReporter, step: number, total: number) {
      const looks = online !== undefined && step % online.evaluateEvery === 0;
      stage = looks || step === total ? 'evaluation' : 'next';
      progress.call(this, step, total);
    },
    samples(this: JobReporter, ...given: Parameters<typeof samples>) {
      stage = 'next';
      samples.apply(this, given);
    },
    breathe(this: JobReporter) {
      if (stage === 'next') stage = online ? 'rollout' : 'pass';
      else if (stage === 'rollout') stage = 'pass';
      return breathe.call(this);
    },
  } satisfies Partial<JobReporter>);
  const { run } = (InferenceSession as unknown as { prototype: { run(...given: unknown[]): Promise<unknown> } })
    .prototype;
  Object.assign((InferenceSession as unknown as { prototype: object }).prototype, {
    async run(this: unknown, ...given: unknown[]) {
      at(stage, 'before');
      try {
        return await run.apply(this, given);
      } finally {
        at(stage, 'after');
      }
    },
  });
}

function noteCheckpoints(folder: string): void {
  const { checkpoint } = JobReporter.prototype;
  JobReporter.prototype.checkpoint = function (this: JobReporter, made: RecipeCheckpoint) {
    const hash = createHash('sha256').update(JSON.stringify(made.values));
    for (const [name, array] of [...made.arrays].sort(([a], [b]) => (a < b ? -1 : 1)))
      hash.update(name).update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    fs.writeFileSync(join(folder, 'checkpoints.txt'), `${made.step} ${hash.digest('hex')}\n`, { flag: 'a' });
    return checkpoint.call(this, made);
  };
}
