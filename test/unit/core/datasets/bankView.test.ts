import assert from 'node:assert/strict';
import { BankTable } from '../../../../src/core/datasets/bankTable.ts';
import { BankView } from '../../../../src/core/datasets/bankView.ts';

describe('BankView', () => {
  const open = (text: string): BankView => {
    const view = new BankView(new BankTable(text.split('\n')));
    while (view.scan(2));
    return view;
  };

  it('shows a bank with a bad line 70,000, that line in its place', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `{"q":"question ${i}","answer":"${i}"}`);
    lines[69_999] = '{"q": "cut off';
    const bank = open(lines.join('\n'));
    assert.deepEqual([bank.total, bank.bad, bank.fields], [100_000, 1, ['q', 'answer']]);
    const [row] = bank.rows(69_999, 1);
    assert.equal(row!.raw, '{"q": "cut off');
    assert.match(row!.marks[0]!.message, /not valid JSON/);
    bank.table.apply(bank.edits({ kind: 'cell', line: 5, field: 'answer', text: 'x' }));
    lines[5] = lines[5]!.replace('"5"', '"x"');
    assert.deepEqual(
      lines.map((_, i) => bank.table.text(i)),
      lines,
    );
  });

  it('leaves an edited row where it is shown, and orders anew when rows come', () => {
    const bank = open('{"n":1}\n{"n":2}\n{"n":3}');
    bank.show({ filter: '', sort: { field: 'n', descending: true }, badOnly: false });
    assert.deepEqual(bank.order, [2, 1, 0]);
    bank.follow(bank.edits({ kind: 'cell', line: 2, field: 'n', text: '0' }));
    assert.deepEqual(bank.order, [2, 1, 0]);
    bank.follow(bank.edits({ kind: 'add', after: null }));
    assert.deepEqual(bank.order, [1, 0, 2, 3]);
  });

  for (const [what, text, needed, row] of [
    [
      'the fields that all rows have',
      '{"q":"a","answer":"1"}\n{"q":"b","answer":"2","source":"x"}',
      [],
      { q: '', answer: '' },
    ],
    [
      'no optional field of a template',
      '{"q":"a","answer":"1"}\n{"q":"b","answer":"2","hint":"x"}',
      ['q', 'hint', 'answer'],
      { q: '', answer: '' },
    ],
    ['what a template needs, in an empty bank', '', ['q', 'answer'], { q: '', answer: '' }],
    ['something to begin with', '', [], { input: '', answer: '' }],
    ['the first field where rows have none in common', '{"q":"a"}\n{"answer":"2"}', [], { q: '' }],
    ['what readable rows have', '{"q":"a","answer":"1"}\n{"q": "cut off', [], { q: '', answer: '' }],
  ] as const) {
    it(`begins a new row with ${what}`, () => {
      const bank = open(text);
      bank.needed = needed;
      bank.follow(bank.edits({ kind: 'add', after: null }));
      assert.deepEqual(bank.table.parsed(bank.order.at(-1)!).values, row);
    });
  }

  it('marks what a template misses and what leaks, wherever the row moves', () => {
    const bank = open('{"q":"a","answer":"1"}\n{"q":"b"}');
    bank.needed = ['q', 'answer'];
    bank.leaks = new Map([['{"q":"b"}', 'It is row 3 of tests.jsonl.']]);
    bank.follow(bank.edits({ kind: 'move', lines: [1], step: -1 }));
    assert.deepEqual(
      bank.rows(0, 2).map(({ marks }) => marks.map(({ kind }) => kind)),
      [['warning', 'leak'], []],
    );
    assert.equal(bank.leaking, 1);
    assert.equal(bank.copied([0]), 'q\tanswer\nb\t');
  });
});
