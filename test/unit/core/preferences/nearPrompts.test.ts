/** Near prompts: none that is none, and nearly all that a comparison of each with each finds. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Rng } from '../../../../src/base/rng.ts';
import { LeakIndex, similarityOf, wordingOf } from '../../../../src/core/datasets/leakage.ts';
import { NearPrompts } from '../../../../src/core/preferences/nearPrompts.ts';

const found = (texts: readonly string[], threshold: number): string[] => {
  const near = new NearPrompts(threshold);
  for (const text of texts) near.add(text);
  return [...near.pairs(place => texts[place])].map(pair => pair.join('-')).sort();
};
const brute = (texts: readonly string[], threshold: number): string[] => {
  const wordings = texts.map(wordingOf);
  return wordings
    .flatMap((one, i) =>
      wordings.flatMap((other, j) => (i < j && similarityOf(one, other) >= threshold ? [`${i}-${j}`] : [])),
    )
    .sort();
};
/** Texts of which some are others with some words changed. */
const texts = (seed: number, count: number): string[] => {
  const rng = Rng.seeded(seed);
  const word = () => `w${rng.int(4000)}`.replace(/\d/g, digit => 'abcdefghij'[Number(digit)]!);
  const made: string[] = [];
  while (made.length < count) {
    const base = made.length > 7 && rng.next() < 0.5 ? made[made.length - 1 - rng.int(7)]!.split(' ') : undefined;
    const own = base ?? Array.from({ length: 5 + rng.int(40) }, word);
    made.push(own.map(one => (base && rng.next() < 0.03 ? word() : one)).join(' '));
  }
  return made;
};

describe('nearPrompts', () => {
  it('tells no pair that is none, and finds what it promises of the others', () => {
    for (const threshold of [0.6, 0.8, 0.9]) {
      let [all, seen] = [0, 0];
      for (let seed = 0; seed < 12; seed++) {
        const some = texts(seed, 60);
        const expected = new Set(brute(some, threshold));
        const own = found(some, threshold);
        assert.equal(new Set(own).size, own.length);
        for (const pair of own) assert.ok(expected.has(pair), pair);
        all += expected.size;
        seen += own.length;
      }
      assert.ok(all > 100, `${all} pairs`);
      assert.ok(seen >= 0.985 * all, `${seen} of ${all} at ${threshold}`);
    }
  });

  it('always finds prompts with the same words, however short, and compares as the index of leaks does', () => {
    const words = fc.array(fc.constantFrom('why', 'is', 'the', 'sky', 'blue', 'at', 'night', '7', '8'), {
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(fc.array(words, { minLength: 2, maxLength: 8 }), lists => {
        const some = lists.map(list => list.join(' '));
        const own = found(some, 0.7);
        const index = new LeakIndex(
          some.map((text, line) => ({ line, text })),
          0.7,
        );
        some.forEach((text, i) => {
          const near = index.findAll(text).filter(other => other > i);
          for (const other of near)
            if (wordingOf(some[other]!).key === wordingOf(text).key) assert.ok(own.includes(`${i}-${other}`));
          for (const pair of own.filter(one => one.startsWith(`${i}-`)))
            assert.ok(near.includes(Number(pair.split('-')[1])));
        });
      }),
    );
  });

  it('compares each of very many equal ones with some, not with all', () => {
    const text = 'write a poem about the sea and the sky above it';
    const own = found(
      Array.from({ length: 500 }, () => text),
      0.8,
    );
    assert.ok(own.length >= 499 && own.length < 500 * 17);
    for (let i = 0; i + 1 < 500; i++) assert.ok(own.includes(`${i}-${i + 1}`));
  });
});
