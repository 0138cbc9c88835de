/** The Llama family: names and shapes of its weights and its forward pass as a graph. */
import { rmsNorm, type Value } from '../engine/index.ts';
import { type Attention, addNorm, embedding, linear, linears, type ParameterSource, swiglu } from './layers.ts';
import type { LlamaConfig } from './llamaConfig.ts';

/** Body weight name → shape, in a fixed order. */
export function llamaParameters(config: LlamaConfig): Map<string, readonly number[]> {
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
  return shapes;
}

/** Token ids int64 (B, T) → hidden states after the last norm (B, T, hidden). */
export function llamaHidden(source: ParameterSource, config: LlamaConfig, ids: Value, attention: Attention): Value {
  const { hiddenSize: d, heads, kvHeads, headDim, rmsNormEps } = config;
  const { graph } = ids;
  const normOf = (i: number): string => (i < config.layers ? `model.layers.${i}.input_layernorm` : 'model.norm');
  let x = graph.scope('model.embed_tokens', () =>
    embedding(source, 'model.embed_tokens.weight', ids, config.vocabSize, d),
  );
  let h = graph.scope(normOf(0), () => rmsNorm(x, source.weight(`${normOf(0)}.weight`, [d]), rmsNormEps));
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    const qkv = [
      [`${at}.self_attn.q_proj`, heads * headDim],
      [`${at}.self_attn.k_proj`, kvHeads * headDim],
      [`${at}.self_attn.v_proj`, kvHeads * headDim],
    ] as const;
    const [q, k, v] = linears(source, h, d, qkv, { bias: config.qkvBias });
    const mixed = graph.scope(`${at}.self_attn`, () => attention(i, q!, k!, v!));
    const attended = linear(source, `${at}.self_attn.o_proj`, mixed, heads * headDim, d, { bias: config.outputBias });
    const before = { at, norm: `${at}.post_attention_layernorm`, epsilon: rmsNormEps };
    [x, h] = addNorm(source, x, attended, before);
    const after = { at, norm: normOf(i + 1), epsilon: rmsNormEps };
    [x, h] = addNorm(source, x, swiglu(source, `${at}.mlp`, h, config), after);
  }
  return h;
}
