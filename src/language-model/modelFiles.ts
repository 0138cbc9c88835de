/** Opens a model: a Hugging Face folder or a GGUF file gives its configuration, its tokenizer's data and its weights. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { FileFolder, RandomAccessFile } from '../base/randomAccess.ts';
import { fromUtf8 } from '../base/utf8.ts';
import { type ModelConfig, parseModelConfig } from './config.ts';
import { type LoraConfig, loraParameters, parseAdapterConfig } from './lora.ts';
import { bodyPrefix, type Head, modelParameters } from './model.ts';
import { openGguf } from './weights/gguf.ts';
import { asHuggingFace, configFromGguf } from './weights/ggufLlama.ts';
import { openSafetensors, openSafetensorsFolder } from './weights/safetensors.ts';
import { closeOnError, refuse, type TensorFile } from './weights/tensorFile.ts';

/** What `createTokenizer` of `src/tokenizer` takes. */
export type TokenizerSource =
  | {
      readonly kind: 'huggingface';
      readonly path: string;
      readonly tokenizer: unknown;
      readonly config: unknown;
      readonly chatTemplate?: string;
      readonly endTokenIds: readonly number[];
    }
  | { readonly kind: 'gguf'; readonly path: string; readonly metadata: ReadonlyMap<string, unknown> };

export interface ReadWeightsOptions {
  /** `none` leaves an untied output matrix out. Default `lm`. */
  readonly head?: Head;
  readonly signal?: AbortSignal;
  /** Share of the bytes read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

export interface ModelFiles {
  readonly path: string;
  readonly format: 'huggingface' | 'gguf';
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerSource;
  /** Number of weights. */
  readonly parameters: number;
  /** Hugging Face's names → float32 arrays, row-major. */
  readWeights(options?: ReadWeightsOptions): Promise<Map<string, Float32Array>>;
  close(): Promise<void>;
}

/** Throws a HumanError that names the file and what to do when the folder holds no model that can be used. */
export async function openModelFolder(folder: FileFolder): Promise<ModelFiles> {
  const names = await folder.names();
  if (!names.includes('config.json')) {
    const message = names.includes('adapter_config.json')
      ? l10n.t('This folder holds an adapter, not a whole model. Add the model that it was trained on first.')
      : l10n.t('This folder has no config.json. Choose the folder of a Hugging Face model, or a .gguf file.');
    throw refuse(folder.path, message);
  }
  if (!names.includes('tokenizer.json')) {
    throw refuse(
      folder.path,
      l10n.t('This folder has no tokenizer.json. Download all files of the model, or use a .gguf file of it.'),
    );
  }
  const config = parseModelConfig(await readJson(folder, 'config.json'), `${folder.path}/config.json`);
  const optional = async (name: string) => (names.includes(name) ? readJson(folder, name) : {});
  const generation = await optional('generation_config.json');
  const tokenizer: TokenizerSource = {
    kind: 'huggingface',
    path: `${folder.path}/tokenizer.json`,
    tokenizer: await readJson(folder, 'tokenizer.json'),
    config: await optional('tokenizer_config.json'),
    endTokenIds: [...new Set([...endIds(generation), ...config.eosTokenIds])],
    ...(names.includes('chat_template.jinja') ? { chatTemplate: await readText(folder, 'chat_template.jinja') } : {}),
  };
  const tensors = withPrefix(await openSafetensorsFolder(folder), bodyPrefix(config));
  return closeOnError(tensors, () => modelFiles(folder.path, 'huggingface', config, tokenizer, tensors));
}

/** Files of a bare body, such as the hub's `gpt2`, leave the body's own name out: it is put before theirs. */
function withPrefix(file: TensorFile, prefix: string): TensorFile {
  if ([...file.tensors.keys()].some(name => name.startsWith(prefix))) return file;
  const own = (name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const tensors = new Map([...file.tensors.values()].map(info => [prefix + info.name, info]));
  for (const head of ['lm_head.weight', 'score.weight']) {
    const info = file.tensors.get(head);
    if (info) tensors.set(head, info);
  }
  return { ...file, tensors, read: name => file.read(own(name)), close: () => file.close() };
}

/** Throws a HumanError that names the file and what to do when it is no model that can be used. */
export async function openModelGguf(file: RandomAccessFile): Promise<ModelFiles> {
  return closeOnError(file, async () => {
    const gguf = await openGguf(file);
    const config = parseModelConfig(configFromGguf(gguf), file.path);
    const tensors = asHuggingFace(gguf, config.heads, config.kvHeads);
    const tokenizer: TokenizerSource = { kind: 'gguf', path: file.path, metadata: gguf.metadata };
    return modelFiles(file.path, 'gguf', config, tokenizer, tensors);
  });
}

function modelFiles(
  path: string,
  format: ModelFiles['format'],
  config: ModelConfig,
  tokenizer: TokenizerSource,
  tensors: TensorFile,
): ModelFiles {
  const parameters = checkShapes(tensors, modelParameters(config));
  return {
    path,
    format,
    config,
    tokenizer,
    parameters,
    readWeights: options =>
      readAll(tensors, modelParameters(config, options?.head === 'none' ? 'none' : 'lm'), options),
    close: () => tensors.close(),
  };
}

/** Compares the file's tensors with those that the configuration calls for; returns the number of weights. */
function checkShapes(tensors: TensorFile, expected: ReadonlyMap<string, readonly number[]>): number {
  let parameters = 0;
  for (const [name, shape] of expected) {
    const info = tensors.tensors.get(name);
    if (!info)
      throw refuse(
        tensors.path,
        l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', name),
      );
    if (info.shape.join() !== shape.join()) {
      throw refuse(
        tensors.path,
        l10n.t(
          'Tensor “{0}” has the shape [{1}], but the model’s configuration calls for [{2}]. Download the model again.',
          name,
          info.shape.join(', '),
          shape.join(', '),
        ),
      );
    }
    parameters += info.elements;
  }
  return parameters;
}

async function readAll(
  tensors: TensorFile,
  expected: ReadonlyMap<string, readonly number[]>,
  { signal, onProgress }: ReadWeightsOptions = {},
): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  let total = 0;
  for (const name of expected.keys()) total += tensors.tensors.get(name)?.byteLength ?? 0;
  let done = 0;
  for (const name of expected.keys()) {
    signal?.throwIfAborted();
    weights.set(name, await tensors.read(name));
    done += tensors.tensors.get(name)?.byteLength ?? 0;
    onProgress?.(done / total);
  }
  return weights;
}

export interface AdapterFiles {
  readonly path: string;
  readonly config: LoraConfig;
  /** PEFT's names → arrays. */
  readonly weights: Map<string, Float32Array>;
  /** The head of a reward model, (1, hidden); absent for an adapter that writes text. */
  readonly score?: Float32Array;
  /** `base_model_name_or_path`, as it was written. */
  readonly base: string | undefined;
}

/** PEFT's name of a reward model's head. */
export const scoreHeadName = 'base_model.model.score.weight';

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
  const config = parseAdapterConfig(json, `${folder.path}/adapter_config.json`);
  const file = await openSafetensors(await folder.open('adapter_model.safetensors'));
  try {
    const expected = new Map(loraParameters(model, config));
    if (file.tensors.has(scoreHeadName)) expected.set(scoreHeadName, [1, model.hiddenSize]);
    for (const name of file.tensors.keys()) {
      if (!expected.has(name)) {
        throw refuse(
          file.path,
          l10n.t(
            'This adapter changes “{0}”, which this model does not have or which is not supported. Choose the adapter’s own base model.',
            name,
          ),
        );
      }
    }
    checkShapes(file, expected);
    const weights = await readAll(file, expected);
    const score = weights.get(scoreHeadName);
    weights.delete(scoreHeadName);
    const base = (json as Record<string, unknown>).base_model_name_or_path;
    return {
      path: folder.path,
      config,
      weights,
      ...(score ? { score } : {}),
      base: typeof base === 'string' ? base : undefined,
    };
  } finally {
    await file.close();
  }
}

function endIds(generation: unknown): number[] {
  const value =
    typeof generation === 'object' && generation !== null
      ? (generation as Record<string, unknown>).eos_token_id
      : undefined;
  return [value].flat().filter((id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0);
}

/** Larger than any tokenizer.json in use. */
const MAX_TEXT = 256 * 1024 * 1024;

async function readText(folder: FileFolder, name: string): Promise<string> {
  const file = await folder.open(name);
  try {
    if (file.size > MAX_TEXT)
      throw refuse(file, l10n.t('This file is too large to be what its name says. Download the model again.'));
    return fromUtf8(await file.read(0, file.size));
  } finally {
    await file.close();
  }
}

async function readJson(folder: FileFolder, name: string): Promise<unknown> {
  const text = await readText(folder, name);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HumanError(l10n.t('This file is not valid JSON: it is damaged. Download the model again.'), {
      cause,
      place: { file: `${folder.path}/${name}` },
    });
  }
}
