import assert from 'node:assert/strict';
import { rougeL, rougeN } from '../../../../src/core/evaluation/rouge.ts';

const near = (got: number, wanted: number): void =>
  assert.ok(Math.abs(got - wanted) < 1e-12, `${got} is not ${wanted}`);

describe('ROUGE', () => {
  it('gives the example of Lin 2004, section 3', () => {
    const reference = 'police killed the gunman';
    near(rougeL('police kill the gunman', reference).f1, 0.75);
    near(rougeL('the gunman kill police', reference).f1, 0.5);
    near(rougeN('police kill the gunman', reference, 2).recall, 1 / 3);
    near(rougeN('the gunman kill police', reference, 2).recall, 1 / 3);
  });

  it('counts each word as often as both have it', () => {
    const { precision, recall } = rougeN('the the the', 'the cat', 1);
    near(precision, 1 / 3);
    near(recall, 1 / 2);
  });

  it('disregards case and punctuation and is 0 without common words', () => {
    near(rougeL('The CAT!', 'the cat').f1, 1);
    near(rougeL('', 'the cat').f1, 0);
    near(rougeL('dog', '').f1, 0);
  });
});
