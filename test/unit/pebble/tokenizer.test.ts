import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pebbleTokenizer } from '../../../scripts/pebble/tokenizer.ts';
import { learnMerges, tokenizerJson } from '../../../scripts/pebble/tokenizerTraining.ts';

describe('learnMerges', () => {
  it('merges the most frequent pair first', () => {
    // "ab" five times, then " ab" five times but for the first word, then "abc".
    const merges = learnMerges([' ab ab abc abc abc'], 3);
    assert.deepEqual(
      merges.map(pair => pair.join('')),
      ['ab', 'Ġab', 'Ġabc'],
    );
  });

  it('never merges across words and stops when nothing is left', () => {
    assert.deepEqual(learnMerges(['x y'], 10), []);
    assert.ok(learnMerges(['no no no'], 10).every(([a, b]) => !(a + b).slice(1).includes('Ġ')));
  });

  it('numbers special tokens, bytes, merges', () => {
    const json = tokenizerJson([['a', 'b']], ['<s>']);
    const { vocab } = json.model as { vocab: Record<string, number> };
    assert.equal(vocab['<s>'], 0);
    assert.equal(Object.keys(vocab).length, 1 + 256 + 1);
    assert.equal(vocab.ab, 257);
  });
});

describe("pebble's tokenizer", () => {
  it('is what its recipe gives', () => {
    const file = readFileSync(new URL('../../../models/pebble/tokenizer.json', import.meta.url), 'utf8');
    // Not assert.equal: the difference of two such lines helps no one.
    assert.ok(file === `${JSON.stringify(pebbleTokenizer())}\n`, 'run scripts/pebble/tokenizer.ts, then train again');
  });
});
