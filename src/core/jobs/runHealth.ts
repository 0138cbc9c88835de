/** What the curves of a policy's training say in plain words: reward hacking before it is plain to see, and learning that does not happen. */
import { l10n } from '../../base/l10n.ts';
import type { MetricColumns } from './metricColumns.ts';

export interface HealthLine {
  readonly level: 'good' | 'warning';
  readonly text: string;
}

/** Steps that four quarters need to be more than noise. */
const LeastSteps = 16;
/** Nats: below this a policy is where it began, however steep the curve. */
const LeastKl = 0.3;
const Times = 3;

interface Quarter {
  readonly mean: number;
  /** Standard error of the mean, as if steps were independent. */
  readonly error: number;
}

/**
 * The worst that can be said of a run so far, null where nothing stands out. Each curve is cut into four quarters of equal length;
 * a change between two quarters counts from two standard errors on.
 */
export function runHealth(metrics: MetricColumns): HealthLine | null {
  if (metrics.length < LeastSteps) return null;
  const curve = (...names: readonly string[]): readonly Quarter[] | null => {
    const [first, second] = names.map(name => metrics.column(name)).filter(column => column.length > 0);
    if (!first) return null;
    const values: number[] = [];
    // Step 0 is before training.
    for (let row = metrics.steps[0] === 0 ? 1 : 0; row < metrics.length; row++) {
      const value = Number.isFinite(first[row]!) ? first[row]! : (second?.[row] ?? Number.NaN);
      // Every step has to have one of them.
      if (!Number.isFinite(value)) return null;
      values.push(value);
    }
    return quarters(values);
  };
  const warn = (text: string): HealthLine => ({ level: 'warning', text });

  const alike = curve('frac_reward_zero_std');
  if (alike && alike[3]!.mean > 0.9)
    return warn(
      l10n.t(
        'Nearly all answers to a prompt get the same reward, so there is nothing to learn from: raise the temperature or the samples of a prompt, or choose a reward that tells answers apart.',
      ),
    );
  const clipped = curve('completions/clipped_ratio');
  if (clipped && clipped[3]!.mean > 0.5)
    return warn(
      l10n.t(
        '{0} % of the answers are cut off at the longest allowed length: raise it, or give answers without an end a low score.',
        Math.round(100 * clipped[3]!.mean),
      ),
    );

  const reward = curve('reward', 'objective/scores');
  const kl = curve('kl', 'objective/kl');
  const hacking = reward && kl ? outpaced(reward, kl) : null;
  if (hacking) return warn(hacking);

  const length = curve('completions/mean_length');
  if (length && rises(length[0]!, length[3]!) && length[3]!.mean > 1.3 * length[0]!.mean)
    return warn(
      l10n.t(
        'Answers grew from {0} to {1} tokens: see in the fixed prompts whether they became better or only longer.',
        Math.round(length[0]!.mean),
        Math.round(length[3]!.mean),
      ),
    );
  const entropy = curve('entropy', 'objective/entropy');
  if (entropy && entropy[0]!.mean > 0 && entropy[3]!.mean < 0.3 * entropy[0]!.mean)
    return warn(
      l10n.t(
        'Answers are becoming all alike (entropy {0} % of what it was): lower the learning rate or raise β.',
        Math.round((100 * entropy[3]!.mean) / entropy[0]!.mean),
      ),
    );
  if (reward && rises(reward[0]!, reward[3]!))
    return {
      level: 'good',
      text: l10n.t('The reward rises: {0} in the first quarter of the steps, {1} in the last.', ...ends(reward)),
    };
  return null;
}

/** KL that is paid while the reward no longer rises, or rises much less for it than at first. */
function outpaced(reward: readonly Quarter[], kl: readonly Quarter[]): string | null {
  const late = gain(kl, 2);
  if (kl[3]!.mean < LeastKl || !rises(kl[2]!, kl[3]!)) return null;
  if (falls(reward[2]!, reward[3]!))
    return l10n.t(
      'The reward falls while the KL rises ({0} nats): the learning rate is too high, or β too low.',
      kl[3]!.mean.toFixed(1),
    );
  if (!rises(reward[0]!, reward[1]!) || gain(kl, 0) <= 0) return null;
  // How much faster either grows in its last two quarters than in its first two.
  const klPace = late / gain(kl, 0);
  const rewardPace = Math.max(0, gain(reward, 2)) / gain(reward, 0);
  if (klPace < Times * rewardPace || late < LeastKl / 2) return null;
  if (rewardPace < 0.1) return l10n.t('The KL goes on rising and the reward does not: stop here, or raise β.');
  return l10n.t(
    'KL rises {0}× faster than the reward, measured by how they began: lower the learning rate or raise β.',
    (klPace / rewardPace).toFixed(1).replace(/\.0$/, ''),
  );
}

const gain = (curve: readonly Quarter[], from: 0 | 2): number => curve[from + 1]!.mean - curve[from]!.mean;
const rises = (a: Quarter, b: Quarter): boolean => b.mean - a.mean > 2 * Math.hypot(a.error, b.error);
const falls = (a: Quarter, b: Quarter): boolean => rises(b, a);
const ends = (curve: readonly Quarter[]): string[] =>
  [curve[0]!, curve[3]!].map(({ mean }) => mean.toFixed(2).replace('-', '−'));

function quarters(values: readonly number[]): readonly Quarter[] {
  return [0, 1, 2, 3].map(i => {
    const part = values.slice(Math.floor((i * values.length) / 4), Math.floor(((i + 1) * values.length) / 4));
    const mean = part.reduce((a, b) => a + b, 0) / part.length;
    const variance = part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (part.length - 1);
    return { mean, error: Math.sqrt(variance / part.length) };
  });
}
