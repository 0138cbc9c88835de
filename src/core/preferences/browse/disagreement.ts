/** Whether those who judged an item agree. */
import { comparisonsOf } from '../comparisons.ts';
import type { JournalState } from '../journalState.ts';
import type { JudgementRecord } from '../judgement.ts';
import { comparedSet, isPlain, verdictOf } from '../recordFacets.ts';

/**
 * Whether two of these judgements of an item (rows) say something else of two answers that both compare. Where each puts the
 * same answers into one order, their hashes tell; else the records are read.
 */
export function disagree(state: JournalState, place: number, rows: readonly number[]): boolean {
  const { facets, says } = state.table.columns;
  const said = rows.filter(row => verdictOf(facets[row]!) !== 'skipped');
  const [first, ...others] = said;
  if (first === undefined || others.length === 0) return false;
  const set = comparedSet(facets[first]!);
  if (said.every(row => isPlain(facets[row]!) && comparedSet(facets[row]!) === set))
    return others.some(row => says[row] !== says[first]);
  const item = state.record(state.judgedRows.items[place]!);
  if (item?.type !== 'item') return false;
  const judgements = said.map(row => state.record(row)).filter(record => record?.type === 'judgement');
  return differ(judgements, item);
}

function differ(judgements: readonly JudgementRecord[], item: Parameters<typeof itemOnly>[0]): boolean {
  const outcomes = new Map<string, number>();
  for (const { first, second, outcome } of comparisonsOf(judgements, itemOnly(item))) {
    const key = `${first.id}\n${second.id}`;
    if ((outcomes.get(key) ?? outcome) !== outcome) return true;
    outcomes.set(key, outcome);
  }
  return false;
}

const itemOnly = (item: NonNullable<ReturnType<JournalState['itemById']['get']>>) => ({ get: () => item });
