/** Matrix products as ONNX nodes: with transposition and factor inside the kernel in float32, as nodes of their own in float64. */
import { type Emitter, MICROSOFT, onnxType } from '../emitter.ts';
import { type Int8Storage, StoredZero } from '../ops/int8.ts';

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

/**
 * x·W for W = weight·scale, weight eight-bit integers (in, out), scale (out). ONNX Runtime rounds a whole tensor to one scale; rows are
 * divided by their largest magnitude first and multiplied by it afterwards, so that each has a scale of its own.
 * In float64 nothing of x is rounded: that is the function whose gradient is checked.
 */
export function emitInt8Product(
  to: Emitter,
  x: string,
  weight: string,
  scale: string,
  storage: Int8Storage,
  output?: string,
): string {
  const named = output === undefined ? {} : { outputs: [output] };
  if (to.precision === 'float64') {
    const stored = to.emit('Cast', [weight], { to: { int: onnxType.float64 } });
    const values = storage === 'int8' ? stored : to.emit('Sub', [stored, to.float(StoredZero)]);
    return to.emit('MatMul', [x, to.emit('Mul', [values, scale])], {}, named);
  }
  const keep = { keepdims: { int: 1 } };
  const high = to.emit('ReduceMax', [x, to.ints([-1])], keep);
  const low = to.emit('ReduceMin', [x, to.ints([-1])], keep);
  // A row of zeros stays one.
  const magnitude = to.emit('Max', [high, to.emit('Neg', [low]), to.float(1e-30)]);
  const even = to.emit('Div', [x, magnitude]);
  const zero = storage === 'int8' ? [] : [to.byte(StoredZero)];
  const product = to.emit('DynamicQuantizeMatMul', [even, weight, scale, ...zero], {}, { domain: MICROSOFT });
  return to.emit('Mul', [product, magnitude], {}, named);
}
