/** Softmax, RMS and layer normalisation and log-probabilities of tokens. */
import type { Value } from '../graph.ts';
import { type Dim, shapeText } from '../shape.ts';

/** eˣ / Σ eˣ over the last axis. */
export const softmax = (x: Value): Value =>
  x.graph.add('Softmax', [x], {}, [{ dtype: x.dtype, shape: x.shape }]).outputs[0]!;

/** x − log Σ eˣ over the last axis. */
export const logSoftmax = (x: Value): Value =>
  x.graph.add('LogSoftmax', [x], {}, [{ dtype: x.dtype, shape: x.shape }]).outputs[0]!;

/** x / √(mean(x²) + ε) · gain over the last axis: x (…, d), gain (d). Source: arXiv 1910.07467. */
export function rmsNorm(x: Value, gain: Value, epsilon: number): Value {
  const width = x.shape.at(-1);
  if (width === undefined || gain.shape.length !== 1 || gain.shape[0] !== width) {
    throw new Error(`RmsNorm: a gain of shape ${shapeText(gain.shape)} does not fit ${shapeText(x.shape)}`);
  }
  const inverse: Dim[] = [...x.shape.slice(0, -1), 1];
  return x.graph.add('RmsNorm', [x, gain], { epsilon }, [
    { dtype: x.dtype, shape: x.shape },
    { dtype: x.dtype, shape: inverse },
  ]).outputs[0]!;
}

/** (x − mean) / √(variance + ε) · gain + bias over the last axis: x (…, d), gain (d), bias (d). Source: arXiv 1607.06450. */
export function layerNorm(x: Value, gain: Value, bias: Value, epsilon: number): Value {
  const width = x.shape.at(-1);
  for (const weight of [gain, bias]) {
    if (width === undefined || weight.shape.length !== 1 || weight.shape[0] !== width) {
      throw new Error(`LayerNorm: weights of shape ${shapeText(weight.shape)} do not fit ${shapeText(x.shape)}`);
    }
  }
  const perRow: Dim[] = [...x.shape.slice(0, -1), 1];
  // The mean and 1/√(variance + ε) of each row are further outputs, which the gradient uses.
  return x.graph.add('LayerNorm', [x, gain, bias], { epsilon }, [
    { dtype: x.dtype, shape: x.shape },
    { dtype: x.dtype, shape: perRow },
    { dtype: x.dtype, shape: perRow },
  ]).outputs[0]!;
}

/** log p(target) of each row, nats: logits (N, V), targets int64 (N) → (N). */
export function tokenLogProbs(logits: Value, targets: Value): Value {
  if (logits.shape.length !== 2 || targets.shape.length !== 1 || logits.shape[0] !== targets.shape[0]) {
    throw new Error(
      `TokenLogProbs: logits ${shapeText(logits.shape)} and targets ${shapeText(targets.shape)} do not go together`,
    );
  }
  if (targets.dtype !== 'int64') throw new Error('TokenLogProbs: targets have to be int64');
  // The log-softmax is an operand so that its gradient and an entropy can use it again; no gradient flows through it.
  return logits.graph.add('TokenLogProbs', [logits, targets, logSoftmax(logits)], {}, [
    { dtype: logits.dtype, shape: [logits.shape[0]!] },
  ]).outputs[0]!;
}
