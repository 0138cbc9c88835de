/** What the judgements say about those who made them: agreement with others, consistency on repeats, biases. */
import { alphaInterval, rawAgreement } from '../statistics/agreement.ts';
import { type BootstrapOptions, bootstrapWeights } from '../statistics/bootstrap.ts';
import type { Interval } from '../statistics/intervals.ts';
import { type Comparison, comparisonsOf } from './comparisons.ts';
import type { ItemsById, JudgementRecord } from './judgement.ts';
import { adjudicator } from './recordTable.ts';

/** Who judged: a judge that is no person is told from the person in whose name it ran. */
export const annotatorOf = ({
  author,
  judge,
  adjudicates,
}: Pick<JudgementRecord, 'author' | 'judge' | 'adjudicates'>): string =>
  adjudicates ? `${author} (${adjudicator})` : judge === undefined ? author : `${author} (${judge})`;

export interface Agreement {
  /** Pairs of answers that two or more annotators compared. */
  readonly units: number;
  /** Share of pairs of judgements that say the same of two answers, ties included. NaN where there are none. */
  readonly raw: number;
  /** Krippendorff's α over worse, tied, better as ordinal values. */
  readonly alpha: Interval;
}

/**
 * Agreement on rankings: each two answers of an item are one unit with the values 0, ½, 1 of all annotators. Each unit
 * counts both ways round, so that α does not depend on which answer is called the first. Items are drawn together.
 */
export function agreement(comparisons: Iterable<Comparison>, options: BootstrapOptions = {}): Agreement {
  const units = new Map<string, { item: string; values: number[] }>();
  for (const { item, first, second, outcome } of comparisons) {
    const key = `${item.id}\n${first.id}\n${second.id}`;
    const unit = units.get(key);
    if (unit) unit.values.push(outcome);
    else units.set(key, { item: item.id, values: [outcome] });
  }
  const shared = [...units.values()].filter(({ values }) => values.length > 1);
  const turned = shared.map(({ item, values }) => ({ item, values: values.map(value => 1 - value) }));
  const both = [...shared, ...turned];
  return {
    units: shared.length,
    raw: rawAgreement(shared.map(({ values }) => values)),
    alpha: alphaInterval(
      both.map(({ values }) => values),
      'ordinal',
      { ...options, clusters: both.map(({ item }) => item) },
    ),
  };
}

export interface AnnotatorFigures {
  readonly annotator: string;
  readonly judgements: number;
  readonly skipped: number;
  /** Of pairs that were decided (of a judge, of its answers in each order): how often what was shown earlier won. ½ is none. */
  readonly firstShownWins: Interval;
  /** Of decided pairs with unequal lengths: how often the longer answer won. */
  readonly longerWins: Interval;
  /** Of pairs judged twice by this annotator: how often both times alike. */
  readonly consistency: Interval;
}

/** One line an annotator, most judgements first. `repeats` are earlier judgements that a later one stands for without replacing it. */
export function annotatorFigures(
  judgements: readonly JudgementRecord[],
  repeats: readonly (readonly [before: JudgementRecord, after: JudgementRecord])[],
  itemById: ItemsById,
  options: BootstrapOptions = {},
): AnnotatorFigures[] {
  const byAnnotator = Map.groupBy(judgements, annotatorOf);
  return [...byAnnotator]
    .map(([annotator, own]): AnnotatorFigures => {
      const comparisons = [...comparisonsOf(own, itemById)];
      const twice = repeats.filter(([before]) => annotatorOf(before) === annotator);
      return {
        annotator,
        judgements: own.length,
        skipped: own.filter(({ verdict }) => verdict === 'skipped').length,
        firstShownWins: share(comparisons.flatMap(firstShownWon), options),
        longerWins: longerWins(comparisons, options),
        consistency: share(
          twice.flatMap(pair => sameTwice(pair, itemById)),
          options,
        ),
      };
    })
    .sort((a, b) => b.judgements - a.judgements || (a.annotator < b.annotator ? -1 : 1));
}

/** Of decided pairs with unequal lengths: how often the longer answer won. */
export const longerWins = (comparisons: readonly Comparison[], options: BootstrapOptions = {}): Interval =>
  share(comparisons.flatMap(longerWon), options);

interface Vote {
  readonly item: string;
  readonly yes: boolean;
}

function firstShownWon({ judgement, item, first, second, outcome, asked }: Comparison): Vote[] {
  // A judge is asked in both orders: each of its answers is a vote of its own.
  if (asked)
    return asked.verdicts.flatMap(said => (said === 'A' || said === 'B' ? [{ item: item.id, yes: said === 'A' }] : []));
  const [a, b] = [judgement.shown.indexOf(first.id), judgement.shown.indexOf(second.id)];
  if (a < 0 || b < 0 || outcome === 0.5) return [];
  return [{ item: item.id, yes: a < b === (outcome === 1) }];
}

function longerWon({ item, first, second, outcome }: Comparison): Vote[] {
  const [a, b] = [first.text.length, second.text.length];
  if (a === b || outcome === 0.5) return [];
  return [{ item: item.id, yes: a > b === (outcome === 1) }];
}

function sameTwice([before, after]: readonly [JudgementRecord, JudgementRecord], itemById: ItemsById): Vote[] {
  const key = ({ first, second }: Comparison) => `${first.id}\n${second.id}`;
  const earlier = new Map([...comparisonsOf([before], itemById)].map(one => [key(one), one.outcome]));
  return [...comparisonsOf([after], itemById)].flatMap(one => {
    const outcome = earlier.get(key(one));
    return outcome === undefined ? [] : [{ item: one.item.id, yes: outcome === one.outcome }];
  });
}

/** A share with an interval over items; `n` counts the votes. */
function share(votes: readonly Vote[], options: BootstrapOptions): Interval {
  const items = [...Map.groupBy(votes, ({ item }) => item).values()];
  const yes = items.map(list => list.filter(vote => vote.yes).length);
  const [interval] = bootstrapWeights(
    items.length,
    weights => {
      let won = 0;
      let all = 0;
      for (const [i, list] of items.entries()) {
        won += weights[i]! * yes[i]!;
        all += weights[i]! * list.length;
      }
      return [won / all];
    },
    options,
  );
  return { ...interval!, n: votes.length };
}
