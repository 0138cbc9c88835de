import assert from 'node:assert/strict';
import { MetricColumns } from '../../../../src/core/jobs/metricColumns.ts';
import { metricsCsv } from '../../../../src/core/jobs/metricsCsv.ts';
import { rlhfEvents } from '../../../fakes/jobs.ts';

describe('metrics as CSV', () => {
  it('have every step and metric, nothing thinned', () => {
    const metrics = MetricColumns.of([
      { type: 'metrics', time: '2026-01-05T14:00:00.000Z', step: 1, values: { loss: 0.1, 'a,b': 1e-7 } },
      { type: 'metrics', time: 'no time', step: 2, values: { loss: -2 } },
    ]);
    assert.equal(metricsCsv(metrics), 'step,time,loss,"a,b"\r\n1,2026-01-05T14:00:00.000Z,0.1,1e-7\r\n2,,-2,\r\n');
    assert.equal(
      metricsCsv(MetricColumns.of(rlhfEvents(5000)))
        .trimEnd()
        .split('\r\n').length,
      5001,
    );
  });
});
