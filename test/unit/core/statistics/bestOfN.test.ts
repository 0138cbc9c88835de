import assert from 'node:assert/strict';
import { bestOfCurve, bestOfKlBound, bestOfMean } from '../../../../src/core/statistics/bestOfN.ts';

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

/** All ways to draw k of n. */
function* subsets(n: number, k: number, from = 0): Generator<number[]> {
  if (k === 0) yield [];
  else
    for (let first = from; first <= n - k; first++)
      for (const rest of subsets(n, k - 1, first + 1)) yield [first, ...rest];
}

describe('best of n', () => {
  it('is at most log n − (n − 1)/n from the model', () => {
    assert.equal(bestOfKlBound(1), 0);
    close(bestOfKlBound(2), Math.LN2 - 0.5);
    close(bestOfKlBound(16), Math.log(16) - 15 / 16);
  });

  it('is the mean over all ways to draw k answers', () => {
    const scores = [0.3, -1, 2, 2, 0.5, 7];
    const gold = [1, 5, -2, 4, 0, 3];
    for (let k = 1; k <= 6; k++) {
      const means = (values: readonly number[]) =>
        [...subsets(6, k)].map(drawn => {
          const highest = Math.max(...drawn.map(i => scores[i]!));
          const chosen = drawn.filter(i => scores[i] === highest);
          return chosen.reduce((sum, i) => sum + values[i]!, 0) / chosen.length;
        });
      const mean = (values: readonly number[]) => means(values).reduce((a, b) => a + b) / means(values).length;
      close(bestOfMean(scores, scores, k), mean(scores));
      close(bestOfMean(scores, gold, k), mean(gold));
    }
    assert.throws(() => bestOfMean(scores, scores, 7), RangeError);
  });

  it('draws the curve over powers of two and all answers', () => {
    const curve = bestOfCurve(
      [
        [1, 2, 3, 4, 5, 6],
        [0, 0, 0, 0, 0, 0],
      ],
      [
        [6, 5, 4, 3, 2, 1],
        [1, 1, 1, 1, 1, 1],
      ],
    );
    assert.deepEqual(
      curve.map(({ n }) => n),
      [1, 2, 4, 6],
    );
    close(curve[0]!.reward, 1.75);
    close(curve[3]!.reward, 3);
    close(curve[3]!.gold!, 1);
    assert.equal(bestOfCurve([[1, 2]])[0]!.gold, undefined);
  });
});
