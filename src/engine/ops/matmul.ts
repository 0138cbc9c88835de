/** Matrix products. */
import type { Value } from '../graph.ts';
import { type Dim, sameShape, shapeText } from '../shape.ts';

export interface MatMulOptions {
  /** Use the last two axes of `a` swapped. */
  readonly transA?: boolean;
  readonly transB?: boolean;
  /** Factor of the result. */
  readonly alpha?: number;
}

/** α·op(a)·op(b) over the last two axes. `b` is one matrix (…, M, K)·(K, N), or has the batch axes of `a`. */
export function matmul(a: Value, b: Value, options: MatMulOptions = {}): Value {
  const { transA = false, transB = false, alpha = 1 } = options;
  const where = `MatMul of ${shapeText(a.shape)}${transA ? 'ᵀ' : ''} and ${shapeText(b.shape)}${transB ? 'ᵀ' : ''}`;
  if (a.shape.length < 2 || b.shape.length < 2) throw new Error(`${where}: both need at least two axes`);
  if (a.dtype !== b.dtype) throw new Error(`${where}: ${a.dtype} and ${b.dtype} do not mix`);
  const [m, k] = lastTwo(a, transA);
  const [k2, n] = lastTwo(b, transB);
  if (k !== k2) throw new Error(`${where}: the inner sizes ${k} and ${k2} differ`);
  const batch = a.shape.slice(0, -2);
  if (b.shape.length > 2 && !sameShape(batch, b.shape.slice(0, -2))) throw new Error(`${where}: batch axes differ`);
  if (transA && b.shape.length === 2 && a.shape.length > 2) {
    throw new Error(`${where}: a batch of transposed matrices times one matrix is not supported; reshape first`);
  }
  return a.graph.add('MatMul', [a, b], { transA, transB, alpha }, [{ dtype: a.dtype, shape: [...batch, m, n] }])
    .outputs[0]!;
}

function lastTwo(value: Value, swap: boolean): readonly [Dim, Dim] {
  const rows = value.shape.at(-2)!;
  const columns = value.shape.at(-1)!;
  return swap ? [columns, rows] : [rows, columns];
}
