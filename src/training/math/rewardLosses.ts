/**
 * Losses of reward models on rewards r, each with its derivative. In double precision and without a graph: what held-out pairs
 * are measured with, and what the graphs are checked against.
 */
import type { LossAndSlope } from './preferenceLosses.ts';

/**
 * Bradley–Terry on Δ = r_chosen − r_rejected: −log σ(Δ − m), m the margin that the data asks for, 0 where it asks for none.
 * Source: TRL `reward_trainer.py`. With ties, as Rao & Kupper have them, m is log θ: P(first) = σ(Δ − log θ).
 */
export function bradleyTerryLoss(delta: number, margin: number): LossAndSlope {
  const x = margin - delta;
  return { loss: softplus(x), slope: -1 / (1 + Math.exp(-x)) };
}

/**
 * −log P(tie) of Rao & Kupper (1967) on Δ = r_a − r_b: P(tie) = (θ² − 1) σ(Δ − log θ) σ(−Δ − log θ), θ > 1; what the two
 * decisions leave of 1. For reward models: arXiv 2410.05328.
 */
export function tieLoss(delta: number, theta: number): LossAndSlope {
  const [first, second] = [bradleyTerryLoss(delta, Math.log(theta)), bradleyTerryLoss(-delta, Math.log(theta))];
  return { loss: first.loss + second.loss - Math.log(theta ** 2 - 1), slope: first.slope - second.slope };
}

/**
 * Plackett–Luce on the rewards of a ranking, groups best first: each answer is chosen among itself and all that are in worse
 * groups, −Σ log(exp r_i / (exp r_i + Σ_worse exp r_j)). Answers of one group are not compared. With groups of one it is the
 * likelihood of the whole order (Plackett 1975), with two answers Bradley–Terry. `slopes` are ∂loss/∂r, in the same groups.
 */
export function plackettLuceLoss(groups: readonly (readonly number[])[]): {
  readonly loss: number;
  readonly slopes: readonly (readonly number[])[];
} {
  const slopes = groups.map(group => group.map(() => 0));
  let loss = 0;
  for (const [place, group] of groups.entries()) {
    const worse = groups.slice(place + 1).flatMap((rewards, below) => rewards.map((r, i) => ({ r, below, i })));
    if (worse.length === 0) continue;
    for (const [index, reward] of group.entries()) {
      const highest = Math.max(reward, ...worse.map(({ r }) => r));
      const total = [reward, ...worse.map(({ r }) => r)].reduce((sum, r) => sum + Math.exp(r - highest), 0);
      loss += Math.log(total) + highest - reward;
      slopes[place]![index]! += Math.exp(reward - highest) / total - 1;
      for (const { r, below, i } of worse) slopes[place + 1 + below]![i]! += Math.exp(r - highest) / total;
    }
  }
  return { loss, slopes };
}

/** log(1 + eˣ); above 700, where eˣ is near its overflow, it is x to the last digit. */
const softplus = (x: number): number => (x > 700 ? x : Math.log1p(Math.exp(x)));
