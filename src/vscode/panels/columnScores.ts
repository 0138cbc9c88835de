/** What the heads of the matrix say: how many of a column's answers are right, and how that differs from its baseline. */
import { wilson } from '../../core/statistics/intervals.ts';
import { comparePaired } from '../../core/statistics/mcnemar.ts';
import type { Cell, Column } from '../../protocol/playground.ts';

type Scores = Pick<Column, 'score' | 'failed' | 'paired'>;
type Place = Pick<Column, 'id' | 'model' | 'variant'>;

interface Tally {
  right: number;
  n: number;
  failed: number;
  /** Right or wrong by `row|repeat`. */
  readonly graded: Map<string, boolean>;
}

/** Scores of each column in one walk over the cells. Only finished and graded answers count. */
export function columnScores(cells: Iterable<Cell>, columns: readonly Place[]): Map<string, Scores> {
  const tallies = new Map<string, Tally>(
    columns.map(({ id }) => [id, { right: 0, n: 0, failed: 0, graded: new Map<string, boolean>() }]),
  );
  for (const { column, row, repeat, status, right } of cells) {
    const tally = tallies.get(column);
    if (!tally) continue;
    if (status === 'failed') tally.failed++;
    if (status !== 'done' || right === null) continue;
    tally.n++;
    if (right) tally.right++;
    tally.graded.set(`${row}|${repeat}`, right);
  }
  return new Map(
    columns.map(column => {
      const { right, n, failed, graded } = tallies.get(column.id)!;
      const baseline = baselineOf(column, columns);
      const before = baseline && tallies.get(baseline.id)?.graded;
      return [
        column.id,
        {
          score: n === 0 ? null : { right, ...wilson(right, n) },
          failed,
          paired: before && before.size > 0 && n > 0 ? paired(before, graded) : null,
        },
      ];
    }),
  );
}

/** A variant is compared with the first variant on the same model; models with the first model. */
function baselineOf(column: Place, columns: readonly Place[]): Place | undefined {
  const baseline =
    column.variant > 0
      ? columns.find(({ model, variant }) => model === column.model && variant === 0)
      : columns.find(({ variant }) => variant === 0);
  return baseline?.id === column.id ? undefined : baseline;
}

function paired(before: ReadonlyMap<string, boolean>, after: ReadonlyMap<string, boolean>): Scores['paired'] {
  const keys = [...before.keys()].filter(key => after.has(key));
  const { n, gained, lost, difference, midP } = comparePaired(
    keys.map(key => before.get(key)),
    keys.map(key => after.get(key)),
  );
  if (n === 0) return null;
  const { estimate, low, high } = difference;
  return { n, gained, lost, estimate, low, high, midP };
}
