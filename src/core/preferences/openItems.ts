/** What of a journal one annotator has still to judge, and how far they are. */
import { Assignment, type Share, type Sharing } from './assignment.ts';
import type { RecordTable } from './recordTable.ts';
import { noRow, type Standing } from './standing.ts';

export interface SetProgress {
  readonly name: string;
  readonly judged: number;
  /** What is judged and one's open share; once that is done, also what is left over from others. */
  readonly total: number;
  /** Items of others' shares that too few people have judged. */
  readonly beyond: number;
}

/** How each set is shared among people; undefined: everybody judges all of it. */
export type SharingOf = (set: string) => Sharing | undefined;

interface OpenRow {
  readonly row: number;
  readonly share: Exclude<Share, 'done'>;
}

/** Sets in order of first appearance with how many of their rankable items the author judged; `shared` by set number. */
export function progressOf(
  table: RecordTable,
  standing: Standing,
  author: string,
  shared: readonly (Sharing | undefined)[],
): readonly SetProgress[] {
  const who = table.annotatorNumber({ author });
  const assignments = shared.map(sharing => sharing && new Assignment(sharing, author));
  const sets = new Map<number, { name: string; judged: number; open: number; beyond: number }>();
  for (let i = 0; i < standing.itemCount; i++) {
    const row = standing.itemAt(i);
    if (!table.isRankable(row)) continue;
    const set = table.columns.aboutLow[row]!;
    let progress = sets.get(set);
    if (!progress) {
      progress = { name: table.setName(set), judged: 0, open: 0, beyond: 0 };
      sets.set(set, progress);
    }
    if (standing.isJudged(row, who)) progress.judged++;
    else {
      const share = shareOf(table, standing, row, assignments[set]);
      if (share === 'own') progress.open++;
      else if (share === 'beyond') progress.beyond++;
    }
  }
  return [...sets.values()].map(({ name, judged, open, beyond }) => ({
    name,
    judged,
    total: judged + (open === 0 ? beyond : open),
    beyond,
  }));
}

/** Rows of items that the author has not judged, oldest first: of one set or all. */
export function* openRows(
  table: RecordTable,
  standing: Standing,
  author: string,
  set: string | undefined,
  sharingOf: SharingOf,
): Generator<OpenRow> {
  const who = table.annotatorNumber({ author });
  const number = set === undefined ? noRow : table.setNumber(set);
  if (set !== undefined && number === noRow) return;
  const assignments = table.names.sets.map(name => {
    const sharing = sharingOf(name);
    return sharing && new Assignment(sharing, author);
  });
  for (let i = 0; i < standing.itemCount; i++) {
    const row = standing.itemAt(i);
    const own = table.columns.aboutLow[row]!;
    if ((number !== noRow && own !== number) || !table.isRankable(row) || standing.isJudged(row, who)) continue;
    const share = shareOf(table, standing, row, assignments[own]);
    if (share !== 'done') yield { row, share };
  }
}

/** Whether the author has not judged the item of this row and too few others have. */
export function isOpenTo(
  table: RecordTable,
  standing: Standing,
  row: number,
  author: string,
  sharing: Sharing | undefined,
): boolean {
  if (row === noRow || !table.isRankable(row)) return false;
  if (standing.isJudged(row, table.annotatorNumber({ author }))) return false;
  return shareOf(table, standing, row, sharing && new Assignment(sharing, author)) !== 'done';
}

function shareOf(table: RecordTable, standing: Standing, item: number, assignment: Assignment | undefined): Share {
  if (!assignment) return 'own';
  const { idHigh, idLow } = table.columns;
  return assignment.shareOf(idHigh[item]!, idLow[item]!, standing.peopleOf(item));
}
