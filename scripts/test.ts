/** `npm test`: types, lint, unit tests, mocha inside the extension host, and end-to-end tests of the packaged extension. */
import { readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { check, finish, joined, mocha, run, runTogether, type SuiteResult } from './suites.ts';
import { ensureChromium } from './vscode/browser.ts';
import { ensureCodeServer } from './vscode/codeServer.ts';

const results: SuiteResult[] = [];
for (const config of ['tsconfig.pure.json', 'tsconfig.json', 'media/tsconfig.json', 'test/tsconfig.json']) {
  results.push(check(`types ${config}`, 'node_modules/typescript/bin/tsc', '-p', config));
}
results.push(check('lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'));
results.push(check('unused code', 'node_modules/knip/bin/knip.js', '--no-progress'));
results.push(check('build', 'scripts/build.ts'));
const lanes = Math.min(2, os.availableParallelism());
const beside = ['--parallel', '--jobs', String(os.availableParallelism())];
results.push(
  await run({ name: 'unit', args: mocha(...beside, 'test/unit/**/*.test.ts', 'test/architecture.test.ts') }),
);
results.push(check('package', 'scripts/package.ts'));

try {
  ensureChromium();
  await ensureCodeServer();
  results.push(await run({ name: 'extension host', args: ['scripts/testHost.ts'] }));
  // Each file has an editor of its own, which waits more than it computes. Long ones first, so that none is left alone at the end.
  const started = Date.now();
  const files = readdirSync(path.join('test', 'e2e'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.ts'))
    .map(file => path.join('test', 'e2e', file))
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const browser = (named: readonly string[]) => mocha('--config', 'test/e2e/.mocharc.json', ...named);
  const parts = await runTogether(
    files.map(file => ({
      name: `end to end ${path.relative(path.join('test', 'e2e'), file).slice(0, -'.test.ts'.length)}`,
      args: browser([file]),
      secondChance: browser,
    })),
    lanes,
  );
  results.push(joined('end to end', parts, (Date.now() - started) / 1000));
} catch (error) {
  process.stderr.write(`\nThe tests in VS Code could not run. ${(error as Error).message}\n`);
  results.push({ name: 'VS Code', passed: 0, failed: 1, skipped: 0, seconds: 0 });
}
process.exit(finish('test', results));
