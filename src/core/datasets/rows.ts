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

type OnBadRow = (error: HumanError) => void;
const refuse: OnBadRow = error => {
  throw error;
};

/**
 * Reads by the file's ending: `.csv` with a header row, else JSON Lines. A row that cannot be read goes to `onBad` as a HumanError
 * with file and line, and is left out; without `onBad` it is thrown. What spoils the whole file is always thrown.
 */
export function readRows(text: string, file: string, onBad: OnBadRow = refuse): DataRow[] {
  return /\.csv$/i.test(file) ? csvRows(text, file, onBad) : jsonRows(text, file, onBad);
}

function jsonRows(text: string, file: string, onBad: OnBadRow): DataRow[] {
  return parseJsonLines(text, file, onBad).flatMap(({ line, value }) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      const message = l10n.t('This row is not a JSON object. Write it as {"name": "value"}.');
      onBad(new HumanError(message, { place: { file, line } }));
      return [];
    }
    return [{ line, values: value as Record<string, unknown> }];
  });
}

function csvRows(text: string, file: string, onBad: OnBadRow): DataRow[] {
  const [header, ...records] = parseCsv(text, file);
  if (!header) return [];
  const names = header.cells.map(name => name.trim());
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    const message = l10n.t('The column “{0}” appears twice in the header. Rename one.', repeated);
    throw new HumanError(message, { place: { file, line: header.line } });
  }
  return records.flatMap(({ line, cells }) => {
    if (cells.length !== names.length) {
      const message = l10n.t('This row has {0} fields but the header has {1}.', cells.length, names.length);
      onBad(new HumanError(message, { place: { file, line } }));
      return [];
    }
    return [{ line, values: Object.fromEntries(names.map((name, i) => [name, cells[i]])) }];
  });
}
