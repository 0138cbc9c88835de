/** Asks TRL's trainers, through trainingLosses.py, for one step of the losses, and reads their answer. */
import path from 'node:path';
import type { Precision } from '../../src/engine/index.ts';
import { openSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { openFile } from '../../src/storage/modelFolder.ts';
import { type LossCase, lossLora, writeLossModel } from '../fakes/lossCases.ts';
import type { Results } from '../fakes/trainingGraphs.ts';
import { askPython } from './python.ts';

/** Metrics of each case, in the order of the cases. */
export type TrlMetrics = Readonly<Record<Precision, readonly Readonly<Record<string, number>>[]>>;

/** Leaves what they computed in `folder`, for `lossResults`. */
export function askTrl(python: string, folder: string, cases: readonly LossCase[]): TrlMetrics {
  writeLossModel(folder);
  const asked = cases.map(({ name, request }) => ({ name, ...request }));
  return askPython(python, 'trainingLosses.py', { folder, lora: lossLora, cases: asked });
}

/** `loss`, `grad:<name>` of each trained weight and, where there are any, `advantages` and `returns`. */
export async function lossResults(folder: string, name: string, precision: Precision): Promise<Results> {
  const file = await openSafetensors(await openFile(path.join(folder, `${name}.${precision}.safetensors`)));
  const results = new Map<string, Float32Array | Float64Array>();
  for (const tensor of file.tensors.keys()) {
    if (tensor.startsWith('rest:')) continue;
    const values = await file.read(tensor);
    const rest = file.tensors.has(`rest:${tensor}`) ? await file.read(`rest:${tensor}`) : undefined;
    results.set(tensor, rest ? Float64Array.from(values, (value, i) => value + rest[i]!) : values);
  }
  await file.close();
  return results;
}
