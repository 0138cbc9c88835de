import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BankTable, type LineEdit, wholeView } from '../../../../src/core/datasets/bankTable.ts';

const text = '{"q": "one", "n": 1, "big": 12345678901234567890}\nnot json\n\n{"q":"two","n":10}\n{"q":"three"}';
const tableOf = (from: string): BankTable => new BankTable(from.split('\n'));

/** The document after the edits, as an editor applies them. */
function applied(before: string, edits: readonly LineEdit[]): string {
  const starts = [0];
  for (let i = before.indexOf('\n'); i !== -1; i = before.indexOf('\n', i + 1)) starts.push(i + 1);
  const ordered = [...edits].sort((a, b) => b.startLine - a.startLine || b.startCharacter - a.startCharacter);
  let after = before;
  for (const edit of ordered) {
    const from = starts[edit.startLine]! + edit.startCharacter;
    after = after.slice(0, from) + edit.text + after.slice(starts[edit.endLine]! + edit.endCharacter);
  }
  return after;
}

describe('BankTable', () => {
  /** An edit gives this text, and the table that follows it reads as one made anew. */
  function check(before: string, make: (table: BankTable) => LineEdit[], expected: string): void {
    const table = tableOf(before);
    const edits = make(table);
    assert.equal(applied(before, edits), expected);
    table.apply(edits);
    assert.deepEqual(
      Array.from({ length: table.lineCount }, (_, line) => table.text(line)),
      expected.split('\n'),
    );
  }
  const lines = text.split('\n');
  const cases: readonly [name: string, make: (table: BankTable) => LineEdit[], expected: string][] = [
    ['sets a text', t => t.setCell(0, 'q', 'uno "1"'), text.replace('"one"', '"uno \\"1\\""')],
    ['keeps the type of a number', t => t.setCell(3, 'n', '11'), text.replace('"n":10', '"n":11')],
    ['takes the type of the field', t => t.setCell(4, 'n', '3'), text.replace('"three"}', '"three","n":3}')],
    ['takes text where no number stands', t => t.setCell(3, 'n', 'ten'), text.replace('"n":10', '"n":"ten"')],
    ['writes a new field as the line is spaced', t => t.setCell(0, 'z', 'x'), text.replace('90}', '90, "z": "x"}')],
    ['drops an emptied field', t => t.setCell(0, 'n', ''), text.replace(', "n": 1', '')],
    ['keeps an emptied text', t => t.setCell(3, 'q', ''), text.replace('"two"', '""')],
    ['leaves a broken line to its text', t => t.setCell(1, 'q', 'x'), text],
    ['mends a broken line', t => t.setLine(1, '{"q":\n"m"}'), text.replace('not json', '{"q": "m"}')],
    ['adds below', t => t.insert(0, [{ q: 'n' }]), [lines[0], '{"q":"n"}', ...lines.slice(1)].join('\n')],
    ['adds at the end', t => t.insert(4, [{ q: 'n' }]), `${text}\n{"q":"n"}`],
    ['adds at the start', t => t.insert(-1, [{ q: 'n' }]), `{"q":"n"}\n${text}`],
    ['removes lines together and apart', t => t.remove([4, 0, 1]), '\n{"q":"two","n":10}'],
    ['removes the last line with its break', t => t.remove([4]), lines.slice(0, 4).join('\n')],
    ['copies bytes', t => t.duplicate([0]), [lines[0], ...lines].join('\n')],
    [
      'moves up past an empty line',
      t => t.move([3], -1),
      [lines[0], lines[3], lines[1], lines[2], lines[4]].join('\n'),
    ],
    ['moves two down', t => t.move([0, 1], 1), [lines[3], lines[0], lines[1], lines[2], lines[4]].join('\n')],
    ['stays at the end', t => t.move([4], 1), text],
    ['stays at the start', t => t.move([0], -1), text],
    [
      'fills cells from a spreadsheet, and adds what is left',
      t => t.paste([4], ['q', 'n'], 'q', 'tre\t3\n"a\nb"\t4\n'),
      `${text.replace('"three"}', '"tre","n":3}')}\n{"q":"a\\nb","n":4}`,
    ],
    [
      'adds rows under a header of known fields',
      t => t.paste([3, 4], ['q', 'n'], 'q', 'n\tq\n7\tseven'),
      text.replace('"n":10}', '"n":10}\n{"n":7,"q":"seven"}'),
    ],
  ];
  for (const [name, make, expected] of cases) it(name, () => check(text, make, expected));
  it('takes the type of the field where nothing stood yet', () =>
    check('{"n":1}\n{"n":""}', t => t.setCell(1, 'n', '3'), '{"n":1}\n{"n":3}'));

  it('finds a field whose name is written with escapes', () =>
    check('{"say \\"}\\"": 1, "c\\\\": 2}', t => t.setCell(0, 'say "}"', '5'), '{"say \\"}\\"": 5, "c\\\\": 2}'));

  it('fills an empty file', () => {
    check('', t => t.insert(-1, [{ q: '' }]), '{"q":""}\n');
    check('', t => t.paste([], ['q', 'n'], 'q', 'a\tb'), '{"q":"a","n":"b"}\n');
  });

  it('shows rows by filter and field, and says what cannot be read', () => {
    const table = tableOf(text);
    const order = (view: Partial<typeof wholeView>) => table.order({ ...wholeView, ...view });
    assert.deepEqual(order({}), [0, 1, 3, 4]);
    assert.deepEqual(order({ filter: 'T' }), [1, 3, 4]);
    assert.deepEqual(order({ sort: { field: 'n', descending: false } }), [0, 3, 1, 4]);
    assert.deepEqual(order({ sort: { field: 'n', descending: true } }), [3, 0, 1, 4]);
    assert.deepEqual(order({ badOnly: true }), [1]);
    assert.match(table.parsed(1).problem!, /not valid JSON/);
    assert.match(tableOf('[1]').parsed(0).problem!, /not a JSON object/);
  });

  it('changes one field of any object, and every other byte stays', () => {
    // No quotes and backslashes in keys together: JSON.parse of V8 13.6 takes `\"` for `\\` where it has met such a key before.
    const key = fc.string({ unit: fc.constantFrom('a', '\\', '{', '}', ',', ':', 'é'), maxLength: 4 });
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.jsonValue({ maxDepth: 2 })),
        key,
        fc.constantFrom('', ' ', '  '),
        (row, field, gap) => {
          const line = JSON.stringify(row, null, gap).replaceAll('\n', '');
          const table = tableOf(line);
          table.apply(table.setCell(0, field, 'new'));
          const { [field]: _, ...rest } = JSON.parse(line) as Record<string, unknown>;
          const { [field]: after, ...kept } = JSON.parse(table.text(0)) as Record<string, unknown>;
          assert.deepEqual([after, kept], ['new', rest]);
        },
      ),
    );
  });
});
