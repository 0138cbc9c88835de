/** What the heads of the matrix say: how many of a column's answers are right, and how that differs from its baseline. */
import { holm } from '../../core/evaluation/experiment.ts';
import { wilson } from '../../core/statistics/intervals.ts';
import { comparePaired } from '../../core/statistics/mcnemar.ts';
import type { Cell, Column } from '../../protocol/playgroundCells.ts';

type Scores = Pick<Column, 'score' | 'failed' | 'paired'>;
/** Without a baseline of its own choice it is the first variant. */
type Place = Pick<Column, 'id' | 'model' | 'variant'> & Partial<Pick<Column, 'baseline'>>;

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
  for (const { column, row, repeat, status, right, earlier } of cells) {
    const tally = tallies.get(column);
    if (!tally || earlier) continue;
    if (status === 'failed') tally.failed++;
    if (status !== 'done' || right === null) continue;
    tally.n++;
    if (right) tally.right++;
    tally.graded.set(`${row}|${repeat}`, right);
  }
  const scores = new Map(
    columns.map((column): [string, Scores] => {
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
  return corrected(scores);
}

/** Many columns find a small p by chance: Holm's correction, as `tunesmith compare` does. */
function corrected(scores: Map<string, Scores>): Map<string, Scores> {
  const compared = [...scores].flatMap(([id, { paired }]) => (paired ? [{ id, paired }] : []));
  const adjusted = holm(compared.map(({ paired }) => paired.midP));
  compared.forEach(({ id, paired }, i) => {
    const pair = { ...paired, adjustedP: adjusted[i]!, comparisons: compared.length };
    scores.set(id, { ...scores.get(id)!, paired: pair });
  });
  return scores;
}

/** A variant is compared with the baseline variant on the same model (or the first of it); models with the first model. */
function baselineOf(column: Place, columns: readonly Place[]): Place | undefined {
  const chosen = columns.filter(({ baseline }) => baseline);
  const baselines = chosen.length > 0 ? chosen : columns.filter(({ variant }) => variant === 0);
  if (baselines.some(({ id }) => id === column.id)) return baselines[0]?.id === column.id ? undefined : baselines[0];
  return baselines.find(({ model }) => model === column.model) ?? baselines[0];
}

function paired(before: ReadonlyMap<string, boolean>, after: ReadonlyMap<string, boolean>): Scores['paired'] {
  const keys = [...before.keys()].filter(key => after.has(key));
  const { n, gained, lost, difference, midP } = comparePaired(
    keys.map(key => before.get(key)),
    keys.map(key => after.get(key)),
  );
  if (n === 0) return null;
  const { estimate, low, high } = difference;
  return { n, gained, lost, estimate, low, high, midP, adjustedP: midP, comparisons: 1 };
}
