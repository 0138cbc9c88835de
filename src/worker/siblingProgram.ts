/** Where the program of another child process lies, for those that start one themselves. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The file of `<name>Main`, beside this one: in the bundle's folder, or among the sources. */
export function siblingProgram(name: 'actor' | 'calibration' | 'evaluator'): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, `${name}Main.mjs`), join(here, `${name}Main.ts`)];
  return candidates.find(candidate => existsSync(candidate)) ?? candidates[0]!;
}
