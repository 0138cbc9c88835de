/** What scored rows say together: accuracy with its interval by each way of scoring, perplexity and ranks of last words. */
import { type ScoreMeasure, ScoreMeasures, type ScoreTask } from '../prompts/template.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import { type Likelihood, measured, type ScoredRow } from './score.ts';
import type { ScoredPart } from './scoreTexts.ts';

export interface ScoreSummary {
  readonly rows: number;
  /** By the deciding score, where rows say what is expected; Wilson's 95 % interval. */
  readonly accuracy?: Interval & { readonly right: number };
  /** Candidates: how often each way of scoring is right. Last word: absent. */
  readonly ways?: readonly ScoreWay[];
  /** Last word: exp of the mean negative log-likelihood of a word, as GPT-2's paper gives it for LAMBADA. */
  readonly perplexity?: number;
  /** Last word: the median rank of the words, where the model tells ranks. */
  readonly medianRank?: number;
}

export interface ScoreWay {
  readonly part: ScoredPart;
  readonly by: ScoreMeasure;
  readonly right: number;
  readonly n: number;
}

export function summariseScores(task: ScoreTask, rows: readonly ScoredRow[]): ScoreSummary {
  const graded = rows.flatMap(({ correct }) => (correct === undefined ? [] : [correct]));
  const right = graded.filter(Boolean).length;
  const accuracy = graded.length > 0 ? { accuracy: { right, ...wilson(right, graded.length) } } : {};
  if (task === 'candidates') {
    const ways = waysOf(rows);
    return { rows: rows.length, ...accuracy, ...(ways.length > 0 ? { ways } : {}) };
  }
  const words = rows.map(({ candidates }) => candidates[0]!);
  const ranks = words.flatMap(({ rank }) => (rank === undefined ? [] : [rank])).sort((a, b) => a - b);
  const mean = words.reduce((sum, { likelihood }) => sum + likelihood.total, 0) / Math.max(1, words.length);
  return {
    rows: rows.length,
    ...accuracy,
    ...(words.length > 0 ? { perplexity: Math.exp(-mean) } : {}),
    ...(ranks.length === words.length && ranks.length > 0 ? { medianRank: medianOf(ranks) } : {}),
  };
}

function waysOf(rows: readonly ScoredRow[]): ScoreWay[] {
  const graded = rows.filter(({ expected }) => expected !== undefined);
  const [first] = graded;
  if (!first) return [];
  const others: ScoredPart[] = first.part === 'continuation' ? [] : [first.part === 'partial' ? 'full' : 'partial'];
  return [first.part, ...others].flatMap(part =>
    ScoreMeasures.map(by => {
      const right = graded.filter(({ candidates, expected }) => {
        const of = candidates.map(({ likelihood, other }): Likelihood => (part === first.part ? likelihood : other!));
        const scores = of.map(one => measured(one, by));
        return scores.indexOf(Math.max(...scores)) === expected;
      }).length;
      return { part, by, right, n: graded.length };
    }),
  );
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
