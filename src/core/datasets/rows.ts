/** Input rows from JSON Lines or CSV: one object of named values each, with the line that it came from. */
import { HumanError } from '../../base/errors.ts';
import { parseJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import { parseCsv } from './csv.ts';

export interface DataRow {
  /** 1-based line in the file. */
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Reads by the file's ending: `.csv` with a header row, else JSON Lines. Throws a HumanError with file and line. */
export function readRows(text: string, file: string): DataRow[] {
  return /\.csv$/i.test(file) ? csvRows(text, file) : jsonRows(text, file);
}

function jsonRows(text: string, file: string): DataRow[] {
  return parseJsonLines(text, file).map(({ line, value }) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      const message = l10n.t('This row is not a JSON object. Write it as {"name": "value"}.');
      throw new HumanError(message, { place: { file, line } });
    }
    return { line, values: value as Record<string, unknown> };
  });
}

function csvRows(text: string, file: string): DataRow[] {
  const [header, ...records] = parseCsv(text, file);
  if (!header) return [];
  const names = header.cells.map(name => name.trim());
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    const message = l10n.t('The column “{0}” appears twice in the header. Rename one.', repeated);
    throw new HumanError(message, { place: { file, line: header.line } });
  }
  return records.map(({ line, cells }) => {
    if (cells.length !== names.length) {
      const message = l10n.t('This row has {0} fields but the header has {1}.', cells.length, names.length);
      throw new HumanError(message, { place: { file, line } });
    }
    return { line, values: Object.fromEntries(names.map((name, i) => [name, cells[i]])) };
  });
}
