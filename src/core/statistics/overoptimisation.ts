/** Functional forms of over-optimisation (Gao, Schulman & Hilton 2022, arXiv 2210.10760, eq. 1 and 2): true reward against d = √KL. */

export interface FrontierPoint {
  /** √KL of the policy to its base, √nats. */
  readonly d: number;
  /** Reward above that of the base. */
  readonly reward: number;
}

/** `rl`: R(d) = d(α − β log d). `best-of-n`: R(d) = d(α − βd). */
export type FrontierForm = 'rl' | 'best-of-n';

export interface FrontierFit {
  readonly alpha: number;
  readonly beta: number;
  /** Where the fitted reward is highest, √nats; undefined where it only rises. */
  readonly peak: number | undefined;
  /** Root of the mean squared residual, in units of the reward. */
  readonly error: number;
}

const penalty: Readonly<Record<FrontierForm, (d: number) => number>> = {
  rl: d => d * Math.log(d),
  'best-of-n': d => d * d,
};

/** Least squares in α and β; undefined with fewer than three points away from the base, or where they cannot be told apart. */
export function fitFrontier(points: readonly FrontierPoint[], form: FrontierForm): FrontierFit | undefined {
  const used = points.filter(({ d }) => d > 0);
  if (used.length < 3) return undefined;
  let [aa, ab, bb, ay, by] = [0, 0, 0, 0, 0];
  for (const { d, reward } of used) {
    const b = -penalty[form](d);
    aa += d * d;
    ab += d * b;
    bb += b * b;
    ay += d * reward;
    by += b * reward;
  }
  const determinant = aa * bb - ab * ab;
  if (!(determinant > 1e-12 * aa * bb)) return undefined;
  const alpha = (ay * bb - by * ab) / determinant;
  const beta = (by * aa - ay * ab) / determinant;
  const residuals = used.map(({ d, reward }) => reward - frontier({ alpha, beta }, form, d));
  return {
    alpha,
    beta,
    peak: beta <= 0 ? undefined : form === 'rl' ? Math.exp(alpha / beta - 1) : alpha / (2 * beta),
    error: Math.sqrt(residuals.reduce((sum, residual) => sum + residual * residual, 0) / used.length),
  };
}

/** The form's reward at d. */
export const frontier = (
  { alpha, beta }: Pick<FrontierFit, 'alpha' | 'beta'>,
  form: FrontierForm,
  d: number,
): number => (d > 0 ? alpha * d - beta * penalty[form](d) : 0);
