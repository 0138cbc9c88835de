/** The answers that differ between two runs, cell by cell. */

/** What is known of a cell without reading its text. */
export interface OutputCell {
  readonly column: string;
  readonly row: number;
  readonly repeat: number;
  /** Of text and failure together; equal ones are the same answer. */
  readonly digest: string;
  readonly right: boolean | null;
}

export interface OutputSide {
  /** Ids in the matrix's order. */
  readonly columns: readonly string[];
  readonly cells: Iterable<OutputCell>;
  /** The inputs of each row as one text; undefined where they are not known. Rows are then matched by number. */
  readonly rows?: readonly string[];
}

export interface OutputPair {
  readonly before: OutputCell;
  readonly after: OutputCell;
}

export interface OutputDiff {
  /** In the order of the later run's rows and columns. */
  readonly changed: readonly OutputPair[];
  /** Cells that both runs have. */
  readonly paired: number;
  /** Wrong before and right now, and the other way round. */
  readonly gained: number;
  readonly lost: number;
}

/** Columns with the same id belong together; of those that are left, the first with the first, and so on. */
export function pairColumns(before: readonly string[], after: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>(after.filter(id => before.includes(id)).map(id => [id, id]));
  const left = before.filter(id => !after.includes(id));
  for (const id of after.filter(id => !before.includes(id))) {
    const partner = left.shift();
    if (partner === undefined) break;
    pairs.set(id, partner);
  }
  return pairs;
}

/** Later row → earlier row with the same inputs; each earlier row is taken once. */
function pairRows(before: readonly string[], after: readonly string[]): Map<number, number> {
  const places = new Map<string, number[]>();
  for (const [row, text] of before.entries()) {
    const list = places.get(text);
    if (list) list.push(row);
    else places.set(text, [row]);
  }
  const pairs = new Map<number, number>();
  for (const [row, text] of after.entries()) {
    const found = places.get(text)?.shift();
    if (found !== undefined) pairs.set(row, found);
  }
  return pairs;
}

export function diffOutputs(before: OutputSide, after: OutputSide): OutputDiff {
  const columns = pairColumns(before.columns, after.columns);
  const rows = before.rows && after.rows ? pairRows(before.rows, after.rows) : undefined;
  const keyOf = (column: string, row: number, repeat: number): string => `${column}|${row}|${repeat}`;
  const earlier = new Map<string, OutputCell>();
  for (const cell of before.cells) earlier.set(keyOf(cell.column, cell.row, cell.repeat), cell);
  const order = new Map(after.columns.map((id, index) => [id, index]));
  const changed: OutputPair[] = [];
  let [paired, gained, lost] = [0, 0, 0];
  for (const cell of after.cells) {
    const column = columns.get(cell.column);
    const row = rows ? rows.get(cell.row) : cell.row;
    const other = column === undefined || row === undefined ? undefined : earlier.get(keyOf(column, row, cell.repeat));
    if (!other) continue;
    paired++;
    if (other.right === false && cell.right === true) gained++;
    if (other.right === true && cell.right === false) lost++;
    if (other.digest !== cell.digest) changed.push({ before: other, after: cell });
  }
  changed.sort(
    ({ after: a }, { after: b }) =>
      a.row - b.row || (order.get(a.column) ?? 0) - (order.get(b.column) ?? 0) || a.repeat - b.repeat,
  );
  return { changed, paired, gained, lost };
}
