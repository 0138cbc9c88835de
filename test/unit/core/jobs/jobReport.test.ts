import assert from 'node:assert/strict';
import { chartSvg } from '../../../../src/core/jobs/chartSvg.ts';
import { dashboard } from '../../../../src/core/jobs/dashboard.ts';
import type { Chart } from '../../../../src/core/jobs/dashboardCharts.ts';
import { jobReport } from '../../../../src/core/jobs/jobReport.ts';
import { jobState, rewardEvents, rewardJob, rlhfEvents, rlhfJob } from '../../../fakes/jobs.ts';

const rlhf = (more: Partial<Parameters<typeof jobReport>[0]> = {}) => ({
  id: 'a',
  specification: rlhfJob(),
  status: 'running' as const,
  state: jobState({ step: 120 }),
  events: rlhfEvents(120),
  ...more,
});

describe('jobReport', () => {
  it('has the curves, answers, settings and health of the dashboard, and nothing to load', () => {
    const html = jobReport(rlhf());
    const shown = dashboard(rlhf());
    for (const chart of shown.charts.filter(({ series }) => series.length > 0)) assert.ok(html.includes(chart.title));
    assert.equal(html.match(/<figure>/g)?.length, shown.charts.filter(({ series }) => series.length > 0).length);
    for (const { label, value } of shown.settings.flat())
      assert.ok(html.includes(`${label}</th><td>${value}</td>`), label);
    // Words that only the later answer has are marked.
    assert.ok(html.replace(/<\/?ins>/g, '').includes('Overall, a calm and specific review of the boots.'));
    assert.match(html, /<ins>/);
    assert.match(html, /120 of 200 steps/);
    assert.doesNotMatch(html, /<script|https?:|\bsrc=|@import|url\(/);
    assert.match(html, /default-src 'none'/);
  });

  it('shows texts of models as text', () => {
    const events = rlhfEvents(20).map(event =>
      event.type === 'samples'
        ? { ...event, samples: event.samples.map(sample => ({ ...sample, answer: '<img src=x onerror="a()">&' })) }
        : event,
    );
    const html = jobReport(rlhf({ events, specification: rlhfJob({ name: '<b>x</b>' }) }));
    assert.doesNotMatch(html, /<img|<b>/);
    assert.ok(html.replace(/<\/?(ins|del)>/g, '').includes('&lt;img src=x onerror=&quot;a()&quot;>&amp;'));
  });

  it('names the language, the failure, and leaves out what there is not', () => {
    const state = jobState({ status: 'failed', error: { message: 'The disk is full.', human: true } });
    const html = jobReport({ id: 'b', specification: rewardJob(), status: 'failed', state, events: [] }, 'zh-CN');
    assert.match(html, /<html lang="zh-CN">/);
    assert.equal(html.match(/The disk is full\./g)?.length, 1);
    assert.doesNotMatch(html, /<figure>|<h2>(Curves|Answers|Result|Warnings)/);
    assert.match(
      jobReport({ id: 'c', specification: rewardJob(), status: 'running', events: rewardEvents(9) }),
      /<h2>Curves/,
    );
  });
});

describe('chartSvg', () => {
  const chart = (points: [number, number][], more: Partial<Chart> = {}): Chart => ({
    id: 'x',
    title: 'X',
    xLabel: 'step',
    unit: '',
    xMax: null,
    yRange: null,
    series: [{ label: 'a', color: 'loss', points, noisy: false }],
    ...more,
  });
  const path = (svg: string): number[][] => {
    const lines = [...svg.matchAll(/<path d="M([\d.,L-]+)" fill="none"/g)];
    return lines[0]![1]!.split('L').map(pair => pair.split(',').map(Number));
  };

  it('puts points where the axes say', () => {
    const svg = chartSvg(
      chart(
        [
          [0, 0],
          [5, 1],
          [10, 0.5],
        ],
        { yRange: [0, 1] },
      ),
    );
    // The plot is 48 to 448 wide, and 206 (bottom) to 12 (top) high.
    assert.deepEqual(path(svg), [
      [48, 206],
      [248, 12],
      [448, 109],
    ]);
    assert.equal(svg.match(/<circle/g)?.length, 3, 'few points are points too');
  });

  it('draws what is flat, single or negative without numbers that are none', () => {
    for (const points of [
      [[3, 2]],
      [
        [1, 0],
        [2, 0],
      ],
      [
        [1, -5],
        [2, -5.5],
      ],
      [
        [0, 1e-9],
        [1, 2e-9],
      ],
    ] as [number, number][][]) {
      const svg = chartSvg(chart(points));
      assert.doesNotMatch(svg, /NaN|Infinity/);
      for (const [x, y] of path(svg)) assert.ok(x! >= 48 && x! <= 448 && y! >= 12 && y! <= 206, svg);
    }
    assert.equal(chartSvg(chart([])), '');
  });
});
