/** What a gradient rule is given and what it answers. */
import type { Node, Value } from '../graph.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/shape.ts';
import type { OpType } from '../opTypes.ts';
import { sameShape } from '../shape.ts';

export interface RuleContext<K extends OpType> {
  readonly node: Node<K>;
  readonly inputs: readonly Value[];
  /** What the node computes (its first output). */
  readonly output: Value;
  /** ∂loss/∂output. */
  readonly grad: Value;
}

/** One entry for each input: how to compute its gradient (called only when it is wanted), or nothing if it has none. */
export type GradientRule<K extends OpType> = (context: RuleContext<K>) => readonly ((() => Value) | undefined)[];

/** Marks an operator through which no gradient passes, by nature or by intent. */
export const notDifferentiable = 'not differentiable';

export type RulesOf<K extends OpType> = { readonly [P in K]: GradientRule<P> | typeof notDifferentiable };

/** Undoes broadcasting: sums a gradient down to the shape of `like`. */
export function sumTo(grad: Value, like: Value): Value {
  if (sameShape(grad.shape, like.shape)) return grad;
  const lead = grad.shape.length - like.shape.length;
  const axes = grad.shape.flatMap((dim, i) => (i < lead || (like.shape[i - lead] === 1 && dim !== 1) ? [i] : []));
  return reshape(sum(grad, { axes, keepdims: true }), like.shape);
}
