/**
 * What instruction tuning did, on prompts that were held out of the tasks it learned from and, apart from them, on whole tasks
 * that it never saw: greedy answers before and after against the references, with intervals.
 */
import * as v from 'valibot';
import { sameAnswer } from '../evaluation/answers.ts';
import { rougeL } from '../evaluation/rouge.ts';
import { bootstrapWeights } from '../statistics/bootstrap.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import { comparePaired } from '../statistics/mcnemar.ts';

const number = v.pipe(v.number(), v.finite());
const IntervalSchema = v.object({ estimate: number, low: number, high: number, n: number });
const BeforeAfterSchema = v.object({ before: IntervalSchema, after: IntervalSchema });

const GroupSchema = v.object({
  tasks: v.array(v.string()),
  /** Share of the answers that equal a reference, but for letter case, spaces and a closing stop. Wilson's interval over rows. */
  exactMatch: BeforeAfterSchema,
  /** Mean ROUGE-L (F1) against the nearest reference. Bootstrap interval over rows. */
  rougeL: BeforeAfterSchema,
  /** McNemar's exact test of exact match, after against before. */
  p: number,
});

export const SftReportSchema = v.object({
  /** Held-out prompts of the tasks that were learned. */
  seen: v.optional(GroupSchema),
  /** Tasks that were held out whole. */
  unseen: v.optional(GroupSchema),
  /** Each task by itself: shares, of so many rows. */
  tasks: v.array(
    v.object({
      task: v.string(),
      unseen: v.boolean(),
      rows: number,
      exactBefore: number,
      exactAfter: number,
      rougeBefore: number,
      rougeAfter: number,
    }),
  ),
});
export type SftReport = v.InferOutput<typeof SftReportSchema>;
export type SftGroup = v.InferOutput<typeof GroupSchema>;

/** A held-out row, answered greedily by the base and by the tuned model. */
export interface AnsweredRow {
  /** Empty where the data names none. */
  readonly task: string;
  readonly unseen: boolean;
  readonly references: readonly string[];
  readonly before: string;
  readonly after: string;
}

/** Undefined of no rows. */
export function sftReport(answered: readonly AnsweredRow[]): SftReport | undefined {
  if (answered.length === 0) return undefined;
  const rows = answered.map(row => ({
    task: row.task,
    unseen: row.unseen,
    exact: [exact(row.before, row.references), exact(row.after, row.references)] as const,
    rouge: [rouge(row.before, row.references), rouge(row.after, row.references)] as const,
  }));
  const names = [...new Set(rows.map(({ task }) => task))].sort();
  const seen = group(rows.filter(row => !row.unseen));
  const unseen = group(rows.filter(row => row.unseen));
  return {
    ...(seen ? { seen } : {}),
    ...(unseen ? { unseen } : {}),
    tasks: names.map(task => {
      const own = rows.filter(row => row.task === task);
      const share = (of: (row: Graded) => number) => own.reduce((sum, row) => sum + of(row), 0) / own.length;
      return {
        task,
        unseen: own[0]!.unseen,
        rows: own.length,
        exactBefore: share(({ exact: [before] }) => Number(before)),
        exactAfter: share(({ exact: [, after] }) => Number(after)),
        rougeBefore: share(({ rouge: [before] }) => before),
        rougeAfter: share(({ rouge: [, after] }) => after),
      };
    }),
  };
}

interface Graded {
  readonly task: string;
  readonly unseen: boolean;
  readonly exact: readonly [boolean, boolean];
  readonly rouge: readonly [number, number];
}

function group(rows: readonly Graded[]): SftGroup | undefined {
  if (rows.length === 0) return undefined;
  const share = (side: 0 | 1): Interval => wilson(rows.filter(({ exact }) => exact[side]).length, rows.length);
  const [before, after] = bootstrapWeights(rows.length, weights => [
    weighted(rows, weights, 0),
    weighted(rows, weights, 1),
  ]);
  const { exactP } = comparePaired(
    rows.map(({ exact }) => exact[0]),
    rows.map(({ exact }) => exact[1]),
  );
  return {
    tasks: [...new Set(rows.map(({ task }) => task))].sort(),
    exactMatch: { before: share(0), after: share(1) },
    rougeL: { before: before!, after: after! },
    p: exactP,
  };
}

const weighted = (rows: readonly Graded[], weights: Float64Array, side: 0 | 1): number =>
  rows.reduce((sum, { rouge: values }, index) => sum + weights[index]! * values[side], 0) / rows.length;

const exact = (answer: string, references: readonly string[]): boolean =>
  references.some(reference => sameAnswer(answer, reference));

const rouge = (answer: string, references: readonly string[]): number =>
  Math.max(0, ...references.map(reference => rougeL(answer, reference).f1));
