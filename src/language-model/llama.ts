/** The Llama family: names and shapes of its weights, fresh weights, and its forward pass as a graph. */
import type { Rng } from '../base/rng.ts';
import { add, gather, matmul, rmsNorm, type Value } from '../engine/index.ts';
import type { LlamaConfig } from './config.ts';
import { type Attention, linear, type ParameterSource, swiglu } from './layers.ts';

/** What stands on top of the hidden states: a vocabulary (`lm`), one number (`score`, a reward), or nothing. */
export type Head = 'lm' | 'score' | 'none';

/** Weight name → shape, in a fixed order; the names and shapes of `transformers`. */
export function llamaParameters(config: LlamaConfig, head: Head = 'lm'): Map<string, readonly number[]> {
  const { hiddenSize: d, intermediateSize: f, vocabSize, heads, kvHeads, headDim } = config;
  const shapes = new Map<string, readonly number[]>([['model.embed_tokens.weight', [vocabSize, d]]]);
  const layer = (path: string, inSize: number, outSize: number, bias: boolean): void => {
    shapes.set(`${path}.weight`, [outSize, inSize]);
    if (bias) shapes.set(`${path}.bias`, [outSize]);
  };
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    shapes.set(`${at}.input_layernorm.weight`, [d]);
    layer(`${at}.self_attn.q_proj`, d, heads * headDim, config.qkvBias);
    layer(`${at}.self_attn.k_proj`, d, kvHeads * headDim, config.qkvBias);
    layer(`${at}.self_attn.v_proj`, d, kvHeads * headDim, config.qkvBias);
    layer(`${at}.self_attn.o_proj`, heads * headDim, d, config.outputBias);
    shapes.set(`${at}.post_attention_layernorm.weight`, [d]);
    layer(`${at}.mlp.gate_proj`, d, f, config.mlpBias);
    layer(`${at}.mlp.up_proj`, d, f, config.mlpBias);
    layer(`${at}.mlp.down_proj`, f, d, config.mlpBias);
  }
  shapes.set('model.norm.weight', [d]);
  if (head === 'lm' && !config.tieWordEmbeddings) shapes.set('lm_head.weight', [vocabSize, d]);
  if (head === 'score') shapes.set('score.weight', [1, d]);
  return shapes;
}

/** The linear layers that an adapter can change: module path → [in, out]. */
export function llamaLinearLayers(config: LlamaConfig): Map<string, readonly [number, number]> {
  const layers = new Map<string, readonly [number, number]>();
  for (const [name, shape] of llamaParameters(config, 'none')) {
    if (name.startsWith('model.layers.') && shape.length === 2) {
      layers.set(name.slice(0, -'.weight'.length), [shape[1]!, shape[0]!]);
    }
  }
  return layers;
}

/**
 * Fresh weights: normal with the configured deviation, those that write to the residual stream divided by √(2·layers)
 * (GPT-2's rule), gains 1, biases 0, a score head 1/√(d + 1).
 */
export function randomLlamaWeights(config: LlamaConfig, rng: Rng, head: Head = 'lm'): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of llamaParameters(config, head)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 1) data.fill(name.endsWith('.bias') ? 0 : 1);
    else {
      let deviation = config.initializerRange;
      if (/\.(o_proj|down_proj)\.weight$/.test(name)) deviation /= Math.sqrt(2 * config.layers);
      if (name === 'score.weight') deviation = 1 / Math.sqrt(config.hiddenSize + 1);
      const stream = rng.stream(name);
      for (let i = 0; i < data.length; i++) data[i] = stream.normal() * deviation;
    }
    weights.set(name, data);
  }
  return weights;
}

/** Token ids int64 (B, T) → hidden states after the last norm (B, T, hidden). */
export function llamaHidden(source: ParameterSource, config: LlamaConfig, ids: Value, attention: Attention): Value {
  const { hiddenSize: d, heads, kvHeads, headDim, rmsNormEps } = config;
  let x = gather(source.weight('model.embed_tokens.weight', [config.vocabSize, d]), ids);
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    const h = rmsNorm(x, source.weight(`${at}.input_layernorm.weight`, [d]), rmsNormEps);
    const q = linear(source, `${at}.self_attn.q_proj`, h, d, heads * headDim, config.qkvBias);
    const k = linear(source, `${at}.self_attn.k_proj`, h, d, kvHeads * headDim, config.qkvBias);
    const v = linear(source, `${at}.self_attn.v_proj`, h, d, kvHeads * headDim, config.qkvBias);
    const mixed = attention(i, q, k, v);
    x = add(x, linear(source, `${at}.self_attn.o_proj`, mixed, heads * headDim, d, config.outputBias));
    const m = rmsNorm(x, source.weight(`${at}.post_attention_layernorm.weight`, [d]), rmsNormEps);
    x = add(x, swiglu(source, `${at}.mlp`, m, config));
  }
  return rmsNorm(x, source.weight('model.norm.weight', [d]), rmsNormEps);
}

/** Hidden states (…, hidden) → logits (…, vocabulary). */
export function llamaLogits(source: ParameterSource, config: LlamaConfig, hidden: Value): Value {
  const name = config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return matmul(hidden, source.weight(name, [config.vocabSize, config.hiddenSize]), { transB: true });
}

/** Hidden states (N, hidden) → scores (N, 1). */
export function llamaScores(source: ParameterSource, config: LlamaConfig, hidden: Value): Value {
  return matmul(hidden, source.weight('score.weight', [1, config.hiddenSize]), { transB: true });
}
