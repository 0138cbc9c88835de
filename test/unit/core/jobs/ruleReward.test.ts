import assert from 'node:assert/strict';
import { type PlainRule, plainReward } from '../../../../src/core/jobs/ruleReward.ts';

describe('rule rewards', () => {
  const cat: PlainRule = { rule: 'word', word: 'cat' };
  const length: PlainRule = { rule: 'length', min: 2, max: 3, slack: 1 };
  for (const [rule, answer, reward] of [
    [cat, 'A Cat sat.', 1],
    [cat, 'A category.', 0],
    [{ ...cat, caseSensitive: true }, 'A Cat sat.', 0],
    [{ rule: 'word', word: 'a.b' }, 'see a.b there', 1],
    [{ rule: 'word', word: 'a.b' }, 'see axb there', 0],
    [{ rule: 'word', word: ' ' }, 'anything', 0],
    [length, 'one two', 1],
    [length, 'one two three four', 0.5],
    [length, 'one two three four five', 0],
    [length, 'one', 0.5],
    [{ rule: 'length', min: 2, max: 3 }, 'one', 0],
    [{ rule: 'json-valid' }, '{"a": [1]}', 1],
    [{ rule: 'json-valid' }, '{"a": [1]', 0],
    [{ rule: 'json-valid' }, '', 0],
  ] as const) {
    it(`${JSON.stringify(rule)} gives “${answer}” ${reward}`, () => {
      assert.equal(plainReward(rule, answer), reward);
    });
  }
});
