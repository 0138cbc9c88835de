/** Element-wise arithmetic with numpy broadcasting; a number stands for a scalar. */
import { asValue, type Operand, type Value } from '../graph.ts';
import type { OpType } from '../opTypes.ts';
import { broadcast } from '../shape.ts';

type Binary = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Min' | 'Max';
type Unary = Extract<
  OpType,
  'Neg' | 'Exp' | 'Log' | 'Sqrt' | 'Abs' | 'Sigmoid' | 'Tanh' | 'Softplus' | 'Silu' | 'GeluTanh' | 'StopGradient'
>;

function binary(op: Binary, x: Operand, y: Operand): Value {
  const like = typeof x === 'number' ? y : x;
  if (typeof like === 'number') throw new Error(`${op}: at least one operand has to be a tensor`);
  const a = asValue(x, like);
  const b = asValue(y, like);
  if (a.dtype !== b.dtype) throw new Error(`${op}: ${a.dtype} and ${b.dtype} do not mix`);
  const shape = broadcast(a.shape, b.shape, op);
  return like.graph.add(op, [a, b], {}, [{ dtype: a.dtype, shape }]).outputs[0]!;
}

const unary = (op: Unary, x: Value): Value =>
  x.graph.add(op, [x], {}, [{ dtype: x.dtype, shape: x.shape }]).outputs[0]!;

export const add = (a: Operand, b: Operand): Value => binary('Add', a, b);
export const sub = (a: Operand, b: Operand): Value => binary('Sub', a, b);
export const mul = (a: Operand, b: Operand): Value => binary('Mul', a, b);
export const div = (a: Operand, b: Operand): Value => binary('Div', a, b);
/** The smaller of two; where they are equal the gradient goes to the first. */
export const minimum = (a: Operand, b: Operand): Value => binary('Min', a, b);
/** The larger of two; where they are equal the gradient goes to the first. */
export const maximum = (a: Operand, b: Operand): Value => binary('Max', a, b);
export const neg = (x: Value): Value => unary('Neg', x);
export const exp = (x: Value): Value => unary('Exp', x);
export const log = (x: Value): Value => unary('Log', x);
export const sqrt = (x: Value): Value => unary('Sqrt', x);
export const abs = (x: Value): Value => unary('Abs', x);
export const sigmoid = (x: Value): Value => unary('Sigmoid', x);
export const tanh = (x: Value): Value => unary('Tanh', x);
/** log(1 + eˣ), without overflow. */
export const softplus = (x: Value): Value => unary('Softplus', x);
/** log σ(x), without overflow. */
export const logSigmoid = (x: Value): Value => neg(softplus(neg(x)));
/** x·σ(x). */
export const silu = (x: Value): Value => unary('Silu', x);
/** 0.5·x·(1 + tanh(√(2/π)(x + 0.044715 x³))): GPT-2's approximation of GELU. Source: arXiv 1606.08415, section 2. */
export const geluTanh = (x: Value): Value => unary('GeluTanh', x);
/** The two factors of its inner function: √(2/π) and 0.044715. */
export const GELU_SCALE = Math.sqrt(2 / Math.PI);
export const GELU_CUBIC = 0.044715;
export const square = (x: Value): Value => mul(x, x);
/** min(max(x, low), high); no gradient passes where x is outside. */
export const clamp = (x: Value, low: Operand, high: Operand): Value => minimum(maximum(x, low), high);
/** The same numbers, through which no gradient passes. */
export const stopGradient = (x: Value): Value => unary('StopGradient', x);
