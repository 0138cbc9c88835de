/** Small random GPT-2s for tests; their weights come from `tinyWeights`. */
import { parseModelConfig } from '../../src/language-model/config.ts';
import type { Gpt2Config } from '../../src/language-model/gpt2Config.ts';

export function tinyGpt2Config(changes: Readonly<Record<string, unknown>> = {}): Gpt2Config {
  const config = parseModelConfig(
    {
      model_type: 'gpt2',
      vocab_size: 23,
      n_embd: 16,
      n_layer: 2,
      n_head: 4,
      n_positions: 32,
      initializer_range: 0.3,
      eos_token_id: 2,
      ...changes,
    },
    'config.json',
  );
  if (config.modelType !== 'gpt2') throw new Error(`${config.modelType} is no GPT-2`);
  return config;
}
