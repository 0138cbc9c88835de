/**
 * `npm run test:slow`: what takes minutes: real models, PyTorch, crashes, the whole loop for three seeds. It writes
 * docs/verification.md. With --quick a part of it that a submission can wait for, and nothing is written.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { finish, mocha, run, type SuiteResult } from './suites.ts';

const root = path.dirname(import.meta.dirname);
const quick = process.argv.includes('--quick');
const only = process.argv.find(arg => arg.startsWith('--only='))?.slice(7);
const figures = path.join(root, '.cache', 'figures');
if (!only) rmSync(figures, { recursive: true, force: true });
mkdirSync(figures, { recursive: true });

const results: SuiteResult[] = [];
const build = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.ts')], { cwd: root, stdio: 'inherit' });
if (build.status !== 0) process.exit(1);
for (const file of readdirSync(path.join(root, 'test', 'slow')).sort()) {
  if (!file.endsWith('.test.ts') || (only && !file.startsWith(only))) continue;
  results.push(
    run({
      name: `slow ${file.slice(0, -'.test.ts'.length)}`,
      args: mocha('--config', 'test/slow/.mocharc.json', '--spec', `test/slow/${file}`),
      env: { TUNESMITH_QUICK: quick ? '1' : '', TUNESMITH_FIGURES: figures },
    }),
  );
}
const code = finish('slow', results);
if (!quick && !only) writeVerification();
process.exit(code);

function writeVerification(): void {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();
  const lines = [
    '# Verification',
    '',
    'Written by `npm run test:slow`: what ran, what it counted, and the figures that the tests left.',
    '',
    `Commit ${git('rev-parse', 'HEAD')}${git('status', '--porcelain', '--', 'src', 'media', 'models', 'test') ? ' with local changes' : ''}, ${new Date().toISOString().slice(0, 10)}; ${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}.`,
    '',
    '| suite | passed | failed | skipped | seconds |',
    '|---|---:|---:|---:|---:|',
    ...results.map(r => `| ${r.name} | ${r.passed} | ${r.failed} | ${r.skipped} | ${r.seconds.toFixed(0)} |`),
  ];
  for (const file of existsSync(figures) ? readdirSync(figures).sort() : []) {
    lines.push('', readFileSync(path.join(figures, file), 'utf8').trimEnd());
  }
  writeFileSync(path.join(root, 'docs', 'verification.md'), lines.join('\n') + '\n');
  process.stderr.write('docs/verification.md is written.\n');
}
