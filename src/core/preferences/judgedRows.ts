/** Items with their judgements as rows of the table: what filters, orders and counts of the data view walk over. */
import type { RecordTable } from './recordTable.ts';
import type { Standing } from './standing.ts';

/** Rows of the items that stand, oldest first, and of each one's standing judgements; no adjudications. */
export interface JudgedRows {
  readonly items: Uint32Array;
  /** `judgements[starts[i]]` up to `judgements[starts[i + 1]]` are of `items[i]`, oldest first. */
  readonly starts: Uint32Array;
  readonly judgements: Uint32Array;
}

export function judgedRows(table: RecordTable, standing: Standing): JudgedRows {
  const items = Uint32Array.from({ length: standing.itemCount }, (_, i) => standing.itemAt(i));
  const placeOf = new Uint32Array(table.columns.kind.length);
  items.forEach((row, place) => {
    placeOf[row] = place;
  });
  const rows = new Uint32Array(standing.judgementCount);
  const places = new Uint32Array(standing.judgementCount);
  const starts = new Uint32Array(items.length + 1);
  const isSettled = table.adjudicators.length > 0;
  let count = 0;
  for (let i = 0; i < standing.everJudged; i++) {
    const row = standing.judgementAt(i);
    if (!standing.stands(row) || (isSettled && table.isAdjudication(row))) continue;
    rows[count] = row;
    places[count] = placeOf[standing.itemOf(row)]!;
    starts[places[count]! + 1]!++;
    count++;
  }
  for (let place = 0; place < items.length; place++) starts[place + 1]! += starts[place]!;
  const next = starts.slice();
  const judgements = new Uint32Array(count);
  for (let i = 0; i < count; i++) judgements[next[places[i]!]!++] = rows[i]!;
  return { items, starts, judgements };
}

/** The place of an item's row; undefined where it is not among them. */
export function placeIn(items: Uint32Array, row: number, table: RecordTable): number | undefined {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle] !== row && table.isBefore(items[middle]!, row)) low = middle + 1;
    else high = middle;
  }
  return items[low] === row ? low : undefined;
}
