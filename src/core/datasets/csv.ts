/** A reader of CSV as RFC 4180 describes it: quoted fields, doubled quotes, line breaks inside quotes, either line ending. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';

export interface CsvRecord {
  /** 1-based line on which the record starts. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** All records, the header among them; empty lines are passed over. Throws a HumanError with file and line. */
export function parseCsv(text: string, file: string): CsvRecord[] {
  const source = text.replace(/^\uFEFF/, '');
  const records: CsvRecord[] = [];
  let line = 1;
  let at = 0;
  while (at < source.length) {
    const start = line;
    const cells: string[] = [];
    for (;;) {
      let cell: string;
      if (source[at] === '"') {
        const opened = line;
        const parts: string[] = [];
        at++;
        for (;;) {
          const quote = source.indexOf('"', at);
          if (quote === -1) {
            const message = l10n.t('A quoted field is not closed. Add the closing quote.');
            throw new HumanError(message, { place: { file, line: opened } });
          }
          const part = source.slice(at, quote);
          parts.push(part);
          line += lineBreaks(part);
          at = quote + 1;
          if (source[at] !== '"') break;
          parts.push('"');
          at++;
        }
        cell = parts.join('');
        if (at < source.length && !',\r\n'.includes(source[at]!)) {
          const message = l10n.t('Text follows a closing quote. Double the quotes inside a quoted field.');
          throw new HumanError(message, { place: { file, line } });
        }
      } else {
        let end = at;
        while (end < source.length && source[end] !== ',' && source[end] !== '\n') end++;
        cell = source.slice(at, end).replace(/\r$/, '');
        at = end;
      }
      cells.push(cell);
      if (source[at] === ',') {
        at++;
        continue;
      }
      if (source[at] === '\r') at++;
      if (source[at] === '\n') at++;
      line++;
      break;
    }
    if (cells.length > 1 || cells[0] !== '') records.push({ line: start, cells });
  }
  return records;
}

const lineBreaks = (text: string): number => text.split('\n').length - 1;
