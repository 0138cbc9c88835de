/** Products with frozen weights in eight-bit integers, forward and backward. */
import type { Value } from '../graph.ts';
import { sameShape, shapeText } from '../shape.ts';
import { mul } from './elementwise.ts';

/** How eight-bit integers are stored: as they are, or 128 larger. */
export type Int8Storage = 'int8' | 'uint8';

/** What stands for 0 in `uint8`. */
export const StoredZero = 128;

/** One matrix W (out, in) twice, as each direction wants it; every column has a scale of its own. */
export interface Int8Weights {
  /** round(Wᵀ/scale): int8 or uint8 (in, out), scale (out). */
  readonly forward: Value;
  readonly forwardScale: Value;
  /** round(W/scale): as `forward` (out, in), scale (in). */
  readonly backward: Value;
  readonly backwardScale: Value;
}

/**
 * x·Wᵀ with W in int8 and each row of x rounded to eight bits of its own largest magnitude: x (…, in) → (…, out). The
 * gradient of x is the same kind of product with the other copy. Sums are exact 32-bit integers; but processors without VNNI
 * add products of `int8` in pairs of sixteen bits, which overflow above magnitudes of 64. Those of `uint8` never do.
 *
 * `mask` (in) has zeros where W has none but zeros: what x holds there does not count, so it need not coarsen the rounding.
 */
export function int8Linear(x: Value, weights: Int8Weights, mask?: Value): Value {
  const { forward, forwardScale, backward, backwardScale } = weights;
  const [inner, out] = forward.shape;
  if (
    (forward.dtype !== 'int8' && forward.dtype !== 'uint8') ||
    backward.dtype !== forward.dtype ||
    x.shape.at(-1) !== inner ||
    !sameShape(backward.shape, [out!, inner!]) ||
    !sameShape(forwardScale.shape, [out!]) ||
    !sameShape(backwardScale.shape, [inner!])
  ) {
    const shapes = [x, forward, forwardScale, backward, backwardScale].map(value => shapeText(value.shape)).join(', ');
    throw new Error(`Int8Linear: ${shapes} do not go together`);
  }
  const rounded = mask ? mul(x, mask) : x;
  return x.graph.add('Int8Linear', [x, rounded, forward, forwardScale, backward, backwardScale], {}, [
    { dtype: x.dtype, shape: [...x.shape.slice(0, -1), out!] },
  ]).outputs[0]!;
}
