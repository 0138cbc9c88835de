/** Small random Llamas for tests: large enough to show every part, small enough to check by finite differences. */
import { Rng } from '../../src/base/rng.ts';
import { type ModelConfig, parseModelConfig } from '../../src/language-model/config.ts';
import type { LlamaConfig } from '../../src/language-model/llamaConfig.ts';
import { type Head, randomWeights } from '../../src/language-model/model.ts';

export function tinyConfig(changes: Readonly<Record<string, unknown>> = {}): LlamaConfig {
  const config = parseModelConfig(
    {
      model_type: 'llama',
      vocab_size: 23,
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 32,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
      initializer_range: 0.3,
      eos_token_id: 2,
      ...changes,
    },
    'config.json',
  );
  if (config.modelType === 'gpt2') throw new Error('GPT-2 is no Llama');
  return config;
}

/** One layer, so that whole runs of training take seconds. */
export const oneLayerConfig = (changes: Readonly<Record<string, unknown>> = {}): LlamaConfig =>
  tinyConfig({
    vocab_size: 32,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    ...changes,
  });

/** Weights with gains and biases that are not all alike, so that a forgotten one is noticed. */
export function tinyWeights(config: ModelConfig, seed = 1, head: Head = 'lm'): Map<string, Float32Array> {
  const rng = Rng.seeded(seed);
  const weights = randomWeights(config, rng, head);
  for (const [name, data] of weights) {
    if (!/norm|ln_|bias/.test(name)) continue;
    const stream = rng.stream('uneven', name);
    for (let i = 0; i < data.length; i++) data[i]! += stream.normal() * 0.2;
  }
  return weights;
}

export const randomIds = (rng: Rng, lengths: readonly number[], vocabSize: number): number[][] =>
  lengths.map(length => Array.from({ length }, () => rng.int(vocabSize)));
