/** What a judge's judgements are worth: agreement with people and its ceiling, chance, flips, biases of place and length. */
import { kappaOfCounts } from '../statistics/agreement.ts';
import { type BootstrapOptions, bootstrapWeights } from '../statistics/bootstrap.ts';
import type { Interval } from '../statistics/intervals.ts';
import { type Comparison, comparisonsOf } from './comparisons.ts';
import type { JournalState } from './journalState.ts';
import type { JudgedBy, JudgementRecord } from './judgement.ts';
import { isFlip, pairOutcome } from './judgeVerdict.ts';

/** Fewer items judged by both say nothing of a judge. */
export const fewestShared = 20;
/** Of two lengths that count as equal: the difference, as a share of the longer. */
const matchedWithin = 0.1;
/** Share of flips from which on they are a caution. */
const manyFlips = 0.2;
const manyUnreadable = 0.1;

/**
 * In this order: too few shared items; no better than chance (the interval of κ reaches 0); less than people agree with each other;
 * not told from people; better than chance, where no two people judged enough of the same.
 */
export type JudgeStanding = 'too-few' | 'chance' | 'below-people' | 'like-people' | 'above-chance';

export type JudgeCaution = 'flips' | 'position' | 'longer' | 'shorter' | 'unreadable' | 'rubrics';

export interface JudgeReport {
  /** The name that it signs with. */
  readonly judge: string;
  /** What it was, where its judgements say so. */
  readonly judgedBy?: JudgedBy | undefined;
  /** In whose name it ran. */
  readonly authors: readonly string[];
  /** Versions of the guidelines that it was shown, with how many items. */
  readonly rubrics: readonly { readonly version: string; readonly items: number }[];
  readonly items: number;
  /** Pairs of answers that it was asked about in both orders. */
  readonly pairs: number;
  readonly ties: number;
  readonly unreadable: number;
  /** Of pairs with two readable verdicts: how often they said different things. */
  readonly flips: Interval;
  /** Of its verdicts in each order that name an answer: how often the one that stood first. ½ is no bias. */
  readonly firstWins: Interval;
  /** Of pairs that it decided: how often the longer answer won. */
  readonly longerWins: Interval;
  /** What people judged too. Votes are pairs of answers, once for each person. */
  readonly shared: {
    readonly items: number;
    readonly people: number;
    /** Share of votes that say the same as the judge, ties included. */
    readonly agreement: Interval;
    /** Cohen's κ over better, tied, worse; each pair counts both ways round. */
    readonly kappa: Interval;
    /** Of votes where neither was a tie. */
    readonly decided: Interval;
    /** Of votes on answers of about equal length. */
    readonly matched: Interval;
    /** How often the longer answer won, of the same pairs: by the judge, by people, and the difference. */
    readonly longerByJudge: Interval;
    readonly longerByPeople: Interval;
    readonly longerDifference: Interval;
  };
  /** Pairs that several people judged: the ceiling. */
  readonly ceiling: {
    readonly items: number;
    /** Share of pairs of people that say the same. */
    readonly agreement: Interval;
    readonly kappa: Interval;
    /** The judge's agreement with people on these pairs, less theirs. */
    readonly difference: Interval;
    /** The judge's agreement where all of several people said the same. */
    readonly unanimous: Interval;
  };
  readonly standing: JudgeStanding;
  readonly cautions: readonly JudgeCaution[];
}

export interface JudgeReportOptions extends BootstrapOptions {
  readonly set?: string | undefined;
  /** Only judges for whose name this is true. */
  readonly only?: ((judge: string) => boolean) | undefined;
}

/** One report a judge, most items first. Intervals are bootstrap intervals over items. */
export function judgeReports(state: JournalState, { set, only, ...bootstrap }: JudgeReportOptions = {}): JudgeReport[] {
  const inSet = (item: string): boolean => set === undefined || state.itemById.get(item)?.set === set;
  /** By judge and item the latest: several people may have run the same judge. */
  const judges = new Map<string, Map<string, JudgementRecord>>();
  for (const judgement of state.eachJudgement()) {
    const { judge, item } = judgement;
    if (judge === undefined || (only && !only(judge)) || !inSet(item)) continue;
    const own = judges.get(judge) ?? new Map<string, JudgementRecord>();
    judges.set(judge, own.set(item, judgement));
  }
  if (judges.size === 0) return [];
  const people = new Map<string, JudgementRecord[]>();
  for (const judgement of state.eachJudgement()) {
    if (judgement.judge !== undefined) continue;
    if (![...judges.values()].some(own => own.has(judgement.item))) continue;
    const known = people.get(judgement.item);
    if (known) known.push(judgement);
    else people.set(judgement.item, [judgement]);
  }
  return [...judges]
    .map(([judge, own]) => reportOf(judge, own, people, state, bootstrap))
    .sort((a, b) => b.items - a.items || (a.judge < b.judge ? -1 : 1));
}

function reportOf(
  judge: string,
  own: ReadonlyMap<string, JudgementRecord>,
  people: ReadonlyMap<string, readonly JudgementRecord[]>,
  { itemById }: JournalState,
  bootstrap: BootstrapOptions,
): JudgeReport {
  const alone: Sums[] = [];
  const shared: Sums[] = [];
  const names = new Set<string>();
  let [pairs, ties, unreadable] = [0, 0, 0];
  for (const [id, judgement] of own) {
    const comparisons = [...comparisonsOf([judgement], itemById)];
    for (const pair of judgement.pairs ?? []) {
      pairs++;
      if (pairOutcome(pair) === undefined) unreadable++;
      else if (pairOutcome(pair) === 0.5) ties++;
    }
    alone.push(sumsAlone(judgement, comparisons));
    const votes = votesOf([...comparisonsOf(people.get(id) ?? [], itemById)]);
    const sums = comparisons.length === 0 ? undefined : sumsShared(comparisons, votes);
    if (!sums) continue;
    shared.push(sums);
    for (const { author, verdict } of people.get(id) ?? []) if (verdict !== 'skipped') names.add(author);
  }
  const [flips, firstWins, longerWins] = figures(alone, ['flips', 'firstWins', 'longerWins'], bootstrap);
  const [agreement, decided, matched, longerByJudge, longerByPeople, ceilingRaw, unanimous] = figures(
    shared,
    ['agreement', 'decided', 'matched', 'longerByJudge', 'longerByPeople', 'ceiling', 'unanimous'],
    bootstrap,
  );
  const [kappa, ceilingKappa, longerDifference, difference] = composed(shared, bootstrap);
  const several = shared.filter(({ ceiling }) => ceiling !== undefined).length;
  const report = {
    judge,
    judgedBy: [...own.values()].findLast(({ judgedBy }) => judgedBy)?.judgedBy,
    authors: [...new Set([...own.values()].map(({ author }) => author))].sort(),
    rubrics: rubricsOf(own.values()),
    items: own.size,
    pairs,
    ties,
    unreadable,
    flips: flips!,
    firstWins: firstWins!,
    longerWins: longerWins!,
    shared: {
      items: shared.length,
      people: names.size,
      agreement: agreement!,
      kappa: { ...kappa!, n: agreement!.n },
      decided: decided!,
      matched: matched!,
      longerByJudge: longerByJudge!,
      longerByPeople: longerByPeople!,
      longerDifference: { ...longerDifference!, n: longerByJudge!.n },
    },
    ceiling: {
      items: several,
      agreement: ceilingRaw!,
      kappa: { ...ceilingKappa!, n: ceilingRaw!.n },
      difference: { ...difference!, n: ceilingRaw!.n },
      unanimous: unanimous!,
    },
  };
  return { ...report, standing: standingOf(report), cautions: cautionsOf(report) };
}

type Figures = Omit<JudgeReport, 'standing' | 'cautions'>;

function standingOf({ shared, ceiling }: Figures): JudgeStanding {
  if (shared.items < fewestShared) return 'too-few';
  if (!(shared.kappa.low > 0)) return 'chance';
  if (ceiling.items < fewestShared) return 'above-chance';
  return ceiling.difference.high < 0 ? 'below-people' : 'like-people';
}

function cautionsOf({ flips, firstWins, shared, pairs, unreadable, rubrics }: Figures): JudgeCaution[] {
  const cautions: JudgeCaution[] = [];
  if (flips.estimate > manyFlips) cautions.push('flips');
  if (firstWins.n > 0 && (firstWins.low > 0.5 || firstWins.high < 0.5)) cautions.push('position');
  if (shared.longerDifference.low > 0) cautions.push('longer');
  if (shared.longerDifference.high < 0) cautions.push('shorter');
  if (pairs > 0 && unreadable / pairs > manyUnreadable) cautions.push('unreadable');
  if (rubrics.length > 1) cautions.push('rubrics');
  return cautions;
}

function rubricsOf(judgements: Iterable<JudgementRecord>): JudgeReport['rubrics'] {
  const counts = new Map<string, number>();
  for (const { guidelines = '' } of judgements) counts.set(guidelines, (counts.get(guidelines) ?? 0) + 1);
  if (counts.size === 1 && counts.has('')) return [];
  return [...counts].map(([version, items]) => ({ version, items })).sort((a, b) => b.items - a.items);
}

/** How many of how many. */
type Share = readonly [yes: number, of: number];
type Outcome = Comparison['outcome'];

/** What one item adds to the figures. */
interface Sums {
  readonly [name: string]: Share | Counts | undefined;
  /** Judge (rows) against people (columns), over worse, tied, better. */
  readonly table?: Counts;
  /** People against each other. */
  readonly peopleTable?: Counts;
}
/** A three by three table by rows. */
type Counts = readonly number[];

function sumsAlone(judgement: JudgementRecord, comparisons: readonly Comparison[]): Sums {
  const asked = (judgement.pairs ?? []).filter(pair => pairOutcome(pair) !== undefined);
  const letters = (judgement.pairs ?? [])
    .flatMap(({ verdicts }) => verdicts)
    .filter(said => said === 'A' || said === 'B');
  return {
    flips: [asked.filter(isFlip).length, asked.length],
    firstWins: [letters.filter(said => said === 'A').length, letters.length],
    longerWins: shareOf(comparisons.flatMap(one => longerWon(one, [one.outcome]))),
  };
}

/** By pair of answers what each person said. */
function votesOf(comparisons: readonly Comparison[]): Map<string, Outcome[]> {
  const votes = new Map<string, Outcome[]>();
  for (const one of comparisons) {
    const known = votes.get(keyOf(one));
    if (known) known.push(one.outcome);
    else votes.set(keyOf(one), [one.outcome]);
  }
  return votes;
}

const keyOf = ({ first, second }: Comparison): string => `${first.id}\n${second.id}`;

/** Undefined where people judged none of the item's pairs. */
function sumsShared(
  comparisons: readonly Comparison[],
  votes: ReadonlyMap<string, readonly Outcome[]>,
): Sums | undefined {
  const both = comparisons.flatMap(one => {
    const said = votes.get(keyOf(one));
    return said ? [{ one, said }] : [];
  });
  if (both.length === 0) return undefined;
  const several = both.filter(({ said }) => said.length > 1);
  const agree = (list: typeof both): Share =>
    shareOf(list.flatMap(({ one, said }) => said.map(vote => vote === one.outcome)));
  const peers = several.flatMap(({ said }) =>
    said.flatMap((vote, i) => said.slice(i + 1).map(other => [vote, other] as const)),
  );
  return {
    agreement: agree(both),
    decided: shareOf(
      both.flatMap(({ one, said }) =>
        one.outcome === 0.5 ? [] : said.filter(vote => vote !== 0.5).map(vote => vote === one.outcome),
      ),
    ),
    matched: agree(both.filter(({ one }) => isMatched(one))),
    longerByJudge: shareOf(both.flatMap(({ one }) => longerWon(one, [one.outcome]))),
    longerByPeople: shareOf(both.flatMap(({ one, said }) => longerWon(one, said))),
    table: tableOf(both.flatMap(({ one, said }) => said.map(vote => [one.outcome, vote] as const))),
    ...(several.length > 0 && {
      ceiling: shareOf(peers.map(([a, b]) => a === b)),
      onCeiling: agree(several),
      unanimous: agree(several.filter(({ said }) => said.every(vote => vote === said[0]))),
      peopleTable: tableOf(peers.flatMap(([a, b]) => [[a, b] as const, [b, a] as const])),
    }),
  };
}

const shareOf = (votes: readonly boolean[]): Share => [votes.filter(Boolean).length, votes.length];

function longerWon({ first, second }: Comparison, outcomes: readonly Outcome[]): boolean[] {
  const [a, b] = [first.text.length, second.text.length];
  if (a === b) return [];
  return outcomes.filter(outcome => outcome !== 0.5).map(outcome => a > b === (outcome === 1));
}

function isMatched({ first, second }: Comparison): boolean {
  const [a, b] = [first.text.length, second.text.length];
  return Math.abs(a - b) <= matchedWithin * Math.max(a, b);
}

/** Each pair of values, and the same with the two answers the other way round: which is called the first says nothing. */
function tableOf(values: readonly (readonly [Outcome, Outcome])[]): Counts {
  const counts = new Array<number>(9).fill(0);
  for (const [a, b] of values) {
    counts[2 * a * 3 + 2 * b]!++;
    counts[2 * (1 - a) * 3 + 2 * (1 - b)]!++;
  }
  return counts;
}

/** Shares with their intervals; `n` counts votes. */
function figures(items: readonly Sums[], names: readonly string[], bootstrap: BootstrapOptions): Interval[] {
  const columns = names.map(name => items.map(sums => (sums[name] as Share | undefined) ?? ([0, 0] as const)));
  const totals = (weights: ArrayLike<number>, column: readonly Share[]): Share => {
    let [yes, of] = [0, 0];
    for (const [i, share] of column.entries()) {
      yes += weights[i]! * share[0];
      of += weights[i]! * share[1];
    }
    return [yes, of];
  };
  const intervals = bootstrapWeights(
    items.length,
    weights =>
      columns.map(column => {
        const [yes, of] = totals(weights, column);
        return yes / of;
      }),
    bootstrap,
  );
  const ones = new Float64Array(items.length).fill(1);
  return intervals.map((interval, i) => ({ ...interval, n: totals(ones, columns[i]!)[1] }));
}

/** κ of judge and people, κ of people, the difference in how often the longer wins, and agreement less the ceiling. */
function composed(items: readonly Sums[], bootstrap: BootstrapOptions): Interval[] {
  const table = (weights: Float64Array, name: 'table' | 'peopleTable'): number[] => {
    const sums = new Array<number>(9).fill(0);
    for (const [i, item] of items.entries())
      for (const [at, count] of item[name]?.entries() ?? []) sums[at]! += weights[i]! * count;
    return sums;
  };
  const share = (weights: Float64Array, name: string): number => {
    let [yes, of] = [0, 0];
    for (const [i, item] of items.entries()) {
      const [some, all] = (item[name] as Share | undefined) ?? [0, 0];
      yes += weights[i]! * some;
      of += weights[i]! * all;
    }
    return yes / of;
  };
  return bootstrapWeights(
    items.length,
    weights => [
      kappaOfCounts(table(weights, 'table'), 3),
      kappaOfCounts(table(weights, 'peopleTable'), 3),
      share(weights, 'longerByJudge') - share(weights, 'longerByPeople'),
      share(weights, 'onCeiling') - share(weights, 'ceiling'),
    ],
    bootstrap,
  );
}
