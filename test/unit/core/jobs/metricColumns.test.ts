import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { MetricColumns, meansOf, type Point, thinned } from '../../../../src/core/jobs/metricColumns.ts';

const event = (step: number, values: Record<string, number>) => ({
  type: 'metrics' as const,
  time: new Date(step * 1000).toISOString(),
  step,
  values,
});

describe('metrics as columns', () => {
  it('have a hole where a step did not report, and one row for two events of a step', () => {
    const metrics = MetricColumns.of([
      event(1, { loss: 3 }),
      event(2, { loss: 2, kl: 0.5 }),
      event(2, { gold: 7 }),
      event(3, { kl: 1 }),
    ]);
    assert.deepEqual(metrics.steps, [1, 2, 3]);
    assert.deepEqual(metrics.names, ['loss', 'kl', 'gold']);
    assert.deepEqual(metrics.column('loss'), [3, 2, Number.NaN]);
    assert.deepEqual(metrics.column('gold'), [Number.NaN, 7, Number.NaN]);
    assert.deepEqual(metrics.column('other'), []);
    assert.deepEqual(metrics.times, [1000, 2000, 3000]);
  });

  it('take the last of a step that a resumed job went over again, and late steps in their place', () => {
    const metrics = MetricColumns.of([1, 2, 3, 4].map(step => event(step, { loss: step })));
    metrics.add([event(3, { loss: 30 }), event(2.5, { loss: 25 })]);
    assert.deepEqual(metrics.steps, [1, 2, 2.5, 3, 4]);
    assert.deepEqual(metrics.column('loss'), [1, 2, 25, 30, 4]);
    metrics.clear();
    assert.equal(metrics.length, 0);
  });
});

describe('thinned curves', () => {
  it('keep every peak, the last point and the order, within their number', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.constant(Number.NaN)), {
          maxLength: 400,
        }),
        fc.integer({ min: 4, max: 60 }),
        (ys, max) => {
          const xs = ys.map((_, i) => i);
          const { points, trend } = thinned(xs, ys, max);
          const finite = ys.filter(Number.isFinite);
          assert.ok(points.length <= Math.max(finite.length, 0) && points.length <= max + 1);
          if (finite.length === 0) return;
          const shown = points.map(([, y]) => y);
          assert.equal(Math.min(...shown), Math.min(...finite));
          assert.equal(Math.max(...shown), Math.max(...finite));
          assert.deepEqual(points.at(-1), [ys.findLastIndex(Number.isFinite), finite.at(-1)]);
          for (const [x, y] of points) assert.equal(ys[x], y);
          for (let i = 1; i < points.length; i++) assert.ok(points[i]![0] > points[i - 1]![0]);
          if (trend) assert.equal(trend.length, max >> 1);
        },
      ),
    );
  });

  it('have means between', () => {
    const ys = Array.from({ length: 100 }, (_, i) => i % 2);
    assert.deepEqual(
      thinned(
        ys.map((_, i) => i),
        ys,
        4,
      ).trend,
      [
        [24.5, 0.5],
        [74.5, 0.5],
      ],
    );
    const points = Array.from({ length: 20 }, (_, i): Point => [i, 1]);
    assert.deepEqual(meansOf(points, 2), [
      [4.5, 1],
      [14.5, 1],
    ]);
  });
});
