/** A model as a GGUF file: its metadata, which type each tensor gets, and the bytes. Source: llama.cpp `convert_hf_to_gguf.py`. */
import type { ModelConfig } from './config.ts';
import type { LlamaConfig } from './llamaConfig.ts';
import type { MergedModel, Sink, WriteContext } from './mergedModel.ts';
import { encodeGgufHeader, encodeGgufTensor, type GgufEntry, type GgufTensorPlan } from './weights/ggufEncoder.ts';
import { llama3Factors } from './weights/ggufModel.ts';
import { type GgufArchitecture, ggufName, layoutOf, permuteRows, transposed } from './weights/ggufNames.ts';
import { type WrittenType, writtenBlocks } from './weights/quantise.ts';

export const ggufTypes = ['F32', 'F16', 'BF16', 'Q8_0'] as const satisfies readonly WrittenType[];
export type GgufType = (typeof ggufTypes)[number];

/** llama.cpp's numbers of file types. */
const fileTypes: { readonly [K in GgufType]: number } = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 };

/** Writes the whole file. `metadata` is what is not the model's own: its tokenizer. */
export async function writeGguf(
  model: MergedModel,
  options: { readonly type: GgufType; readonly name: string; readonly metadata: ReadonlyMap<string, GgufEntry> },
  sink: Sink,
  { signal, onValues }: WriteContext = {},
): Promise<void> {
  const { config } = model;
  const architecture = architectureFor(config);
  const plans = new Map<string, GgufTensorPlan>();
  for (const [name, shape] of model.shapes) {
    const turned = layoutOf(architecture, name) === 'transposed' ? shape.toReversed() : shape;
    plans.set(name, { name: ggufName(architecture, name), shape: turned, type: typeOf(name, turned, options.type) });
  }
  const factors = rotationFactors(config);
  const extra: GgufTensorPlan[] = factors ? [{ name: 'rope_freqs.weight', shape: [factors.length], type: 'F32' }] : [];
  const metadata = new Map([...modelMetadata(config, architecture, options), ...options.metadata]);
  await sink(encodeGgufHeader(metadata, [...extra, ...plans.values()]));
  if (factors) await sink(encodeGgufTensor(factors, 'F32'));
  for (const [name, { type }] of plans) {
    signal?.throwIfAborted();
    const values = await model.read(name);
    await sink(encodeGgufTensor(inLayout(model, architecture, name, values), type));
    onValues?.(values.length);
  }
}

const architectureFor = ({ modelType }: ModelConfig): GgufArchitecture =>
  modelType === 'mistral' ? 'llama' : modelType;

/** Vectors and learned positions stay whole; rows that do not divide into blocks are written as halves. */
function typeOf(name: string, shape: readonly number[], wanted: GgufType): WrittenType {
  if (shape.length === 1 || name === 'transformer.wpe.weight') return 'F32';
  return shape.at(-1)! % writtenBlocks[wanted].block === 0 ? wanted : 'F16';
}

function inLayout(
  { config, shapes }: MergedModel,
  architecture: GgufArchitecture,
  name: string,
  values: Float32Array,
): Float32Array {
  const [rows = 0, columns = 0] = shapes.get(name)!;
  switch (layoutOf(architecture, name)) {
    case 'rotated q':
      return permuteRows(values, rows, config.heads, false);
    case 'rotated k':
      return permuteRows(values, rows, config.kvHeads, false);
    case 'transposed':
      return transposed(values, rows, columns);
    case 'same':
      return values;
  }
}

function rotationFactors(config: ModelConfig): Float32Array | undefined {
  if (config.modelType === 'gpt2' || config.ropeScaling?.kind !== 'llama3') return undefined;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions } = config.ropeScaling;
  return llama3Factors(config.headDim, config.ropeTheta, { factor, low, high, original: originalMaxPositions });
}

function modelMetadata(
  config: ModelConfig,
  architecture: GgufArchitecture,
  { name, type }: { readonly name: string; readonly type: GgufType },
): [string, GgufEntry][] {
  const own: [string, GgufEntry][] = [
    ['block_count', config.layers],
    ['context_length', config.maxPositions],
    ['embedding_length', config.hiddenSize],
    ['feed_forward_length', config.intermediateSize],
    ['attention.head_count', config.heads],
    ...(config.modelType === 'gpt2'
      ? [['attention.layer_norm_epsilon', { float: config.layerNormEps }] as [string, GgufEntry]]
      : rotatedMetadata(config)),
  ];
  return [
    ['general.architecture', architecture],
    ['general.name', name],
    ['general.file_type', fileTypes[type]],
    ['general.quantization_version', 2],
    ...own.map(([key, value]): [string, GgufEntry] => [`${architecture}.${key}`, value]),
  ];
}

function rotatedMetadata(config: LlamaConfig): [string, GgufEntry][] {
  return [
    ['attention.head_count_kv', config.kvHeads],
    ['attention.layer_norm_rms_epsilon', { float: config.rmsNormEps }],
    ['attention.key_length', config.headDim],
    ['attention.value_length', config.headDim],
    ['rope.dimension_count', config.headDim],
    ['rope.freq_base', { float: config.ropeTheta }],
    ['vocab_size', config.vocabSize],
    ...(config.ropeScaling?.kind === 'linear' ? linearScaling(config.ropeScaling.factor) : []),
  ];
}

const linearScaling = (factor: number): [string, GgufEntry][] => [
  ['rope.scaling.type', 'linear'],
  ['rope.scaling.factor', { float: factor }],
];
