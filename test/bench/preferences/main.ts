/**
 * `npm run bench:preferences` (`-- --json`): a journal of a million judgements: opened without its index, opened with it and 10,000
 * newer lines, judged in and browsed. Each is measured in a process of its own, from the same bundle form that users run.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { activeSaving } from './activeSaving.ts';
import type { Browsed } from './browse.ts';
import type { Measured } from './child.ts';
import { writeMillion } from './million.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const json = process.argv.includes('--json');
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const cache = path.join(root, '.cache');
mkdirSync(cache, { recursive: true });
// On the disk that the project is on: in memory a sync would cost nothing.
const folder = mkdtempSync(path.join(cache, 'bench-preferences-'));
try {
  await build({
    entryPoints: ['child.ts', 'browse.ts'].map(name => path.join(import.meta.dirname, name)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
    logLevel: 'error',
  });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const measure = <T>(program: string, ...argv: string[]): T => {
    const { status, stdout } = spawnSync(process.execPath, [path.join(folder, program), ...argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${program} ${argv[0]} ended with ${status}`);
    return JSON.parse(stdout) as T;
  };
  const run = (task: string): Measured => measure('child.mjs', task, workspace);
  const workspace = path.join(folder, 'workspace');
  say('writing a million judgements of 200,000 items by five annotators …');
  const later = writeMillion(workspace, { items: 200_000, annotators: 5 });
  const cold = run('open');
  say(
    `without an index: ${cold.openMs.toFixed(0)} ms, ${cold.cpuMs.toFixed(0)} ms of it computing, peak ${cold.peakMiB.toFixed(0)} MiB`,
  );
  later(10_000);
  const warm = run('open');
  say(
    `with the index and 10,000 newer lines: ${warm.openMs.toFixed(0)} ms, ${warm.cpuMs.toFixed(0)} ms of it computing, peak ${warm.peakMiB.toFixed(0)} MiB`,
  );
  const judged = run('judge');
  say(
    `a judgement is on disk after ${judged.p50.toFixed(2)} ms (median), ${judged.p99.toFixed(2)} ms (99th percentile)`,
  );
  const seen = measure<Browsed>('browse.mjs', workspace);
  say(
    `the data view: all items after ${seen.allMs.toFixed(0)} ms, 100 rows in ${seen.pageMs.toFixed(0)} ms, a filter in ${seen.filterMs.toFixed(0)} ms, disagreement in ${seen.disagreementMs.toFixed(0)} ms, a text in ${seen.searchMs.toFixed(0)} ms, never longer than ${seen.longestMs.toFixed(0)} ms without a pause, peak ${seen.peakMiB.toFixed(0)} MiB`,
  );
  const saving = activeSaving();
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  say(
    `choosing what to ask saves ${percent(saving.mean)} of comparisons (${percent(saving.low)} to ${percent(saving.high)}, ${saving.seeds} seeds)`,
  );
  const figures = {
    openMillionMs: Math.round(warm.openMs),
    peakMiB: Math.round(Math.max(warm.peakMiB, judged.peakMiB)),
    appendP99Ms: Number(judged.p99.toFixed(2)),
    activeSaving: Number(saving.mean.toFixed(3)),
  };
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
