/** A base model with an adapter added in, read weight by weight, so that no more than one exists twice in memory. */
import type { ModelConfig } from './config.ts';
import { type LoraTarget, loraTargets, mergeTarget } from './lora.ts';
import { modelParameters, outputMatrixName } from './model.ts';
import type { ModelFiles } from './modelFiles.ts';
import { type AdapterFiles, replacedConfig } from './openAdapter.ts';

export interface MergedModel {
  readonly config: ModelConfig;
  /** Hugging Face's names → shapes. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The values of one weight, row-major; a fresh array. */
  read(name: string): Promise<Float32Array>;
}

/** Where the bytes of a file go, in order; each array may be used again once the promise is fulfilled. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

export interface WriteContext {
  readonly signal?: AbortSignal;
  /** Called with the number of weights' values that have been written since the last call. */
  readonly onValues?: (count: number) => void;
}

export function mergedModel(files: ModelFiles, adapter?: AdapterFiles): MergedModel {
  if (!adapter) return { config: files.config, shapes: modelParameters(files.config), read: name => files.read(name) };
  const config = replacedConfig(files.config, adapter.replaced);
  const targets = new Map<string, LoraTarget>(
    loraTargets(config, adapter.config).map(target => [`${target.path}.weight`, target]),
  );
  const own = (name: string): Promise<Float32Array> =>
    // An output matrix that the base shares with its embedding is the embedding.
    files.read(name === 'lm_head.weight' ? outputMatrixName(files.config) : name);
  return {
    config,
    shapes: modelParameters(config),
    read: async name => {
      const base = adapter.replaced.get(name) ?? (await own(name));
      const target = targets.get(name);
      return target ? mergeTarget(config, base, target, adapter.weights) : base;
    },
  };
}
