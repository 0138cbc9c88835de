/** Gradients of sums and means. */
import type { Value } from '../graph.ts';
import { div, mul } from '../ops/elementwise.ts';
import { cast, expand, reshape } from '../ops/shape.ts';
import { product } from '../shape.ts';
import { notDifferentiable, type RulesOf } from './rule.ts';

function spread(grad: Value, x: Value, axes: readonly number[]): Value {
  const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return expand(reshape(grad, kept), x.shape);
}

export const reduceRules: RulesOf<'ReduceSum' | 'ReduceMean' | 'ReduceMax'> = {
  // y = Σ x: ∂x = g, spread out
  ReduceSum: ({ node, inputs: [x], grad }) => [() => spread(grad, x!, node.attributes.axes)],
  // y = (1/n) Σ x: ∂x = g/n, spread out
  ReduceMean: ({ node, inputs: [x], grad }) => [
    () => {
      const count = product(node.attributes.axes.map(axis => x!.shape[axis]!));
      const scaled =
        typeof count === 'number'
          ? mul(grad, 1 / count)
          : div(grad, cast(reshape(grad.graph.dimension(count), []), grad.dtype));
      return spread(scaled, x!, node.attributes.axes);
    },
  ],
  ReduceMax: notDifferentiable,
};
