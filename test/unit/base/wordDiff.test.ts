import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { wordDiff } from '../../../src/base/wordDiff.ts';

describe('differences of words', () => {
  const words = (text: string, other: string) => {
    const { own, others } = wordDiff(text, other)!;
    const cut = (from: string, ranges: typeof own) => ranges.map(({ start, end }) => from.slice(start, end));
    return [cut(text, own), cut(other, others)];
  };
  const check = (text: string, other: string, own: string[], others: string[]) =>
    it(`${text} | ${other}`, () => assert.deepEqual(words(text, other), [own, others]));
  check('It leaks.', 'It leaks.', [], []);
  check('It leaks.', 'It drips.', ['leaks'], ['drips']);
  check('', 'new words', [], ['new words']);
  check('a b c a b b a', 'c b a b a c', ['a b', 'b'], ['b', 'c']);
  check('two mails, no answer', 'no answer', ['two mails,'], []);
  check('中文 很好', '中文 不好', ['很好'], ['不好']);

  it('leaves the same words in both, the longest way there is', () => {
    const rng = Rng.seeded(7);
    for (let round = 0; round < 300; round++) {
      const make = () => Array.from({ length: rng.int(14) }, () => 'abc'[rng.int(3)]!);
      const [a, b] = [make(), make()];
      const found = wordDiff(a.join(' '), b.join(' '))!;
      const rest = (list: string[], ranges: readonly { start: number; end: number }[]) =>
        list.filter((_, i) => !ranges.some(({ start, end }) => 2 * i >= start && 2 * i < end));
      const [left, right] = [rest(a, found.own), rest(b, found.others)];
      assert.deepEqual(left, right);
      assert.equal(left.length, longest(a, b));
    }
  });

  it('gives up on long texts that have nothing in common', () => {
    const text = (word: string) => Array.from({ length: 20_000 }, (_, i) => `${word}${i}`).join(' ');
    assert.equal(wordDiff(text('a'), text('b')), undefined);
  });
});

/** Length of a longest common subsequence, by its definition. */
function longest(a: readonly string[], b: readonly string[]): number {
  const row = new Array<number>(b.length + 1).fill(0);
  for (const word of a) {
    let diagonal = 0;
    for (const [j, other] of b.entries()) {
      const above = row[j + 1]!;
      row[j + 1] = word === other ? diagonal + 1 : Math.max(above, row[j]!);
      diagonal = above;
    }
  }
  return row[b.length]!;
}
