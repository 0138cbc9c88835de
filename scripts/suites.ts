/** Runs test suites, one after the other or side by side, and adds up what they counted. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const reports = path.join(root, '.cache', 'reports');

export interface Suite {
  readonly name: string;
  /** Arguments for node. A suite writes {passed, failed, skipped, failures} to the file that TUNESMITH_REPORT names. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Drives a whole editor in a browser: files that fail get a second chance, alone. What failed the first time is told all the same. */
  readonly secondChance?: (files: readonly string[]) => readonly string[];
}

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** Title and reason of each failed test. */
  failures?: readonly string[];
  /** The same of tests that passed at their second chance. */
  unsteady?: readonly string[];
  /** What each file with a failure counted. */
  failedFiles?: Readonly<Record<string, { passed: number; failed: number; skipped: number }>>;
}

export interface SuiteResult extends Counts {
  readonly name: string;
  readonly seconds: number;
}

export const mocha = (...args: string[]): string[] => [
  path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
  ...args,
];

/** A command that passes or fails as one test: a compiler, a linter. */
export function check(name: string, script: string, ...args: string[]): SuiteResult {
  process.stderr.write(`\n── ${name}\n`);
  const started = Date.now();
  const done = spawnSync(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const failed = done.status === 0 ? 0 : 1;
  if (failed) process.stderr.write(`${name} failed.\n`);
  const failures = failed ? [name] : [];
  return { name, passed: 1 - failed, failed, skipped: 0, failures, seconds: (Date.now() - started) / 1000 };
}

/** Runs one suite, and once more what failed of it where it allows that. */
export async function run(suite: Suite): Promise<SuiteResult> {
  return secondChanceOf(suite, await runOnce(suite, 'shown'));
}

/** Runs suites side by side, `lanes` at once; what one prints comes when it ends. The results have the suites' order. */
export async function runTogether(suites: readonly Suite[], lanes: number): Promise<SuiteResult[]> {
  const results = new Array<SuiteResult>(suites.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < suites.length) {
      const place = next++;
      results[place] = await runOnce(suites[place]!, 'held');
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  // Alone, when all else is done.
  for (const [place, suite] of suites.entries()) results[place] = await secondChanceOf(suite, results[place]!);
  return results;
}

/** Several results as one; `seconds` are those on the clock. */
export const joined = (name: string, results: readonly SuiteResult[], seconds: number): SuiteResult => ({
  name,
  passed: total(results, 'passed'),
  failed: total(results, 'failed'),
  skipped: total(results, 'skipped'),
  failures: results.flatMap(({ failures = [] }) => failures),
  unsteady: results.flatMap(({ unsteady = [] }) => unsteady),
  seconds,
});

type Key = 'passed' | 'failed' | 'skipped';
const total = (counts: readonly Pick<Counts, Key>[], key: Key): number =>
  counts.reduce((sum, count) => sum + count[key], 0);

async function secondChanceOf(suite: Suite, first: SuiteResult): Promise<SuiteResult> {
  const files = Object.keys(first.failedFiles ?? {}).filter(Boolean);
  if (!suite.secondChance || files.length === 0) return first;
  process.stderr.write(`\nOnce more, alone: ${files.join(', ')}\n`);
  const { secondChance, ...rest } = suite;
  const second = await runOnce({ ...rest, name: `${suite.name} again`, args: secondChance(files) }, 'shown');
  const replaced = Object.values(first.failedFiles ?? {});
  const sum = (key: Key) => first[key] - total(replaced, key) + second[key];
  return {
    name: suite.name,
    passed: sum('passed'),
    failed: sum('failed'),
    skipped: sum('skipped'),
    failures: second.failures ?? [],
    unsteady: first.failures ?? [],
    seconds: first.seconds + second.seconds,
  };
}

/** A suite that ends without a report counts as one failure: it crashed. */
async function runOnce(suite: Suite, output: 'shown' | 'held'): Promise<SuiteResult> {
  if (output === 'shown') process.stderr.write(`\n── ${suite.name}\n`);
  mkdirSync(reports, { recursive: true });
  const report = path.join(reports, `${suite.name.replace(/\W+/g, '-')}.json`);
  rmSync(report, { force: true });
  const started = Date.now();
  const child = spawn(process.execPath, [...suite.args], {
    cwd: root,
    stdio: ['ignore', ...(output === 'shown' ? (['inherit', 'inherit'] as const) : (['pipe', 'pipe'] as const))],
    env: { ...process.env, ...suite.env, TUNESMITH_REPORT: report },
  });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => printed.push(chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  if (output === 'held') process.stderr.write(`\n── ${suite.name}\n${Buffer.concat(printed).toString()}`);
  const seconds = (Date.now() - started) / 1000;
  const crashed = { passed: 0, failed: 1, skipped: 0, failures: ['ended without a report'] };
  let counts: Counts = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Counts) : crashed;
  if (status !== 0 && counts.failed === 0) counts = { ...counts, failed: 1 };
  return { name: suite.name, ...counts, seconds };
}

/** Prints what failed and a line for each suite, keeps the results for .ci/run, and closes with the sum alone on a line. Returns the exit code. */
export function finish(name: string, results: readonly SuiteResult[]): number {
  const sum = {
    passed: total(results, 'passed'),
    failed: total(results, 'failed'),
    skipped: total(results, 'skipped'),
  };
  process.stdout.write('\n');
  for (const result of results) {
    for (const failure of result.unsteady ?? [])
      process.stdout.write(`! ${result.name}, failed at first: ${failure}\n\n`);
    for (const failure of result.failures ?? []) process.stdout.write(`✘ ${result.name}: ${failure}\n\n`);
  }
  for (const result of results) {
    const skipped = result.skipped ? `, ${result.skipped} skipped` : '';
    process.stdout.write(
      `  ${result.name}: ${result.passed} passed, ${result.failed} failed${skipped} in ${result.seconds.toFixed(0)} s\n`,
    );
  }
  mkdirSync(reports, { recursive: true });
  writeFileSync(path.join(reports, `all-${name}.json`), JSON.stringify({ ...sum, suites: results }, null, 2));
  process.stdout.write(
    `\n${sum.passed} passed, ${sum.failed} failed${sum.skipped ? `, ${sum.skipped} skipped` : ''}\n`,
  );
  return sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}
