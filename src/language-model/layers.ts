/** The layers that language models are made of, as graph builders over named weights. */
import {
  add,
  causalMask,
  type Graph,
  matmul,
  mul,
  reshape,
  rope,
  ropeTables,
  type Shape,
  silu,
  softmax,
  transpose,
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
  const shape = fanInFanOut ? [inSize, outSize] : [outSize, inSize];
  let y = matmul(x, source.weight(`${path}.weight`, shape), { transB: !fanInFanOut });
  if (bias) y = add(y, source.weight(`${path}.bias`, [outSize]));
  const adapter = source.adapter?.(path, inSize, outSize);
  if (!adapter) return y;
  const low = mul(matmul(x, adapter.a, { transB: true }), adapter.scale);
  return add(y, matmul(low, adapter.b, { transB: true }));
}

/** (silu(x G ᵀ) ⊙ x Uᵀ) Dᵀ: the feed-forward layer of Llama. Source: arXiv 2002.05202 (SwiGLU). */
export function swiglu(source: ParameterSource, path: string, x: Value, config: LlamaConfig): Value {
  const { hiddenSize: d, intermediateSize: f, mlpBias: bias } = config;
  const gate = silu(linear(source, `${path}.gate_proj`, x, d, f, { bias }));
  return linear(source, `${path}.down_proj`, mul(gate, linear(source, `${path}.up_proj`, x, d, f, { bias })), f, d, {
    bias,
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
  return { cos: graph.constant(Float32Array.from(cos), shape), sin: graph.constant(Float32Array.from(sin), shape) };
}

/** Rotates the heads of (B, T, count·D) by their tokens' positions; families with learned positions leave them as they are. */
function rotation(graph: Graph, config: ModelConfig, positions: number): (x: Value, count: number) => Value {
  if (config.modelType === 'gpt2') return x => x;
  const { cos, sin } = ropeConstants(graph, config, positions);
  return (x, count) => rope(x, cos, sin, count);
}

/** How a layer attends: q (B, T, heads·D), k and v (B, T, kvHeads·D), not yet rotated → (B, T, heads·D). It rotates where the family does. */
export type Attention = (layer: number, q: Value, k: Value, v: Value) => Value;

/**
 * Causal attention over whole sequences that start at position 0. Padding on the right needs no mask: no earlier token sees it.
 * Query heads that share a key head are stacked along time, so that keys and values are never repeated.
 */
export function causalAttention(graph: Graph, config: ModelConfig, positions: number): Attention {
  const { heads, kvHeads, headDim: d } = config;
  const group = heads / kvHeads;
  const rotate = rotation(graph, config, positions);
  return (_, q, k, v) => {
    const [batch, time] = [q.shape[0]!, q.shape[1]!];
    const stacked = (x: Value): Value =>
      reshape(transpose(reshape(x, [batch, time, kvHeads, group, d]), [0, 2, 3, 1, 4]), [
        batch,
        kvHeads,
        typeof time === 'number' ? group * time : group === 1 ? time : `${group}*${time}`,
        d,
      ]);
    const perHead = (x: Value): Value => transpose(reshape(x, [batch, time, kvHeads, d]), [0, 2, 1, 3]);
    const queries = stacked(rotate(q, heads));
    const keys = perHead(rotate(k, kvHeads));
    const scores = matmul(queries, keys, { transB: true, alpha: 1 / Math.sqrt(d) });
    const masked = add(reshape(scores, [batch, kvHeads, group, time, time]), causalMask(graph, time));
    const weights = reshape(softmax(masked), scores.shape);
    const mixed = reshape(matmul(weights, perHead(v)), [batch, kvHeads, group, time, d]);
    return reshape(transpose(mixed, [0, 3, 1, 2, 4]), [batch, time, heads * d]);
  };
}
