/**
 * Losses of reward models on rewards r, each with its derivative. In double precision and without a graph: what held-out pairs
 * are measured with, and what the graphs are checked against.
 */
import type { LossAndSlope } from './preferenceLosses.ts';

/**
 * Bradley–Terry on Δ = r_chosen − r_rejected: −log σ(Δ − m), m the margin that the data asks for, 0 where it asks for none.
 * Source: TRL `reward_trainer.py`.
 */
export function bradleyTerryLoss(delta: number, margin: number): LossAndSlope {
  const x = margin - delta;
  return { loss: softplus(x), slope: -1 / (1 + Math.exp(-x)) };
}

/** log(1 + eˣ); above 700, where eˣ is near its overflow, it is x to the last digit. */
const softplus = (x: number): number => (x > 700 ? x : Math.log1p(Math.exp(x)));
