/** Opens a model: a Hugging Face folder or a GGUF file gives its configuration, its tokenizer's data and its weights. */
import { l10n } from '../base/l10n.ts';
import type { FileFolder, RandomAccessFile } from '../base/randomAccess.ts';
import { type ModelConfig, parseModelConfig } from './config.ts';
import type { Json } from './configFields.ts';
import { readJson, readText } from './folderText.ts';
import { bodyPrefix, type Head, modelParameters } from './model.ts';
import { openGguf } from './weights/gguf.ts';
import { asHuggingFace, configFromGguf } from './weights/ggufModel.ts';
import { openSafetensorsFolder } from './weights/safetensors.ts';
import { checkShapes, closeOnError, type ReadOptions, readAll, refuse, type TensorFile } from './weights/tensorFile.ts';

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

export interface ReadWeightsOptions extends ReadOptions {
  /** `none` leaves an untied output matrix out. Default `lm`. */
  readonly head?: Head;
}

export interface ModelFiles {
  readonly path: string;
  readonly format: 'huggingface' | 'gguf';
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerSource;
  /** The configuration as the files say it, in the words of config.json. */
  readonly configJson: Json;
  /** Number of weights. */
  readonly parameters: number;
  /** Hugging Face's names → float32 arrays, row-major. */
  readWeights(options?: ReadWeightsOptions): Promise<Map<string, Float32Array>>;
  /** One weight by Hugging Face's name, row-major. */
  read(name: string): Promise<Float32Array>;
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
  const configJson = await readJson(folder, 'config.json');
  const config = parseModelConfig(configJson, `${folder.path}/config.json`);
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
  return closeOnError(tensors, () =>
    modelFiles(folder.path, 'huggingface', { config, configJson: configJson as Json }, tokenizer, tensors),
  );
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
    const configJson = await configFromGguf(gguf);
    const config = parseModelConfig(configJson, file.path);
    const tensors = asHuggingFace(gguf, config.heads, config.kvHeads);
    const tokenizer: TokenizerSource = { kind: 'gguf', path: file.path, metadata: gguf.metadata };
    return modelFiles(file.path, 'gguf', { config, configJson }, tokenizer, tensors);
  });
}

function modelFiles(
  path: string,
  format: ModelFiles['format'],
  { config, configJson }: Pick<ModelFiles, 'config' | 'configJson'>,
  tokenizer: TokenizerSource,
  tensors: TensorFile,
): ModelFiles {
  const parameters = checkShapes(tensors, modelParameters(config));
  return {
    path,
    format,
    config,
    configJson,
    tokenizer,
    parameters,
    readWeights: options =>
      readAll(tensors, modelParameters(config, options?.head === 'none' ? 'none' : 'lm'), options),
    read: name => tensors.read(name),
    close: () => tensors.close(),
  };
}

function endIds(generation: unknown): number[] {
  const value =
    typeof generation === 'object' && generation !== null
      ? (generation as Record<string, unknown>).eos_token_id
      : undefined;
  return [value].flat().filter((id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0);
}
