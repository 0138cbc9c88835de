/** GPT-2: names and shapes of its weights and its forward pass as a graph. Source: transformers `modeling_gpt2.py`. */
import { add, expand, gather, geluTanh, layerNorm, reshape, slice, type Value } from '../engine/index.ts';
import type { Gpt2Config } from './gpt2Config.ts';
import { type Attention, embedding, linear, type ParameterSource } from './layers.ts';

/** Body weight name → shape, in a fixed order; matrices of linear layers lie as (in, out), Hugging Face's `Conv1D`. */
export function gpt2Parameters(config: Gpt2Config): Map<string, readonly number[]> {
  const { hiddenSize: d, intermediateSize: f, vocabSize, maxPositions } = config;
  const shapes = new Map<string, readonly number[]>([
    ['transformer.wte.weight', [vocabSize, d]],
    ['transformer.wpe.weight', [maxPositions, d]],
  ]);
  const norm = (path: string): void => {
    shapes.set(`${path}.weight`, [d]);
    shapes.set(`${path}.bias`, [d]);
  };
  const layer = (path: string, inSize: number, outSize: number): void => {
    shapes.set(`${path}.weight`, [inSize, outSize]);
    shapes.set(`${path}.bias`, [outSize]);
  };
  for (let i = 0; i < config.layers; i++) {
    const at = `transformer.h.${i}`;
    norm(`${at}.ln_1`);
    layer(`${at}.attn.c_attn`, d, 3 * d);
    layer(`${at}.attn.c_proj`, d, d);
    norm(`${at}.ln_2`);
    layer(`${at}.mlp.c_fc`, d, f);
    layer(`${at}.mlp.c_proj`, f, d);
  }
  norm('transformer.ln_f');
  return shapes;
}

const conv1d = { bias: true, fanInFanOut: true } as const;

/** Token ids int64 (B, T) at positions int64 (B, T), else 0 … T − 1 → hidden states after the last norm (B, T, hidden). */
export function gpt2Hidden(
  source: ParameterSource,
  config: Gpt2Config,
  ids: Value,
  attention: Attention,
  positions: Value = countedPositions(ids),
): Value {
  const { hiddenSize: d, intermediateSize: f, vocabSize, maxPositions, layerNormEps } = config;
  const { graph } = ids;
  const norm = (path: string, value: Value): Value =>
    graph.scope(path, () =>
      layerNorm(value, source.weight(`${path}.weight`, [d]), source.weight(`${path}.bias`, [d]), layerNormEps),
    );
  const embedded = (path: string, rows: number, index: Value): Value =>
    graph.scope(path, () => gather(source.weight(`${path}.weight`, [rows, d]), index));
  const tokens = graph.scope('transformer.wte', () => embedding(source, 'transformer.wte.weight', ids, vocabSize, d));
  let x = add(tokens, embedded('transformer.wpe', maxPositions, positions));
  for (let i = 0; i < config.layers; i++) {
    const at = `transformer.h.${i}`;
    const qkv = linear(source, `${at}.attn.c_attn`, norm(`${at}.ln_1`, x), d, 3 * d, conv1d);
    const mixed = graph.scope(`${at}.attn`, () => {
      const [q, k, v] = [0, 1, 2].map(part => slice(qkv, 2, part * d, (part + 1) * d));
      return attention(i, q!, k!, v!);
    });
    const attended = linear(source, `${at}.attn.c_proj`, mixed, d, d, conv1d);
    const middle = graph.scope(at, () => add(x, attended));
    const wide = linear(source, `${at}.mlp.c_fc`, norm(`${at}.ln_2`, middle), d, f, conv1d);
    const inner = graph.scope(`${at}.mlp`, () => geluTanh(wide));
    const changed = linear(source, `${at}.mlp.c_proj`, inner, f, d, conv1d);
    x = graph.scope(at, () => add(middle, changed));
  }
  return norm('transformer.ln_f', x);
}

/** The positions 0 … T − 1 of each row of ids (B, T): int64 (B, T). */
function countedPositions(ids: Value): Value {
  const { graph } = ids;
  const time = ids.shape[1]!;
  const scalar = (value: number): Value => graph.scalar(value, 'int64');
  const row = graph.raw(
    'Range',
    [scalar(0), reshape(graph.dimension(time), []), scalar(1)],
    [{ dtype: 'int64', shape: [time] }],
  )[0]!;
  return expand(row, ids.shape);
}
