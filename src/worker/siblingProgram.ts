/** What child processes need that start others themselves: where those programs lie, and how to let others go first. */
import { existsSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The file of `<name>Main`, beside this one: in the bundle's folder, or among the sources. */
export function siblingProgram(name: 'actor' | 'calibration' | 'evaluator'): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, `${name}Main.mjs`), join(here, `${name}Main.ts`)];
  return candidates.find(candidate => existsSync(candidate)) ?? candidates[0]!;
}

/** A process that works only with what others leave of the processor. */
export function yieldTo(pid: number | undefined): void {
  try {
    if (pid !== undefined) os.setPriority(pid, os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, or this system does not let us.
  }
}
