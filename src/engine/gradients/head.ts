/** Gradient of token log-probabilities by the states and weights that they come from. */
import { mul, sub } from '../ops/elementwise.ts';
import { scatterAdd } from '../ops/gather.ts';
import { matmul } from '../ops/matmul.ts';
import { reshape } from '../ops/shape.ts';
import type { RulesOf } from './rule.ts';

export const headRules: RulesOf<'HeadLogProbs'> = {
  // y = log p[t], p = softmax(Wx): ∂x = g(W[t] − Σ p·W), ∂W = Σ over rows of (1[t] − p)⊗gx
  HeadLogProbs: ({ node, inputs: [states, weight, targets], grad }) => {
    const [, , direction, probabilities] = node.outputs;
    const column = reshape(grad, [states!.shape[0]!, 1]);
    return [
      () => mul(direction!, column),
      () => {
        const weighted = mul(states!, column);
        return sub(
          scatterAdd(weighted, targets!, weight!.shape[0]!),
          matmul(probabilities!, weighted, { transA: true }),
        );
      },
      undefined,
    ];
  },
};
