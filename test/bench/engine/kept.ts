/** Results of cases between runs: a full run takes most of an hour, and one that is broken off loses nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cases } from './cases.ts';
import { root } from './models.ts';
import type { CaseResult } from './run.ts';

/** One case as it was measured: ours and all its peers in one run. */
export interface Kept {
  readonly result: CaseResult;
  readonly rounds: number;
  readonly commit: string;
  /** Year, month, day. */
  readonly date: string;
}

const folder = path.join(root, '.cache', 'bench-results');
const fileOf = (name: string): string => path.join(folder, `${name}.json`);

export function keep(result: CaseResult, rounds: number): void {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();
  const changed = git('status', '--porcelain', '--', 'src', 'test/bench') ? ' with local changes' : '';
  const kept: Kept = {
    result,
    rounds,
    commit: git('rev-parse', '--short', 'HEAD') + changed,
    date: new Date().toISOString().slice(0, 10),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(result.case.name), JSON.stringify(kept));
}

/** The newest measurement of each case, in the order of the cases; a case that was never measured says so. */
export function keptResults(): Kept[] {
  return cases.map(running => {
    const file = fileOf(running.name);
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Kept;
    const result = { case: running, skipped: 'it was not run', peers: [], missing: [], notes: [] };
    return { result, rounds: 0, commit: '', date: '' };
  });
}
