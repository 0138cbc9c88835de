/** Gradients of rows by index. */
import { gather, scatterAdd } from '../ops/gather.ts';
import { reshape } from '../ops/shape.ts';
import { product } from '../shape.ts';
import type { RulesOf } from './rule.ts';

export const gatherRules: RulesOf<'Gather' | 'ScatterAdd'> = {
  // y = x[i]: ∂x = Σ of the rows of g that came from each row
  Gather: ({ inputs: [table, indices], grad }) => [
    () => {
      const count = product(indices!.shape);
      const rows = reshape(grad, [count, ...table!.shape.slice(1)]);
      return scatterAdd(rows, reshape(indices!, [count]), table!.shape[0]!);
    },
    undefined,
  ],
  // y[i] = Σ x: ∂x = g[i]
  ScatterAdd: ({ inputs: [, indices], grad }) => [() => gather(grad, indices!), undefined, undefined],
};
