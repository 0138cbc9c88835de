/** A Llama forward pass in plain float64 loops, which shares nothing with the engine: the oracle of its tests. */
import type { LlamaConfig } from '../../src/language-model/llamaConfig.ts';

type Weights = ReadonlyMap<string, ArrayLike<number>>;
type Vector = Float64Array;

/** A low-rank change of some linear layers: PEFT's names, scale alpha/r of each module path. */
export interface ReferenceAdapter {
  readonly weights: Weights;
  readonly scale: number | ((path: string) => number);
}

export interface ReferenceResult {
  /** After the last norm: one vector for each token. */
  readonly hidden: readonly Vector[];
  /** One row of the vocabulary's size for each token. */
  readonly logits: readonly Vector[];
}

export const scaleOf = ({ scale }: ReferenceAdapter, path: string): number =>
  typeof scale === 'number' ? scale : scale(path);

/** Runs one sequence from position 0. */
export function referenceLlama(
  config: LlamaConfig,
  weights: Weights,
  ids: ArrayLike<number>,
  adapter?: ReferenceAdapter,
): ReferenceResult {
  const { hiddenSize, headDim, heads, kvHeads } = config;
  const weight = (name: string): ArrayLike<number> => {
    const data = weights.get(name);
    if (!data) throw new Error(`no weight ${name}`);
    return data;
  };
  const multiply = (matrix: ArrayLike<number>, x: Vector, rows: number): Vector => {
    const y = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      let total = 0;
      for (let j = 0; j < x.length; j++) total += matrix[i * x.length + j]! * x[j]!;
      y[i] = total;
    }
    return y;
  };
  const linear = (path: string, x: Vector, rows: number): Vector => {
    const y = multiply(weight(`${path}.weight`), x, rows);
    const bias = weights.get(`${path}.bias`);
    if (bias) for (let i = 0; i < rows; i++) y[i]! += bias[i]!;
    const a = adapter?.weights.get(`base_model.model.${path}.lora_A.weight`);
    const b = adapter?.weights.get(`base_model.model.${path}.lora_B.weight`);
    if (adapter && a && b) {
      const change = multiply(b, multiply(a, x, a.length / x.length), rows);
      const scale = scaleOf(adapter, path);
      for (let i = 0; i < rows; i++) y[i]! += scale * change[i]!;
    }
    return y;
  };
  const normalise = (name: string, x: Vector): Vector => {
    const gain = weight(name);
    const scale = 1 / Math.sqrt(x.reduce((total, value) => total + value * value, 0) / x.length + config.rmsNormEps);
    return x.map((value, i) => value * scale * gain[i]!);
  };
  const rotate = (x: Vector, position: number): Vector => {
    const y = Float64Array.from(x);
    const half = headDim / 2;
    for (let start = 0; start < x.length; start += headDim) {
      for (let i = 0; i < half; i++) {
        const angle = position / config.ropeTheta ** ((2 * i) / headDim);
        const first = x[start + i]!;
        const second = x[start + half + i]!;
        y[start + i] = first * Math.cos(angle) - second * Math.sin(angle);
        y[start + half + i] = second * Math.cos(angle) + first * Math.sin(angle);
      }
    }
    return y;
  };
  const plus = (a: Vector, b: Vector): Vector => a.map((value, i) => value + b[i]!);

  const embeddings = weight('model.embed_tokens.weight');
  let states: Vector[] = Array.from(ids, id =>
    Float64Array.from({ length: hiddenSize }, (_, i) => embeddings[id * hiddenSize + i]!),
  );
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    const inner = states.map(x => normalise(`${at}.input_layernorm.weight`, x));
    const q = inner.map((x, t) => rotate(linear(`${at}.self_attn.q_proj`, x, heads * headDim), t));
    const k = inner.map((x, t) => rotate(linear(`${at}.self_attn.k_proj`, x, kvHeads * headDim), t));
    const v = inner.map(x => linear(`${at}.self_attn.v_proj`, x, kvHeads * headDim));
    states = states.map((x, t) => {
      const mixed = new Float64Array(heads * headDim);
      for (let head = 0; head < heads; head++) {
        const from = Math.floor((head * kvHeads) / heads) * headDim;
        const scores: number[] = [];
        for (let s = 0; s <= t; s++) {
          let dot = 0;
          for (let i = 0; i < headDim; i++) dot += q[t]![head * headDim + i]! * k[s]![from + i]!;
          scores.push(dot / Math.sqrt(headDim));
        }
        const most = Math.max(...scores);
        const powers = scores.map(score => Math.exp(score - most));
        const total = powers.reduce((a, b) => a + b);
        for (let s = 0; s <= t; s++) {
          for (let i = 0; i < headDim; i++) mixed[head * headDim + i]! += (powers[s]! / total) * v[s]![from + i]!;
        }
      }
      const attended = plus(x, linear(`${at}.self_attn.o_proj`, mixed, hiddenSize));
      const m = normalise(`${at}.post_attention_layernorm.weight`, attended);
      const up = linear(`${at}.mlp.up_proj`, m, config.intermediateSize);
      const gated = linear(`${at}.mlp.gate_proj`, m, config.intermediateSize).map(
        (g, i) => (g / (1 + Math.exp(-g))) * up[i]!,
      );
      return plus(attended, linear(`${at}.mlp.down_proj`, gated, hiddenSize));
    });
  }
  const hidden = states.map(x => normalise('model.norm.weight', x));
  const head = config.tieWordEmbeddings ? embeddings : weights.get('lm_head.weight');
  return { hidden, logits: head ? hidden.map(x => multiply(head, x, config.vocabSize)) : [] };
}

/** log p(next token) of tokens 1 … n − 1, nats. */
export function referenceLogProbs(logits: readonly Vector[], ids: ArrayLike<number>): number[] {
  return Array.from({ length: ids.length - 1 }, (_, t) => {
    const row = logits[t]!;
    const most = row.reduce((a, b) => Math.max(a, b));
    const total = row.reduce((sum, value) => sum + Math.exp(value - most), 0);
    return row[ids[t + 1]!]! - most - Math.log(total);
  });
}
