/** The models of the benchmark: ours in memory, and the same weights as a folder that `transformers` loads. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fetchTestModel } from '../../../scripts/fetchTestModel.ts';
import { Rng } from '../../../src/base/rng.ts';
import { formatModelConfig, type ModelConfig, parseModelConfig } from '../../../src/language-model/config.ts';
import { modelParameters, randomWeights } from '../../../src/language-model/model.ts';
import { openModelFolder, openModelGguf } from '../../../src/language-model/modelFiles.ts';
import { encodeSafetensors } from '../../../src/language-model/weights/safetensors.ts';
import { openFile, openFolder } from '../../../src/storage/modelFolder.ts';

export const root = path.join(import.meta.dirname, '..', '..', '..');
const folders = path.join(root, '.cache', 'bench-models');

/** `llama-6m` and `llama-35m` have random weights, `smollm2` is SmolLM2-135M-Instruct, `pebble` the bundled model. */
export type ModelName = 'llama-6m' | 'llama-35m' | 'smollm2' | 'pebble';

export interface Model {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

const shapes = {
  'llama-6m': {
    vocab_size: 2048,
    hidden_size: 256,
    intermediate_size: 688,
    num_hidden_layers: 6,
    num_attention_heads: 8,
    tie_word_embeddings: false,
  },
  'llama-35m': {
    vocab_size: 4096,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 9,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    tie_word_embeddings: true,
  },
} as const;

export async function loadModel(name: ModelName): Promise<Model> {
  if (name === 'llama-6m' || name === 'llama-35m') {
    const fields = { model_type: 'llama', max_position_embeddings: 512, rms_norm_eps: 1e-5, ...shapes[name] };
    const config = parseModelConfig(fields, 'config.json');
    return { config, weights: randomWeights(config, Rng.seeded(1)) };
  }
  const files =
    name === 'smollm2'
      ? await openModelGguf(await openFile(fetchTestModel()))
      : await openModelFolder(await openFolder(path.join(root, 'models', 'pebble')));
  const model = { config: files.config, weights: await files.readWeights() };
  await files.close();
  return model;
}

/** A folder with `config.json` and `model.safetensors` in float32, written once. */
export async function modelFolder(name: ModelName, { config, weights }: Model): Promise<string> {
  const folder = path.join(folders, name);
  if (existsSync(folder)) return folder;
  const partial = `${folder}-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const tensors = new Map(
    [...modelParameters(config)].map(([tensor, shape]) => [tensor, { shape, values: weights.get(tensor)! }]),
  );
  writeFileSync(path.join(partial, 'model.safetensors'), Buffer.concat(encodeSafetensors(tensors)));
  writeFileSync(path.join(partial, 'config.json'), JSON.stringify(formatModelConfig(config)));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return folder;
}
