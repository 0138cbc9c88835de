/** JSON and JSON Lines: one JSON value a line, with errors that name the line. */
import { HumanError } from './errors.ts';
import { l10n } from './l10n.ts';

export interface JsonLine {
  /** 1-based line in the file. */
  readonly line: number;
  readonly value: unknown;
}

/**
 * Parses a whole file; blank lines are passed over. A bad line goes to `onBad` as a HumanError naming file and line, and is left
 * out; without `onBad` the first is thrown.
 */
export function parseJsonLines(text: string, file: string, onBad?: (error: HumanError) => void): JsonLine[] {
  const rows: JsonLine[] = [];
  let line = 0;
  for (const raw of text.replace(/^\uFEFF/, '').split('\n')) {
    line++;
    if (raw.trim() === '') continue;
    try {
      rows.push({ line, value: JSON.parse(raw) });
    } catch (cause) {
      const message = l10n.t(
        'This line is not valid JSON. Each line of a JSON Lines file must hold one whole JSON value.',
      );
      const error = new HumanError(message, { cause, place: { file, line } });
      if (!onBad) throw error;
      onBad(error);
    }
  }
  return rows;
}

/** One JSON value; undefined where the text is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const stringifyJsonLines = (rows: Iterable<unknown>): string => {
  let text = '';
  for (const row of rows) text += JSON.stringify(row) + '\n';
  return text;
};
