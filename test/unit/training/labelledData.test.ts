import assert from 'node:assert/strict';
import type { LabelledAnswer } from '../../../src/core/preferences/labelled.ts';
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { prepareLabelled } from '../../../src/training/labelledData.ts';

/** One token a character. */
const tokenizer = {
  endIds: [0],
  chatTemplate: undefined,
  encode: (text: string) => [...text].map(char => char.codePointAt(0)!),
} as unknown as Tokenizer;

const answer = (prompt: string, completion: string, label: boolean): LabelledAnswer => ({
  messages: [{ role: 'user', content: prompt }],
  completion,
  label,
});
const options = { heldOutShare: 0, maxLength: 40 };

describe('labelled answers for KTO', () => {
  it('are encoded with their end, and drop contradictions and long ones, counted', () => {
    const { train, warnings } = prepareLabelled(
      [
        answer('p', 'a', true),
        answer('p', 'b', false),
        answer('q', 'a', true),
        answer('q', 'a', false),
        answer('p', 'x'.repeat(99), true),
      ],
      tokenizer,
      options,
    );
    assert.deepEqual(
      train.map(({ ids, promptLength, desirable }) => [ids.slice(promptLength), desirable]),
      [
        [[97, 0], true],
        [[98, 0], false],
      ],
    );
    assert.match(warnings[0]!, /^2 of 5 answers were left out: they are labelled both good and bad/);
    assert.match(warnings[1]!, /^1 of 5 answers were left out: they are longer than 40 tokens/);
  });

  for (const [name, rows, message] of [
    ['no rows', [], /no labelled answers/],
    ['good answers only', [answer('p', 'a', true), answer('q', 'b', true)], /All 2 answers .* labelled good/],
    ['bad answers only', [answer('p', 'a', false)], /All 1 answers .* labelled bad/],
    ['contradictions only', [answer('p', 'a', true), answer('p', 'a', false)], /All 2 answers are labelled both/],
    ['long answers only', [answer('p', 'a'.repeat(99), true)], /longer than 40 tokens/],
  ] as const) {
    it(`refuse ${name}`, () => {
      assert.throws(() => prepareLabelled(rows, tokenizer, options), { name: 'HumanError', message });
    });
  }
});
