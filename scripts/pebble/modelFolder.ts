/** Writes pebble as a Hugging Face folder; run directly it writes one with random weights, in the final layout. */

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { Rng } from '../../src/base/rng.ts';
import { encodeSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { pebbleConfig } from './pebble.ts';

export type Weights = ReadonlyMap<string, Float32Array>;

/** Names and shapes in the Hugging Face Llama layout; the head is tied to the embedding. */
export function pebbleShapes(): Map<string, readonly number[]> {
  const {
    hidden_size: d,
    intermediate_size: f,
    head_dim,
    num_attention_heads,
    num_key_value_heads,
    vocab_size,
  } = pebbleConfig;
  const shapes = new Map<string, readonly number[]>([['model.embed_tokens.weight', [vocab_size, d]]]);
  for (let layer = 0; layer < pebbleConfig.num_hidden_layers; layer++) {
    const add = (name: string, shape: readonly number[]) => shapes.set(`model.layers.${layer}.${name}.weight`, shape);
    add('input_layernorm', [d]);
    add('self_attn.q_proj', [num_attention_heads * head_dim, d]);
    add('self_attn.k_proj', [num_key_value_heads * head_dim, d]);
    add('self_attn.v_proj', [num_key_value_heads * head_dim, d]);
    add('self_attn.o_proj', [d, num_attention_heads * head_dim]);
    add('post_attention_layernorm', [d]);
    add('mlp.gate_proj', [f, d]);
    add('mlp.up_proj', [f, d]);
    add('mlp.down_proj', [d, f]);
  }
  return shapes.set('model.norm.weight', [d]);
}

/**
 * Normal with standard deviation 1/√fan-in for projections (smaller by √(2·layers) where one writes into the residual
 * stream, as in GPT-2) and 0.05 for embeddings. With 0.02 throughout, a model this narrow takes twice as long to get going.
 */
export function initialWeights(seed: number): Map<string, Float32Array> {
  const rng = Rng.seeded(seed);
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of pebbleShapes()) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const own = rng.stream(name);
    const writes = name.includes('o_proj') || name.includes('down_proj');
    const depth = writes ? Math.sqrt(2 * pebbleConfig.num_hidden_layers) : 1;
    const deviation = name.includes('embed') ? 0.05 : 1 / Math.sqrt(shape[1] ?? 1) / depth;
    if (name.includes('norm')) values.fill(1);
    else for (let i = 0; i < values.length; i++) values[i] = deviation * own.normal();
    weights.set(name, values);
  }
  return weights;
}

/** Writes weights, config.json and generation_config.json; the weights appear under their name only when they are whole. */
export function writeModel(folder: URL, weights: Weights): void {
  mkdirSync(folder, { recursive: true });
  const json = (name: string, value: unknown): void =>
    writeFileSync(new URL(name, folder), `${JSON.stringify(value, null, 2)}\n`);
  json('config.json', pebbleConfig);
  json('generation_config.json', {
    bos_token_id: pebbleConfig.bos_token_id,
    eos_token_id: pebbleConfig.eos_token_id,
    pad_token_id: pebbleConfig.pad_token_id,
  });
  const tensors = new Map([...pebbleShapes()].map(([name, shape]) => [name, { shape, values: weights.get(name)! }]));
  const temporary = new URL('model.safetensors.tmp', folder);
  writeFileSync(temporary, Buffer.concat(encodeSafetensors(tensors, 'F16')));
  renameSync(temporary, new URL('model.safetensors', folder));
}

if (import.meta.main) writeModel(new URL('../../models/pebble/', import.meta.url), initialWeights(1));
