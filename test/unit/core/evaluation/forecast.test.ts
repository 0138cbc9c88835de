import assert from 'node:assert/strict';
import { estimatedTokens, type ForecastPart, forecast } from '../../../../src/core/evaluation/forecast.ts';

const part: ForecastPart = { cells: 10, callsPerCell: 2, promptTokens: 1000, counted: true, maxOutputTokens: 100 };
const price = { input: 1, output: 10 };
const measured = { calls: 3, callsPerSecond: 4, completionTokens: 25 };

describe('forecast', () => {
  it('counts calls and tokens, and says nothing of money and time that it does not know', () => {
    assert.deepEqual(forecast([part]), {
      calls: 20,
      promptTokens: 2000,
      completionTokens: { expected: 2000, most: 2000 },
      counted: true,
    });
  });

  it('adds prices and measured speed, between what is likely and the most', () => {
    const { cost, seconds, completionTokens } = forecast([{ ...part, price, measured }]);
    assert.deepEqual(completionTokens, { expected: 500, most: 2000 });
    assert.deepEqual([cost?.expected.toFixed(4), cost?.most.toFixed(4), seconds], ['0.0070', '0.0220', 5]);
  });

  it('adds up models; one without a price or a speed leaves the sum open', () => {
    const whole = { ...part, price, measured };
    assert.equal(forecast([whole, { ...whole, counted: false }]).seconds, 10);
    const open = forecast([whole, { ...part, counted: false }]);
    assert.deepEqual([open.calls, open.cost, open.seconds, open.counted], [40, undefined, undefined, false]);
  });

  it('estimates tokens by the script', () => {
    assert.deepEqual(['', 'abcdefgh', '你好', 'ab你'].map(estimatedTokens), [0, 2, 2, 2]);
  });
});
