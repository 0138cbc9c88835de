import assert from 'node:assert/strict';
import { distinct, meanWords, words } from '../../../../src/core/statistics/textStatistics.ts';

describe('text statistics', () => {
  it('counts words without punctuation', () => {
    assert.deepEqual(words("We're sorry: the Kettle leaks!"), ["we're", 'sorry', 'the', 'kettle', 'leaks']);
    assert.deepEqual(words('水壶 leaks'), ['水', '壶', 'leaks']);
    assert.equal(meanWords(['one two', 'one two three four']), 3);
    assert.equal(meanWords([]), 0);
  });

  it('measures distinct-2 over all texts together', () => {
    // bigrams: a b, b a, a b | a b → 2 different of 4
    assert.equal(distinct(['a b a b', 'a b'], 2), 0.5);
    assert.equal(distinct(['a b c', 'd e'], 2), 1);
    assert.equal(distinct(['a'], 2), 0);
  });
});
