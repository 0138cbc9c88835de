import assert from 'node:assert/strict';
import type { PreferencePair, PreferenceRanking } from '../../../src/core/preferences/judgement.ts';
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { drawn, preparePairs, prepareRankings } from '../../../src/training/pairData.ts';

/** One token a character; enough for lengths and splits. */
const tokenizer = {
  endIds: [0],
  chatTemplate: undefined,
  encode: (text: string) => [...text].map(char => char.codePointAt(0)!),
} as unknown as Tokenizer;

const pair = (prompt: string, chosen: string, rejected: string): PreferencePair => ({
  messages: [{ role: 'user', content: prompt }],
  chosen,
  rejected,
  judgement: 'j',
  item: 'i',
});
const options = { heldOutShare: 0.2, maxLength: 100 };

describe('pairs for a reward model', () => {
  it('end every answer with the end token', () => {
    const { train } = preparePairs([pair('p', 'a', 'b')], tokenizer, options);
    assert.equal(train[0]!.chosen.at(-1), 0);
    assert.equal(train[0]!.rejected.at(-1), 0);
    assert.deepEqual(train[0]!.chosen.slice(0, -2), train[0]!.rejected.slice(0, -2));
  });

  it('drop equal answers and long ones, and say how many', () => {
    const { train, warnings } = preparePairs(
      [pair('p', 'a', 'b'), pair('p', 'same', 'same '), pair('p', 'x'.repeat(200), 'y')],
      tokenizer,
      { ...options, heldOutShare: 0 },
    );
    assert.equal(train.length, 1);
    assert.match(warnings[0]!, /^1 of 3 pairs were left out: both answers are the same/);
    assert.match(warnings[1]!, /^1 of 3 pairs were left out: they are longer than 100/);
  });

  it('keep all pairs of a prompt on one side, the same side in any order', () => {
    const pairs = Array.from({ length: 300 }, (_, index) => pair(`prompt ${index % 60}`, `a${index}`, `b${index}`));
    const split = preparePairs(pairs, tokenizer, options);
    const prompts = (list: typeof split.train) =>
      new Set(list.map(({ chosen }) => /^prompt \d+(?=[ab])/.exec(String.fromCodePoint(...chosen.slice(0, -1)))![0]));
    const train = prompts(split.train);
    const heldOut = prompts(split.heldOut);
    assert.equal(train.size + heldOut.size, 60);
    assert.deepEqual(
      [...train].filter(prompt => heldOut.has(prompt)),
      [],
    );
    assert.ok(heldOut.size >= 5 && heldOut.size <= 20, `${heldOut.size}`);
    assert.deepEqual(
      prompts(preparePairs([...pairs].reverse(), tokenizer, options).heldOut),
      new Set([...heldOut].reverse()),
    );
  });

  it('hold out one prompt of two, and say when there is only one', () => {
    const two = preparePairs([pair('p', 'a', 'b'), pair('q', 'a', 'b')], tokenizer, options);
    assert.deepEqual([two.train.length, two.heldOut.length], [1, 1]);
    const one = preparePairs([pair('p', 'a', 'b')], tokenizer, options);
    assert.deepEqual([one.train.length, one.heldOut.length], [1, 0]);
    assert.match(one.warnings[0]!, /one prompt/);
  });

  for (const [name, pairs, message] of [
    ['no pairs', [], /no preference pairs.*Rank some answers/],
    ['only equal answers', [pair('p', 'a', 'a')], /same answer twice/],
    ['only long answers', [pair('p', 'a'.repeat(200), 'b')], /longer than 100 tokens/],
  ] as const) {
    it(`refuse ${name}`, () => {
      assert.throws(() => preparePairs(pairs, tokenizer, options), { name: 'HumanError', message });
    });
  }

  it('refuse a model without an end token', () => {
    const endless = { ...tokenizer, endIds: [] } as Tokenizer;
    assert.throws(() => preparePairs([pair('p', 'a', 'b')], endless, options), {
      name: 'HumanError',
      message: /end-of-sequence/,
    });
  });
});

describe('rankings for a reward model', () => {
  const ranking = (prompt: string, groups: readonly (readonly string[])[]): PreferenceRanking => ({
    messages: [{ role: 'user', content: prompt }],
    groups,
    judgement: 'j',
    item: 'i',
  });

  it('keep groups, take pairs as rankings of two, and drop what is too long, twice there or says nothing', () => {
    const { train, warnings } = prepareRankings(
      [
        ranking('p', [['a'], ['bb', 'x'.repeat(200)], ['c', 'a ']]),
        ranking('q', [['a', 'b']]),
        pair('r', 'd', 'e'),
        { ...pair('r', 'd', 'f'), tie: true },
      ],
      tokenizer,
      { ...options, heldOutShare: 0 },
    );
    assert.deepEqual(
      train.map(({ groups, promptLength }) => groups.map(group => group.map(ids => ids.length - promptLength))),
      [
        [[2], [3], [2]],
        [[2], [2]],
      ],
    );
    assert.deepEqual(warnings, [
      '1 of 9 answers were left out: they are longer than 100 tokens.',
      '1 of 9 answers were left out: their ranking has them already.',
      '2 of 4 rankings were left out: none of their answers is better than another.',
    ]);
  });

  it('all rankings of a prompt are on one side of the split', () => {
    const rows = Array.from({ length: 60 }, (_, index) => ranking(`prompt ${index % 20}`, [[`a${index}`], ['b']]));
    const { train, heldOut } = prepareRankings(rows, tokenizer, options);
    assert.equal(train.length + heldOut.length, 60);
    assert.ok(train.length % 3 === 0 && heldOut.length > 0);
  });

  it('refuse margins, and data that says nothing', () => {
    const margin = { ...pair('p', 'a', 'b'), margin: 1 };
    assert.throws(() => prepareRankings([margin], tokenizer, options), { name: 'HumanError', message: /margin/ });
    assert.throws(() => prepareRankings([ranking('p', [['a', 'b']])], tokenizer, options), {
      name: 'HumanError',
      message: /There are no rankings to learn from/,
    });
  });
});

it('a smaller draw of pairs is part of a larger one, and 0 draws all', () => {
  const rows = Array.from({ length: 50 }, (_, index) => index);
  const [small, large] = [drawn(rows, 10, 3), drawn(rows, 30, 3)];
  assert.deepEqual(large.slice(0, 10), small);
  assert.equal(new Set(large).size, 30);
  assert.notDeepEqual(drawn(rows, 10, 4), small);
  assert.equal(drawn(rows, 0, 3), rows);
  assert.equal(drawn(rows, 99, 3), rows);
});
