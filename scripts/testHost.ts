/** Runs mocha inside the extension host of a real VS Code: bundles test/host, opens it in a browser, and waits for its exit code. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { launchBrowser } from './vscode/browser.ts';
import { root, startCodeServer } from './vscode/codeServer.ts';

const out = path.join(root, 'dist', 'test', 'host');
mkdirSync(out, { recursive: true });
// The tests are CommonJS inside a package of type module.
writeFileSync(path.join(out, 'package.json'), '{"type":"commonjs"}');
const tests = readdirSync(path.join(root, 'test', 'host')).filter(file => file.endsWith('.test.ts'));
await build({
  stdin: {
    contents: `import { runTests } from './run.ts';\nexport const run = () => runTests(() => {\n${tests.map(file => `require('./${file}');`).join('\n')}\n});\n`,
    resolveDir: path.join(root, 'test', 'host'),
    loader: 'ts',
  },
  outfile: path.join(out, 'index.js'),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  sourcemap: 'inline',
  external: ['vscode', 'mocha'],
  logLevel: 'warning',
});

const workspace = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-host-'));
cpSync(path.join(root, 'samples'), workspace, { recursive: true });
const report = path.join(workspace, '.report.json');
const server = await startCodeServer({
  smokeTestDriver: true,
  extensions: [path.join(root, 'test', 'host', 'chatModels')],
  environment: { TUNESMITH_HOST_REPORT: report, TUNESMITH_HOME: path.join(workspace, '.home') },
});
const browser = await launchBrowser();
let code = 1;
try {
  const page = await browser.newPage();
  const ended = new Promise<number>(
    resolve => void page.exposeFunction('codeAutomationExit', (exit: number) => resolve(exit)),
  );
  // The workbench's whole console comes this way; it drowns the results unless someone looks for a reason.
  await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => {
    if (process.env.TUNESMITH_DEBUG) process.stderr.write(`${args.map(String).join(' ')}\n`);
  });
  const remote = (file: string) => `vscode-remote://127.0.0.1:${server.port}${file}`;
  const payload = [
    ['extensionDevelopmentPath', remote(root)],
    ['extensionTestsPath', remote(path.join(out, 'index.js'))],
  ];
  await page.goto(
    `${server.url}/?folder=${encodeURIComponent(workspace)}&payload=${encodeURIComponent(JSON.stringify(payload))}`,
  );
  const timeout = new Promise<number>(resolve => setTimeout(() => resolve(124), 300_000).unref());
  code = await Promise.race([ended, timeout]);
  if (code === 124) process.stderr.write('The extension host did not finish within five minutes.\n');
  if (existsSync(report)) {
    const counts = readFileSync(report, 'utf8');
    if (process.env.TUNESMITH_REPORT) writeFileSync(process.env.TUNESMITH_REPORT, counts);
    const { passed, failed, lines } = JSON.parse(counts) as { passed: number; failed: number; lines: string[] };
    process.stdout.write(`${lines.join('\n')}\n\n  ${passed} passed, ${failed} failed in the extension host\n`);
  } else {
    process.stderr.write(`The tests left no report. VS Code said:\n${server.log().slice(-3000)}\n`);
    code ||= 1;
  }
} finally {
  await browser.close();
  await server.stop();
  await rm(workspace, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
process.exit(code);
