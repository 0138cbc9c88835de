/** The layers that language models are made of, as graph builders over named weights. */
import {
  add,
  attention,
  type Graph,
  lowRankLinear,
  matmul,
  mul,
  rope,
  ropeTables,
  type Shape,
  segmentBias,
  silu,
  type Value,
} from '../engine/index.ts';
import type { ModelConfig } from './config.ts';
import type { LlamaConfig } from './llamaConfig.ts';

/** A low-rank change of one linear layer: y += scale·(x Aᵀ)Bᵀ, A (r, in), B (out, r), scale a scalar. */
export interface LowRank {
  readonly a: Value;
  readonly b: Value;
  readonly scale: Value;
}

/** Where the builders get weights from: inputs, constants or trained arrays, by their Hugging Face names. */
export interface ParameterSource {
  weight(name: string, shape: Shape): Value;
  /** The adapter of a linear layer, if it has one; `path` is the module's, e.g. `model.layers.0.self_attn.q_proj`. */
  adapter?(path: string, inSize: number, outSize: number): LowRank | undefined;
  /** The product of a layer with its adapter, without the bias, by other means than its weight as floats. */
  product?(path: string, x: Value, inSize: number, outSize: number): Value | undefined;
  /** Add adapters to their weights before the product, which pays where hundreds of rows are run at once. Default false. */
  readonly mergeAdapters?: boolean;
}

export interface LinearOptions {
  readonly bias?: boolean;
  /** The weight is stored as (in, out) rather than (out, in). */
  readonly fanInFanOut?: boolean;
}

/** x (…, in) → (…, out) with the weight of module `path`, its bias and its adapter. */
export function linear(
  source: ParameterSource,
  path: string,
  x: Value,
  inSize: number,
  outSize: number,
  { bias = false, fanInFanOut = false }: LinearOptions = {},
): Value {
  return x.graph.scope(path, () => {
    const shape = fanInFanOut ? [inSize, outSize] : [outSize, inSize];
    const own = source.product?.(path, x, inSize, outSize);
    const y = own ?? adapted(source.weight(`${path}.weight`, shape));
    return bias ? add(y, source.weight(`${path}.bias`, [outSize])) : y;
  });

  function adapted(weight: Value): Value {
    const adapter = source.adapter?.(path, inSize, outSize);
    if (!adapter) return matmul(x, weight, { transB: !fanInFanOut });
    const { a, b, scale } = adapter;
    if (source.mergeAdapters) return lowRankLinear(x, weight, a, b, scale, { fanInFanOut });
    const low = mul(matmul(x, a, { transB: true }), scale);
    return add(matmul(x, weight, { transB: !fanInFanOut }), matmul(low, b, { transB: true }));
  }
}

/** (silu(x G ᵀ) ⊙ x Uᵀ) Dᵀ: the feed-forward layer of Llama. Source: arXiv 2002.05202 (SwiGLU). */
export function swiglu(source: ParameterSource, path: string, x: Value, config: LlamaConfig): Value {
  const { hiddenSize: d, intermediateSize: f, mlpBias: bias } = config;
  return x.graph.scope(path, () => {
    const gate = silu(linear(source, `${path}.gate_proj`, x, d, f, { bias }));
    const inner = mul(gate, linear(source, `${path}.up_proj`, x, d, f, { bias }));
    return linear(source, `${path}.down_proj`, inner, f, d, { bias });
  });
}

/** Angular step of each rotated pair, radians per position. */
export function ropeFrequencies(config: LlamaConfig): number[] {
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (!scaling) return plain;
  if (scaling.kind === 'linear') return plain.map(step => step / scaling.factor);
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions: length } = scaling;
  return plain.map(step => {
    const wavelength = (2 * Math.PI) / step;
    if (wavelength < length / high) return step;
    if (wavelength > length / low) return step / factor;
    const smooth = (length / wavelength - low) / (high - low);
    return ((1 - smooth) * step) / factor + smooth * step;
  });
}

/** The rotation tables of positions 0 … positions − 1 as constants: (positions, headDim/2) each. */
export function ropeConstants(graph: Graph, config: LlamaConfig, positions: number): { cos: Value; sin: Value } {
  const { cos, sin } = ropeTables(positions, ropeFrequencies(config));
  const shape = [positions, config.headDim / 2];
  // In double precision: a float64 rendition is exact.
  return { cos: graph.constant(cos, shape), sin: graph.constant(sin, shape) };
}

/** How a layer attends: q (B, T, heads·D), k and v (B, T, kvHeads·D), not yet rotated → (B, T, heads·D). It rotates where the family does. */
export type Attention = (layer: number, q: Value, k: Value, v: Value) => Value;

/**
 * Attention over whole sequences. positions int64 (B, T) turn queries and keys where the family rotates them; segments int64
 * (B, T) tell the sequences of a row apart, and its padding from them.
 */
export function wholeAttention(graph: Graph, config: ModelConfig, positions: Value, segments: Value): Attention {
  const { heads, kvHeads, headDim } = config;
  const rotate = rotation(graph, config, positions);
  const bias = segmentBias(segments);
  const options = { heads, kvHeads, scale: 1 / Math.sqrt(headDim) };
  return (_, q, k, v) => attention(rotate(q, heads), rotate(k, kvHeads), v, bias, options);
}

/** Rotates the heads of (B, T, count·D) by their tokens' positions; families with learned positions leave them as they are. */
function rotation(graph: Graph, config: ModelConfig, positions: Value): (x: Value, count: number) => Value {
  if (config.modelType === 'gpt2') return x => x;
  const { cos, sin } = ropeConstants(graph, config, config.maxPositions);
  return (x, count) => rope(x, positions, cos, sin, count);
}
