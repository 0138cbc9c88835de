import assert from 'node:assert/strict';
import * as v from 'valibot';
import { ComparisonSchema, comparison } from '../../../../src/core/jobs/comparison.ts';
import type { DashboardInput } from '../../../../src/core/jobs/dashboard.ts';
import { comparisonReport } from '../../../../src/core/jobs/jobReport.ts';
import { comparisonCsv } from '../../../../src/core/jobs/metricsCsv.ts';
import { rlhfPresets } from '../../../../src/core/jobs/presets.ts';
import { rewardEvents, rewardJob, rlhfEvents, rlhfJob } from '../../../fakes/jobs.ts';

const first = { id: 'a', specification: rlhfJob(), status: 'running', events: rlhfEvents(30) } as const;
const second: DashboardInput = {
  id: 'b',
  specification: rlhfJob({ settings: { ...rlhfPresets.standard, beta: 0.5 }, seed: 8 }),
  status: 'succeeded',
  events: rlhfEvents(40),
  result: { format: 1, adapter: '/a', seconds: 1, metrics: { reward_before: 0.1, reward_after: 0.9 }, warnings: [] },
};

describe('jobs compared', () => {
  it('share their charts, and show only what differs', () => {
    const compared = comparison([first, second]);
    v.assert(ComparisonSchema, compared);
    assert.deepEqual(
      compared.jobs.map(({ name }) => name),
      ['polite-v1', 'polite-v1 (2)'],
    );
    const kl = compared.charts.find(({ id }) => id === 'kl')!;
    assert.deepEqual(
      kl.series.map(({ label, color, points }) => [label, color, points.length]),
      [
        ['polite-v1', 'job-1', 30],
        ['polite-v1 (2)', 'job-2', 40],
      ],
    );
    assert.deepEqual(compared.specification, [
      { label: 'KL penalty (β)', values: ['0.15', '0.5'] },
      { label: 'Seed', values: ['7', '8'] },
    ]);
    assert.ok(compared.same > 20);
    assert.deepEqual(compared.results[0], { label: 'reward_before', values: [null, '0.10'] });
  });

  it('of different kinds have the curves that both have, and the others alone', () => {
    const reward = { id: 'c', specification: rewardJob(), status: 'running', events: rewardEvents(20) } as const;
    const { charts, specification } = comparison([first, reward]);
    assert.deepEqual(charts.find(({ id }) => id === 'kl')!.series.length, 1);
    assert.deepEqual(charts.find(({ id }) => id === 'loss')!.series[0]!.color, 'job-2');
    assert.deepEqual(specification[0], { label: 'Kind', values: ['RLHF, RLOO', 'Reward model'] });
    assert.ok(specification.some(({ label, values }) => label === 'KL penalty (β)' && values[1] === null));
  });

  it('leave as CSV of all steps and as a page', () => {
    const compared = comparison([first, second]);
    const lines = comparisonCsv(compared, [first, second]).trimEnd().split('\r\n');
    assert.equal(lines.length, 1 + 30 + 40);
    assert.match(lines[0]!, /^job,step,time,loss,reward,kl,/);
    assert.match(lines.at(-1)!, /^polite-v1 \(2\),40,2026-/);
    const html = comparisonReport(compared, 'en');
    assert.ok(html.includes('KL penalty (β)') && html.includes('<svg'));
  });
});
