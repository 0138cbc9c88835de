/** Gradients of choice; comparisons have none. */
import { where } from '../ops/compare.ts';
import { notDifferentiable, type RulesOf, sumTo } from './rule.ts';

type Ops = 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual' | 'Equal' | 'And' | 'Not' | 'Where';

export const compareRules: RulesOf<Ops> = {
  Less: notDifferentiable,
  LessOrEqual: notDifferentiable,
  Greater: notDifferentiable,
  GreaterOrEqual: notDifferentiable,
  Equal: notDifferentiable,
  And: notDifferentiable,
  Not: notDifferentiable,
  // y = c ? a : b: ∂a = c ? g : 0, ∂b = c ? 0 : g
  Where: ({ inputs: [condition, a, b], grad }) => [
    undefined,
    () => sumTo(where(condition!, grad, 0), a!),
    () => sumTo(where(condition!, 0, grad), b!),
  ],
};
