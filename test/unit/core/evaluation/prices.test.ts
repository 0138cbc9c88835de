import assert from 'node:assert/strict';
import { costOf, kindOfId, priceOf, pricesOf } from '../../../../src/core/evaluation/prices.ts';

describe('prices', () => {
  const prices = pricesOf({
    'https://a/v1|big': { input: 2, output: 8 },
    small: { input: 0.1, output: 0.4 },
    bad: { input: -1 },
  });
  for (const [id, input] of [
    ['https://a/v1|big', 2],
    ['https://b/v1|big', undefined],
    ['https://b/v1|small', 0.1],
    ['local:pebble', 0],
    ['editor:copilot/gpt', undefined],
    ['https://b/v1|bad', undefined],
    ['https://b/v1|toString', undefined],
  ] as const) {
    it(`of ${id}: ${input ?? 'none'}`, () => {
      assert.equal(priceOf(prices, { id, kind: kindOfId(id) })?.input, input);
    });
  }

  it('count tokens by the million, and say nothing where nothing is known', () => {
    const usage = { promptTokens: 1_000_000, completionTokens: 500_000 };
    assert.equal(costOf(usage, prices['https://a/v1|big']), 6);
    assert.equal(costOf(undefined, prices.small), undefined);
    assert.equal(costOf(usage, undefined), undefined);
    assert.deepEqual(pricesOf('none'), {});
  });
});
