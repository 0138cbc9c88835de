import assert from 'node:assert/strict';
import { columns, smooth } from '../../../../media/jobs/lines.ts';
import type { Chart } from '../../../../src/protocol/jobDashboard.ts';

const chart = (series: Partial<Chart['series'][number]>[]): Chart => ({
  id: 'c',
  title: '',
  xLabel: '',
  unit: '',
  xMax: null,
  yRange: null,
  series: series.map(one => ({ label: '', color: 'proxy', points: [], noisy: false, ...one })),
});

describe('lines of a chart', () => {
  it('share one axis, with holes where a series has no value', () => {
    const points: [number, number][][] = [
      [
        [1, 10],
        [2, 20],
        [3, 30],
      ],
      [
        [0, 5],
        [3, 7],
      ],
    ];
    assert.deepEqual(columns(chart(points.map(one => ({ points: one })))), {
      xs: [0, 1, 2, 3],
      lines: [
        [null, 10, 20, 30],
        [5, null, null, 7],
      ],
    });
  });

  it('get a smoothed twin where they are noisy', () => {
    const points = Array.from({ length: 40 }, (_, i): [number, number] => [i, i % 2]);
    const { lines } = columns(chart([{ points, noisy: true }]));
    assert.equal(lines.length, 2);
    const [raw, smoothed] = lines;
    assert.equal(raw![39], 1);
    assert.ok(smoothed!.slice(20).every(value => Math.abs(value! - 0.5) < 0.12));
  });

  it('are smoothed little while they are short', () => {
    assert.deepEqual(smooth([1, 2, 3]), [1, 2, 3]);
    assert.deepEqual(smooth([]), []);
    const jump = smooth([...new Array<number>(50).fill(0), 1]);
    assert.ok(jump.at(-1)! > 0.1 && jump.at(-1)! < 0.2);
  });
});
