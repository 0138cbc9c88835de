/** A model whose every weight was trained, as a model of its own: a folder for `transformers` with its lineage, whole or not at all. */
import { basename, dirname, join, resolve } from 'node:path';
import type { TunedModel } from '../core/jobs/job.ts';
import { modelParameters } from '../language-model/model.ts';
import type { ModelLocation } from '../protocol/inference.ts';
import { diskError, nodeDisk, randomName, writeNewFile } from '../storage/fileSystem.ts';
import { LineageFile } from '../storage/modelStore.ts';
import { requireFree, requireSame } from './adapterFiles.ts';
import { writeFolder } from './modelExport.ts';
import { openModel } from './openModel.ts';

export interface TrainedModel {
  /** By Hugging Face's names. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly lineage: TunedModel;
}

/**
 * Writes the folder in float32 under a temporary name, with the configuration and the tokenizer of the model that it began from, reads
 * it back, compares, and renames it. Returns its path.
 */
export async function writeWholeModel(
  output: string,
  { parameters, lineage }: TrainedModel,
  base: ModelLocation,
): Promise<string> {
  const folder = resolve(output);
  await requireFree(folder, lineage.job);
  const temporary = join(dirname(folder), `.${basename(folder)}.${randomName(6)}.tmp`);
  const opened = await openModel(base);
  try {
    const { config } = opened.files;
    const model = { config, shapes: modelParameters(config), read: async (name: string) => parameters.get(name)! };
    await nodeDisk.makeFolder(temporary);
    const context = { signal: new AbortController().signal, onProgress: () => {} };
    await writeFolder(opened, model, { type: 'F32' }, temporary, context);
    await writeNewFile(join(temporary, 'README.md'), modelCard(lineage));
    await writeNewFile(join(temporary, LineageFile), `${JSON.stringify(lineage, null, 2)}\n`);
    await nodeDisk.syncFolder(temporary);
    const written = await openModel({ base: temporary });
    try {
      requireSame(await written.files.readWeights(), parameters);
    } finally {
      await written.files.close();
    }
    await nodeDisk.remove(folder);
    await nodeDisk.rename(temporary, folder);
    await nodeDisk.syncFolder(dirname(folder));
    return folder;
  } catch (error) {
    await nodeDisk.remove(temporary).catch(() => {});
    throw diskError(error, folder);
  } finally {
    await opened.files.close();
  }
}

const modelCard = ({ name, base, job, dataSha256 }: TunedModel): string =>
  `---
library_name: transformers
base_model: ${base.id}
tags: [sft]
---

# ${name}

A model of which every weight was tuned, from \`${base.id}\`, with Tunesmith.

- Job: ${job}
- Data (SHA-256): ${dataSha256}
`;
