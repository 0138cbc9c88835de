/** What of an answer a cell of the matrix lays out. */
import type { Cell } from '../../src/protocol/playgroundCells.ts';

/** The cell with as much of its text as can be seen: what lies beyond is laid out for nobody, at each token that streams. */
export function beginning(cell: Cell, letters: number): Cell {
  const { text } = cell;
  if (text.length <= letters) return cell;
  // No half of a character that takes two units.
  const end = /[\uD800-\uDBFF]/.test(text[letters - 1]!) ? letters - 1 : letters;
  return { ...cell, text: `${text.slice(0, end)}…` };
}
