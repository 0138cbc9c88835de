/** Products with a weight that a low-rank adapter changes. */
import type { Value } from '../graph.ts';
import { shapeText } from '../shape.ts';
import { add, mul } from './elementwise.ts';
import { matmul } from './matmul.ts';

export interface LowRankOptions {
  /** The weight is stored as (in, out) rather than (out, in). */
  readonly fanInFanOut?: boolean;
}

/**
 * x·(W + scale·BA)ᵀ: x (…, in), W (out, in), A (r, in), B (out, r), scale a scalar → (…, out). Gradients flow to x, A and B.
 * The sum is formed once for each run: for more rows than a few hundred that moves less memory than a second, narrow
 * product beside the first one, in the forward pass and in the gradient of x alike. Source: arXiv 2106.09685.
 */
export function lowRankLinear(
  x: Value,
  weight: Value,
  a: Value,
  b: Value,
  scale: Value,
  { fanInFanOut = false }: LowRankOptions = {},
): Value {
  const [out, inner] = fanInFanOut ? [weight.shape[1], weight.shape[0]] : weight.shape;
  const rank = a.shape[0];
  if (x.shape.at(-1) !== inner || a.shape[1] !== inner || b.shape[0] !== out || b.shape[1] !== rank) {
    const shapes = [x, weight, a, b].map(value => shapeText(value.shape)).join(', ');
    throw new Error(`LowRankLinear: ${shapes} do not go together`);
  }
  const scaled = mul(b, scale);
  const change = fanInFanOut ? matmul(a, scaled, { transA: true, transB: true }) : matmul(scaled, a);
  return x.graph.add('LowRankLinear', [x, a, b, scale, add(weight, change)], { fanInFanOut }, [
    { dtype: x.dtype, shape: [...x.shape.slice(0, -1), out!] },
  ]).outputs[0]!;
}
