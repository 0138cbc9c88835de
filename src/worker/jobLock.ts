/** At most one living process works on a job's folder: a lock file that names its holder by pid and start time. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { JobFiles } from '../protocol/jobWorker.ts';

const HolderSchema = v.object({ pid: v.number(), startedAt: v.string() });
export type LockHolder = v.InferOutput<typeof HolderSchema>;

/** Someone who took over a dead holder's lock and died in the middle is waited for no longer than this. */
const takeoverMilliseconds = 10_000;

/** Who this process is. */
export const thisProcess = (): LockHolder => ({
  pid: process.pid,
  startedAt: startOf(process.pid) ?? new Date(performance.timeOrigin).toISOString(),
});

/**
 * Takes the lock of a job's folder; the function that comes back gives it up. Undefined when a living process holds it.
 */
export async function takeLock(folder: string): Promise<(() => Promise<void>) | undefined> {
  const path = join(folder, JobFiles.lock);
  const mine = JSON.stringify(thisProcess());
  if (!(await createFile(path, mine)) && !(await takeOver(path, mine))) return undefined;
  return async () => {
    if ((await read(path)) === mine) await rm(path, { force: true });
  };
}

/** Replaces the lock of a dead holder; only one process at a time may try. */
async function takeOver(path: string, mine: string): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await createFile(guard, mine))) {
    const age = await stat(guard).then(
      info => Date.now() - info.mtimeMs,
      () => 0,
    );
    if (age < takeoverMilliseconds) return false;
    await rm(guard, { force: true });
    if (!(await createFile(guard, mine))) return false;
  }
  try {
    const content = await read(path);
    if (content !== undefined && isAlive(content)) return false;
    const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
    await writeFile(temporary, mine, { flag: 'wx' });
    await rename(temporary, path);
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

function isAlive(content: string): boolean {
  let holder: LockHolder;
  try {
    holder = v.parse(HolderSchema, JSON.parse(content));
  } catch {
    return false; // Torn by a crash while it was written.
  }
  if (holder.pid === process.pid) return false; // An earlier process had our pid.
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = startOf(holder.pid);
  return started === undefined || started === holder.startedAt;
}

/**
 * When a process started, in the kernel's ticks since boot: tells a recycled pid apart. Undefined where the system does not
 * say (then a living pid counts as the holder).
 */
function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** False when the name is taken. The file appears with its whole content, so that no one ever reads half a name. */
async function createFile(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  await writeFile(temporary, content, { flag: 'wx' });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);
