/**
 * Runs one of the project's TypeScript scripts on a fresh clone: installs the dependencies (they bring their own Node 24)
 * and starts the script on that Node. Plain JavaScript, because it must run on the Node 20 of a bare machine.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [script, ...args] = process.argv.slice(2);

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(
    `Tunesmith needs Node 20 or newer to install itself; this is ${process.version}. Install a newer Node and try again.`,
  );
}

// npm writes this file last, so an interrupted installation and a changed lock file are both seen.
const installed = path.join(root, 'node_modules', '.package-lock.json');
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(path.join(root, 'package-lock.json')).mtimeMs) {
  process.stderr.write('Installing the dependencies (about a minute, once)…\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const done = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (done.error) fail(`npm could not be started (${done.error.message}). It comes with Node; check your PATH.`);
  if (done.status !== 0)
    fail('npm ci failed. Check the network and the messages above, then run the same command again.');
}

const node = path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
if (!existsSync(node)) {
  fail(
    'The npm package "node" did not install its Node 24. Allow install scripts for it (npm config get ignore-scripts) and run npm ci.',
  );
}
const bin = path.join(root, 'node_modules', '.bin');
const child = spawn(node, [path.join(root, script), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}` },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
