/** `npm test`: types, lint, unit tests, mocha inside the extension host, and end-to-end tests of the packaged extension. */
import { check, finish, mocha, run, type SuiteResult } from './suites.ts';
import { ensureChromium } from './vscode/browser.ts';
import { ensureCodeServer } from './vscode/codeServer.ts';

const results: SuiteResult[] = [];
for (const config of ['tsconfig.pure.json', 'tsconfig.json', 'media/tsconfig.json', 'test/tsconfig.json']) {
  results.push(check(`types ${config}`, 'node_modules/typescript/bin/tsc', '-p', config));
}
results.push(check('lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'));
results.push(check('unused code', 'node_modules/knip/bin/knip.js', '--no-progress'));
results.push(check('build', 'scripts/build.ts'));
results.push(run({ name: 'unit', args: mocha('test/unit/**/*.test.ts', 'test/architecture.test.ts') }));
results.push(check('package', 'scripts/package.ts'));

try {
  ensureChromium();
  await ensureCodeServer();
  results.push(run({ name: 'extension host', args: ['scripts/testHost.ts'] }));
  const browser = (files: readonly string[]) => mocha('--config', 'test/e2e/.mocharc.json', ...files);
  results.push(run({ name: 'end to end', args: browser(['test/e2e/**/*.test.ts']), secondChance: browser }));
} catch (error) {
  process.stderr.write(`\nThe tests in VS Code could not run. ${(error as Error).message}\n`);
  results.push({ name: 'VS Code', passed: 0, failed: 1, skipped: 0, seconds: 0 });
}
process.exit(finish('test', results));
