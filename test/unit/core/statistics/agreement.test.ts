/** Agreement against the published worked examples. */
import assert from 'node:assert/strict';
import {
  alphaInterval,
  cohenKappa,
  fleissKappa,
  krippendorffAlpha,
  type Metric,
  rawAgreement,
} from '../../../../src/core/statistics/agreement.ts';

const near = (actual: number, expected: number, within = 5e-4) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);

/** Krippendorff 2011, section C: four observers, twelve units, some values missing. */
const observers = ['123321412...', '1233224125.3', '.3332342251.', '12332441251.'];
const units = Array.from({ length: 12 }, (_, unit) =>
  observers.flatMap(row => (row[unit] === '.' || row[unit] === undefined ? [] : [Number(row[unit])])),
);

describe('agreement', () => {
  const check = (metric: Metric, expected: number) => near(krippendorffAlpha(units, metric), expected);

  it("equals Krippendorff's worked example", () => {
    check('nominal', 0.743);
    check('ordinal', 0.815);
    check('interval', 0.849);
  });

  it("equals Cohen's κ of 20, 5, 10 and 15 answers: 0.4", () => {
    const first = [...Array(25).fill(1), ...Array(25).fill(0)];
    const second = [...Array(20).fill(1), ...Array(5).fill(0), ...Array(10).fill(1), ...Array(15).fill(0)];
    near(cohenKappa(first, second), 0.4, 1e-12);
    near(rawAgreement(first.map((value, i) => [value, second[i]])), 0.7, 1e-12);
    assert.ok(Number.isNaN(cohenKappa([1, 1], [1, 1])));
  });

  it("equals Fleiss' κ of fourteen judges and ten things: 0.210", () => {
    const rows = '0,0,0,0,14 0,2,6,4,2 0,0,3,5,6 0,3,9,2,0 2,2,8,1,1 7,7,0,0,0 3,2,6,3,0 2,5,3,2,2 6,5,2,1,0 0,2,2,3,7';
    near(fleissKappa(rows.split(' ').map(row => row.split(',').map(Number))), 0.21);
    assert.throws(
      () =>
        fleissKappa([
          [1, 1],
          [2, 1],
        ]),
      RangeError,
    );
  });

  it('has an interval around α, the same for the same seed, wider when units come in clusters', () => {
    const alone = alphaInterval(units, 'nominal', { seed: 3 });
    near(alone.estimate, 0.743);
    assert.ok(alone.low < alone.estimate && alone.estimate < alone.high && alone.high <= 1);
    assert.deepEqual(alphaInterval(units, 'nominal', { seed: 3 }), alone);
    const doubled = [...units, ...units];
    const clusters = doubled.map((_, i) => String(i % units.length));
    const apart = alphaInterval(doubled, 'nominal', { seed: 3 });
    const together = alphaInterval(doubled, 'nominal', { seed: 3, clusters });
    assert.ok(together.high - together.low > apart.high - apart.low);
    assert.ok(Number.isNaN(krippendorffAlpha([[1], [2]], 'nominal')));
  });
});
