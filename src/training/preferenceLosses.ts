/** The losses of DPO, IPO and KTO as graphs over a micro-batch, with the sums that their metrics are made of. */
import type { DpoSettings, KtoSettings } from '../core/jobs/job.ts';
import {
  add,
  cast,
  gather,
  greater,
  logSigmoid,
  mul,
  neg,
  scatterAdd,
  sigmoid,
  square,
  sub,
  sum,
} from '../engine/index.ts';
import type { LossBuilder, ModelOutputs } from '../language-model/trainable.ts';

/** Of both: log π_ref of each row's answer (B). */
const shared = { reference: { dtype: 'float32', shape: ['B'] } } as const;

/** Pairs name rows; `weight` is what a pair counts (1/pairs of the step), `share` a row's 1/tokens for IPO. */
export const dpoInputs = {
  ...shared,
  chosen: { dtype: 'int64', shape: ['P'] },
  rejected: { dtype: 'int64', shape: ['P'] },
  weight: { dtype: 'float32', shape: ['P'] },
  share: { dtype: 'float32', shape: ['B'] },
} as const;

/** `sign` 1 for a desirable answer, −1 for the others; `weight` is what a row counts (λ/rows of the step), `z` the KL reference. */
export const ktoInputs = {
  ...shared,
  sign: { dtype: 'float32', shape: ['B'] },
  weight: { dtype: 'float32', shape: ['B'] },
  z: { dtype: 'float32', shape: [] },
} as const;

/** log π of each row's answer: (N) → (B). */
const answerLogProbs = (out: ModelOutputs) => scatterAdd(out.logProbs, out.rows, 'B');

/** Σ_p w_p·loss(Δ_p). `math/preferenceLosses.ts` has the formulas. */
export const dpoLoss =
  ({ loss: kind, beta, labelSmoothing }: Pick<DpoSettings, 'loss' | 'beta' | 'labelSmoothing'>): LossBuilder =>
  (_graph, out, inputs) => {
    const logProbs = answerLogProbs(out);
    const ratio = sub(logProbs, inputs.reference!);
    const of = (rows: typeof ratio, which: 'chosen' | 'rejected') => gather(rows, inputs[which]!);
    const delta = (rows: typeof ratio) => sub(of(rows, 'chosen'), of(rows, 'rejected'));
    const logits = mul(delta(ratio), beta);
    const smoothed = () =>
      labelSmoothing === 0
        ? neg(logSigmoid(logits))
        : neg(add(mul(logSigmoid(logits), 1 - labelSmoothing), mul(logSigmoid(neg(logits)), labelSmoothing)));
    // Every input is read by either loss, so that a batch is fed alike.
    const terms = kind === 'ipo' ? square(sub(delta(mul(ratio, inputs.share!)), 1 / (2 * beta))) : smoothed();
    return {
      loss: sum(mul(terms, inputs.weight!)),
      metrics: {
        chosenRewards: mul(sum(of(ratio, 'chosen')), beta),
        rejectedRewards: mul(sum(of(ratio, 'rejected')), beta),
        right: sum(cast(greater(delta(ratio), 0), 'float32')),
        chosenLogProbs: sum(of(logProbs, 'chosen')),
        rejectedLogProbs: sum(of(logProbs, 'rejected')),
      },
    };
  };

/** Σ_b w_b·(1 − σ(β s_b (l_b − z))). */
export const ktoLoss =
  ({ beta }: Pick<KtoSettings, 'beta'>): LossBuilder =>
  (_graph, out, inputs) => {
    const logProbs = answerLogProbs(out);
    const ratio = sub(logProbs, inputs.reference!);
    const sign = inputs.sign!;
    const right = sigmoid(mul(mul(sub(ratio, inputs.z!), sign), beta));
    const desirable = cast(greater(sign, 0), 'float32');
    const undesirable = sub(1, desirable);
    const total = (rows: typeof ratio, which: typeof ratio) => sum(mul(rows, which));
    return {
      loss: sum(mul(sub(1, right), inputs.weight!)),
      metrics: {
        chosenRewards: mul(total(ratio, desirable), beta),
        rejectedRewards: mul(total(ratio, undesirable), beta),
        chosenLogProbs: total(logProbs, desirable),
        rejectedLogProbs: total(logProbs, undesirable),
      },
    };
  };
