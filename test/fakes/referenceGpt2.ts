/** A GPT-2 forward pass in plain float64 loops, which shares nothing with the engine: the oracle of its tests. */
import type { Gpt2Config } from '../../src/language-model/gpt2Config.ts';
import { type ReferenceAdapter, type ReferenceResult, scaleOf } from './referenceLlama.ts';

type Weights = ReadonlyMap<string, ArrayLike<number>>;
type Vector = Float64Array;

/** Runs one sequence from position 0. */
export function referenceGpt2(
  config: Gpt2Config,
  weights: Weights,
  ids: ArrayLike<number>,
  adapter?: ReferenceAdapter,
): ReferenceResult {
  const { hiddenSize: d, headDim, heads, intermediateSize } = config;
  const weight = (name: string): ArrayLike<number> => {
    const data = weights.get(name);
    if (!data) throw new Error(`no weight ${name}`);
    return data;
  };
  /** Rows of a matrix (rows, x.length) times x. */
  const product = (matrix: ArrayLike<number>, x: Vector, rows: number): Vector =>
    Float64Array.from({ length: rows }, (_, i) =>
      x.reduce((sum, value, j) => sum + matrix[i * x.length + j]! * value, 0),
    );
  /** x W + b with W (x.length, columns): the layout of Conv1D. */
  const conv1d = (path: string, x: Vector, columns: number): Vector => {
    const w = weight(`${path}.weight`);
    const b = weight(`${path}.bias`);
    const y = Float64Array.from({ length: columns }, (_, j) =>
      x.reduce((sum, value, i) => sum + value * w[i * columns + j]!, b[j]!),
    );
    const low = adapter?.weights.get(`base_model.model.${path}.lora_A.weight`);
    const high = adapter?.weights.get(`base_model.model.${path}.lora_B.weight`);
    if (!adapter || !low || !high) return y;
    const change = product(high, product(low, x, low.length / x.length), columns);
    const scale = scaleOf(adapter, path);
    return y.map((value, j) => value + scale * change[j]!);
  };
  const norm = (path: string, x: Vector): Vector => {
    const [w, b] = [weight(`${path}.weight`), weight(`${path}.bias`)];
    const mean = x.reduce((sum, value) => sum + value, 0) / d;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d;
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + config.layerNormEps)) * w[i]! + b[i]!);
  };
  const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  const plus = (a: Vector, b: Vector): Vector => a.map((value, i) => value + b[i]!);
  /** One head's answer at time t to the queries, keys and values of all times, which lie side by side in qkv. */
  const attend = (qkv: readonly Vector[], t: number, head: number): Vector => {
    const part = (s: number, which: number): Vector =>
      qkv[s]!.subarray(which * d + head * headDim, which * d + (head + 1) * headDim);
    const scores = Array.from({ length: t + 1 }, (_, s) =>
      Math.exp(part(t, 0).reduce((dot, value, i) => dot + value * part(s, 1)[i]!, 0) / Math.sqrt(headDim)),
    );
    const total = scores.reduce((a, b) => a + b);
    return Float64Array.from({ length: headDim }, (_, i) =>
      scores.reduce((sum, score, s) => sum + (score / total) * part(s, 2)[i]!, 0),
    );
  };

  const [wte, wpe] = [weight('transformer.wte.weight'), weight('transformer.wpe.weight')];
  let states: Vector[] = Array.from(ids, (id, t) =>
    Float64Array.from({ length: d }, (_, i) => wte[id * d + i]! + wpe[t * d + i]!),
  );
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `transformer.h.${layer}`;
    const qkv = states.map(x => conv1d(`${at}.attn.c_attn`, norm(`${at}.ln_1`, x), 3 * d));
    states = states.map((x, t) => {
      const mixed = Float64Array.from(Array.from({ length: heads }, (_, head) => [...attend(qkv, t, head)]).flat());
      const attended = plus(x, conv1d(`${at}.attn.c_proj`, mixed, d));
      const inner = conv1d(`${at}.mlp.c_fc`, norm(`${at}.ln_2`, attended), intermediateSize).map(gelu);
      return plus(attended, conv1d(`${at}.mlp.c_proj`, inner, d));
    });
  }
  const hidden = states.map(x => norm('transformer.ln_f', x));
  const matrix = config.tieWordEmbeddings ? wte : weights.get('lm_head.weight');
  return { hidden, logits: matrix ? hidden.map(x => product(matrix, x, config.vocabSize)) : [] };
}
