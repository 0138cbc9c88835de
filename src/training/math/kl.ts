/**
 * Estimators of KL(π ‖ ref) from samples of π (Schulman, "Approximating KL divergence", 2020), on the log-ratio
 * l = log π − log ref of one token or one sequence. Nats.
 */

export type KlEstimator = 'k1' | 'k2' | 'k3';

/** k1 = l: unbiased, may be negative. k2 = l²/2: biased, low variance. k3 = e^(−l) − 1 + l: unbiased and never negative. */
export function klEstimate(estimator: KlEstimator, logRatio: number): number {
  switch (estimator) {
    case 'k1':
      return logRatio;
    case 'k2':
      return (logRatio * logRatio) / 2;
    case 'k3':
      return Math.expm1(-logRatio) + logRatio;
  }
}
