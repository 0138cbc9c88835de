/** Which answers would be asked for differently now: their rendered request is another than the one that they were made from. */

import { pool } from '../../core/evaluation/cellPool.ts';
import type { RenderedPrompt } from '../../core/prompts/template.ts';
import type { Cell } from '../../protocol/playgroundCells.ts';
import { requestOf } from './cellRequest.ts';
import type { PlaygroundColumn } from './playgroundColumns.ts';
import { keyOf } from './playgroundRun.ts';

/** Keys of changed and of unchanged cells; those of columns that are gone, and of rows that cannot be rendered now, are neither. */
export async function changedCells(
  cells: Iterable<Cell>,
  columns: readonly PlaygroundColumn[],
  /** What a cell was made from; undefined where that is not known, which counts as changed. */
  requestBefore: (cell: Cell) => string | undefined,
): Promise<{ readonly changed: Set<string>; readonly same: Set<string> }> {
  const byColumn = new Map(columns.map(column => [column.id, column]));
  const prompts = new Map<string, Promise<RenderedPrompt>>();
  const changed = new Set<string>();
  const same = new Set<string>();
  const known = [...cells].filter(({ column }) => byColumn.has(column));
  await pool(known, async cell => {
    const column = byColumn.get(cell.column)!;
    const place = `${cell.column}|${cell.row}`;
    let prompt = prompts.get(place);
    if (!prompt) {
      prompt = column.render(cell.row);
      prompts.set(place, prompt);
    }
    const rendered = await prompt.catch(() => undefined);
    if (!rendered) return;
    const before = requestBefore(cell);
    const equal = before !== undefined && before === requestOf(column, cell.row, cell.repeat, rendered);
    (equal ? same : changed).add(keyOf(cell));
  });
  return { changed, same };
}
