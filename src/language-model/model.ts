/** Every family behind one set of functions: weights by name, hidden states, logits and scores. */
import type { Rng } from '../base/rng.ts';
import { matmul, type Value } from '../engine/index.ts';
import type { ModelConfig } from './config.ts';
import { gpt2Hidden, gpt2Parameters } from './gpt2.ts';
import type { Attention, ParameterSource } from './layers.ts';
import { llamaHidden, llamaParameters } from './llama.ts';

/** What stands on top of the hidden states: a vocabulary (`lm`), one number (`score`, a reward), or nothing. */
export type Head = 'lm' | 'score' | 'none';

/** Weight name → shape, in a fixed order; the names and shapes of `transformers`. */
export function modelParameters(config: ModelConfig, head: Head = 'lm'): Map<string, readonly number[]> {
  const shapes = config.modelType === 'gpt2' ? gpt2Parameters(config) : llamaParameters(config);
  if (head === 'lm' && !config.tieWordEmbeddings) shapes.set('lm_head.weight', [config.vocabSize, config.hiddenSize]);
  if (head === 'score') shapes.set('score.weight', [1, config.hiddenSize]);
  return shapes;
}

/** True where the matrices of linear layers are stored as (in, out) rather than (out, in). */
export const fanInFanOut = (config: ModelConfig): boolean => config.modelType === 'gpt2';

/** What `transformers` calls the body: it stands before the names of all weights but the heads'. */
export const bodyPrefix = (config: ModelConfig): string => (config.modelType === 'gpt2' ? 'transformer.' : 'model.');

/** The linear layers that an adapter can change: module path → [in, out]. */
export function linearLayers(config: ModelConfig): Map<string, readonly [number, number]> {
  const layers = new Map<string, readonly [number, number]>();
  for (const [name, shape] of modelParameters(config, 'none')) {
    if (shape.length !== 2 || !/\.(layers|h)\.\d+\./.test(name)) continue;
    const [first, second] = shape as readonly [number, number];
    layers.set(name.slice(0, -'.weight'.length), fanInFanOut(config) ? [first, second] : [second, first]);
  }
  return layers;
}

/** Token ids int64 (B, T), and their positions where they are not 0 … T − 1 → hidden states (B, T, hidden). */
export const hiddenStates = (
  source: ParameterSource,
  config: ModelConfig,
  ids: Value,
  attention: Attention,
  positions?: Value,
): Value =>
  config.modelType === 'gpt2'
    ? gpt2Hidden(source, config, ids, attention, positions)
    : llamaHidden(source, config, ids, attention);

/** The matrix (vocabulary, hidden) of token embeddings. */
export const embeddingName = (config: ModelConfig): string =>
  config.modelType === 'gpt2' ? 'transformer.wte.weight' : 'model.embed_tokens.weight';

/** The matrix (vocabulary, hidden) whose rows the logits are products with. */
export const outputMatrixName = (config: ModelConfig): string =>
  config.tieWordEmbeddings ? embeddingName(config) : 'lm_head.weight';

/** Hidden states (…, hidden) → logits (…, vocabulary). */
export const modelLogits = (source: ParameterSource, config: ModelConfig, hidden: Value): Value =>
  hidden.graph.scope('lm_head', () => {
    const { vocabSize, hiddenSize } = config;
    const name = outputMatrixName(config);
    const shape = { inSize: hiddenSize, outSizes: [vocabSize], fanInFanOut: false };
    return (
      source.products?.([name], hidden, shape)?.[0] ??
      matmul(hidden, source.weight(name, [vocabSize, hiddenSize]), { transB: true })
    );
  });

/** Hidden states (N, hidden) → scores (N, 1). */
export const modelScores = (source: ParameterSource, config: ModelConfig, hidden: Value): Value =>
  hidden.graph.scope('score', () =>
    matmul(hidden, source.weight('score.weight', [1, config.hiddenSize]), { transB: true }),
  );

/**
 * Fresh weights: normal with the configured deviation, those that write to the residual stream divided by √(2·layers)
 * (GPT-2's rule), gains 1, biases 0, a score head 1/√(d + 1).
 */
export function randomWeights(config: ModelConfig, rng: Rng, head: Head = 'lm'): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of modelParameters(config, head)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 1) data.fill(name.endsWith('.bias') ? 0 : 1);
    else {
      let deviation = config.initializerRange;
      if (/\.(o_proj|down_proj|c_proj)\.weight$/.test(name)) deviation /= Math.sqrt(2 * config.layers);
      if (name === 'score.weight') deviation = 1 / Math.sqrt(config.hiddenSize + 1);
      const stream = rng.stream(name);
      for (let i = 0; i < data.length; i++) data[i] = stream.normal() * deviation;
    }
    weights.set(name, data);
  }
  return weights;
}
