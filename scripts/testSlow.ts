/**
 * `npm run test:slow`: what takes minutes: real models, PyTorch, crashes, the whole loop for three seeds. It writes
 * docs/verification.md. With --quick a part of it that a submission can wait for, and nothing is written.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fetchTestModel } from './fetchTestModel.ts';
import { pythonWithAll } from './python.ts';
import { finish, mocha, run, runTogether, type Suite, type SuiteResult } from './suites.ts';

const root = path.dirname(import.meta.dirname);
const quick = process.argv.includes('--quick');
const only = process.argv.find(arg => arg.startsWith('--only='))?.slice(7);
/** Kept with the project, so that a suite that did not run on this machine still says when and where it did. */
const figures = path.join(root, 'docs', 'verification');
const machine = `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}`;
const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();

interface Ran extends SuiteResult {
  readonly commit: string;
  readonly date: string;
  readonly machine: string;
}

const results: SuiteResult[] = [];
const build = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.ts')], { cwd: root, stdio: 'inherit' });
if (build.status !== 0) process.exit(1);
const suites = readdirSync(path.join(root, 'test', 'slow'))
  .filter(file => file.endsWith('.test.ts'))
  .map(file => file.slice(0, -'.test.ts'.length))
  .sort();
if (only !== undefined && !suites.includes(only)) {
  process.stderr.write(`There is no slow suite "${only}"; there are ${suites.join(', ')}.\n`);
  process.exit(1);
}
/** The figures of a quick run say less than those of a full one, so they do not take their place. */
const folderOf = (suite: string): string =>
  quick ? path.join(root, '.cache', 'quick-figures') : path.join(figures, suite);

function suiteOf(suite: string): Suite {
  const kept = folderOf(suite);
  mkdirSync(kept, { recursive: true });
  const args = mocha('--config', 'test/slow/.mocharc.json', '--spec', `test/slow/${suite}.test.ts`);
  return {
    name: `slow ${suite}`,
    args,
    ...(suite === 'crashEditor' && { secondChance: () => args }),
    env: { TUNESMITH_QUICK: quick ? '1' : '', TUNESMITH_FIGURES: kept },
  };
}

function record(suite: string, result: SuiteResult): void {
  const changed = git('status', '--porcelain', '--', 'src', 'media', 'models', 'test') ? ' with local changes' : '';
  const ran: Ran = {
    ...result,
    commit: git('rev-parse', '--short', 'HEAD') + changed,
    date: new Date().toISOString().slice(0, 10),
    machine,
  };
  writeFileSync(path.join(folderOf(suite), 'result.json'), JSON.stringify(ran));
}

const chosen = suites.filter(suite => only === undefined || suite === only);
if (quick) {
  // What several of them need, so that none makes it while another does.
  fetchTestModel();
  pythonWithAll();
  // Two at once: nothing that is measured counts here.
  results.push(...(await runTogether(chosen.map(suiteOf), Math.min(2, os.availableParallelism()))));
} else {
  for (const suite of chosen) {
    rmSync(folderOf(suite), { recursive: true, force: true });
    const result = await run(suiteOf(suite));
    results.push(result);
    record(suite, result);
  }
}
const code = finish('slow', results);
if (!quick) writeVerification();
process.exit(code);

/** What every suite's last full run counted and measured; a suite that has not run here is said to be missing. */
function writeVerification(): void {
  const rows: string[] = [];
  const sections: string[] = [];
  for (const suite of suites) {
    const folder = path.join(figures, suite);
    const file = path.join(folder, 'result.json');
    if (!existsSync(file)) {
      rows.push(`| ${suite} | not run | | | | | | |`);
      continue;
    }
    const ran = JSON.parse(readFileSync(file, 'utf8')) as Ran;
    rows.push(
      `| ${suite} | ${ran.passed} | ${ran.failed} | ${ran.skipped} | ${ran.seconds.toFixed(0)} | ${ran.commit} | ${ran.date} | ${ran.machine} |`,
    );
    for (const section of readdirSync(folder).sort()) {
      if (section.endsWith('.md')) sections.push('', readFileSync(path.join(folder, section), 'utf8').trimEnd());
    }
  }
  const lines = [
    '# Verification',
    '',
    'Written by `npm run test:slow`: what each slow suite counted when it last ran, at which commit, and the figures that it left.',
    '',
    '| suite | passed | failed | skipped | seconds | commit | date | machine |',
    '|---|---:|---:|---:|---:|---|---|---|',
    ...rows,
    ...sections,
  ];
  writeFileSync(path.join(root, 'docs', 'verification.md'), lines.join('\n') + '\n');
  process.stderr.write('docs/verification.md is written.\n');
}
