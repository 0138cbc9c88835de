/** Advantages: how much better a sample is than its neighbours. */
import { mean, standardDeviation } from './normalise.ts';

/**
 * Leave-one-out baseline (RLOO, Ahmadian et al. 2024; TRL `rloo_trainer.py`): A_i = r_i − (Σr − r_i)/(n − 1) within each group
 * of n samples of one prompt. rewards (P·n), groups one after the other → (P·n).
 */
export function leaveOneOutAdvantages(rewards: ArrayLike<number>, samplesPerPrompt: number): Float64Array {
  const n = samplesPerPrompt;
  if (n < 2) throw new RangeError('RLOO needs at least two samples of each prompt');
  if (rewards.length % n !== 0) throw new RangeError(`${rewards.length} rewards are no groups of ${n}`);
  const advantages = new Float64Array(rewards.length);
  for (let start = 0; start < rewards.length; start += n) {
    let sum = 0;
    for (let index = start; index < start + n; index++) sum += rewards[index]!;
    for (let index = start; index < start + n; index++) {
      advantages[index] = rewards[index]! - (sum - rewards[index]!) / (n - 1);
    }
  }
  return advantages;
}

/**
 * GRPO (Shao et al. 2024; TRL `grpo_trainer.py`): A_i = (r_i − mean of the group)/(s + 1e-4), s the standard deviation (n − 1) of
 * the group or of all rewards; `none` (Dr. GRPO) does not divide. rewards (P·n), groups one after the other → (P·n).
 */
export function groupAdvantages(
  rewards: readonly number[],
  samplesPerPrompt: number,
  scale: 'group' | 'batch' | 'none',
): Float64Array {
  const n = samplesPerPrompt;
  if (rewards.length % n !== 0) throw new RangeError(`${rewards.length} rewards are no groups of ${n}`);
  const advantages = new Float64Array(rewards.length);
  const overall = standardDeviation(rewards);
  for (let start = 0; start < rewards.length; start += n) {
    const group = rewards.slice(start, start + n);
    const centre = mean(group);
    const spread = scale === 'group' ? standardDeviation(group) : overall;
    const divisor = scale === 'none' ? 1 : spread + 1e-4;
    for (const [place, reward] of group.entries()) advantages[start + place] = (reward - centre) / divisor;
  }
  return advantages;
}

/** REINFORCE (Williams 1992): the rewards, or what they are above their mean. */
export function reinforceAdvantages(rewards: readonly number[], baseline: 'none' | 'mean'): Float64Array {
  const centre = baseline === 'mean' ? mean(rewards) : 0;
  return Float64Array.from(rewards, reward => reward - centre);
}

/**
 * What each token of each answer counts in GRPO's loss, row after row; Source: TRL `grpo_trainer.py`.
 * `grpo`: 1/(rows · the answer's tokens); `dr_grpo`: 1/(rows · longest possible answer); `bnpo` and `dapo`: 1/tokens of the step,
 * the same here, because a step is one batch however it is cut.
 */
export function tokenWeights(
  lengths: readonly number[],
  aggregation: 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo',
  maxNewTokens: number,
): number[] {
  const rows = lengths.length;
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return lengths.map(length => {
    switch (aggregation) {
      case 'grpo':
        return 1 / (rows * length);
      case 'dr_grpo':
        return 1 / (rows * maxNewTokens);
      default:
        return 1 / tokens;
    }
  });
}
