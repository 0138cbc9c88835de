/** Attention over whole sequences, and the bias that says who may see whom. */
import type { Value } from '../graph.ts';
import { sameShape, shapeText } from '../shape.ts';
import { and, equal, lessOrEqual, where } from './compare.ts';
import { reshape } from './shape.ts';

export interface AttentionOptions {
  readonly heads: number;
  /** Heads of keys and values; each serves heads/kvHeads neighbouring query heads. */
  readonly kvHeads: number;
  /** Factor of the scores, usually 1/√D. */
  readonly scale: number;
}

/**
 * softmax(scale·QKᵀ + bias)·V for every head: q (B, T, heads·D), k and v (B, T, kvHeads·D), bias (B, 1, T, T) → (B, T, heads·D).
 * Source: arXiv 1706.03762; shared key heads as in arXiv 2305.13245. No gradient flows to the bias.
 */
export function attention(q: Value, k: Value, v: Value, bias: Value, options: AttentionOptions): Value {
  const { heads, kvHeads } = options;
  const [batch, time, width] = q.shape;
  const size = Number(width) / heads;
  const shared = [batch!, time!, kvHeads * size];
  if (
    q.shape.length !== 3 ||
    !Number.isInteger(size) ||
    heads % kvHeads !== 0 ||
    !sameShape(k.shape, shared) ||
    !sameShape(v.shape, shared) ||
    !sameShape(bias.shape, [batch!, 1, time!, time!])
  ) {
    throw new Error(
      `Attention: ${heads} and ${kvHeads} heads do not fit ${[q, k, v, bias].map(value => shapeText(value.shape)).join(', ')}`,
    );
  }
  // The second output, the weights (B, heads, T, T), is what the gradient needs.
  return q.graph.add('Attention', [q, k, v, bias], options, [
    { dtype: q.dtype, shape: q.shape },
    { dtype: q.dtype, shape: [batch!, heads, time!, time!] },
  ]).outputs[0]!;
}

/**
 * 0 where a token may look, −10⁹ elsewhere: segments int64 (B, T) → (B, 1, T, T). A token sees itself and earlier tokens of
 * its own segment, so that several sequences, and padding, can share a row without seeing one another.
 */
export function segmentBias(segments: Value): Value {
  const [batch, time] = segments.shape;
  const { graph } = segments;
  const places = graph.add('Range', [graph.dimension(time!)], {}, [{ dtype: 'int64', shape: [time!] }]).outputs[0]!;
  const earlier = lessOrEqual(reshape(places, [1, 1, 1, time!]), reshape(places, [1, 1, time!, 1]));
  const same = equal(reshape(segments, [batch!, 1, 1, time!]), reshape(segments, [batch!, 1, time!, 1]));
  return where(and(same, earlier), 0, -1e9);
}
