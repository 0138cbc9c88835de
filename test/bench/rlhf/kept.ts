/** Rounds of cases between runs, so that docs/performance-rlhf.md can be written from cases that were measured one by one. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PresetNames } from '../../../src/core/jobs/presets.ts';
import { root } from '../engine/models.ts';
import { type Case, cases } from './cases.ts';
import type { LoopTimes } from './loop.ts';
import type { Overlap } from './overlap.ts';
import type { Rounds } from './run.ts';

export interface Kept {
  readonly case: Case;
  readonly rounds: Rounds;
  readonly commit: string;
  /** Year, month, day. */
  readonly date: string;
}

const folder = path.join(root, '.cache', 'bench-results');
const fileOf = (running: Case): string => path.join(folder, `${running.name}.json`);

/** Keeps the rounds of a case, with `append` after those of the same code and settings, and returns what is kept now. */
export function keep(running: Case, rounds: Rounds, append: boolean): Rounds {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();
  const changed = git('status', '--porcelain', '--', 'src', 'test/bench') ? ' with local changes' : '';
  const commit = git('log', '-1', '--format=%h', '--', 'src', 'test/bench/rlhf') + changed;
  const before = append ? read(running) : undefined;
  const same = before && before.commit === commit && JSON.stringify(before.case) === JSON.stringify(running);
  const all = same ? joined(before.rounds, rounds) : rounds;
  const kept: Kept = { case: running, rounds: all, commit, date: new Date().toISOString().slice(0, 10) };
  write(fileOf(running), kept);
  return all;
}

const joined = (before: Rounds, after: Rounds): Rounds => ({
  ...after,
  ours: [...before.ours, ...after.ours],
  theirs: [...before.theirs, ...after.theirs],
  busy: [...before.busy, ...after.busy],
});

const read = (running: Case): Kept | undefined => readJson(fileOf(running));

function write(file: string, value: unknown): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(value));
}

const readJson = <T>(file: string): T | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;

/** The newest measurement of each case that was ever measured, in the order of the cases. */
export const keptResults = (): Kept[] => cases.flatMap(running => read(running) ?? []);

const overlapFile = (running: Case): string => path.join(folder, `${running.name}-overlap.json`);

export const keepOverlap = (running: Case, overlap: Overlap): void => write(overlapFile(running), overlap);

export const keptOverlaps = (): { readonly case: Case; readonly overlap: Overlap }[] =>
  cases.flatMap(running => {
    const overlap = readJson<Overlap>(overlapFile(running));
    return overlap ? [{ case: running, overlap }] : [];
  });

const loopFile = (preset: string): string => path.join(folder, `loop-${preset}.json`);

export const keepLoop = (times: LoopTimes): void => write(loopFile(times.preset), times);

export const keptLoops = (): LoopTimes[] => PresetNames.flatMap(preset => readJson<LoopTimes>(loopFile(preset)) ?? []);
