/** What PPO makes of rewards and values: generalised advantages, whitening, and the controller of its KL penalty. */

/**
 * GAE (Schulman et al. 2015) over the tokens of one answer: δ_t = r_t + γ V_{t+1} − V_t with V = 0 behind the last,
 * A_t = δ_t + γλ A_{t+1}; returns R = A + V, before any whitening. Source: arXiv 2403.17031, `ppo.py`.
 */
export function generalisedAdvantages(
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  gamma: number,
  lambda: number,
): { readonly advantages: Float64Array; readonly returns: Float64Array } {
  const advantages = new Float64Array(rewards.length);
  let next = 0;
  for (let t = rewards.length - 1; t >= 0; t--) {
    const ahead = t + 1 < rewards.length ? values[t + 1]! : 0;
    next = rewards[t]! + gamma * ahead - values[t]! + gamma * lambda * next;
    advantages[t] = next;
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) };
}

/** (x − mean)/√(variance + 1e-8) over all tokens together, with Bessel's correction; rows keep their lengths. */
export function whitened(rows: readonly Float64Array[]): Float64Array[] {
  const count = rows.reduce((sum, row) => sum + row.length, 0);
  const total = (of: (value: number) => number) =>
    rows.reduce((sum, row) => row.reduce((part, value) => part + of(value), sum), 0);
  const centre = total(value => value) / count;
  const variance = total(value => (value - centre) ** 2) / Math.max(1, count - 1);
  return rows.map(row => row.map(value => (value - centre) / Math.sqrt(variance + 1e-8)));
}

/**
 * β for the next step: β·(1 + clip(KL/target − 1, ±0.2)·n/horizon), n answers. Ziegler et al. 2019; source:
 * `AdaptiveKLController` of lm-human-preferences.
 */
export function adaptedBeta(
  beta: number,
  kl: number,
  answers: number,
  { target, horizon }: { readonly target: number; readonly horizon: number },
): number {
  const error = Math.min(0.2, Math.max(-0.2, kl / target - 1));
  return beta * (1 + (error * answers) / horizon);
}
