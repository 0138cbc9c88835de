import assert from 'node:assert/strict';
import { HumanError } from '../../../../src/base/errors.ts';
import { readBank } from '../../../../src/core/datasets/bank.ts';
import { guardBank, LeakIndex } from '../../../../src/core/datasets/leakage.ts';

const row = 'Ann has three boxes with 4 red pens and two boxes with 5 blue pens in the old school bag';

describe('LeakIndex', () => {
  for (const [text, leaks] of [
    [row, true],
    [`  ${row.toUpperCase()}!!`, true],
    [row.replace('the old', 'her old'), true],
    [row.replace('4 red', '6 red'), false],
    ['Ann has pens', false],
    ['Something else entirely, with 4 and 5 in it', false],
  ] as const) {
    it(`${leaks ? 'finds' : 'passes'} ${JSON.stringify(text)}`, () => {
      const found = new LeakIndex([{ line: 7, text: row }], 0.8).find(text);
      assert.equal(found?.line, leaks ? 7 : undefined);
    });
  }

  it('takes short texts only where they are equal', () => {
    const index = new LeakIndex([{ line: 1, text: 'I loved it' }], 0.1);
    assert.equal(index.find('I loved it.')?.similarity, 1);
    assert.equal(index.find('I hated it'), undefined);
  });

  it('finds all that a comparison of each with each finds', () => {
    const words = (seed: number): string =>
      Array.from({ length: 12 }, (_, i) => `w${(seed * (i < 11 ? 1 : 13) + i) % 40}`).join(' ');
    const texts = Array.from({ length: 60 }, (_, i) => words(i));
    for (const threshold of [0.3, 0.6, 0.9]) {
      const all = new LeakIndex(
        texts.map((text, line) => ({ line, text })),
        threshold,
      );
      for (const [i, text] of texts.entries()) {
        const probe = text.replace(/^w\d+/, 'other');
        const alone = texts.map(
          (one, line) => new LeakIndex([{ line, text: one }], threshold).find(probe)?.similarity ?? 0,
        );
        assert.equal(all.find(probe)?.similarity ?? 0, Math.max(...alone), `${i} at ${threshold}`);
      }
    }
  });
});

describe('guardBank', () => {
  it('names the row that an example gives away', () => {
    const bank = readBank(`{"q":"other words here"}\n{"q":${JSON.stringify(row)}}\n`, 'b.jsonl');
    const guarded = guardBank(bank, [{ line: 3, values: { q: `${row}.` } }], ['q'], 0.8);
    assert.deepEqual([...guarded.leaks!], [[1, { line: 3, similarity: 1 }]]);
  });

  it('goes without a bad line 70,000, and names it', () => {
    const bad = readBank(`${'{"q":"a"}\n'.repeat(69_999)}{"q":\n7\n{"q":"b"}\n`, 'b.jsonl');
    assert.deepEqual([bad.rows.length, bad.rows.at(-1)!.line], [70_000, 70_002]);
    assert.deepEqual([bad.badLines!.count, bad.badLines!.line], [2, 70_000]);
    assert.match(bad.badLines!.message, /not valid JSON/);
    assert.throws(
      () => readBank('\n[1]\n', 'b.jsonl'),
      (error: HumanError) => error instanceof HumanError && error.place.line === 2,
    );
  });
});
