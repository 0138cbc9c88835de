/**
 * What a reward model is worth before anything is tuned on it: beside its accuracy on held-out pairs, what a rule about length
 * alone would get, what is left where lengths are alike, and whether its confidence is right.
 */
import * as v from 'valibot';
import { l10n } from '../../base/l10n.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import { comparePaired } from '../statistics/mcnemar.ts';

const number = v.pipe(v.number(), v.finite());
const IntervalSchema = v.object({ estimate: number, low: number, high: number, n: number });

export const RewardReportSchema = v.object({
  /** The better of "the longer answer is better" and "the shorter answer is better"; answers of equal length count ½. */
  lengthRule: v.object({ prefers: v.picklist(['longer', 'shorter']), accuracy: IntervalSchema }),
  /** Accuracy on pairs whose lengths differ by at most `AlikeLengths` of the longer. */
  alikeLengths: IntervalSchema,
  /** Pairs by the model's confidence σ(|r_c − r_r|), from ½ to 1: its mean in the bin, and how often the model was right there. */
  calibration: v.array(v.object({ confidence: number, right: IntervalSchema })),
  /** Mean distance of confidence and share right over the bins, by their size (expected calibration error). */
  calibrationError: number,
  /** Why a policy should not be tuned on it yet; null where nothing speaks against it. */
  notReady: v.nullable(v.string()),
});
export type RewardReport = v.InferOutput<typeof RewardReportSchema>;

/** A held-out pair as the model sees it. */
export interface ScoredPair {
  /** Reward of the chosen answer less that of the rejected one. */
  readonly margin: number;
  /** Tokens of the two answers. */
  readonly chosen: number;
  readonly rejected: number;
}

export const AlikeLengths = 0.1;
const Bins = 5;
/** Two-sided, exact. */
const Significance = 0.05;

export function rewardReport(pairs: readonly ScoredPair[]): RewardReport {
  const right = pairs.map(({ margin }) => margin > 0);
  const longer = pairs.reduce(
    (sum, { chosen, rejected }) => sum + (chosen > rejected ? 1 : chosen === rejected ? 0.5 : 0),
    0,
  );
  const prefers = 2 * longer >= pairs.length ? 'longer' : 'shorter';
  const byRule = prefers === 'longer' ? longer : pairs.length - longer;
  const alike = pairs.flatMap(({ chosen, rejected }, index) =>
    Math.abs(chosen - rejected) <= AlikeLengths * Math.max(chosen, rejected) ? [right[index]!] : [],
  );
  const calibration = calibrationOf(pairs);
  const report = {
    lengthRule: { prefers, accuracy: wilson(byRule, pairs.length) },
    alikeLengths: wilson(count(alike), alike.length),
    calibration,
    calibrationError:
      calibration.reduce(
        (sum, { confidence, right: { estimate, n } }) => sum + n * Math.abs(confidence - estimate),
        0,
      ) / Math.max(1, pairs.length),
  } as const;
  const accuracy = wilson(count(right), pairs.length);
  return { ...report, notReady: notReady(pairs, right, accuracy, report.lengthRule) };
}

function notReady(
  pairs: readonly ScoredPair[],
  right: readonly boolean[],
  accuracy: Interval,
  { prefers, accuracy: rule }: RewardReport['lengthRule'],
): string | null {
  if (accuracy.n === 0) return null;
  if (accuracy.low <= 0.5) return l10n.t('Not ready for RLHF: guessing may do as well. Rank more answers.');
  // A rule that is no better than guessing is beaten by being better than guessing.
  if (rule.low <= 0.5) return null;
  const byRule = pairs.map(({ chosen, rejected }) =>
    chosen === rejected ? undefined : (prefers === 'longer') === chosen > rejected,
  );
  const { gained, lost, exactP } = comparePaired(byRule, right);
  if (gained > lost && exactP < Significance) return null;
  const share = Math.round(100 * rule.estimate);
  return prefers === 'longer'
    ? l10n.t(
        'Not ready for RLHF: preferring the longer answer is right on {0} % of these pairs, and the model is not clearly better. Rank answers that are alike in length.',
        share,
      )
    : l10n.t(
        'Not ready for RLHF: preferring the shorter answer is right on {0} % of these pairs, and the model is not clearly better. Rank answers that are alike in length.',
        share,
      );
}

/** Bins of equal width in confidence; empty ones are left out. */
function calibrationOf(pairs: readonly ScoredPair[]): RewardReport['calibration'] {
  const bins = Array.from({ length: Bins }, () => ({ n: 0, right: 0, confidence: 0 }));
  for (const { margin } of pairs) {
    const confidence = 1 / (1 + Math.exp(-Math.abs(margin)));
    const bin = bins[Math.min(Bins - 1, Math.floor((confidence - 0.5) * 2 * Bins))]!;
    bin.n++;
    bin.confidence += confidence;
    if (margin > 0) bin.right++;
  }
  return bins
    .filter(({ n }) => n > 0)
    .map(({ n, right, confidence }) => ({ confidence: confidence / n, right: wilson(right, n) }));
}

const count = (values: readonly boolean[]): number => values.filter(Boolean).length;
