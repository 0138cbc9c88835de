/** The Python of the slow tests: torch, transformers, peft and gguf in a virtual environment outside the tree. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Its path; the packages are installed once. */
export function pythonWithTorch(): string | { readonly missing: string } {
  const packages = ['torch', 'transformers', 'peft', 'gguf'];
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  const venv = path.join(cache, 'tunesmith-venv');
  const python = path.join(venv, 'bin', 'python');
  const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8' });
  const works = () => run(python, '-c', `import ${packages.join(', ')}`).status === 0;
  if (existsSync(python) && works()) return python;
  if (!existsSync(python)) {
    const made = run('python3', '-m', 'venv', venv);
    if (made.status !== 0) return { missing: `python3 -m venv failed: ${(made.stderr || String(made.error)).trim()}` };
  }
  const installed = run(python, '-m', 'pip', 'install', '--quiet', 'torch==2.13.0', ...packages.slice(1));
  if (installed.status !== 0)
    return { missing: `pip cannot install ${packages.join(', ')}: ${installed.stderr.trim().split('\n').at(-1)}` };
  return works() ? python : { missing: `${packages.join(', ')} were installed but cannot be imported` };
}

/** Runs a script of this folder with `request` as JSON on its standard input; what it prints, parsed. Throws what it says on failure. */
export function askPython<T>(python: string, script: string, request: unknown): T {
  const { status, stdout, stderr, error } = spawnSync(python, [path.join(import.meta.dirname, script)], {
    input: JSON.stringify(request),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
  if (status !== 0) throw new Error(`${script} failed: ${stderr || String(error)}`);
  return JSON.parse(stdout) as T;
}
