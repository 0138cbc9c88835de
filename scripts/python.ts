/** The Python of slow tests and benchmarks: a virtual environment outside the tree, with packages installed on demand. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
const venv = path.join(cache, 'tunesmith-venv');
const python = path.join(venv, 'bin', 'python');

/** What pip installs → what is imported. */
const packages = {
  'torch==2.13.0': 'torch',
  numpy: 'numpy',
  transformers: 'transformers',
  peft: 'peft',
  'trl==1.13.0': 'trl',
  gguf: 'gguf',
  onnx: 'onnx',
  onnxruntime: 'onnxruntime',
  'onnxruntime-genai': 'onnxruntime_genai',
  'onnx-ir': 'onnx_ir',
  scipy: 'scipy',
  statsmodels: 'statsmodels',
  krippendorff: 'krippendorff',
  tensorboard: 'tensorboard',
} as const;

export type PythonPackage = keyof typeof packages;

/** The path of a Python that imports torch, transformers, peft, gguf and the packages named, or why there is none. */
export const pythonWithTorch = (...further: readonly PythonPackage[]): string | { readonly missing: string } =>
  pythonWith('torch==2.13.0', 'numpy', 'transformers', 'peft', 'gguf', ...further);

/** Installs all packages at once. */
export const pythonWithAll = (): string | { readonly missing: string } =>
  pythonWith(...(Object.keys(packages) as PythonPackage[]));

/** The path of a Python that imports the packages named, or why there is none. */
export function pythonWith(...wanted: readonly PythonPackage[]): string | { readonly missing: string } {
  const works = () => run(python, '-c', `import ${wanted.map(name => packages[name]).join(', ')}`).status === 0;
  if (existsSync(python) && works()) return python;
  if (!existsSync(python)) {
    const made = run('python3', '-m', 'venv', venv);
    if (made.status !== 0) return { missing: `python3 -m venv failed: ${(made.stderr || String(made.error)).trim()}` };
  }
  const installed = run(python, '-m', 'pip', 'install', '--quiet', ...wanted);
  if (installed.status !== 0) {
    return { missing: `pip cannot install ${wanted.join(', ')}: ${installed.stderr.trim().split('\n').at(-1)}` };
  }
  return works() ? python : { missing: `${wanted.join(', ')} were installed but cannot be imported` };
}

const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8' });
