import assert from 'node:assert/strict';
import { wilson, winRate } from '../../../../src/core/statistics/intervals.ts';

const close = (actual: number, expected: number, tolerance = 5e-4) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('Wilson interval', () => {
  it('is 64.0–94.8 % for 17 of 20', () => {
    const { estimate, low, high, n } = wilson(17, 20);
    assert.equal(estimate, 0.85);
    assert.equal(n, 20);
    close(low, 0.64);
    close(high, 0.948);
  });

  it('stays honest at the edges', () => {
    close(wilson(0, 10).low, 0, 0);
    close(wilson(0, 10).high, 0.2775);
    close(wilson(10, 10).low, 0.7225);
    assert.equal(wilson(10, 10).high, 1);
    assert.deepEqual(wilson(0, 0), { estimate: 0.5, low: 0, high: 1, n: 0 });
  });

  it('refuses counts that cannot be', () => {
    assert.throws(() => wilson(3, 2), RangeError);
    assert.throws(() => wilson(Number.NaN, 2), RangeError);
  });
});

describe('win rate', () => {
  it('counts a tie as a half', () => {
    assert.equal(winRate([0, 1, 2, 1], [1, 1, 1, 2]).estimate, 2.5 / 4);
  });

  it('is at 50 % with an interval around it when nothing changed', () => {
    const scores = Array.from({ length: 200 }, (_, index) => index % 3);
    const { estimate, low, high } = winRate(scores, scores);
    assert.equal(estimate, 0.5);
    close(low, 0.4314);
    close(high, 0.5686);
  });

  it('refuses lists of different lengths', () => {
    assert.throws(() => winRate([1], [1, 2]), RangeError);
  });
});
