/** The graph that a decoder runs: a model's body over a key–value cache, and its logits at chosen places. */
import {
  type Graph,
  gather,
  matmul,
  mul,
  type Node,
  pad,
  reshape,
  type Shape,
  slice,
  type TensorData,
  type Value,
} from '../engine/index.ts';
import type { ModelConfig } from './config.ts';
import { cachedHeadDim } from './keyValueCache.ts';
import type { Attention, ParameterSource } from './layers.ts';
import { type LoraConfig, loraNames, loraTargets } from './lora.ts';
import { hiddenStates, modelLogits } from './model.ts';
import { blockCount, type DecoderWeights, isQuantised, type QuantisedMatrix, stackQuantised } from './quantise.ts';

export interface DecoderGraphOptions {
  readonly config: ModelConfig;
  readonly weights: DecoderWeights;
  /** Weights are inputs, read at each run. They have to be float32. */
  readonly live: boolean;
  readonly adapter: LoraConfig | undefined;
}

const MICROSOFT = 'com.microsoft';

/**
 * Inputs: ids and positions int64 (B, T), rows int64 (N), the cache. Outputs: logits (N, V) at the rows of the flattened
 * (B·T) batch, hidden states after the last norm (B, T, hidden), and the cache.
 */
export function decoderGraph(graph: Graph, options: DecoderGraphOptions): Record<string, Value> {
  const { config } = options;
  const source = options.live ? liveSource(graph, options) : constantSource(graph, options.weights, options);
  const ids = graph.input('ids', 'int64', ['B', 'T']);
  const positions = graph.input('positions', 'int64', ['B', 'T']);
  const cache: Record<string, Value> = {};
  const hidden = hiddenStates(source, config, ids, cachedAttention(graph, config, positions, cache), positions);
  const chosen = gather(reshape(hidden, ['B*T', config.hiddenSize]), graph.input('rows', 'int64', ['N']));
  return { ...cache, hidden, logits: modelLogits(source, config, chosen) };
}

/** Adapters are inputs in any case. */
function adapterInputs(graph: Graph, { config, adapter }: DecoderGraphOptions): Pick<ParameterSource, 'adapter'> {
  if (!adapter) return {};
  const targets = new Map(loraTargets(config, adapter).map(target => [target.path, target]));
  return {
    adapter(path, inSize, outSize) {
      const target = targets.get(path);
      if (!target) return undefined;
      const names = loraNames(path);
      return {
        a: graph.input(names.a, 'float32', [target.r, inSize]),
        b: graph.input(names.b, 'float32', [outSize, target.r]),
        scale: mul(graph.input('adapter.scale', 'float32', []), target.scale),
      };
    },
  };
}

/** The sum comes as the kernel's fourth output; between them are statistics that only training reads. */
const fusedNorm: Pick<ParameterSource, 'addNorm'> = {
  addNorm(x, y, gain, epsilon) {
    const whole = { dtype: 'float32', shape: x.shape } as const;
    const perRow = { dtype: 'float32', shape: [...x.shape.slice(0, -1), 1] } as const;
    const outputs = x.graph.raw('SkipSimplifiedLayerNormalization', [x, y, gain], [whole, perRow, perRow, whole], {
      domain: MICROSOFT,
      attributes: { epsilon: { float: epsilon } },
    });
    return [outputs[3]!, outputs[0]!];
  },
};

const liveSource = (graph: Graph, options: DecoderGraphOptions): ParameterSource => ({
  weight: (name, shape) => graph.input(name, 'float32', shape),
  ...fusedNorm,
  ...adapterInputs(graph, options),
});

/** Weights in the graph; matrices with one input are joined, since a few large products cost less than many small ones. */
function constantSource(graph: Graph, weights: DecoderWeights, options: DecoderGraphOptions): ParameterSource {
  const constants = new Map<TensorData, Value>();
  const constant = (data: TensorData, shape: Shape, dtype: 'float32' | 'uint8' = 'float32'): Value => {
    let value = constants.get(data);
    if (value?.shape.join() !== shape.join()) value = graph.constant(data, shape as readonly number[], dtype);
    constants.set(data, value!);
    return value!;
  };
  const find = (name: string): Float32Array | QuantisedMatrix => {
    const weight = weights.get(name);
    if (!weight) throw new Error(`the weight ${name} is missing`);
    return weight;
  };
  const quantisedProduct = (matrix: QuantisedMatrix, x: Value): Value => {
    const { bits, blockSize, rows, columns, data, scales, zeros } = matrix;
    const blocks = blockCount(matrix);
    return graph.raw(
      'MatMulNBits',
      [
        x,
        constant(data, [rows, blocks, (blockSize * bits) / 8], 'uint8'),
        constant(scales, [rows, blocks]),
        ...(zeros ? [constant(zeros, [rows, zeros.length / rows], 'uint8')] : []),
      ],
      [{ dtype: 'float32', shape: [...x.shape.slice(0, -1), rows] }],
      {
        domain: MICROSOFT,
        attributes: {
          K: { int: columns },
          N: { int: rows },
          bits: { int: bits },
          block_size: { int: blockSize },
          // Inputs are rounded to 8 bits as well, block by block of each row: no row depends on another.
          accuracy_level: { int: 4 },
        },
      },
    )[0]!;
  };
  return {
    weight(name, shape) {
      const weight = find(name);
      if (isQuantised(weight))
        throw new Error(`the weight ${name} is in ${weight.bits} bits where its values are needed`);
      return constant(weight, shape);
    },
    products(names, x, { inSize, outSizes, fanInFanOut }) {
      const matrices = names.map(find);
      if (matrices.every(isQuantised)) return split(quantisedProduct(stackQuantised(matrices), x), outSizes);
      const some = matrices.some(isQuantised);
      // One matrix is left to `weight`, which shares it with the embedding where the head is tied.
      if (!some && (fanInFanOut || matrices.length === 1)) return undefined;
      if (!some) {
        const joined = joinArrays(matrices as Float32Array[]);
        return split(matmul(x, constant(joined, [joined.length / inSize, inSize]), { transB: true }), outSizes);
      }
      // An adapter may bring some matrices whole, in float32.
      return matrices.map((matrix, i) => {
        if (isQuantised(matrix)) return quantisedProduct(matrix, x);
        const shape = fanInFanOut ? [inSize, outSizes[i]!] : [outSizes[i]!, inSize];
        return matmul(x, constant(matrix, shape), { transB: !fanInFanOut });
      });
    },
    rows(name, ids, columns) {
      const matrix = find(name);
      if (!isQuantised(matrix)) return undefined;
      const { bits, blockSize, rows, data, scales, zeros } = matrix;
      const wide = blockCount(matrix) * blockSize;
      const row = graph.raw(
        'GatherBlockQuantized',
        [
          constant(data, [rows, (wide * bits) / 8], 'uint8'),
          ids,
          constant(scales, [rows, wide / blockSize]),
          ...(zeros ? [constant(zeros, [rows, zeros.length / rows], 'uint8')] : []),
        ],
        [{ dtype: 'float32', shape: [...ids.shape, wide] }],
        {
          domain: MICROSOFT,
          attributes: {
            bits: { int: bits },
            block_size: { int: blockSize },
            gather_axis: { int: 0 },
            quantize_axis: { int: 1 },
          },
        },
      )[0]!;
      return slice(row, ids.shape.length, 0, columns);
    },
    ...fusedNorm,
    ...adapterInputs(graph, options),
  };
}

function joinArrays(arrays: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(arrays.reduce((n, array) => n + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

/** Neighbouring parts of the last axis. */
function split(x: Value, sizes: readonly number[]): readonly Value[] {
  if (sizes.length === 1) return [x];
  return x.graph.raw(
    'Split',
    [x, x.graph.constant(sizes, [sizes.length], 'int64')],
    sizes.map(size => ({ dtype: x.dtype, shape: x.shape.with(-1, size) })),
    { attributes: { axis: { int: -1 } } },
  );
}

/** What these values are the parts of, if they are all the parts of one `split`. */
function splitFrom(parts: readonly Value[]): Value | undefined {
  const node = parts[0]?.node as Node<'Raw'> | undefined;
  const whole = node?.attributes.op === 'Split' && node.outputs.length === parts.length;
  return whole && parts.every((part, i) => part === node.outputs[i]) ? node.inputs[0] : undefined;
}

/** Attention over a cache of (B, kvHeads, C, D) whose new keys and values are written in place. Adds the outputs. */
function cachedAttention(
  graph: Graph,
  config: ModelConfig,
  positions: Value,
  outputs: Record<string, Value>,
): Attention {
  const { heads, kvHeads, headDim } = config;
  const last = graph.input('last', 'int32', ['B']);
  const total = graph.input('total', 'int32', []);
  const rotates = config.modelType !== 'gpt2';
  const tables = rotates ? ['rope.cos', 'rope.sin'].map(name => graph.input(name, 'float32', ['P', headDim / 2])) : [];
  // The fused rotation of ONNX Runtime wants heads of a multiple of 16.
  const fused = rotates && headDim % 16 === 0;
  const rotate = (x: Value): Value =>
    fused || !rotates
      ? x
      : graph.raw('RotaryEmbedding', [x, positions, ...tables], [{ dtype: 'float32', shape: x.shape }], {
          domain: 'com.microsoft',
          attributes: { interleaved: { int: 0 } },
        })[0]!;
  const wide = cachedHeadDim(config);
  const cacheShape: Shape = ['B', kvHeads, 'C', wide];
  /** (B, T, count·from) → (B, T, count·to): zeros added to each head, or taken off. */
  const resize = (x: Value, count: number, from: number, to: number): Value => {
    if (from === to) return x;
    const split = reshape(x, ['B', 'T', count, from]);
    return reshape(from < to ? pad(split, 3, 0, to - from) : slice(split, 3, 0, to), ['B', 'T', count * to]);
  };
  return (layer, q, k, v) => {
    // The kernel takes queries, keys and values apart by itself where it is to rotate them and nothing else was done to them.
    const joined = fused ? splitFrom([q, k, v]) : undefined;
    const past = (kind: 'k' | 'v') => graph.input(`past.${kind}.${layer}`, 'float32', cacheShape);
    const [mixed, keys, values] = graph.raw(
      'GroupQueryAttention',
      [
        joined ?? resize(rotate(q), heads, headDim, wide),
        joined ? undefined : resize(rotate(k), kvHeads, headDim, wide),
        joined ? undefined : resize(v, kvHeads, headDim, wide),
        past('k'),
        past('v'),
        last,
        total,
        ...(fused ? tables : []),
      ],
      [
        { dtype: 'float32', shape: ['B', 'T', heads * wide] },
        { dtype: 'float32', shape: cacheShape },
        { dtype: 'float32', shape: cacheShape },
      ],
      {
        domain: 'com.microsoft',
        attributes: {
          num_heads: { int: heads },
          kv_num_heads: { int: kvHeads },
          do_rotary: { int: fused ? 1 : 0 },
          scale: { float: 1 / Math.sqrt(headDim) },
        },
      },
    );
    outputs[`present.k.${layer}`] = keys!;
    outputs[`present.v.${layer}`] = values!;
    return resize(mixed!, heads, wide, headDim);
  };
}
