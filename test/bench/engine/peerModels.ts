/** The model in the formats of the peers, made once from the same weights and kept in `.cache/bench-models`. */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fetchTestModel } from '../../../scripts/fetchTestModel.ts';
import { type PythonPackage, pythonWithTorch } from '../../../scripts/python.ts';
import type { DecodingCase } from './cases.ts';

/** The GGUF file of llama.cpp or the folder of transformers.js. Throws an Error with the reason when it cannot be made. */
export function peerModel(
  peer: 'llama.cpp' | 'transformers.js',
  { model, precision }: DecodingCase,
  folder: string,
): string {
  if (peer === 'transformers.js') {
    return made(`${folder}-onnx-${precision}`, 'onnx_models.py', [folder, precision], onnxPackages);
  }
  // The model comes as Q4_1, so that 4 bits are its own file.
  if (precision === '4bit') return fetchTestModel();
  const kind = precision === 'int8' ? 'Q8_0' : 'F32';
  const source = model === 'smollm2' ? fetchTestModel() : folder;
  return made(`${folder}-${kind}.gguf`, 'gguf_models.py', [source, kind], []);
}

const onnxPackages: readonly PythonPackage[] = ['onnx', 'onnx-ir', 'onnxruntime', 'onnxruntime-genai'];

/** `script SOURCE TARGET KIND` in Python. */
function made(
  target: string,
  script: string,
  [source, kind]: readonly [string, string],
  packages: readonly PythonPackage[],
): string {
  if (existsSync(target)) return target;
  const python = pythonWithTorch(...packages);
  if (typeof python !== 'string') throw new Error(python.missing);
  const partial = `${target}-${process.pid}`;
  const { status, stderr } = spawnSync(
    python,
    [path.join(import.meta.dirname, 'peers', script), source, partial, kind],
    { encoding: 'utf8', env: { ...process.env, HF_HUB_OFFLINE: '1' }, maxBuffer: 1 << 28 },
  );
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`its model cannot be made: ${stderr.trim().split('\n').at(-1)}`);
  }
  renameSync(partial, target);
  return target;
}
