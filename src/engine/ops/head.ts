/** Log-probabilities of tokens straight from hidden states: the logits of all tokens never exist at once. */
import type { Value } from '../graph.ts';
import { shapeText } from '../shape.ts';
import { stopGradient } from './elementwise.ts';

export interface HeadLogProbs {
  /** log softmax(states·weightᵀ)[target] of each row, nats: (N). */
  readonly logProbs: Value;
  /** Entropy of each row's distribution, nats: (N). No gradient passes through it. */
  readonly entropy: Value;
}

/**
 * states (N, d), weight (V, d), targets int64 (N) → (N). `rowsAtOnce` rows are worked on together and their logits, a few
 * megabytes that stay in the processor's cache, are gone before the next come; 0 takes all rows at once.
 *
 * The gradient of a row's log-probability by its state, W[target] − Σ p·W, does not depend on the loss, so the forward pass
 * computes it while it has the probabilities, and they need not be kept or computed again.
 */
export function headLogProbs(states: Value, weight: Value, targets: Value, rowsAtOnce: number): HeadLogProbs {
  const [rows, width] = states.shape;
  const [vocabulary] = weight.shape;
  if (states.shape.length !== 2 || weight.shape.length !== 2 || weight.shape[1] !== width) {
    throw new Error(`HeadLogProbs: states ${shapeText(states.shape)} do not fit weights ${shapeText(weight.shape)}`);
  }
  if (targets.dtype !== 'int64' || targets.shape.length !== 1 || targets.shape[0] !== rows) {
    throw new Error(`HeadLogProbs: targets ${shapeText(targets.shape)} do not fit ${shapeText(states.shape)}`);
  }
  const { dtype } = states;
  const node = states.graph.add('HeadLogProbs', [states, weight, targets], { rowsAtOnce }, [
    { dtype, shape: [rows!] },
    { dtype, shape: [rows!] },
    // ∂logProb/∂state of each row.
    { dtype, shape: [rows!, width!] },
    // The probabilities: kept only where the weight is trained.
    { dtype, shape: [rows!, vocabulary!] },
  ]);
  return { logProbs: node.outputs[0]!, entropy: stopGradient(node.outputs[1]!) };
}
