/**
 * The annotator that `tunesmith loop` declares: a rule that anyone can check by eye, and a stated share of mistakes.
 * It prefers by content within a length limit, never just the longer answer.
 */
import { l10n } from '../../base/l10n.ts';
import type { Rng } from '../../base/rng.ts';
import { words } from '../statistics/textStatistics.ts';

/** Words above which an answer loses points. */
export const wordLimit = 40;
/** Points lost for each word above the limit. */
const pointsPerWord = 0.1;
/** Share of its preferences that this annotator gets wrong. */
export const defaultLabelNoise = 0.15;

/** An offer that the customer can hold the shop to. */
const nextStep =
  /\b(?:refund(?:ed|s)?|money back|replace(?:ment|ments|d)?|exchange(?:d)?|repair(?:s|ed)?|call(?: you)? back|voucher|coupon|gift)\b/i;

export interface ReplyVerdict {
  /** The answer names the product that the review is about. */
  readonly names: boolean;
  /** The answer offers one concrete next step. */
  readonly offers: boolean;
  readonly words: number;
  /** One point for each of the two, less a tenth for each word above the limit. */
  readonly score: number;
}

/** The rule without noise. `about` is what the review talks about, e.g. "kettle". */
export function judgeReply(about: string, answer: string): ReplyVerdict {
  const count = words(answer).length;
  const names = new RegExp(String.raw`(?<![\p{L}\p{N}])${quoted(about.trim())}(?:s|es)?(?![\p{L}\p{N}])`, 'iu').test(
    answer,
  );
  const offers = nextStep.test(answer);
  const score = (names ? 1 : 0) + (offers ? 1 : 0) - pointsPerWord * Math.max(0, count - wordLimit);
  return { names, offers, words: count, score };
}

/** What is printed before the loop starts: the rule and the noise, so that no one takes it for a person. */
export const describeAnnotator = (labelNoise = defaultLabelNoise): string =>
  l10n.t(
    'Simulated annotator: one point for naming the thing that the review is about, one for offering a concrete next step (refund, replacement, repair, call back, voucher, gift), minus {0} for each word above {1}; equal scores are a tie. {2} % of its preferences are wrong on purpose.',
    pointsPerWord,
    wordLimit,
    Math.round(labelNoise * 100),
  );

export interface Comparison {
  /** Indices of the two answers. */
  readonly chosen: number;
  readonly rejected: number;
  /** Turned around by the noise. */
  readonly mistaken: boolean;
}

/**
 * Every pair of answers to one review that the rule does not see as equal, with noise: each preference is turned around
 * with probability `labelNoise`.
 */
export function compareReplies(
  about: string,
  answers: readonly string[],
  rng: Rng,
  labelNoise = defaultLabelNoise,
): Comparison[] {
  const scores = answers.map(answer => judgeReply(about, answer).score);
  const comparisons: Comparison[] = [];
  for (let first = 0; first < answers.length; first++) {
    for (let second = first + 1; second < answers.length; second++) {
      if (answers[first] === answers[second]) continue;
      const difference = scores[first]! - scores[second]!;
      if (Math.abs(difference) < 1e-9) continue;
      const mistaken = rng.next() < labelNoise;
      const firstWins = difference > 0 !== mistaken;
      comparisons.push(
        firstWins ? { chosen: first, rejected: second, mistaken } : { chosen: second, rejected: first, mistaken },
      );
    }
  }
  return comparisons;
}

/**
 * The control of an experiment: within every group of pairs that the rule sees alike exactly half are turned around at
 * random (one pair of an odd group is left out), so that the labels say nothing about the rule.
 */
export function shufflePreferences<T extends { readonly chosen: string; readonly rejected: string }>(
  pairs: readonly T[],
  groupOf: (pair: T) => string,
  rng: Rng,
): T[] {
  const groups = new Map<string, number[]>();
  for (const [index, pair] of pairs.entries()) {
    const key = groupOf(pair);
    const group = groups.get(key);
    if (group) group.push(index);
    else groups.set(key, [index]);
  }
  const turned = new Set<number>();
  const left = new Set<number>();
  for (const key of [...groups.keys()].sort()) {
    const order = rng.shuffled(groups.get(key)!);
    if (order.length % 2 === 1) left.add(order.pop()!);
    for (const index of order.slice(0, order.length / 2)) turned.add(index);
  }
  return pairs.flatMap((pair, index) => {
    if (left.has(index)) return [];
    return [turned.has(index) ? { ...pair, chosen: pair.rejected, rejected: pair.chosen } : pair];
  });
}

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
