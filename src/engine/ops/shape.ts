/** Operators that move numbers without changing them. */
import type { DType } from '../dtype.ts';
import type { Value } from '../graph.ts';
import { broadcast, type Dim, normaliseAxis, product, type Shape, sameShape, shapeText } from '../shape.ts';

/** The same numbers in another shape; symbolic sizes are taken from the graph's inputs. */
export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  if (product(x.shape) !== product(shape)) {
    throw new Error(`Reshape: ${shapeText(x.shape)} does not hold as many numbers as ${shapeText(shape)}`);
  }
  return x.graph.add('Reshape', [x, reshapeTarget(x, shape)], {}, [{ dtype: x.dtype, shape }]).outputs[0]!;
}

/** ONNX can copy an axis that stays in its place (0) and infer one other (−1): then no size has to be computed. */
function reshapeTarget(x: Value, shape: Shape): Value {
  let inferred = 0;
  const target = shape.map((dim, i) => {
    if (typeof dim === 'number') return dim;
    if (x.shape[i] === dim) return 0;
    inferred++;
    return -1;
  });
  return inferred <= 1 && !shape.includes(0)
    ? x.graph.constant(target, [target.length], 'int64')
    : x.graph.shapeTensor(shape);
}

/** Repeats axes of size 1 up to `shape`. */
export function expand(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcast(x.shape, shape, 'Expand'), shape)) {
    throw new Error(`Expand: ${shapeText(x.shape)} does not expand to ${shapeText(shape)}`);
  }
  return x.graph.add('Expand', [x, x.graph.shapeTensor(shape)], {}, [{ dtype: x.dtype, shape }]).outputs[0]!;
}

export function transpose(x: Value, perm: readonly number[]): Value {
  if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i) || perm.length !== x.shape.length) {
    throw new Error(`Transpose: ${perm.join()} is no order of the axes of ${shapeText(x.shape)}`);
  }
  const shape = perm.map(axis => x.shape[axis]!);
  return x.graph.add('Transpose', [x], { perm }, [{ dtype: x.dtype, shape }]).outputs[0]!;
}

export function concat(values: readonly Value[], axis: number): Value {
  const first = values[0];
  if (!first) throw new Error('Concat: nothing to join');
  const at = normaliseAxis(axis, first.shape.length, 'Concat');
  const sizes = values.map(value => value.shape[at]!);
  for (const value of values) {
    if (value.dtype !== first.dtype || !sameShape(value.shape.toSpliced(at, 1), first.shape.toSpliced(at, 1))) {
      throw new Error(`Concat: ${shapeText(value.shape)} does not join ${shapeText(first.shape)} on axis ${at}`);
    }
  }
  const joined: Dim = sizes.every(size => typeof size === 'number') ? sizes.reduce((a, b) => a + b) : sizes.join('+');
  return first.graph.add('Concat', values, { axis: at }, [{ dtype: first.dtype, shape: first.shape.with(at, joined) }])
    .outputs[0]!;
}

/** Elements start … end − 1 of an axis whose size is a number. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const at = normaliseAxis(axis, x.shape.length, 'Slice');
  const size = x.shape[at]!;
  if (typeof size !== 'number') throw new Error(`Slice: axis ${at} of ${shapeText(x.shape)} has no fixed size`);
  if (start < 0 || end > size || start >= end) throw new Error(`Slice: ${start}…${end} is outside an axis of ${size}`);
  if (start === 0 && end === size) return x;
  return x.graph.add('Slice', [x], { axis: at, start, end }, [{ dtype: x.dtype, shape: x.shape.with(at, end - start) }])
    .outputs[0]!;
}

/** Zeros before and after on an axis whose size is a number. */
export function pad(x: Value, axis: number, before: number, after: number): Value {
  const at = normaliseAxis(axis, x.shape.length, 'Pad');
  const size = x.shape[at]!;
  if (typeof size !== 'number') throw new Error(`Pad: axis ${at} of ${shapeText(x.shape)} has no fixed size`);
  if (before === 0 && after === 0) return x;
  return x.graph.add('Pad', [x], { axis: at, before, after }, [
    { dtype: x.dtype, shape: x.shape.with(at, before + size + after) },
  ]).outputs[0]!;
}

/** The same numbers in another type; a gradient passes between floats only. */
export function cast(x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return x.graph.add('Cast', [x], {}, [{ dtype, shape: x.shape }]).outputs[0]!;
}
