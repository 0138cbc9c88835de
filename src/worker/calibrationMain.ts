/** The process that measures providers: it generates the same tokens on each and says how long that took. */
import { Rng } from '../base/rng.ts';
import type { Provider } from '../engine/index.ts';
import { parseModelConfig } from '../language-model/config.ts';
import { createGenerator } from '../language-model/generate.ts';
import { randomWeights } from '../language-model/model.ts';
import type { Measurement } from './accelerator.ts';

/** A small Llama in all but its training: 21 million weights, in layers as wide as those of SmolLM2. */
const model = {
  model_type: 'llama',
  vocab_size: 8192,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 5,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 256,
  tie_word_embeddings: true,
};
const SEQUENCES = 4;
const PROMPT = 64;
const TOKENS = 16;

/** Generates once to make everything ready, and then for the clock. */
async function measure(provider: Provider): Promise<Measurement> {
  const config = parseModelConfig(model, 'config.json');
  const rng = Rng.seeded(1);
  const generator = await createGenerator({ config, weights: randomWeights(config, rng), provider });
  const requests = Array.from({ length: SEQUENCES }, (_, stream) => ({
    prompt: Array.from({ length: PROMPT }, () => rng.int(config.vocabSize)),
    stream,
    options: { maxNewTokens: TOKENS, temperature: 0, seed: 1 },
  }));
  try {
    await generator.generate(requests);
    const started = performance.now();
    const sequences = await generator.generate(requests);
    return {
      provider,
      milliseconds: performance.now() - started,
      logProbs: sequences.flatMap(({ logProbs }) => Array.from(logProbs)),
    };
  } finally {
    await generator.dispose();
  }
}

if (process.send) {
  const send = process.send.bind(process);
  process.on('disconnect', () => process.exit(0));
  for (const provider of ['cpu', 'webgpu'] as const) {
    const measured = await measure(provider);
    await new Promise(sent => send(measured, undefined, {}, sent));
  }
  process.exit(0);
}
