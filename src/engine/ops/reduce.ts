/** Sums, means and maxima over axes. */
import type { Value } from '../graph.ts';
import { normaliseAxis } from '../shape.ts';

export interface ReduceOptions {
  /** Axes to reduce; all when left out. */
  readonly axes?: readonly number[];
  /** Keep the reduced axes with size 1. */
  readonly keepdims?: boolean;
}

function reduce(op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax', x: Value, options: ReduceOptions): Value {
  const rank = x.shape.length;
  const axes = (options.axes ?? x.shape.map((_, i) => i))
    .map(axis => normaliseAxis(axis, rank, op))
    .sort((a, b) => a - b);
  const keepdims = options.keepdims ?? false;
  if (axes.length === 0) return x;
  const shape = x.shape.flatMap((dim, i) => (axes.includes(i) ? (keepdims ? [1] : []) : [dim]));
  return x.graph.add(op, [x], { axes, keepdims }, [{ dtype: x.dtype, shape }]).outputs[0]!;
}

export const sum = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceSum', x, options);
export const mean = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceMean', x, options);
/** The largest element; it has no gradient. */
export const max = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceMax', x, options);
