import assert from 'node:assert/strict';
import { holm } from '../../../../src/core/evaluation/experiment.ts';
import { accuracyBand, orderSpread } from '../../../../src/core/statistics/accuracyBands.ts';
import { wilson } from '../../../../src/core/statistics/intervals.ts';

describe('accuracyBand and orderSpread', () => {
  const orders = [
    [true, true, false, false, true, undefined],
    [true, false, true, false, true, undefined],
  ];

  it('counts rows, not answers', () => {
    const band = accuracyBand(orders);
    assert.deepEqual([band.estimate, band.n], [0.6, 5]);
    assert.ok(band.low < 0.6 && band.high > 0.6);
  });

  it('is Wilson’s where there is one order or no variance', () => {
    assert.deepEqual(accuracyBand([orders[0]!]), wilson(3, 5));
    assert.deepEqual(
      accuracyBand([
        [true, true],
        [true, true],
      ]),
      wilson(2, 2),
    );
  });

  it('says how much the order matters', () => {
    const { orders: each, range, changed, deviation } = orderSpread(orders);
    assert.deepEqual([each.map(one => one.estimate), range.estimate, changed, deviation], [[0.6, 0.6], 0, 2, 0]);
    assert.ok(range.high > 0);
  });
});

describe('holm', () => {
  it('agrees with a case worked by hand', () => {
    // Smallest 0.01·3, then max(0.03, 0.02·2), then max(0.04, 0.5).
    assert.deepEqual(holm([0.02, 0.01, 0.5]), [0.04, 0.03, 0.5]);
  });
});
