/** A model as safetensors files: which weights go into which file, and the bytes of each. */
import { formatModelConfig } from './config.ts';
import type { Json } from './configFields.ts';
import type { MergedModel, Sink, WriteContext } from './mergedModel.ts';
import { encodeValues, writtenBlocks } from './weights/quantise.ts';
import { encodeSafetensorsHeader } from './weights/safetensors.ts';

export const safetensorsTypes = ['F32', 'F16', 'BF16'] as const;
export type SafetensorsType = (typeof safetensorsTypes)[number];

export interface Shard {
  readonly file: string;
  readonly names: readonly string[];
}

export interface ShardPlan {
  readonly shards: readonly Shard[];
  /** `model.safetensors.index.json`; none where one file holds everything. */
  readonly index: Json | undefined;
}

/** The size above which `transformers` begins another file. */
const SHARD_BYTES = 5e9;

/** Weights in the model's order, as many to a file as fit below `limit` bytes. */
export function planShards({ shapes }: MergedModel, type: SafetensorsType, limit = SHARD_BYTES): ShardPlan {
  const groups: string[][] = [[]];
  let size = 0;
  let total = 0;
  for (const [name, shape] of shapes) {
    const bytes = shape.reduce((a, b) => a * b, 1) * writtenBlocks[type].bytes;
    if (size > 0 && size + bytes > limit) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(name);
    size += bytes;
    total += bytes;
  }
  if (groups.length === 1) return { shards: [{ file: 'model.safetensors', names: groups[0]! }], index: undefined };
  const number = (n: number): string => String(n).padStart(5, '0');
  const shards = groups.map((names, i) => ({
    file: `model-${number(i + 1)}-of-${number(groups.length)}.safetensors`,
    names,
  }));
  const map = Object.fromEntries(shards.flatMap(({ file, names }) => names.map(name => [name, file])));
  return { shards, index: { metadata: { total_size: total }, weight_map: map } };
}

export async function writeSafetensors(
  model: MergedModel,
  { names }: Shard,
  type: SafetensorsType,
  sink: Sink,
  { signal, onValues }: WriteContext = {},
): Promise<void> {
  // The format's reference writer sorts by name too: the same weights give the same bytes.
  const sorted = [...names].sort();
  await sink(encodeSafetensorsHeader(new Map(sorted.map(name => [name, model.shapes.get(name)!])), type));
  for (const name of sorted) {
    signal?.throwIfAborted();
    const values = await model.read(name);
    await sink(encodeValues(values, type));
    onValues?.(values.length);
  }
}

/** The exported model's config.json: what the base's own said (`original`), with what is different now. */
export function exportedConfig({ config }: MergedModel, original: Json, type: SafetensorsType): Json {
  const { torch_dtype: _, dtype: __, quantization_config: ___, ...kept } = original;
  return {
    ...formatModelConfig(config),
    ...kept,
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[type],
  };
}
