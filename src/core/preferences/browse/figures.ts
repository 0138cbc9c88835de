/** What the charts of the data view show: the figures of `tunesmith prefs stats` and `leaderboard`, and what they are drawn from. */
import { cohenKappa, rawAgreement } from '../../statistics/agreement.ts';
import type { BootstrapOptions } from '../../statistics/bootstrap.ts';
import type { Interval } from '../../statistics/intervals.ts';
import {
  type Agreement,
  type AnnotatorFigures,
  agreement,
  annotatorFigures,
  annotatorOf,
  longerWins,
} from '../annotators.ts';
import { type Comparison, comparisonsOf } from '../comparisons.ts';
import type { JournalState } from '../journalState.ts';
import type { JudgementRecord } from '../judgement.ts';
import { type Leaderboard, leaderboard } from '../leaderboard.ts';
import { pairsOf } from '../pairs.ts';
import type { Split } from '../splits.ts';
import type { DataFilter } from './dataFilter.ts';
import { newestFirst, Selection } from './selection.ts';

export interface Figures {
  /** Judgements that pass the filter, and of how many of them all but the timeline was computed. */
  readonly judgements: number;
  readonly used: number;
  readonly timeline: Timeline;
  readonly lengths: Lengths;
  readonly agreement: Agreement;
  readonly between: Between;
  /** At most `mostAnnotators`. */
  readonly annotators: readonly AnnotatorFigures[];
  readonly board: Leaderboard;
  /** Ratings of answers of equal length. */
  readonly boardOfEqualLength: Leaderboard;
}

/** Judgements by annotator over time. */
export interface Timeline {
  readonly unit: 'hour' | 'day' | 'week' | 'month';
  /** Start of each stretch, milliseconds since 1970. */
  readonly starts: readonly number[];
  /** Those with the most judgements; all others are one without a name. */
  readonly series: readonly { readonly annotator: string | null; readonly counts: readonly number[] }[];
}

/** Lengths of the answers of preference pairs, characters. */
export interface Lengths {
  /** One more than there are bins; a bin does not hold its end, the last one does. */
  readonly edges: readonly number[];
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  readonly medianChosen: number;
  readonly medianRejected: number;
  readonly longerWins: Interval;
}

/** Each two annotators: how often they said the same of two answers that both compared. */
export interface Between {
  readonly annotators: readonly string[];
  /** Row by row; null where two never compared the same answers, and on the diagonal. */
  readonly cells: readonly (readonly (BetweenCell | null)[])[];
}
interface BetweenCell {
  readonly units: number;
  readonly raw: number;
  /** Cohen's κ, each comparison counted both ways round. NaN when chance alone makes them agree. */
  readonly kappa: number;
}

/** More are drawn from by item: their bootstrap would take minutes. */
const mostJudgements = 10_000;
const mostSeries = 6;
const mostAnnotators = 40;
const mostInMatrix = 12;
const bins = 24;

export interface FigureOptions extends BootstrapOptions {
  readonly filter: DataFilter;
  readonly splits: readonly Split[];
  readonly most?: number;
}

export function figures(state: JournalState, options: FigureOptions): Figures {
  const selection = new Selection(state, { filter: options.filter, sort: newestFirst, splits: options.splits });
  for (const _ of selection.run()) {
    // All of it.
  }
  const { table, judgedRows } = state;
  const share = Math.min(1, (options.most ?? mostJudgements) / selection.judgements);
  const all: number[] = [];
  const drawn: number[] = [];
  for (const place of selection.places) {
    const rows = selection.matching(place) ?? [];
    // By the id's hash, so that the same items are drawn each time.
    const isDrawn = table.columns.idLow[judgedRows.items[place]!]! < share * 2 ** 32;
    for (const row of rows) {
      all.push(row);
      if (isDrawn || share === 1) drawn.push(row);
    }
  }
  // In the order of time, as the command line reads them.
  drawn.sort((a, b) => (table.isBefore(a, b) ? -1 : 1));
  const judgements = drawn.map(row => state.record(row)).filter(record => record?.type === 'judgement');
  const comparisons = [...comparisonsOf(judgements, state.itemById)];
  const ids = new Set(judgements.map(({ id }) => id));
  const repeats = state.repeats.filter(([, after]) => ids.has(after.id));
  return {
    judgements: all.length,
    used: judgements.length,
    timeline: timelineOf(state, all),
    lengths: lengthsOf(state, judgements, comparisons, options),
    agreement: agreement(comparisons, options),
    between: between(comparisons),
    annotators: annotatorFigures(judgements, repeats, state.itemById, options).slice(0, mostAnnotators),
    board: leaderboard(comparisons, options),
    boardOfEqualLength: leaderboard(comparisons, { ...options, controlLength: true }),
  };
}

const hour = 3_600_000;
const day = 24 * hour;
const mostStretches = 62;

/** Starts of stretches from the first time to the last, in UTC; weeks begin on Monday. */
function stretches(first: number, last: number): Pick<Timeline, 'unit' | 'starts'> {
  const span = last - first;
  const unit =
    span < 2 * day ? 'hour' : span < mostStretches * day ? 'day' : span < 7 * mostStretches * day ? 'week' : 'month';
  const starts: number[] = [];
  if (unit === 'month') {
    const date = new Date(first);
    // Years of clocks that were set wrong are not drawn month by month.
    for (let month = 0; starts.length < 600; month++) {
      const start = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + month);
      if (start > last) break;
      starts.push(start);
    }
  } else {
    const length = unit === 'hour' ? hour : unit === 'day' ? day : 7 * day;
    // 1970 began on a Thursday.
    const origin = unit === 'week' ? 4 * day : 0;
    for (let start = Math.floor((first - origin) / length) * length + origin; start <= last; start += length)
      starts.push(start);
  }
  return { unit, starts };
}

function timelineOf(state: JournalState, rows: readonly number[]): Timeline {
  const { columns, names } = state.table;
  const timed = rows.filter(row => columns.time[row]! > 0);
  if (timed.length === 0) return { unit: 'day', starts: [], series: [] };
  let [first, last] = [Number.POSITIVE_INFINITY, 0];
  const totals = new Map<number, number>();
  for (const row of timed) {
    first = Math.min(first, columns.time[row]!);
    last = Math.max(last, columns.time[row]!);
    totals.set(columns.who[row]!, (totals.get(columns.who[row]!) ?? 0) + 1);
  }
  const { unit, starts } = stretches(first, last);
  const shown = [...totals].sort((a, b) => b[1] - a[1]).map(([who]) => who);
  const named = shown.length > mostSeries ? shown.slice(0, mostSeries - 1) : shown;
  const seriesOf = new Map(named.map((who, i) => [who, i]));
  const counts = Array.from({ length: named.length + Number(shown.length > named.length) }, () => starts.map(() => 0));
  for (const row of timed) {
    const at = lastAtMost(starts, columns.time[row]!);
    counts[seriesOf.get(columns.who[row]!) ?? named.length]![at]!++;
  }
  return {
    unit,
    starts,
    series: counts.map((own, i) => {
      const [author, judge] = names.annotators[named[i] ?? -1] ?? [];
      return { annotator: author === undefined ? null : annotatorOf({ author, judge }), counts: own };
    }),
  };
}

/** Place of the last of the rising values that is at most `value`; 0 where none is. */
function lastAtMost(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lengthsOf(
  state: JournalState,
  judgements: readonly JudgementRecord[],
  comparisons: readonly Comparison[],
  options: BootstrapOptions,
): Lengths {
  const [chosen, rejected]: [number[], number[]] = [[], []];
  for (const judgement of judgements) {
    const item = state.itemById.get(judgement.item);
    for (const pair of item ? pairsOf(judgement, item) : []) {
      chosen.push(pair.chosen.length);
      rejected.push(pair.rejected.length);
    }
  }
  const lowest = Math.max(1, minimum(chosen, minimum(rejected, Number.POSITIVE_INFINITY)));
  const highest = Math.max(lowest + 1, maximum(chosen, maximum(rejected, 0)));
  // Lengths spread over orders of magnitude: equal steps of their logarithm.
  const steps = chosen.length === 0 ? 0 : Math.min(bins, Math.ceil(highest - lowest));
  const edges = Array.from({ length: steps + 1 }, (_, i) => Math.round(lowest * (highest / lowest) ** (i / steps)));
  const distinct = chosen.length === 0 ? [] : [...new Set(edges)];
  const histogram = (lengths: readonly number[]): number[] => {
    const counts = distinct.slice(1).map(() => 0);
    for (const length of lengths) counts[Math.min(counts.length - 1, lastAtMost(distinct, length))]!++;
    return counts;
  };
  return {
    edges: distinct,
    chosen: histogram(chosen),
    rejected: histogram(rejected),
    medianChosen: median(chosen),
    medianRejected: median(rejected),
    longerWins: longerWins(comparisons, options),
  };
}

const minimum = (values: readonly number[], than: number): number =>
  values.reduce((least, value) => Math.min(least, value), than);
const maximum = (values: readonly number[], than: number): number =>
  values.reduce((most, value) => Math.max(most, value), than);

/** NaN for none. */
function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function between(comparisons: readonly Comparison[]): Between {
  const counts = new Map<string, number>();
  const units = new Map<string, Map<string, number>>();
  for (const { judgement, item, first, second, outcome } of comparisons) {
    const who = annotatorOf(judgement);
    counts.set(who, (counts.get(who) ?? 0) + 1);
    const key = `${item.id}\n${first.id}\n${second.id}`;
    const unit = units.get(key);
    if (unit) unit.set(who, outcome);
    else units.set(key, new Map([[who, outcome]]));
  }
  const annotators = [...counts]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, mostInMatrix)
    .map(([who]) => who);
  const shared = [...units.values()].filter(unit => unit.size > 1);
  const cell = (a: string, b: string): BetweenCell | null => {
    const both = shared.flatMap(unit => {
      const [one, other] = [unit.get(a), unit.get(b)];
      return one === undefined || other === undefined ? [] : [[one, other] as const];
    });
    if (a === b || both.length === 0) return null;
    const turned = [...both, ...both.map(([one, other]) => [1 - one, 1 - other] as const)];
    return {
      units: both.length,
      raw: rawAgreement(both),
      kappa: cohenKappa(
        turned.map(([one]) => one),
        turned.map(([, other]) => other),
      ),
    };
  };
  return { annotators, cells: annotators.map(a => annotators.map(b => cell(a, b))) };
}
