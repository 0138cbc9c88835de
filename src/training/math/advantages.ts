/** Advantages: how much better a sample is than its neighbours. */

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
