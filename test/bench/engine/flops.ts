/** What is counted as work: the definitions of docs/performance.md, each in one place. */
import type { ModelConfig } from '../../../src/language-model/config.ts';
import { linearLayers } from '../../../src/language-model/model.ts';

/** N: weights of all matrices that a token is multiplied with: the linear layers and the output matrix. */
export function multipliedWeights(config: ModelConfig): number {
  let n = config.vocabSize * config.hiddenSize;
  for (const [inSize, outSize] of linearLayers(config).values()) n += inSize * outSize;
  return n;
}

/**
 * FLOPs of a training step for each token. Matrices: 6N when all weights are trained (forward 2N, gradient of the input
 * 2N, of the weight 2N), 4N with a frozen base; adapters are not counted. Attention: a token has the scores and the
 * weighted sum of (T + 1)/2 tokens on the average, 2 FLOPs for each and each number of a head, three times that with
 * the gradients: 3 · 2 · 2 · (T + 1)/2 · heads · headDim · layers. Recomputation is not counted.
 */
export function trainingFlops(config: ModelConfig, time: number, kind: 'full' | 'lora'): number {
  const attention = 6 * (time + 1) * config.heads * config.headDim * config.layers;
  return (kind === 'full' ? 6 : 4) * multipliedWeights(config) + attention;
}

/**
 * Bytes that a decoding step has to read: the weights once, and the keys and values of each sequence so far (on the
 * average over the steps that are timed: the prompt and half the new tokens).
 */
export function decodingBytes(
  sizes: { readonly weightBytes: number; readonly kvBytesPerToken: number },
  shape: { readonly batch: number; readonly promptTokens: number; readonly newTokens: number },
): number {
  return sizes.weightBytes + shape.batch * sizes.kvBytesPerToken * (shape.promptTokens + shape.newTokens / 2);
}
