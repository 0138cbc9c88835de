/** Opens an adapter: a PEFT folder gives its configuration, its low-rank matrices and the matrices that it replaces whole. */
import { l10n } from '../base/l10n.ts';
import type { FileFolder } from '../base/randomAccess.ts';
import { parseAdapterConfig } from './adapterConfig.ts';
import type { ModelConfig } from './config.ts';
import { readJson } from './folderText.ts';
import { type LoraConfig, loraParameters } from './lora.ts';
import { modelParameters, outputMatrixName } from './model.ts';
import { openSafetensors } from './weights/safetensors.ts';
import { checkShapes, readAll, refuse } from './weights/tensorFile.ts';

export interface AdapterFiles {
  readonly path: string;
  readonly config: LoraConfig;
  /** PEFT's names → arrays. */
  readonly weights: Map<string, Float32Array>;
  /** The head of a reward model, (1, hidden); absent for an adapter that writes text. */
  readonly score?: Float32Array;
  /** Weights that it brings whole in the place of the model's own (`modules_to_save`), by Hugging Face's names. */
  readonly replaced: ReadonlyMap<string, Float32Array>;
  /** `base_model_name_or_path`, as it was written. */
  readonly base: string | undefined;
}

const PREFIX = 'base_model.model.';

/** PEFT's name of a reward model's head. */
export const scoreHeadName = `${PREFIX}score.weight`;

/** Reads a PEFT folder that was trained on a model of this configuration. Throws a HumanError when it does not fit. */
export async function openAdapter(folder: FileFolder, model: ModelConfig): Promise<AdapterFiles> {
  const names = await folder.names();
  for (const name of ['adapter_config.json', 'adapter_model.safetensors']) {
    if (!names.includes(name))
      throw refuse(
        folder.path,
        l10n.t('This folder has no {0}. Choose the folder of a LoRA adapter in PEFT format.', name),
      );
  }
  const json = await readJson(folder, 'adapter_config.json');
  const place = `${folder.path}/adapter_config.json`;
  // Before the weights: another kind of adapter is told by its own name.
  parseAdapterConfig(json, place, ['any']);
  const file = await openSafetensors(await folder.open('adapter_model.safetensors'));
  try {
    const config = parseAdapterConfig(json, place, adaptedPaths(file.tensors.keys()));
    const expected = new Map(loraParameters(model, config));
    const own = ownWeights(model);
    const replaced: string[] = [];
    for (const name of file.tensors.keys()) {
      if (expected.has(name)) continue;
      const shape = own.get(name);
      if (!shape) {
        throw refuse(
          file.path,
          l10n.t(
            'This adapter changes “{0}”, which this model does not have or which is not supported. Choose the adapter’s own base model.',
            name,
          ),
        );
      }
      expected.set(name, shape);
      if (name !== scoreHeadName) replaced.push(name);
    }
    const tying = (json as Record<string, unknown>).ensure_weight_tying === true;
    if (tying && replaced.some(name => isEmbedding(model, name.slice(PREFIX.length)))) {
      throw refuse(place, l10n.t('This adapter uses {0}, which is not supported.', 'ensure_weight_tying'));
    }
    checkShapes(file, expected);
    const weights = await readAll(file, expected);
    const take = (name: string): Float32Array | undefined => {
      const values = weights.get(name);
      weights.delete(name);
      return values;
    };
    const score = take(scoreHeadName);
    const base = (json as Record<string, unknown>).base_model_name_or_path;
    return {
      path: folder.path,
      config,
      replaced: new Map(replaced.map(name => [name.slice(PREFIX.length), take(name)!])),
      weights,
      ...(score ? { score } : {}),
      base: typeof base === 'string' ? base : undefined,
    };
  } finally {
    await file.close();
  }
}

/** The paths of modules that have a low-rank matrix in the file. */
function adaptedPaths(names: Iterable<string>): string[] {
  const end = '.lora_A.weight';
  return [...names]
    .filter(name => name.startsWith(PREFIX) && name.endsWith(end))
    .map(name => name.slice(PREFIX.length, -end.length));
}

/** PEFT's name → shape of all that an adapter may bring whole: the model's own weights, an output matrix and a score head. */
function ownWeights(model: ModelConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([[scoreHeadName, [1, model.hiddenSize]]]);
  for (const [name, shape] of modelParameters({ ...model, tieWordEmbeddings: false })) shapes.set(PREFIX + name, shape);
  return shapes;
}

const isEmbedding = (model: ModelConfig, name: string): boolean =>
  name === 'lm_head.weight' || name === outputMatrixName({ ...model, tieWordEmbeddings: true });

/**
 * The base model with the matrices that an adapter brings whole. Where one of a tied pair of embedding and output matrix is
 * replaced, the pair comes apart, as in PEFT: the other one stays what it was.
 */
export function withReplaced<Weight extends object>(
  config: ModelConfig,
  weights: ReadonlyMap<string, Weight>,
  replaced: ReadonlyMap<string, Weight & Float32Array>,
): { readonly config: ModelConfig; readonly weights: ReadonlyMap<string, Weight> } {
  if (replaced.size === 0) return { config, weights };
  const all = new Map<string, Weight>([...weights, ...replaced]);
  const changed = replacedConfig(config, replaced);
  const embedding = weights.get(outputMatrixName(config));
  if (!changed.tieWordEmbeddings && !all.has('lm_head.weight') && embedding) all.set('lm_head.weight', embedding);
  return { config: changed, weights: all };
}

/** The configuration of the same: with an output matrix of its own where the pair comes apart. */
export function replacedConfig(config: ModelConfig, replaced: ReadonlyMap<string, Float32Array>): ModelConfig {
  const apart = config.tieWordEmbeddings && [...replaced.keys()].some(name => isEmbedding(config, name));
  return apart ? { ...config, tieWordEmbeddings: false } : config;
}
