/** Comparisons, logic and choice. */
import { asValue, type Operand, type Value } from '../graph.ts';
import { broadcast } from '../shape.ts';

type Comparison = 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual' | 'Equal';

function compare(op: Comparison, a: Value, y: Operand): Value {
  const b = asValue(y, a);
  if (a.dtype !== b.dtype) throw new Error(`${op}: ${a.dtype} and ${b.dtype} do not mix`);
  return a.graph.add(op, [a, b], {}, [{ dtype: 'bool', shape: broadcast(a.shape, b.shape, op) }]).outputs[0]!;
}

export const less = (a: Value, b: Operand): Value => compare('Less', a, b);
export const lessOrEqual = (a: Value, b: Operand): Value => compare('LessOrEqual', a, b);
export const greater = (a: Value, b: Operand): Value => compare('Greater', a, b);
export const greaterOrEqual = (a: Value, b: Operand): Value => compare('GreaterOrEqual', a, b);
export const equal = (a: Value, b: Operand): Value => compare('Equal', a, b);

export function and(a: Value, b: Value): Value {
  if (a.dtype !== 'bool' || b.dtype !== 'bool') throw new Error('And: both sides have to be bool');
  return a.graph.add('And', [a, b], {}, [{ dtype: 'bool', shape: broadcast(a.shape, b.shape, 'And') }]).outputs[0]!;
}

/** `whenTrue` where the condition holds, else `whenFalse`. The branches are floats when both are plain numbers. */
export function where(condition: Value, whenTrue: Operand, whenFalse: Operand): Value {
  if (condition.dtype !== 'bool') throw new Error(`Where: the condition is ${condition.dtype}, not bool`);
  const like = typeof whenTrue === 'number' ? whenFalse : whenTrue;
  const graph = condition.graph;
  const a =
    typeof whenTrue === 'number' ? graph.scalar(whenTrue, typeof like === 'number' ? 'float32' : like.dtype) : whenTrue;
  const b = asValue(whenFalse, a);
  if (a.dtype !== b.dtype) throw new Error(`Where: ${a.dtype} and ${b.dtype} do not mix`);
  const shape = broadcast(condition.shape, broadcast(a.shape, b.shape, 'Where'), 'Where');
  return graph.add('Where', [condition, a, b], {}, [{ dtype: a.dtype, shape }]).outputs[0]!;
}
