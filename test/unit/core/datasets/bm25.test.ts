import assert from 'node:assert/strict';
import { Bm25 } from '../../../../src/core/datasets/bm25.ts';

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

describe('Bm25', () => {
  it('agrees with a case worked by hand', () => {
    // Lengths 2, 3, 4, mean 3. “cat” is in two of three texts: idf = ln(1 + 1.5 / 2.5) = ln 1.6; “dog” in one: ln(1 + 2.5 / 1.5).
    const scores = new Bm25(['the cat', 'cat cat sat', 'a dog ran off']).scores('Cat, dog!');
    // k1·(1 − b + b·2/3) = 1.2·0.75 = 0.9, so 1 / 1.9; length 3: 1.2, so 2 / 3.2; length 4: 1.2·1.25 = 1.5, so 1 / 2.5.
    near(scores[0]!, Math.log(1.6) / 1.9);
    near(scores[1]!, (Math.log(1.6) * 2) / 3.2);
    near(scores[2]!, Math.log(1 + 2.5 / 1.5) / 2.5);
  });

  it('measures how alike two texts are', () => {
    const index = new Bm25(['the cat sat', 'the cat sat', 'dogs run', '']);
    near(index.between(0, 1), 1);
    near(index.between(0, 2), 0);
    near(index.between(0, 3), 0);
  });

  it('answers a query over 10,000 texts in time', () => {
    const texts = Array.from({ length: 10_000 }, (_, i) =>
      Array.from({ length: 30 }, (_, j) => `w${(i * 31 + j * j * 7) % 3000} the of`).join(' '),
    );
    const index = new Bm25(texts);
    const times = Array.from({ length: 5 }, (_, i) => {
      const began = performance.now();
      index.scores(texts[i * 100]!);
      return performance.now() - began;
    }).sort((a, b) => a - b);
    assert.ok(times[2]! <= 50, `median ${times[2]} ms`);
  });
});
