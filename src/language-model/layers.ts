/** The layers that language models are made of, as graph builders over named weights. */
import {
  add,
  attention,
  type Graph,
  gather,
  lowRankLinear,
  matmul,
  mul,
  rmsNorm,
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
  /**
   * x (…, in) times the matrices of these names, (…, out) each, for a source that holds them in another form than `weight`
   * gives, or joined. Undefined: take `weight`.
   */
  products?(names: readonly string[], x: Value, shape: ProductShape): readonly Value[] | undefined;
  /** The rows of an embedding (rows, columns) that ids int64 (…) name, likewise. */
  rows?(name: string, ids: Value, columns: number): Value | undefined;
  /** [x + y, the RMS norm of that], for a source whose graphs need no gradients and can do both at once. */
  addNorm?(x: Value, y: Value, gain: Value, epsilon: number): readonly [Value, Value];
}

export interface ProductShape {
  readonly inSize: number;
  readonly outSizes: readonly number[];
  readonly fanInFanOut: boolean;
}

export interface LinearOptions {
  readonly bias?: boolean;
  /** The weight is stored as (in, out) rather than (out, in). */
  readonly fanInFanOut?: boolean;
}

/** x (…, in) → (…, out) with the weight of module `path`, its bias and its adapter. */
export const linear = (
  source: ParameterSource,
  path: string,
  x: Value,
  inSize: number,
  outSize: number,
  options: LinearOptions = {},
): Value => linears(source, x, inSize, [[path, outSize]], options)[0]!;

/** Several linear layers [module path, out] of one input, which a source may compute as one product. */
export function linears(
  source: ParameterSource,
  x: Value,
  inSize: number,
  layers: readonly (readonly [path: string, outSize: number])[],
  { bias = false, fanInFanOut = false }: LinearOptions = {},
): Value[] {
  const given = source.products?.(
    layers.map(([path]) => `${path}.weight`),
    x,
    { inSize, outSizes: layers.map(([, outSize]) => outSize), fanInFanOut },
  );
  return layers.map(([path, outSize], i) =>
    x.graph.scope(path, () => {
      const y = source.product?.(path, x, inSize, outSize) ?? adapted(path, outSize, given?.[i]);
      return bias ? add(y, source.weight(`${path}.bias`, [outSize])) : y;
    }),
  );

  function adapted(path: string, outSize: number, product: Value | undefined): Value {
    const weight = (): Value => source.weight(`${path}.weight`, fanInFanOut ? [inSize, outSize] : [outSize, inSize]);
    const plain = (): Value => product ?? matmul(x, weight(), { transB: !fanInFanOut });
    const adapter = source.adapter?.(path, inSize, outSize);
    if (!adapter) return plain();
    const { a, b, scale } = adapter;
    if (source.mergeAdapters) return lowRankLinear(x, weight(), a, b, scale, { fanInFanOut });
    const low = mul(matmul(x, a, { transB: true }), scale);
    return add(plain(), matmul(low, b, { transB: true }));
  }
}

/** Rows of the embedding `name` (rows, columns) for ids int64 (…): (…, columns). */
export const embedding = (source: ParameterSource, name: string, ids: Value, rows: number, columns: number): Value =>
  source.rows?.(name, ids, columns) ?? gather(source.weight(name, [rows, columns]), ids);

/** A residual connection in layer `at` and the norm behind it: [x + y, the norm of that with the gain of module `norm`]. */
export function addNorm(
  source: ParameterSource,
  x: Value,
  y: Value,
  { at, norm, epsilon }: { readonly at: string; readonly norm: string; readonly epsilon: number },
): readonly [Value, Value] {
  const { graph } = x;
  const gain = source.weight(`${norm}.weight`, [x.shape.at(-1)!]);
  const fused = graph.scope(norm, () => source.addNorm?.(x, y, gain, epsilon));
  if (fused) return fused;
  const sum = graph.scope(at, () => add(x, y));
  return [sum, graph.scope(norm, () => rmsNorm(sum, gain, epsilon))];
}

/** (silu(x G ᵀ) ⊙ x Uᵀ) Dᵀ: the feed-forward layer of Llama. Source: arXiv 2002.05202 (SwiGLU). */
export function swiglu(source: ParameterSource, path: string, x: Value, config: LlamaConfig): Value {
  const { hiddenSize: d, intermediateSize: f, mlpBias: bias } = config;
  return x.graph.scope(path, () => {
    const both = [`${path}.gate_proj`, `${path}.up_proj`].map(layer => [layer, f] as const);
    const [gate, up] = linears(source, x, d, both, { bias });
    return linear(source, `${path}.down_proj`, mul(silu(gate!), up!), f, d, { bias });
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
