/** Rows of files as other programs write them: JSON arrays in pieces of any size, Parquet of every usual codec. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type FileRow, jsonArrayRows } from '../../../../src/storage/exchange/jsonArrayRows.ts';
import { readRows } from '../../../../src/storage/exchange/readRows.ts';
import { memoryFolder } from '../../../fakes/storageScenario.ts';

/** Two rows as pyarrow 26 writes them with each codec. */
const files: Record<string, string> = {
  snappy:
    'UEFSMRUEFYYMFYwBTBUEFQASAACDBlj4AgAAb25lLCBhbmQgdGhlIG90aGVyIP4TAP4TAP4TAP4TAP4TAP4TAP4TAP4TAP4TAP4TAP4TAJITABgDAAAAdHdvFQAVEhUWLBUEFRAVBhUGHAAAAAkgAgAAAAQBAQMCFQQVEBUUTBUCFQASAAAIHAcAAAAAAAAAFQAVEhUWLBUEFRAVBhUGHAAAAAkgAgAAAAMBAQIAFQQZPDUAGAZzY2hlbWEVBAAVDCUCGAFhJQBMHAAAABUEJQIYAWIAFgQZHBksJgAcFQwZNQAGEBkYAWEVAhYEFt4MFugBJrQBJggpLBUEFQAVAgAVABUQFQIAPBb2CxkGGSYABAAAACYAHBUEGTUABhAZGAFiFQIWBBZkFmwmoAIm8AEpLBUEFQAVAgAVABUQFQIAPCkGGSYCAgAAABbCDRYEJggW1AIAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRksHAAAHAAAANMAAABQQVIx',
  gzip: 'UEFSMRUEFYYMFW5MFQQVABIAAB+LCAAAAAAAAgP7wcTAkJ+XqqOQmJeiUJKRqpAPJIoURoVGhYa9EDMDA0NJeT4ANo8KjwMDAAAVABUSFTosFQQVEBUGFQYcAAAAH4sIAAAAAAACA2NiYGBgYWRkZgIAVaUiQQkAAAAVBBUQFS5MFQIVABIAAB+LCAAAAAAAAgNjZ4AAAHDW528IAAAAFQAVEhU6LBUEFRAVBhUGHAAAAB+LCAAAAAAAAgNjYmBgYGZkZGIAACgpFwQJAAAAFQQZPDUAGAZzY2hlbWEVBAAVDCUCGAFhJQBMHAAAABUEJQIYAWIAFgQZHBksJgAcFQwZNQAGEBkYAWEVBBYEFtwMFuwBJpQBJggpLBUEFQAVAgAVABUQFQIAPBb2CxkGGSYABAAAACYAHBUEGTUABhAZGAFiFQQWBBZkFqoBJr4CJvQBKSwVBBUAFQIAFQAVEBUCADwpBhkmAgIAAAAWwA0WBCYIFpYDACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZLBwAABwAAADUAAAAUEFSMQ==',
  brotli:
    'UEFSMRUEFYYMFUhMFQQVABIAABsCAwAEanK3f5Jc0l7aAtZ6EFngaUxSmVcvyPQepP9UbAN7ARUAFRIVGiwVBBUQFQYVBhwAAAAbCAAABO5w6BLAgOsCFQQVEBUWTBUCFQASAAAbBwAApAAOgpJAAhUAFRIVGiwVBBUQFQYVBhwAAAALBIACAAAAAwEBAgADFQQZPDUAGAZzY2hlbWEVBAAVDCUCGAFhJQBMHAAAABUEJQIYAWIAFgQZHBksJgAcFQwZNQAGEBkYAWEVCBYEFtwMFqYBJm4mCCksFQQVABUCABUAFRAVAgA8FvYLGQYZJgAEAAAAJgAcFQQZNQAGEBkYAWIVCBYEFmQWcibgASauASksFQQVABUCABUAFRAVAgA8KQYZJgICAAAAFsANFgQmCBaYAgAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGSwcAAAcAAAA0gAAAFBBUjE=',
  zstd: 'UEFSMRUEFYYMFV5MFQQVABIAACi1L/1gAwItAQDw+AIAAG9uZSwgYW5kIHRoZSBvdGhlciADAAAAdHdvAQDFWTWbFQAVEhUkLBUEFRAVBhUGHAAAACi1L/0gCUkAAAIAAAAEAQEDAhUEFRAVIkwVAhUAEgAAKLUv/SAIQQAABwAAAAAAAAAVABUSFSQsFQQVEBUGFQYcAAAAKLUv/SAJSQAAAgAAAAMBAQIAFQQZPDUAGAZzY2hlbWEVBAAVDCUCGAFhJQBMHAAAABUEJQIYAWIAFgQZHBksJgAcFQwZNQAGEBkYAWEVDBYEFtwMFsYBJoQBJggpLBUEFQAVAgAVABUQFQIAPBb2CxkGGSYABAAAACYAHBUEGTUABhAZGAFiFQwWBBZkFogBJowCJs4BKSwVBBUAFQIAFQAVEBUCADwpBhkmAgIAAAAWwA0WBCYIFs4CACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZLBwAABwAAADUAAAAUEFSMQ==',
  lz4: 'UEFSMRUEFYYMFUxMFQQVABIAAP8I+AIAAG9uZSwgYW5kIHRoZSBvdGhlciATAP//1HADAAAAdHdvFQAVEhUULBUEFRAVBhUGHAAAAJACAAAABAEBAwIVBBUQFRJMFQIVABIAAIAHAAAAAAAAABUAFRIVFCwVBBUQFQYVBhwAAACQAgAAAAMBAQIAFQQZPDUAGAZzY2hlbWEVBAAVDCUCGAFhJQBMHAAAABUEJQIYAWIAFgQZHBksJgAcFQwZNQAGEBkYAWEVDhYEFtwMFqQBJnImCCksFQQVABUCABUAFRAVAgA8FvYLGQYZJgAEAAAAJgAcFQQZNQAGEBkYAWIVDhYEFmQWaCbaASasASksFQQVABUCABUAFRAVAgA8KQYZJgICAAAAFsANFgQmCBaMAgAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGSwcAAAcAAAA0gAAAFBBUjE=',
};

describe('readRows', () => {
  let folder: string;
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const all = async (rows: AsyncIterable<FileRow>): Promise<FileRow[]> => {
    const list: FileRow[] = [];
    for await (const row of rows) list.push(row);
    return list;
  };
  beforeEach(() => {
    folder = memoryFolder();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('takes the elements of an array however it is laid out and wherever a block ends', async () => {
    const layouts = fc.constantFrom(undefined, 1, '\t', '\r\n');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        layouts,
        fc.integer({ min: 1, max: 40 }),
        async (values, indent, block) => {
          const text = JSON.stringify(values, undefined, indent);
          const rows = await all(jsonArrayRows(file('rows.json', text), block));
          assert.deepEqual(
            rows.map(({ value, wrong }) => wrong ?? value),
            JSON.parse(text),
          );
          const lines = text.split('\n');
          for (const { line, value } of rows) {
            const first = JSON.stringify(value, undefined, indent).split('\n')[0]!.slice(0, 1);
            assert.ok(lines[line - 1]!.includes(first), `line ${line}`);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  const broken: Record<string, { text: string; lines: (number | string)[] }> = {
    'an element that is no JSON': { text: '[\n{"a": 1},\n{"a": 2\n  "b": 3},\n{"a": 3}\n]', lines: [2, 'wrong 4', 5] },
    'an element with a word': { text: '[\n{"a": 1},\n{"a": oops},\n{"a": 3}\n]', lines: [2, 'wrong 3', 4] },
    'a comma that is missing': { text: '[\n{"a": 1}\n{"a": 2},\n{"a": 3}]', lines: ['wrong 3', 4] },
    'a comma too many': { text: '[{"a": 1},\n]', lines: [1, 'wrong 2'] },
    'an end that is missing': { text: '[{"a": 1},\n{"a": "', lines: [1, 'wrong 2'] },
    'something behind the end': { text: '\uFEFF[{"a": 1}]\n\n{}', lines: [1, 'wrong 3'] },
    nothing: { text: ' [\n ] \n', lines: [] },
  };
  for (const [name, { text, lines }] of Object.entries(broken)) {
    it(`names the line of ${name}`, async () => {
      for (const rows of [readRows(file('rows.json', text)), jsonArrayRows(file('rows.json', text), 1)])
        assert.deepEqual(
          (await all(rows)).map(({ line, wrong }) => (wrong === undefined ? line : `wrong ${line}`)),
          lines,
        );
    });
  }

  it('still reads JSON Lines in a file named .json', async () => {
    const rows = await all(readRows(file('rows.json', '{"a": 1}\n{"a": 2}\n')));
    assert.deepEqual(
      rows.map(({ value }) => value),
      [{ a: 1 }, { a: 2 }],
    );
  });

  for (const [codec, content] of Object.entries(files)) {
    it(`reads Parquet with ${codec}`, async () => {
      const rows = await all(readRows(file('rows.parquet', Buffer.from(content, 'base64'))));
      assert.deepEqual(
        rows.map(({ value }) => value),
        [
          { a: 'one, and the other '.repeat(40), b: 7 },
          { a: 'two', b: null },
        ],
      );
    });
  }
});
