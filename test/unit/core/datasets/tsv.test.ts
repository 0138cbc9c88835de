import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseTsv, toTsv } from '../../../../src/core/datasets/tsv.ts';

describe('parseTsv', () => {
  const check = (text: string, rows: readonly string[][]) => assert.deepEqual(parseTsv(text), rows, text);

  it('reads what spreadsheets copy', () => {
    check('a\tb\r\nc\td\r\n', [
      ['a', 'b'],
      ['c', 'd'],
    ]);
    check('"say ""hi"""\t"two\nlines"', [['say "hi"', 'two\nlines']]);
    check('"quoted" word\t"open', [['"quoted" word', '"open']]);
    check('\t', [['', '']]);
    check('', [['']]);
  });

  it('reads back what it writes', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', '\t', '\n', ' '), maxLength: 5 });
    const rows = fc.array(fc.array(cell, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
    fc.assert(fc.property(rows, table => assert.deepEqual(parseTsv(`${toTsv(table)}\n`), table)));
  });
});
