import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { DataRow } from '../../../../src/core/datasets/rows.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { expectedText, inputText, plain, splitRows, withoutLeaks } from '../../../../src/core/search/splits.ts';

const template = parseTemplate(
  '---\ninputs: {q: {kind: string}}\nmetadata: {tunesmith: {expected: a, grade: one-of}}\n---\nuser:\n{{ q }}',
  'a.prompty',
);
const rowsOf = (questions: readonly string[]): DataRow[] =>
  questions.map((q, i) => ({ line: i + 1, values: { q, a: 'x|y' } }));
const questions = (rows: readonly DataRow[]): string[] => rows.map(({ values }) => plain(String(values.q)));

describe('splits of a search', () => {
  it('are disjoint, complete and the same for the same seed, whatever repeats', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 40, maxLength: 120 }),
        fc.integer(),
        (numbers, seed) => {
          // The same question in other letter case, spacing and punctuation.
          const all = rowsOf(numbers.map((n, i) => (i % 2 ? `What is ${n}?` : `what  is ${n}`)));
          const different = new Set(numbers).size;
          fc.pre(different >= 12);
          const splits = splitRows(template, all, seed);
          const { demonstrations, dev, heldOut, duplicates } = splits;
          const together = [...questions(demonstrations), ...questions(dev), ...questions(heldOut)];
          assert.equal(new Set(together).size, together.length, 'no question on two sides');
          assert.equal(together.length, different);
          assert.equal(duplicates, all.length - different);
          assert.deepEqual(splitRows(template, all, seed), splits);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('have the sizes that were asked for, or say why not', () => {
    const rows = rowsOf(Array.from({ length: 40 }, (_, i) => `q${i}`));
    const { demonstrations, dev, heldOut } = splitRows(template, rows, 1, { dev: 10, heldOut: 20 });
    assert.deepEqual([demonstrations.length, dev.length, heldOut.length], [8, 10, 20]);
    assert.notDeepEqual(splitRows(template, rows, 2).heldOut, splitRows(template, rows, 3).heldOut);
    assert.throws(
      () => splitRows(template, rows, 1, { dev: 30, heldOut: 20 }),
      /30 for scoring and 20 held out do not fit/,
    );
    assert.throws(() => splitRows(template, rows.slice(0, 11), 1), /at least 12 different rows; “a” has 11/);
  });

  it('take what is held out from files of its own out of the others', () => {
    const found = withoutLeaks(template, {
      demonstrations: rowsOf(['One', 'two']),
      dev: rowsOf(['three', 'ONE!', 'four']),
      heldOut: rowsOf(['one', 'Four.', 'five']),
    });
    assert.deepEqual(questions(found.heldOut), ['one', 'four', 'five']);
    assert.deepEqual(questions(found.dev), ['three']);
    assert.deepEqual(questions(found.demonstrations), ['two']);
    assert.equal(found.duplicates, 3);
  });

  it('show a row as its inputs and one expected answer', () => {
    const two = parseTemplate(
      '---\ninputs: {q: {kind: string}, r: {kind: string}}\n---\nuser:\n{{ q }} {{ r }}',
      'b.prompty',
    );
    const row: DataRow = { line: 1, values: { q: 'Why?', r: 3, a: 'x|y' } };
    assert.equal(inputText(template, row), 'Why?');
    assert.equal(inputText(two, row), 'q: Why?\nr: 3');
    assert.equal(expectedText(template, row), 'x');
    assert.equal(expectedText(template, { line: 1, values: { a: ['p', 'q'] } }), 'p');
  });
});
