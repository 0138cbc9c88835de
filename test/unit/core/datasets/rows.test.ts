import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isHumanError } from '../../../../src/base/errors.ts';
import { readBank } from '../../../../src/core/datasets/bank.ts';
import { readRows } from '../../../../src/core/datasets/rows.ts';

describe('readRows', () => {
  it('reads JSON Lines and CSV into the same rows', () => {
    const rows = [
      { line: 2, values: { q: 'a, "b"\nc', n: '1' } },
      { line: 4, values: { q: '', n: ' 2' } },
    ];
    assert.deepEqual(readRows('\uFEFFq,n\r\n"a, ""b""\nc",1\r\n, 2\r\n', 'x.csv'), rows);
    assert.deepEqual(readRows('\n{"q":"a, \\"b\\"\\nc","n":"1"}\n\n{"q":"","n":" 2"}', 'x.jsonl'), rows);
    assert.deepEqual(readRows('', 'x.csv'), []);
    assert.deepEqual(readRows('', 'x.jsonl'), []);
  });

  const bad: readonly [text: string, file: string, line: number, message: RegExp][] = [
    ['{"a":1}\n{"a":', 'x.jsonl', 2, /not valid JSON/],
    ['{"a":1}\n\n[1]', 'x.jsonl', 3, /not a JSON object/],
    ['null', 'x.jsonl', 1, /not a JSON object/],
    ['a,b\n1,2\n3', 'x.csv', 3, /has 1 fields but the header has 2/],
    ['a,b\n"1\n\n', 'x.csv', 2, /not closed/],
    ['a,b\n"1"x,2', 'x.csv', 2, /closing quote/],
    ['a,a\n1,2', 'x.csv', 1, /twice/],
  ];
  for (const [text, file, line, message] of bad) {
    it(`names the line of ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => readRows(text, file),
        (error: unknown) =>
          isHumanError(error) && message.test(error.message) && error.place.line === line && error.place.file === file,
      );
    });
  }

  it('reads back what RFC 4180 writes', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'é'), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), fc.constantFrom('\n', '\r\n'), (records, eol) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const text = ['x,y', ...records.map(record => record.map(quoted).join(','))].join(eol);
        assert.deepEqual(
          readRows(text, 'x.csv').map(({ values }) => [values.x, values.y]),
          records,
        );
      }),
    );
  });

  it('says that an empty bank is empty', () => {
    assert.throws(() => readBank('\n', 'bank.jsonl'), /empty/);
  });
});
