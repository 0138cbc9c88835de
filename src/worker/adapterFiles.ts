/** Tuned models on disk: PEFT folders with their lineage, written whole or not at all, and read back. */
import { basename, dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { type TunedModel, TunedModelSchema } from '../core/jobs/job.ts';
import { formatAdapterConfig } from '../language-model/adapterConfig.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import { openAdapter, scoreHeadName } from '../language-model/openAdapter.ts';
import { encodeSafetensors } from '../language-model/weights/safetensors.ts';
import { diskError, nodeDisk, randomName, writeNewFile } from '../storage/fileSystem.ts';
import { openFolder } from '../storage/modelFolder.ts';
import { LineageFile } from '../storage/modelStore.ts';
import { readTextFile } from '../storage/workspaceLayout.ts';

const configFile = 'adapter_config.json';
const weightsFile = 'adapter_model.safetensors';

export interface TrainedAdapter {
  readonly lora: LoraConfig;
  /** Adapter weights by PEFT's names; a reward model's head as `score.weight`. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly lineage: TunedModel;
}

/** Throws a HumanError when another job's model is already there. Called before the work, and again before the write. */
export async function requireFree(output: string, job: string): Promise<void> {
  const folder = resolve(output);
  if ((await nodeDisk.identity(folder)) === undefined) return;
  const text = await readTextFile(join(folder, LineageFile));
  const lineage = v.safeParse(TunedModelSchema, text === undefined ? undefined : parseJson(text));
  if (lineage.success && lineage.output.job === job) return;
  throw new HumanError(l10n.t('There is already a model “{0}”. Delete it, or choose another name.', basename(folder)), {
    place: { file: folder },
  });
}

/** Writes the folder under a temporary name, reads it back, compares, and renames it. Returns its path. */
export async function writeAdapter(output: string, adapter: TrainedAdapter, config: ModelConfig): Promise<string> {
  const folder = resolve(output);
  await requireFree(folder, adapter.lineage.job);
  const temporary = join(dirname(folder), `.${basename(folder)}.${randomName(6)}.tmp`);
  try {
    await nodeDisk.makeFolder(temporary);
    const taskType = adapter.lineage.kind === 'reward' ? 'SEQ_CLS' : 'CAUSAL_LM';
    const json = (value: unknown) => JSON.stringify(value, null, 2) + '\n';
    const peft = formatAdapterConfig(adapter.lora, {
      base: adapter.lineage.base.base,
      taskType,
      model: config,
    });
    await writeNewFile(join(temporary, configFile), json(peft));
    await writeNewFile(join(temporary, weightsFile), encode(adapter));
    await writeNewFile(join(temporary, 'README.md'), modelCard(adapter.lineage));
    await writeNewFile(join(temporary, LineageFile), json(adapter.lineage));
    await nodeDisk.syncFolder(temporary);
    requireSame((await readAdapter(temporary, config)).parameters, adapter.parameters);
    await nodeDisk.remove(folder);
    await nodeDisk.rename(temporary, folder);
    await nodeDisk.syncFolder(dirname(folder));
    return folder;
  } catch (error) {
    await nodeDisk.remove(temporary).catch(() => {});
    throw diskError(error, folder);
  }
}

/** Reads a PEFT folder that was trained on a model of this configuration. The lineage is absent where Tunesmith did not make it. */
export async function readAdapter(
  folder: string,
  config: ModelConfig,
): Promise<Pick<TrainedAdapter, 'lora' | 'parameters'> & { readonly lineage: TunedModel | undefined }> {
  const { config: lora, weights, score, replaced } = await openAdapter(await openFolder(folder), config);
  const [whole] = replaced.keys();
  if (whole !== undefined) {
    throw new HumanError(
      l10n.t(
        'This adapter replaces “{0}” of its base model; jobs take only adapters that leave the base as it is.',
        whole,
      ),
      { place: { file: folder } },
    );
  }
  const text = await readTextFile(join(folder, LineageFile));
  const lineage = v.safeParse(TunedModelSchema, text === undefined ? undefined : parseJson(text));
  return {
    lora,
    parameters: score ? new Map([...weights, ['score.weight', score]]) : weights,
    lineage: lineage.success ? lineage.output : undefined,
  };
}

function encode({ parameters, shapes }: TrainedAdapter): Buffer {
  const tensors = [...parameters].map(([name, values]) => {
    const shape = shapes.get(name) ?? [values.length];
    return [name === 'score.weight' ? scoreHeadName : name, { shape, values }] as const;
  });
  return Buffer.concat(encodeSafetensors(new Map(tensors)));
}

/** What a loader will find is what was trained, the head included. */
export function requireSame(read: ReadonlyMap<string, Float32Array>, written: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of written) {
    const found = read.get(name);
    if (found?.length !== values.length || found.some((value, index) => value !== values[index])) {
      throw new Error(`the weight ${name} did not survive being written`);
    }
  }
}

const modelCard = ({ name, kind, base, job, dataSha256 }: TunedModel): string =>
  `---
library_name: peft
base_model: ${base.id}
tags: [lora, ${kind === 'reward' ? 'reward-model' : 'rlhf'}]
---

# ${name}

${kind === 'reward' ? 'A reward model' : 'A tuned model'}: a LoRA adapter for \`${base.id}\`, trained with Tunesmith.

- Job: ${job}
- Data (SHA-256): ${dataSha256}
`;
