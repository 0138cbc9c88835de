/** `npm start`: builds Tunesmith and opens it in VS Code with a copy of the samples. Options: --port N, --no-open, --fresh. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root, startCodeServer } from './vscode/codeServer.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    'no-open': { type: 'boolean' },
    fresh: { type: 'boolean' },
    browser: { type: 'boolean' },
  },
});
const port = values.port === undefined ? undefined : Number(values.port);
if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) {
  fail(`--port takes a number from 1 to 65535, not "${values.port}".`);
}

step('Building', 'scripts/build.ts');
const workspace = path.join(root, '.cache', 'workspace');
if (values.fresh) rmSync(workspace, { recursive: true, force: true });
// Kept between starts: it holds the rankings and models of the person who tries it.
if (!existsSync(workspace)) cpSync(path.join(root, 'samples'), workspace, { recursive: true });

const desktop = values.browser || values.port || values['no-open'] ? undefined : findCode();
if (desktop) {
  process.stdout.write(`Opening ${workspace} in Visual Studio Code.\n`);
  spawn(desktop, ['--new-window', `--extensionDevelopmentPath=${root}`, workspace], {
    detached: true,
    stdio: 'ignore',
  }).unref();
} else {
  step('Packing', 'scripts/package.ts');
  const password = randomBytes(9).toString('base64url');
  const server = await startCodeServer({
    port,
    password,
    profile: path.join(root, '.cache', 'vscode'),
    install: [path.join(root, 'dist', 'tunesmith.vsix')],
  }).catch((error: Error) => fail(error.message));
  const address = `${server.url}/?folder=${encodeURIComponent(workspace)}`;
  process.stdout.write(`\nVS Code with Tunesmith: ${address}\nPassword: ${password}\n\nCtrl+C stops it.\n`);
  if (!values['no-open']) openInBrowser(address);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void server.stop().then(() => process.exit(0)));
  const code = await server.exited;
  fail(`VS Code ended${code === null ? '' : ` with code ${code}`}:\n${server.log().slice(-2000)}`);
}

function findCode(): string | undefined {
  const found = spawnSync(process.platform === 'win32' ? 'where' : 'which', ['code'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.split(/\r?\n/)[0] : undefined;
}

function openInBrowser(address: string): void {
  const opener = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  spawn(opener, [address], { detached: true, stdio: 'ignore' })
    .on('error', () => {})
    .unref();
}

function step(name: string, script: string): void {
  process.stderr.write(`${name}…\n`);
  const done = spawnSync(process.execPath, [path.join(root, script)], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (done.status !== 0) fail(`${name} failed; the messages above say why.`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
