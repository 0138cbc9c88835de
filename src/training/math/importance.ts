/** Weights for answers that an older policy sampled: truncated importance sampling (Ionides 2008; arXiv 1802.01561, ρ̄). */

/** min(cap, exp l) of each token, l = log p − log p_sampler. */
export const tokenImportance = (logRatio: Float32Array, cap: number): Float64Array =>
  Float64Array.from(logRatio, value => Math.min(cap, Math.exp(value)));

/** min(cap, exp Σ_t l_t) of a whole answer. */
export const answerImportance = (logRatio: Float32Array, cap: number): number =>
  Math.min(cap, Math.exp(logRatio.reduce((total, value) => total + value, 0)));
