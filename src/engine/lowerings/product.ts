/** Matrix products as ONNX nodes: with transposition and factor inside the kernel in float32, as nodes of their own in float64. */
import { type Emitter, MICROSOFT } from '../emitter.ts';

export interface ProductOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
  /** Number of axes of both operands. */
  readonly ranks: readonly [number, number];
}

/** α·op(a)·op(b) over the last two axes; the name of the result is `output`, or a fresh one. */
export function emitProduct(to: Emitter, a: string, b: string, options: ProductOptions, output?: string): string {
  const { transA = false, transB = false, alpha = 1, ranks } = options;
  const named = output === undefined ? {} : { outputs: [output] };
  if (!transA && !transB && alpha === 1) return to.emit('MatMul', [a, b], {}, named);
  if (to.precision === 'float32') {
    const attributes = { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 }, alpha: { float: alpha } };
    return to.emit('FusedMatMul', [a, b], attributes, { domain: MICROSOFT, ...named });
  }
  const swap = (name: string, rank: number): string => {
    const perm = Array.from({ length: rank }, (_, i) => i);
    return to.emit('Transpose', [name], { perm: { ints: [...perm.slice(0, -2), rank - 1, rank - 2] } });
  };
  const left = transA ? swap(a, ranks[0]) : a;
  const right = transB ? swap(b, ranks[1]) : b;
  if (alpha === 1) return to.emit('MatMul', [left, right], {}, named);
  return to.emit('Mul', [to.emit('MatMul', [left, right]), to.float(alpha)], {}, named);
}
