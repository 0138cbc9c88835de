import assert from 'node:assert/strict';
import { lengthRule, patternError, schemaRule } from '../../../../src/core/jobs/ruleText.ts';

describe('rules of rewards as people write them', () => {
  it('ranges of words', () => {
    assert.deepEqual(lengthRule(' 10 – 30 '), { rule: 'length', min: 10, max: 30, slack: 10 });
    assert.deepEqual(lengthRule('3-3'), { rule: 'length', min: 3, max: 3, slack: 5 });
    for (const bad of ['', '10', '9-3', '0-0', '-3-4', '1-2-3', 'a-b']) assert.equal(lengthRule(bad), undefined, bad);
  });

  it('patterns and schemas', () => {
    assert.equal(patternError('a|b'), undefined);
    assert.match(patternError('(a')!, /Unterminated group/);
    const rule = { rule: 'json-schema', schema: { type: 'object' }, file: 's.json' };
    assert.deepEqual(schemaRule('{"type":"object"}', 's.json'), rule);
    for (const bad of ['', '[]', '3', 'null', '{']) assert.equal(schemaRule(bad, 's.json'), undefined, bad);
  });
});
