/** npm packages that the benchmark compares with, installed on demand into `.cache/bench-peers` by their own lock file. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './models.ts';

const folder = path.join(root, '.cache', 'bench-peers');
const source = path.join(import.meta.dirname, 'peers');
let failure: string | undefined;

/** The folder whose `node_modules` holds the peers. Throws an Error with npm's reason when they cannot be installed. */
export function npmPeers(): string {
  if (failure) throw new Error(failure);
  const lock = readFileSync(path.join(source, 'package-lock.json'), 'utf8');
  const done = path.join(folder, 'installed.json');
  if (existsSync(done) && readFileSync(done, 'utf8') === lock) return folder;
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(path.join(source, name), path.join(folder, name));
  }
  // `npm ci` refuses a lock without packages of other systems that the registry does not have. Scripts would build or download binaries; the ones in the packages are used.
  const { status, stderr, error } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (error || status !== 0) {
    failure = `npm cannot install it: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
    throw new Error(failure);
  }
  writeFileSync(done, lock);
  return folder;
}
