/** Gradients of element-wise arithmetic. */
import { greaterOrEqual, less, lessOrEqual, where } from '../ops/compare.ts';
import { add, div, GELU_CUBIC, GELU_SCALE, mul, neg, sigmoid, sub } from '../ops/elementwise.ts';
import { notDifferentiable, type RulesOf, sumTo } from './rule.ts';

type Ops =
  | 'Add'
  | 'Sub'
  | 'Mul'
  | 'Div'
  | 'Min'
  | 'Max'
  | 'Neg'
  | 'Exp'
  | 'Log'
  | 'Sqrt'
  | 'Abs'
  | 'Sigmoid'
  | 'Tanh'
  | 'Softplus'
  | 'Silu'
  | 'GeluTanh'
  | 'StopGradient'
  | 'After';

export const elementwiseRules: RulesOf<Ops> = {
  // y = a + b: ∂a = g, ∂b = g
  Add: ({ inputs: [a, b], grad }) => [() => sumTo(grad, a!), () => sumTo(grad, b!)],
  // y = a − b: ∂a = g, ∂b = −g
  Sub: ({ inputs: [a, b], grad }) => [() => sumTo(grad, a!), () => neg(sumTo(grad, b!))],
  // y = ab: ∂a = g·b, ∂b = g·a
  Mul: ({ inputs: [a, b], grad }) => [() => sumTo(mul(grad, b!), a!), () => sumTo(mul(grad, a!), b!)],
  // y = a/b: ∂a = g/b, ∂b = −g·y/b
  Div: ({ inputs: [a, b], output, grad }) => [
    () => sumTo(div(grad, b!), a!),
    () => neg(sumTo(div(mul(grad, output), b!), b!)),
  ],
  // y = min(a, b): ∂a = g where a ≤ b, ∂b = g elsewhere
  Min: ({ inputs: [a, b], grad }) => [
    () => sumTo(where(lessOrEqual(a!, b!), grad, 0), a!),
    () => sumTo(where(lessOrEqual(a!, b!), 0, grad), b!),
  ],
  // y = max(a, b): ∂a = g where a ≥ b, ∂b = g elsewhere
  Max: ({ inputs: [a, b], grad }) => [
    () => sumTo(where(greaterOrEqual(a!, b!), grad, 0), a!),
    () => sumTo(where(greaterOrEqual(a!, b!), 0, grad), b!),
  ],
  // y = −x: ∂x = −g
  Neg: ({ grad }) => [() => neg(grad)],
  // y = eˣ: ∂x = g·y
  Exp: ({ output, grad }) => [() => mul(grad, output)],
  // y = log x: ∂x = g/x
  Log: ({ inputs: [x], grad }) => [() => div(grad, x!)],
  // y = √x: ∂x = g/(2y)
  Sqrt: ({ output, grad }) => [() => div(grad, mul(output, 2))],
  // y = |x|: ∂x = g·sign(x), with g at 0
  Abs: ({ inputs: [x], grad }) => [() => where(less(x!, 0), neg(grad), grad)],
  // y = σ(x): ∂x = g·y(1 − y)
  Sigmoid: ({ output, grad }) => [() => mul(grad, mul(output, sub(1, output)))],
  // y = tanh x: ∂x = g(1 − y²)
  Tanh: ({ output, grad }) => [() => mul(grad, sub(1, mul(output, output)))],
  // y = log(1 + eˣ): ∂x = g·σ(x)
  Softplus: ({ inputs: [x], grad }) => [() => mul(grad, sigmoid(x!))],
  // y = x·σ(x): ∂x = g(s + y(1 − s)), s = σ(x)
  Silu: ({ inputs: [x], output, grad }) => [
    () => {
      const s = sigmoid(x!);
      return mul(grad, add(s, mul(output, sub(1, s))));
    },
  ],
  // y = x·σ(u), u = 2√(2/π)(x + c·x³): ∂x = g(s + y(1 − s)u′), s = σ(u), u′ = 2√(2/π)(1 + 3c·x²)
  GeluTanh: ({ inputs: [x], output: y, grad }) => [
    () => {
      const squares = mul(x!, x!);
      const s = sigmoid(mul(x!, add(mul(squares, 2 * GELU_SCALE * GELU_CUBIC), 2 * GELU_SCALE)));
      const slope = add(mul(squares, 6 * GELU_SCALE * GELU_CUBIC), 2 * GELU_SCALE);
      return mul(grad, add(s, mul(mul(y, sub(1, s)), slope)));
    },
  ],
  StopGradient: notDifferentiable,
  // Made by the backward pass itself, of values whose gradients it already knows.
  After: notDifferentiable,
};
