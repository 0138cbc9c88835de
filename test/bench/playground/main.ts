/**
 * `npm run bench:playground`: the playground in a real editor, with the numbers it has to reach. It installs, builds and
 * packages what it needs, prints a table and writes docs/performance-playground.md.
 *
 *   -- --json       print {render10kMs, peakMiB, scrollFps, secondRunCalls, keystrokeMs, activationMs} and nothing else; writes no file
 *   -- --rounds N   fresh editors that are measured (default 3)
 *   -- --quick      a tenth of the cells, one round; writes no file
 *   -- --no-build   measures dist/tunesmith.vsix as it is
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from '../../../scripts/vscode/browser.ts';
import { ensureCodeServer, root } from '../../../scripts/vscode/codeServer.ts';
import { measureRound, type Round } from './measure.ts';
import { evaluatorRenderMs } from './render.ts';
import { document, numbers, table } from './report.ts';
import { Rows } from './workspace.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});
const count = Number(values.rounds ?? (values.quick ? 1 : 3));
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
if (!Number.isInteger(count) || count < 1) {
  log('--rounds has to be a whole number above 0.');
  process.exit(1);
}

/** Windows that each round opens for their activation. */
const Starts = 3;

ensureChromium();
await ensureCodeServer();
if (!values['no-build']) buildPackage();

const rounds: Round[] = [];
const renderMs: number[] = [];
for (let i = 0; i < count; i++) {
  log(`── round ${i + 1} of ${count}`);
  renderMs.push(await evaluatorRenderMs(root));
  log(`rendering: ${renderMs.at(-1)!.toFixed(0)} ms`);
  rounds.push(await measureRound({ starts: Starts, rows: values.quick ? Rows / 10 : Rows, log }));
}
const measured = { rounds, renderMs };
if (values.json) {
  process.stdout.write(`${JSON.stringify(numbers(measured))}\n`);
} else {
  console.log(table(measured));
}
if (!values.json && !values.quick) {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim();
  writeFileSync(path.join(root, 'docs', 'performance-playground.md'), document(measured, commit || 'unknown'));
  log('docs/performance-playground.md is written.');
}
process.exit();

function buildPackage(): void {
  log('building and packaging the extension…');
  for (const [script, ...flags] of [['build.ts', '--clean'], ['package.ts']]) {
    const done = spawnSync(process.execPath, [path.join(root, 'scripts', script!), ...flags], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (done.status === 0) continue;
    log(`scripts/${script} failed.`);
    process.exit(1);
  }
}
