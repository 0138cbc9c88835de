/** Elements of a file that is one JSON array, one after the other, in a bounded memory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';

export interface FileRow {
  /** 1-based line; of Parquet the row. */
  readonly line: number;
  readonly value: unknown;
  /** Set when the line could not be read. */
  readonly wrong?: string;
}

const longestElement = 64 << 20;
const Byte = {
  newline: 0x0a,
  quote: 0x22,
  comma: 0x2c,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Whether the first character that is no space (nor a byte order mark) opens an array. */
export async function beginsArray(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer
      .toString('utf8', 0, bytesRead)
      .replace(/^\uFEFF/, '')
      .trimStart()
      .startsWith('[');
  } finally {
    await handle.close();
  }
}

/**
 * A row's line is the one that its element begins in; where it is not valid JSON, the one that JSON.parse names, as far as it does.
 * Reading goes on behind a broken element when its brackets and quotes are in pairs.
 */
export async function* jsonArrayRows(path: string, blockBytes = 1 << 20): AsyncGenerator<FileRow> {
  let line = 1;
  /** Of the element's first character; 0: none so far. */
  let firstLine = 0;
  let depth = 0;
  let [inString, escaped, isOver] = [false, false, false];
  let rows = 0;
  let parts: Buffer[] = [];
  let size = 0;

  const element = (rest: Buffer): FileRow => {
    const text = Buffer.concat([...parts, rest]).toString('utf8');
    const start = firstLine || line;
    parts = [];
    size = 0;
    firstLine = 0;
    rows++;
    return parsed(text, start);
  };

  for await (const piece of createReadStream(path, { highWaterMark: blockBytes })) {
    const block = piece as Buffer;
    let start = 0;
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (byte === Byte.newline) line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === Byte.backslash) escaped = true;
        else if (byte === Byte.quote) inString = false;
        continue;
      }
      if (isSpace(byte)) continue;
      if (isOver) {
        const wrong = l10n.t('There is more behind the end of the array. Write one array, or one JSON value a line.');
        yield { line, value: undefined, wrong };
        return;
      }
      if (depth === 0) {
        if (byte !== Byte.openBracket) continue;
        depth = 1;
        start = i + 1;
        continue;
      }
      const ends = depth === 1 && (byte === Byte.comma || byte === Byte.closeBracket || byte === Byte.closeBrace);
      if (ends) {
        isOver = byte !== Byte.comma;
        // Nothing stands between the brackets of an empty array.
        if (firstLine > 0 || rows > 0 || !isOver) yield element(block.subarray(start, i));
        start = i + 1;
        continue;
      }
      if (firstLine === 0) firstLine = line;
      if (byte === Byte.quote) inString = true;
      else if (byte === Byte.openBracket || byte === Byte.openBrace) depth++;
      else if (byte === Byte.closeBracket || byte === Byte.closeBrace) depth--;
    }
    if (depth === 0 || isOver) continue;
    parts.push(block.subarray(start));
    size += block.length - start;
    if (size > longestElement)
      throw new HumanError(
        l10n.t('This element of the array is longer than 64 MB. Is a quote or bracket not closed?'),
        {
          place: { file: path, line: firstLine || line },
        },
      );
  }
  if (!isOver) {
    const wrong = l10n.t('The file ends inside the array: a bracket or quote is not closed from here on.');
    yield { line: firstLine || line, value: undefined, wrong };
  }
}

function parsed(text: string, line: number): FileRow {
  try {
    return { line, value: JSON.parse(text) };
  } catch (error) {
    const position = Number(/position (\d+)/.exec((error as Error).message)?.[1] ?? 0);
    const before = text.slice(text.search(/\S|$/), position);
    const wrong = l10n.t('This element of the array is not valid JSON: {0}.', (error as Error).message);
    return { line: line + before.split('\n').length - 1, value: undefined, wrong };
  }
}
