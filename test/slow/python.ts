/** Python in the slow tests: which one, and how a script is asked. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

export { pythonWith, pythonWithTorch } from '../../scripts/python.ts';

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
