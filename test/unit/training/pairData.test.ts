import assert from 'node:assert/strict';
import type { PreferencePair } from '../../../src/core/preferences/judgement.ts';
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { preparePairs } from '../../../src/training/pairData.ts';

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
