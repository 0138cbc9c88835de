/** Small random Llamas for tests: large enough to show every part, small enough to check by finite differences. */
import { Rng } from '../../src/base/rng.ts';
import { type LlamaConfig, parseLlamaConfig } from '../../src/language-model/config.ts';
import { type Head, randomLlamaWeights } from '../../src/language-model/llama.ts';

export function tinyConfig(changes: Readonly<Record<string, unknown>> = {}): LlamaConfig {
  return parseLlamaConfig(
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
}

/** Weights with gains and biases that are not all alike, so that a forgotten one is noticed. */
export function tinyWeights(config: LlamaConfig, seed = 1, head: Head = 'lm'): Map<string, Float32Array> {
  const rng = Rng.seeded(seed);
  const weights = randomLlamaWeights(config, rng, head);
  for (const [name, data] of weights) {
    if (!/norm|bias/.test(name)) continue;
    const stream = rng.stream('uneven', name);
    for (let i = 0; i < data.length; i++) data[i]! += stream.normal() * 0.2;
  }
  return weights;
}

export const randomIds = (rng: Rng, lengths: readonly number[], vocabSize: number): number[][] =>
  lengths.map(length => Array.from({ length }, () => rng.int(vocabSize)));
