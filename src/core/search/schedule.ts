/** How a budget of model calls is spent: proposals, successive halving on the dev rows, and the held-out report. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';

export interface Schedule {
  /** Calls in all, an upper bound that is kept. */
  readonly budget: number;
  /** Calls that one answer takes: two for zero-shot chain of thought. */
  readonly callsPerAnswer: number;
  /** Candidates that are asked for in each generation: from examples in the first, paraphrases of the best in the others. */
  readonly proposals: readonly number[];
  /** Calls for scoring in each generation; what one leaves goes to the next. */
  readonly scoring: readonly number[];
  /** Held-out rows that baseline and winner answer. */
  readonly heldOut: number;
}

/** At most this share of the budget is for the report. */
const heldOutShare = 0.4;
/** One proposal for so many answers' calls: more candidates would be scored on too few rows each to tell them apart. */
const answersPerProposal = 60;
/** Fewer held-out rows can show no difference at the 5 % level: a sign test on five pairs gives p = 0.0625 at best. */
const fewestHeldOut = 6;

interface ScheduleOptions {
  readonly budget: number;
  readonly callsPerAnswer: number;
  readonly dev: number;
  readonly heldOut: number;
  /** Candidates that stand already: the template's own and those that the person gave. */
  readonly given: number;
  /** Whether a model proposes more. */
  readonly proposing: boolean;
}

/** Throws a HumanError that names the least budget. */
export function scheduleOf(options: ScheduleOptions): Schedule {
  const schedule = fitting(options, options.budget);
  if (schedule) return schedule;
  let least = Math.ceil(options.budget / 10) * 10;
  while (!fitting(options, least)) least += 10;
  throw new HumanError(
    l10n.t('A budget of {0} calls is too small for this search. Give it at least {1}.', options.budget, least),
  );
}

function fitting(options: ScheduleOptions, budget: number): Schedule | undefined {
  const { callsPerAnswer, given, proposing } = options;
  const heldOut = Math.min(options.heldOut, Math.floor((budget * heldOutShare) / (2 * callsPerAnswer)));
  const first = clamp(Math.floor(budget / (answersPerProposal * callsPerAnswer)), 4, 32);
  const proposals = proposing ? [first, Math.ceil(first / 2)] : [0];
  const scoring = budget - 2 * heldOut * callsPerAnswer - proposals.reduce((a, b) => a + b);
  const pool = proposals[0]! + given;
  // Every rung of each generation can score every candidate of its pool on one row at least.
  const fewest = proposals.length * rungsOf(pool) * pool * callsPerAnswer;
  if (heldOut < Math.min(fewestHeldOut, options.heldOut) || scoring < fewest) return undefined;
  const share = Math.floor(scoring / proposals.length);
  return {
    budget,
    callsPerAnswer,
    proposals,
    scoring: proposals.map((_, i) => (i === 0 ? scoring - share * (proposals.length - 1) : share)),
    heldOut,
  };
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** Rungs of a halving of `pool` candidates down to one challenger beside the baseline. */
export const rungsOf = (pool: number): number => Math.max(1, Math.ceil(Math.log2(pool)));

/**
 * How many rows of the dev set a rung may bring every candidate of the pool to: the most that `calls` pays for. `seen` says how
 * many of the first rows each has answered already.
 */
export function rowsOfRung(seen: readonly number[], dev: number, calls: number, callsPerAnswer: number): number {
  const cost = (rows: number): number =>
    callsPerAnswer * seen.reduce((sum, known) => sum + Math.max(0, rows - known), 0);
  let rows = 0;
  while (rows < dev && cost(rows + 1) <= calls) rows++;
  return rows;
}

/** Survivors of a rung: the better half of the challengers. */
export const keptOf = (challengers: number): number => Math.max(1, Math.ceil(challengers / 2));
