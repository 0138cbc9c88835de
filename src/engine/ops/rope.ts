/** Rotary position embedding. */
import type { Value } from '../graph.ts';
import { sameShape, shapeText } from '../shape.ts';

/**
 * Rotates each head's halves (x₁, x₂) by the angle of its position: (x₁ cos − x₂ sin, x₂ cos + x₁ sin).
 * x (B, T, heads·D); positions int64 (B, T); cos and sin (longest, D/2). Source: arXiv 2104.09864, in the
 * half-split layout of the Llama family.
 */
export function rope(x: Value, positions: Value, cos: Value, sin: Value, heads: number): Value {
  const width = x.shape[2];
  const half = cos.shape[1];
  if (
    x.shape.length !== 3 ||
    typeof half !== 'number' ||
    width !== heads * half * 2 ||
    !sameShape(positions.shape, x.shape.slice(0, 2))
  ) {
    throw new Error(`Rope: ${heads} heads with tables ${shapeText(cos.shape)} do not fit ${shapeText(x.shape)}`);
  }
  return x.graph.add('Rope', [x, positions, cos, sin], { heads }, [{ dtype: x.dtype, shape: x.shape }]).outputs[0]!;
}

/** The tables cos(t·ω) and sin(t·ω), ωᵢ scaled by `frequencies`: Float64Array of (positions · frequencies.length). */
export function ropeTables(
  positions: number,
  frequencies: readonly number[],
): { cos: Float64Array; sin: Float64Array } {
  const half = frequencies.length;
  const cos = new Float64Array(positions * half);
  const sin = new Float64Array(positions * half);
  for (let t = 0; t < positions; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t * frequencies[i]!;
      cos[t * half + i] = Math.cos(angle);
      sin[t * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
