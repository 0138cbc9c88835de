/** Whether a process is still the one that it was: process numbers are used again. */
import { readFileSync } from 'node:fs';
import type { ProcessFact } from '../core/jobs/status.ts';

/**
 * When a process started, in the kernel's ticks since boot; undefined where the system does not tell cheaply or there is no
 * such process. A zombie is no process.
 */
export function processStartedAt(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    // The program's name is in brackets and may hold anything; state is the first field after it, the start time the 20th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X' || fields[19] === undefined) return undefined;
    return fields[19];
  } catch {
    return undefined;
  }
}

/** Whether this system tells when processes started. */
const tellsStarts = processStartedAt(process.pid) !== undefined;

/** What is known of the process that had this number and start. */
export function processFact(pid: number | undefined, startedAt: string | undefined): ProcessFact {
  // 0 and negative numbers mean groups of processes.
  if (pid === undefined || !Number.isSafeInteger(pid) || pid <= 1) return 'gone';
  if (tellsStarts) return startedAt !== undefined && processStartedAt(pid) === startedAt ? 'alive' : 'gone';
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'unknown' : 'gone';
  }
}
