/** Solutions of several generators to the same questions, some right and some wrong: pairs, and figures per question. */
import { bootstrapWeights } from '../../src/core/statistics/bootstrap.ts';
import type { Interval } from '../../src/core/statistics/intervals.ts';
import { heldOutPrompts } from '../../src/training/pairData.ts';

export interface Solution {
  readonly text: string;
  /** Index of who wrote it, from the one that is most often wrong to the one that is most often right. */
  readonly generator: number;
  readonly right: boolean;
  /** Tokens of question and solution as the model reads them. */
  readonly tokens: number;
}

export interface Problem {
  readonly question: string;
  readonly solutions: readonly Solution[];
}

/** A right and a wrong solution of one question. */
export interface SolutionPair {
  readonly question: string;
  readonly chosen: Solution;
  readonly rejected: Solution;
}

/** Every right solution against every wrong one, where both have at most `longest` tokens. */
export const pairsOf = (problems: readonly Problem[], longest: number): SolutionPair[] =>
  problems.flatMap(({ question, solutions }) => {
    const fitting = solutions.filter(({ tokens }) => tokens <= longest);
    return fitting
      .filter(({ right }) => right)
      .flatMap(chosen => fitting.filter(({ right }) => !right).map(rejected => ({ question, chosen, rejected })));
  });

/** By question; which side a question falls on depends on its text alone. */
export function split(pairs: readonly SolutionPair[], share: number) {
  const held = heldOutPrompts(
    pairs.map(({ question }) => question),
    share,
  );
  return {
    train: pairs.filter(({ question }) => !held.has(question)),
    heldOut: pairs.filter(({ question }) => held.has(question)),
  };
}

/** The generator that is wrong more often wrote the right solution. */
export const contradicts = ({ chosen, rejected }: SolutionPair): boolean => chosen.generator < rejected.generator;

/**
 * As many pairs in which a generator beats another as in which it loses to that one, so that who wrote a solution says nothing.
 * Of the larger side the pairs are taken at even distances.
 */
export function balanced(pairs: readonly SolutionPair[]): SolutionPair[] {
  const sides = new Map<string, { readonly against: SolutionPair[]; readonly along: SolutionPair[] }>();
  for (const pair of pairs) {
    const who = [pair.chosen.generator, pair.rejected.generator].sort().join();
    const side = sides.get(who) ?? { against: [], along: [] };
    sides.set(who, side);
    (contradicts(pair) ? side.against : side.along).push(pair);
  }
  return [...sides.values()].flatMap(({ against, along }) => {
    const count = Math.min(against.length, along.length);
    return [...spread(against, count), ...spread(along, count)];
  });
}

const spread = <T>(items: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]!);

interface Accuracy extends Interval {
  /** Pairs. `n` counts the questions. */
  readonly pairs: number;
}

/** Share of the pairs that `right` gives 1 for (½ for undecided), with a 95 % interval by drawing whole questions. */
function accuracyByQuestion(pairs: readonly SolutionPair[], right: (pair: SolutionPair) => number): Accuracy {
  const questions = [...new Set(pairs.map(({ question }) => question))];
  const place = new Map(questions.map((question, index) => [question, index]));
  const [sums, counts] = [new Float64Array(questions.length), new Float64Array(questions.length)];
  for (const pair of pairs) {
    sums[place.get(pair.question)!]! += right(pair);
    counts[place.get(pair.question)!]! += 1;
  }
  const [interval] = bootstrapWeights(questions.length, weights => {
    const total = (values: Float64Array) => values.reduce((all, value, index) => all + weights[index]! * value, 0);
    return [total(sums) / total(counts)];
  });
  return { ...interval!, pairs: pairs.length };
}

export const longerWins = ({ chosen, rejected }: SolutionPair): number =>
  chosen.tokens === rejected.tokens ? 0.5 : Number(chosen.tokens > rejected.tokens);
export const betterGeneratorWins = (pair: SolutionPair): number => Number(!contradicts(pair));

/** Rows of a Markdown table: a reward model and two rules, on all pairs, on those against the generator, on those against the length. */
export function figuresOf(heldOut: readonly SolutionPair[], rewardWins: (pair: SolutionPair) => number) {
  const sets = {
    all: heldOut,
    'the worse generator is right': heldOut.filter(contradicts),
    'the shorter one is right': heldOut.filter(pair => longerWins(pair) === 0),
  };
  const rules = { 'reward model': rewardWins, 'longer wins': longerWins, 'better generator wins': betterGeneratorWins };
  return Object.entries(sets).flatMap(([set, pairs]) =>
    Object.entries(rules).map(([rule, wins]) => ({ set, rule, accuracy: accuracyByQuestion(pairs, wins) })),
  );
}
