/** A tiny Llama with random weights as a Hugging Face folder, with pebble's tokenizer: for jobs that need a real model in a second. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatModelConfig } from '../../src/language-model/config.ts';
import { modelParameters } from '../../src/language-model/model.ts';
import { encodeSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { tinyConfig, tinyWeights } from './tinyLlama.ts';

const pebble = fileURLToPath(new URL('../../models/pebble/', import.meta.url));

/** Writes the model to `folder`. */
export async function writeTinyModel(folder: string, seed = 1): Promise<void> {
  const pebbleConfig = JSON.parse(await readFile(join(pebble, 'config.json'), 'utf8')) as { vocab_size: number };
  const config = tinyConfig({
    vocab_size: pebbleConfig.vocab_size,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 8,
    max_position_embeddings: 128,
    tie_word_embeddings: true,
    eos_token_id: 2,
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(formatModelConfig(config)));
  const shapes = modelParameters(config);
  const weights = tinyWeights(config, seed);
  const tensors = new Map([...weights].map(([name, values]) => [name, { shape: shapes.get(name)!, values }]));
  await writeFile(join(folder, 'model.safetensors'), Buffer.concat(encodeSafetensors(tensors)));
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'generation_config.json']) {
    await cp(join(pebble, name), join(folder, name));
  }
}
