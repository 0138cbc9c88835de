/** Gradients of softmax, RMS and layer normalisation and token log-probabilities. */
import { exp, mul, neg, sub } from '../ops/elementwise.ts';
import { matmul } from '../ops/matmul.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/shape.ts';
import type { RulesOf } from './rule.ts';

type Ops = 'Softmax' | 'LogSoftmax' | 'RmsNorm' | 'LayerNorm' | 'TokenLogProbs';

export const normaliseRules: RulesOf<Ops> = {
  // y = softmax(x): ∂x = y(g − Σ g·y)
  Softmax: ({ output: y, grad }) => [() => mul(y, sub(grad, sum(mul(grad, y), { axes: [-1], keepdims: true })))],
  // y = log softmax(x): ∂x = g − eʸ Σ g
  LogSoftmax: ({ output: y, grad }) => [() => sub(grad, mul(exp(y), sum(grad, { axes: [-1], keepdims: true })))],
  // r = 1/√(mean x² + ε), x̂ = x·r, y = x̂·w: ∂w = Σ g·x̂, ∂x = r(g·w − x̂·mean(g·w·x̂))
  RmsNorm: ({ node, inputs: [x, gain], grad }) => {
    const r = node.outputs[1]!;
    const normal = mul(x!, r);
    const product = mul(grad, normal);
    return [
      () => {
        const width = gain!.shape[0]!;
        // mean(g·w·x̂) as a product with w, so that no tensor of the size of x is made for it.
        const average = matmul(product, reshape(gain!, [width, 1]), { alpha: 1 / Number(width) });
        return mul(r, sub(mul(grad, gain!), mul(normal, average)));
      },
      () => sum(product, { axes: product.shape.map((_, i) => i).slice(0, -1) }),
    ];
  },
  // x̂ = (x − μ)r, r = 1/√(var x + ε), y = x̂·w + b: ∂w = Σ g·x̂, ∂b = Σ g, ∂x = r(g·w − mean(g·w) − x̂·mean(g·w·x̂))
  LayerNorm: ({ node, inputs: [x, gain], grad }) => {
    const [, mu, r] = node.outputs;
    const normal = mul(sub(x!, mu!), r!);
    const product = mul(grad, normal);
    const outer = grad.shape.map((_, i) => i).slice(0, -1);
    return [
      () => {
        const width = gain!.shape[0]!;
        const column = reshape(gain!, [width, 1]);
        // Means of products with w as matrix products, as for RmsNorm.
        const meanGrad = matmul(grad, column, { alpha: 1 / Number(width) });
        const meanProduct = matmul(product, column, { alpha: 1 / Number(width) });
        return mul(r!, sub(sub(mul(grad, gain!), meanGrad), mul(normal, meanProduct)));
      },
      () => sum(product, { axes: outer }),
      () => sum(grad, { axes: outer }),
    ];
  },
  // y = log softmax(x)[target]: ∂x = g(1[target] − softmax(x))
  TokenLogProbs: ({ inputs: [logits, targets, logSoftmax], grad }) => [
    () => {
      const rows = logits!.shape[0]!;
      const column = reshape(grad, [rows, 1]);
      const away = mul(exp(logSoftmax!), neg(column));
      return logits!.graph.raw(
        'ScatterElements',
        [away, reshape(targets!, [rows, 1]), column],
        [{ dtype: logits!.dtype, shape: logits!.shape }],
        { attributes: { axis: { int: 1 }, reduction: { string: 'add' } } },
      )[0]!;
    },
    undefined,
    undefined,
  ],
};
