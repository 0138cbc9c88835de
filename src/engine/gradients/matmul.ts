/** Gradients of matrix products. */
import type { Value } from '../graph.ts';
import { matmul } from '../ops/matmul.ts';
import { reshape } from '../ops/shape.ts';
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
      () =>
        transB
          ? matmul(rows(grad), rows(a!), { transA: true, transB: transA, alpha })
          : matmul(rows(a!), rows(grad), { transA: !transA, alpha }),
    ];
  },
};
