/** Gradients of matrix products. */
import type { Value } from '../graph.ts';
import { matmul } from '../ops/matmul.ts';
import { reshape, transpose } from '../ops/shape.ts';
import { product } from '../shape.ts';
import type { RulesOf } from './rule.ts';

export const matmulRules: RulesOf<'MatMul'> = {
  // Y = αAB: ∂A = αGBᵀ, ∂B = αAᵀG, and the same with A or B transposed
  MatMul: ({ node, inputs: [a, b], grad }) => {
    const { transA, transB, alpha } = node.attributes;
    const oneMatrix = b!.shape.length === 2;
    const rows = (x: Value): Value => (oneMatrix ? reshape(x, [product(x.shape.slice(0, -1)), x.shape.at(-1)!]) : x);
    return [
      () =>
        transA
          ? matmul(b!, grad, { transA: transB, transB: true, alpha })
          : matmul(grad, b!, { transB: !transB, alpha }),
      () => {
        const [left, right] = [rows(a!), rows(grad)];
        if (!transB) return matmul(left, right, { transA: !transA, alpha });
        // A product with a long last axis runs faster than one with a few columns; its transpose is small.
        if (oneMatrix && !transA && isNarrow(b!))
          return transpose(matmul(left, right, { transA: true, alpha }), [1, 0]);
        return matmul(right, left, { transA: true, transB: transA, alpha });
      },
    ];
  },
};

/** (many, few) with at least four times as many rows as columns. */
const isNarrow = ({ shape: [rows, columns] }: Value): boolean => Number(rows) >= 4 * Number(columns);
