/** Whether two columns of right and wrong answers to the same questions differ: McNemar's test and the difference's interval. */
import { type Interval, wilson, z95 } from './intervals.ts';

export interface PairedComparison {
  /** Questions that both answered. */
  readonly n: number;
  /** Wrong in the baseline and right here, and the other way round. */
  readonly gained: number;
  readonly lost: number;
  /** Share right here minus share right in the baseline, with its 95 % interval (Newcombe 1998, method 10). */
  readonly difference: Interval;
  /** Two-sided mid-p value of the exact test; 1 where no question tells the two apart. */
  readonly midP: number;
  /** Two-sided p value of the exact conditional test. */
  readonly exactP: number;
}

/** Compares pair by pair; undefined entries on either side leave the pair out. */
export function comparePaired(
  baseline: readonly (boolean | undefined)[],
  other: readonly (boolean | undefined)[],
): PairedComparison {
  const counts = { both: 0, lost: 0, gained: 0, neither: 0 };
  for (let i = 0; i < Math.min(baseline.length, other.length); i++) {
    const [before, after] = [baseline[i], other[i]];
    if (before === undefined || after === undefined) continue;
    counts[before ? (after ? 'both' : 'lost') : after ? 'gained' : 'neither']++;
  }
  const { both, lost, gained, neither } = counts;
  const n = both + lost + gained + neither;
  return { n, gained, lost, difference: newcombe(both, gained, lost, neither), ...mcnemar(gained, lost) };
}

/**
 * The exact test of McNemar (1947): under no difference the `gained` of the discordant pairs are binomial with ½. The mid-p
 * variant counts half of the observed outcome's probability; it holds its level and is less timid (Fagerland et al. 2013).
 */
export function mcnemar(gained: number, lost: number): { readonly exactP: number; readonly midP: number } {
  const n = gained + lost;
  const fewer = Math.min(gained, lost);
  if (n === 0) return { exactP: 1, midP: 1 };
  let tail = 0;
  let last = 0;
  // ln of the binomial probability of k, from that of k − 1.
  let log = -n * Math.LN2;
  for (let k = 0; k <= fewer; k++) {
    if (k > 0) log += Math.log(n - k + 1) - Math.log(k);
    last = Math.exp(log);
    tail += last;
  }
  if (gained === lost) return { exactP: 1, midP: Math.min(1, 1 - last) };
  return { exactP: Math.min(1, 2 * tail), midP: Math.min(1, 2 * tail - last) };
}

/** Interval of p₂ − p₁ of paired shares: Wilson's intervals of both, joined with regard to their correlation φ. */
function newcombe(both: number, gained: number, lost: number, neither: number): Interval {
  const n = both + gained + lost + neither;
  if (n === 0) return { estimate: 0, low: -1, high: 1, n };
  const first = wilson(both + lost, n, z95);
  const second = wilson(both + gained, n, z95);
  const estimate = (gained - lost) / n;
  const margins = (both + lost) * (gained + neither) * (both + gained) * (lost + neither);
  const cross = both * neither - gained * lost;
  // With the correction for continuity where the correlation is positive.
  const corrected = cross > n / 2 ? cross - n / 2 : cross >= 0 ? 0 : cross;
  const phi = margins === 0 ? 0 : corrected / Math.sqrt(margins);
  const joined = (a: number, b: number): number => Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
  return {
    estimate,
    low: Math.max(-1, estimate - joined(second.estimate - second.low, first.high - first.estimate)),
    high: Math.min(1, estimate + joined(second.high - second.estimate, first.estimate - first.low)),
    n,
  };
}
