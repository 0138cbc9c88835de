/** Gradient of a product with an adapted weight. */
import type { Value } from '../graph.ts';
import { mul } from '../ops/elementwise.ts';
import { matmul } from '../ops/matmul.ts';
import { reshape, transpose } from '../ops/shape.ts';
import { product } from '../shape.ts';
import type { RulesOf } from './rule.ts';

export const lowRankRules: RulesOf<'LowRankLinear'> = {
  // Y = X(W + sBA)ᵀ: ∂X = G(W + sBA), ∂A = s(GB)ᵀX, ∂B = sGᵀ(XAᵀ)
  LowRankLinear: ({ node, inputs: [x, a, b, scale, effective], grad }) => {
    const rows = (value: Value): Value => reshape(value, [product(value.shape.slice(0, -1)), value.shape.at(-1)!]);
    return [
      () => matmul(grad, effective!, { transB: node.attributes.fanInFanOut }),
      () => matmul(mul(matmul(rows(grad), b!), scale!), rows(x!), { transA: true }),
      // As the transpose of (XAᵀ)ᵀG: a wide product runs faster than one with r columns.
      () =>
        transpose(matmul(mul(matmul(rows(x!), a!, { transB: true }), scale!), rows(grad), { transA: true }), [1, 0]),
      undefined,
      undefined,
    ];
  },
};
