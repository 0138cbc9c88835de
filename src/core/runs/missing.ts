/** Which cells of a run are not there yet: what was asked for, less what is finished. */
import { type Asked, partsOf } from './runRecord.ts';

/** Rows as stretches: `[0, 999]` for a thousand rows in order. */
export function stretches(rows: readonly number[]): [number, number][] {
  const made: [number, number][] = [];
  for (const row of rows) {
    const last = made.at(-1);
    if (last && row === last[1] + 1) last[1] = row;
    else made.push([row, row]);
  }
  return made;
}

export interface Missing {
  /** Cells that were asked for. */
  readonly total: number;
  /** In the order in which they are asked: row by row. */
  readonly keys: readonly string[];
}

/** Most cells that are looked at: a record with wild numbers must not stop the editor. */
const Most = 5_000_000;

export function missingCells(asked: readonly Asked[], isThere: (key: string) => boolean): Missing {
  const seen = new Set<string>();
  const keys: { key: string; row: number }[] = [];
  let looked = 0;
  for (const { columns, rows, repeats } of asked) {
    const list = typeof repeats === 'number' ? Array.from({ length: repeats }, (_, i) => i) : repeats;
    for (const [first, last] of rows) {
      for (let row = first; row <= last; row++) {
        for (const column of columns) {
          for (const repeat of list) {
            if (++looked > Most) return { total: seen.size, keys: inOrder(keys) };
            const key = `${column}|${row}|${repeat}`;
            if (seen.has(key)) continue;
            seen.add(key);
            if (!isThere(key)) keys.push({ key, row });
          }
        }
      }
    }
  }
  return { total: seen.size, keys: inOrder(keys) };
}

const inOrder = (keys: { key: string; row: number }[]): string[] =>
  keys.sort((a, b) => a.row - b.row).map(({ key }) => key);

/** Cells as the runs of the matrix that ask for them: rows and repeats that go together, column by column. */
export function groupCells(keys: readonly string[]): { column: string; rows: number[]; repeats: number[] }[] {
  const groups = new Map<string, { column: string; rows: number[]; repeats: number[] }>();
  const byColumnAndRow = new Map<string, { column: string; row: number; repeats: number[] }>();
  for (const key of keys) {
    const parts = partsOf(key);
    if (!parts) continue;
    const name = JSON.stringify([parts.column, parts.row]);
    const known = byColumnAndRow.get(name);
    if (known) known.repeats.push(parts.repeat);
    else byColumnAndRow.set(name, { column: parts.column, row: parts.row, repeats: [parts.repeat] });
  }
  for (const { column, row, repeats } of byColumnAndRow.values()) {
    const name = JSON.stringify([column, repeats]);
    const group = groups.get(name);
    if (group) group.rows.push(row);
    else groups.set(name, { column, rows: [row], repeats });
  }
  return [...groups.values()];
}
