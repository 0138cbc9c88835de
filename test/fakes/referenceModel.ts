/** The plain float64 forward pass of a model's family. */
import type { ModelConfig } from '../../src/language-model/config.ts';
import { referenceGpt2 } from './referenceGpt2.ts';
import { type ReferenceAdapter, type ReferenceResult, referenceLlama } from './referenceLlama.ts';

export const referenceModel = (
  config: ModelConfig,
  weights: ReadonlyMap<string, ArrayLike<number>>,
  ids: ArrayLike<number>,
  adapter?: ReferenceAdapter,
): ReferenceResult =>
  config.modelType === 'gpt2'
    ? referenceGpt2(config, weights, ids, adapter)
    : referenceLlama(config, weights, ids, adapter);
