/** Rows of a file of preference data, one after the other: JSON Lines, a JSON array, CSV and Parquet of any size in a bounded memory. */
import { open } from 'node:fs/promises';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { parseCsv } from '../../core/datasets/csv.ts';
import { beginsArray, type FileRow, jsonArrayRows } from './jsonArrayRows.ts';

const blockBytes = 1 << 20;
/** A longer line would fill the memory. */
const longestLine = 64 << 20;
/** A quote that is never closed makes the rest of a CSV file one field. */
const longestRecord = 16 << 20;

/** By the file's ending: `.csv`, `.parquet`, else JSON Lines, or one array where that is what the file begins with. */
export async function* readRows(path: string): AsyncGenerator<FileRow> {
  if (/\.parquet$/i.test(path)) yield* parquetRows(path);
  else if (/\.csv$/i.test(path)) yield* csvRows(path);
  else yield* (await beginsArray(path)) ? jsonArrayRows(path) : jsonRows(path);
}

async function* jsonRows(path: string): AsyncGenerator<FileRow> {
  for await (const { line, text } of textLines(path)) {
    if (text.trim() === '') continue;
    try {
      yield { line, value: JSON.parse(text) };
    } catch {
      const wrong = l10n.t(
        'This line is not valid JSON. Each line of a JSON Lines file must hold one whole JSON value.',
      );
      yield { line, value: undefined, wrong };
    }
  }
}

async function* csvRows(path: string): AsyncGenerator<FileRow> {
  let names: readonly string[] | undefined;
  let record = '';
  let start = 1;
  for await (const { line, text } of textLines(path)) {
    if (record === '') start = line;
    record += `${text}\n`;
    // Inside quotes a line break belongs to the field; doubled quotes count twice.
    const isOpen = (record.split('"').length - 1) % 2 === 1;
    if (isOpen && record.length < longestRecord) continue;
    const [cells, wrong] = readRecord(record, path);
    record = '';
    if (cells === undefined && wrong === undefined) continue;
    if (!names) {
      if (!cells) throw new HumanError(wrong!, { place: { file: path, line: start } });
      names = cells.map(name => name.trim());
    } else if (cells?.length === names.length) {
      yield { line: start, value: Object.fromEntries(names.map((name, i) => [name, cells[i]])) };
    } else {
      const count = l10n.t('This row has {0} fields but the header has {1}.', cells?.length ?? 0, names.length);
      yield { line: start, value: undefined, wrong: wrong ?? count };
    }
  }
  if (record !== '') {
    const wrong = l10n.t('A quoted field is not closed. Add the closing quote.');
    yield { line: start, value: undefined, wrong };
  }
}

function readRecord(text: string, path: string): readonly [cells?: readonly string[], wrong?: string] {
  try {
    return [parseCsv(text, path)[0]?.cells];
  } catch (error) {
    return [undefined, (error as Error).message];
  }
}

async function* parquetRows(path: string): AsyncGenerator<FileRow> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const { parquetCodecs: compressors } = await import('./parquetCodecs.ts');
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      const end = rowStart + Number(num_rows);
      for (; rowStart < end; rowStart = Math.min(end, rowStart + 5000)) {
        const rowEnd = Math.min(end, rowStart + 5000);
        const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors });
        for (const [i, value] of rows.entries()) yield { line: rowStart + i + 1, value: plain(value) };
      }
    }
  } catch (cause) {
    throw new HumanError(l10n.t('This Parquet file cannot be read: {0}.', String((cause as Error).message)), {
      cause,
      place: { file: path },
    });
  }
}

/** Whole numbers of Parquet are bigints. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

/** Lines of a UTF-8 file, without their ends. */
export async function* textLines(path: string): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  const handle = await open(path, 'r');
  try {
    let buffer = Buffer.allocUnsafe(blockBytes);
    let filled = 0;
    let line = 0;
    for (;;) {
      if (filled === buffer.length) {
        if (filled >= longestLine)
          throw new HumanError(l10n.t('This line is longer than 64 MB. Is this a file with one row a line?'), {
            place: { file: path, line: line + 1 },
          });
        const larger = Buffer.allocUnsafe(buffer.length * 2);
        buffer.copy(larger, 0, 0, filled);
        buffer = larger;
      }
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
      if (bytesRead === 0) break;
      const searchFrom = filled;
      filled += bytesRead;
      const view = buffer.subarray(0, filled);
      let start = 0;
      for (let at = view.indexOf(0x0a, searchFrom); at >= 0; at = view.indexOf(0x0a, start)) {
        yield { line: ++line, text: lineText(view.subarray(start, at), line) };
        start = at + 1;
      }
      buffer.copyWithin(0, start, filled);
      filled -= start;
    }
    if (filled > 0) yield { line: ++line, text: lineText(buffer.subarray(0, filled), line) };
  } finally {
    await handle.close();
  }
}

function lineText(bytes: Buffer, line: number): string {
  const text = bytes.toString('utf8').replace(/\r$/, '');
  return line === 1 ? text.replace(/^\uFEFF/, '') : text;
}
