/** Checkpoints of a job: folders that are either whole, and say so with their hash, or passed over. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { encodeSafetensors, openSafetensors } from '../language-model/weights/safetensors.ts';
import { diskError, nodeDisk, randomName, writeNewFile } from '../storage/fileSystem.ts';
import { openFile } from '../storage/modelFolder.ts';
import { readTextFile } from '../storage/workspaceLayout.ts';
import type { RecipeCheckpoint } from '../training/recipe.ts';

const arraysFile = 'state.safetensors';
const completeFile = 'complete.json';
/** Older ones are removed, where the job does not say how many it keeps. */
const defaultKept = 2;

const CompleteSchema = v.object({
  format: v.literal(1),
  step: v.number(),
  sha256: v.string(),
  values: v.record(v.string(), v.unknown()),
  /** Seconds of work up to here, over all processes that took part. */
  seconds: v.number(),
});

export interface StoredCheckpoint extends RecipeCheckpoint {
  readonly seconds: number;
}

/** Writes a checkpoint under a temporary name, renames it when it is whole, and removes old ones. */
export async function saveCheckpoint(
  folder: string,
  checkpoint: StoredCheckpoint,
  kept = defaultKept,
): Promise<{ folder: string; bytes: number }> {
  const { step, arrays, values, seconds } = checkpoint;
  const name = nameOf(step);
  const temporary = join(folder, `.${name}.${randomName(6)}.tmp`);
  const path = join(folder, name);
  try {
    await nodeDisk.makeFolder(temporary);
    const bytes = Buffer.concat(
      encodeSafetensors(new Map([...arrays].map(([key, array]) => [key, { shape: [array.length], values: array }]))),
    );
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await writeNewFile(join(temporary, arraysFile), bytes);
    const complete = { format: 1, step, sha256, values, seconds } satisfies v.InferInput<typeof CompleteSchema>;
    await writeNewFile(join(temporary, completeFile), JSON.stringify(complete) + '\n');
    await nodeDisk.syncFolder(temporary);
    await nodeDisk.remove(path);
    await nodeDisk.rename(temporary, path);
    await nodeDisk.syncFolder(folder);
    for (const old of (await stepsIn(folder)).slice(0, -kept)) await nodeDisk.remove(join(folder, old));
    return { folder: path, bytes: bytes.length };
  } catch (error) {
    await nodeDisk.remove(temporary).catch(() => {});
    throw diskError(error, path);
  }
}

/** Removes the checkpoint of a step; resolves with the step of the latest that is left, 0 for none. */
export async function discardCheckpoint(folder: string, step: number): Promise<number> {
  await nodeDisk.remove(join(folder, nameOf(step)));
  return (await latestCheckpoint(folder))?.step ?? 0;
}

/** The latest checkpoint that is whole. What a killed process left half done is removed. */
export async function latestCheckpoint(folder: string): Promise<StoredCheckpoint | undefined> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith('.')) await nodeDisk.remove(join(folder, name));
  }
  for (const name of (await stepsIn(folder)).reverse()) {
    const checkpoint = await readCheckpoint(join(folder, name)).catch(() => undefined);
    if (checkpoint) return checkpoint;
  }
  return undefined;
}

async function readCheckpoint(path: string): Promise<StoredCheckpoint | undefined> {
  const text = await readTextFile(join(path, completeFile));
  if (text === undefined) return undefined;
  const complete = v.parse(CompleteSchema, JSON.parse(text));
  const file = await openFile(join(path, arraysFile));
  try {
    const bytes = await file.read(0, file.size);
    if (createHash('sha256').update(bytes).digest('hex') !== complete.sha256) return undefined;
    const tensors = await openSafetensors(file);
    const arrays = new Map<string, Float32Array>();
    for (const name of tensors.tensors.keys()) arrays.set(name, await tensors.read(name));
    return { step: complete.step, arrays, values: complete.values, seconds: complete.seconds };
  } finally {
    await file.close();
  }
}

const nameOf = (step: number): string => String(step).padStart(6, '0');

const stepsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [] as string[])).filter(name => /^\d+$/.test(name)).sort();
