/** Gradient of attention, from the weights that the forward pass leaves. */
import type { Value } from '../graph.ts';
import { mul, sub } from '../ops/elementwise.ts';
import { matmul } from '../ops/matmul.ts';
import { sum } from '../ops/reduce.ts';
import { reshape, transpose } from '../ops/shape.ts';
import { product } from '../shape.ts';
import type { RulesOf } from './rule.ts';

export const attentionRules: RulesOf<'Attention'> = {
  // P = softmax(sQKᵀ + bias), Y = PV, with δ = Σ over D of G∘Y:
  // ∂V = PᵀG, ∂S = P∘(GVᵀ − δ), ∂Q = s·∂S·K, ∂K = s·∂SᵀQ. (δ = Σ P∘GVᵀ, at 1/T of the cost; arXiv 2205.14135.)
  Attention: ({ node, inputs: [q, k, v], output, grad }) => {
    const { heads, kvHeads, scale } = node.attributes;
    const [batch, time, width] = q!.shape as [Value['shape'][0], Value['shape'][0], number];
    const size = width / heads;
    const rows = product([heads / kvHeads, time]);
    // Query heads that share a key head are stacked along time, so that keys and values are never repeated.
    const stacked = (x: Value): Value =>
      reshape(transpose(reshape(x, [batch, time, heads, size]), [0, 2, 1, 3]), [batch, kvHeads, rows, size]);
    const split = (x: Value): Value => transpose(reshape(x, [batch, time, kvHeads, size]), [0, 2, 1, 3]);
    const joined = (x: Value): Value =>
      reshape(transpose(reshape(x, [batch, heads, time, size]), [0, 2, 1, 3]), [batch, time, width]);
    // Gradients of keys and values come as their transposes (B, kvHeads, D, T): with the long axis last they run faster.
    const turned = (x: Value): Value => reshape(transpose(x, [0, 3, 1, 2]), [batch, time, kvHeads * size]);
    const weights = reshape(node.outputs[1]!, [batch, kvHeads, rows, time]);
    const g = stacked(grad);
    const scores = (): Value => {
      const each = sum(reshape(mul(grad, output), [batch, time, heads, size]), { axes: [3] });
      const inner = reshape(transpose(each, [0, 2, 1]), [batch, kvHeads, rows, 1]);
      return mul(weights, sub(matmul(g, split(v!), { transB: true }), inner));
    };
    return [
      () => joined(matmul(scores(), split(k!), { alpha: scale })),
      () => turned(matmul(stacked(q!), scores(), { transA: true, alpha: scale })),
      () => turned(matmul(g, weights, { transA: true })),
      undefined,
    ];
  },
};
