/**
 * Losses of preference optimisation on log-ratios l = log π(y|x) − log π_ref(y|x), nats, each with its derivative.
 * In double precision and without a graph: what held-out rows are measured with, and what the graphs are checked against.
 */

export interface LossAndSlope {
  readonly loss: number;
  /** ∂loss/∂ the argument. */
  readonly slope: number;
}

/**
 * DPO (Rafailov et al. 2023) on Δ = l_chosen − l_rejected: −(1 − ε)·log σ(βΔ) − ε·log σ(−βΔ). ε is the share of labels that
 * are taken to be wrong (cDPO, Mitchell 2023; as OpenRLHF has it); 0 is DPO. Source: TRL `dpo_trainer.py`, "sigmoid".
 */
export function dpoLoss(delta: number, beta: number, labelSmoothing: number): LossAndSlope {
  const x = beta * delta;
  return {
    loss: (1 - labelSmoothing) * softplus(-x) + labelSmoothing * softplus(x),
    slope: beta * (sigmoid(x) - (1 - labelSmoothing)),
  };
}

/** IPO (Azar et al. 2023): (Δ − 1/(2β))², Δ of log-ratios averaged over each answer's tokens. Source: TRL `dpo_trainer.py`, "ipo". */
export function ipoLoss(delta: number, beta: number): LossAndSlope {
  const error = delta - 1 / (2 * beta);
  return { loss: error ** 2, slope: 2 * error };
}

/**
 * KTO (Ethayarajh et al. 2024) of one answer: 1 − σ(β(l − z)) where it is desirable, 1 − σ(β(z − l)) where it is not.
 * `z` is `ktoReference` of the batch and has no gradient. Source: TRL `kto_trainer.py`.
 */
export function ktoLoss(logRatio: number, desirable: boolean, z: number, beta: number): LossAndSlope {
  const sign = desirable ? 1 : -1;
  const right = sigmoid(beta * sign * (logRatio - z));
  return { loss: 1 - right, slope: -sign * beta * right * (1 - right) };
}

/** z of KTO: the mean log-ratio of answers to prompts that they do not belong to, at least 0. */
export const ktoReference = (mismatched: readonly number[]): number =>
  mismatched.length === 0 ? 0 : Math.max(0, mismatched.reduce((sum, value) => sum + value, 0) / mismatched.length);

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/** log(1 + eˣ), without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
