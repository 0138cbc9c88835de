import assert from 'node:assert/strict';
import * as v from 'valibot';
import { figure } from '../../../../src/base/figure.ts';
import { DashboardSchema, dashboard, outcome, sharedLines } from '../../../../src/core/jobs/dashboard.ts';
import type { JobEvent, JobResult, JobSpecification } from '../../../../src/core/jobs/job.ts';
import { dpoPresets, ktoPresets, ppoPresets, sftPresets } from '../../../../src/core/jobs/presets.ts';
import { rewardReport } from '../../../../src/core/jobs/rewardReport.ts';
import { sftReport } from '../../../../src/core/jobs/sftReport.ts';
import { jobState, rewardEvents, rewardJob, rlhfEvents, rlhfJob } from '../../../fakes/jobs.ts';

const running = () =>
  dashboard({
    id: 'j',
    specification: rlhfJob(),
    status: 'running',
    state: jobState({ step: 118, secondsLeft: 360 }),
    events: rlhfEvents(118),
    madeBy: folder => (folder.endsWith('polite-rm') ? 'rm-job' : undefined),
  });

const result = (more: Partial<JobResult> = {}): JobResult => ({
  format: 1,
  adapter: '/a',
  seconds: 60,
  metrics: {},
  warnings: [],
  ...more,
});

describe('job dashboard', () => {
  it('shows a running RLHF job', () => {
    const shown = running();
    v.assert(DashboardSchema, shown);
    assert.equal(shown.step, 118);
    assert.equal(shown.secondsLeft, 360);
    assert.ok(Math.abs(shown.secondsPerStep! - 4.4) < 0.01);
    assert.deepEqual(
      shown.lineage.map(row => [row.name, row.job, row.here]),
      [
        ['pebble', null, false],
        ['polite-rm', 'rm-job', false],
        ['polite-v1', null, true],
      ],
    );
    assert.deepEqual(
      shown.charts.map(chart => [chart.id, chart.series.map(one => one.points.length)]),
      [
        ['reward', [118, 6]],
        ['frontier', [118]],
        ['kl', [118]],
        ['length', [118]],
        ['entropy', [118]],
      ],
    );
    assert.equal(shown.charts[0]!.xMax, 200);
    assert.deepEqual([shown.samples?.before, shown.samples?.now, shown.samples?.steps.length], [0, 100, 6]);
    assert.equal(shown.hiddenCurves, 3);
    assert.equal(shown.samples?.rows[0]?.rewardBefore, 0.3);
    assert.match(shown.samples?.rows[0]?.now ?? '', /emailed twice/);
    assert.match(shown.log[0]!.text, /^step 118 {2}loss .* {2}reward .* {2}kl .* {2}clipped 9 % {2}length 31/);
    assert.deepEqual(shown.can, { stop: true, resume: false, use: false, fineTune: false });
    assert.ok(shown.settings[1]!.some(row => row.value === 'none'));
  });

  it('draws how sure a reward model was against how often it was right', () => {
    const report = rewardReport([
      ...Array.from({ length: 8 }, (_, i) => ({ margin: i < 6 ? 0.1 : -0.1, chosen: 10, rejected: 10 })),
      ...Array.from({ length: 4 }, () => ({ margin: 3, chosen: 10, rejected: 10 })),
    ]);
    const shown = dashboard({
      id: 'j',
      specification: rewardJob(),
      status: 'succeeded',
      result: result({ accuracy: { estimate: 10 / 12, low: 0.55, high: 0.95, n: 12 }, report }),
      events: rewardEvents(20),
    });
    const chart = shown.charts.find(({ id }) => id === 'calibration')!;
    assert.deepEqual(
      chart.series[0]!.points.map(([x, y]) => [x.toFixed(2), y]),
      [
        ['0.52', 0.75],
        ['0.95', 1],
      ],
    );
  });

  it('draws the gold beside the reward, in standard deviations above the start, and says where it peaked', () => {
    const gold = { source: { kind: 'rule', reward: { rule: 'json-valid' } }, patience: 3, restoreBest: true } as const;
    // d(1 − 0.5 log d) at d = 1, 2, 3: the fit finds it again.
    const form = (d: number) => d * (1 - 0.5 * Math.log(d));
    const events = [0, 1, 2, 3].map(
      (d): JobEvent => ({
        type: 'metrics',
        time: '2026-01-05T14:00:00.000Z',
        step: 20 * d,
        values: {
          ...(d === 0 ? {} : { reward: d, kl: d }),
          'gold/mean': 5 + 2 * (d === 0 ? 0 : form(d)),
          'gold/std': d === 0 ? 2 : 9,
          'gold/proxy_mean': 1 + d,
          'gold/proxy_std': d === 0 ? 0.5 : 9,
          'gold/kl': d * d,
        },
      }),
    );
    const metrics = {
      ...{ steps: 60, reward_before: 1, reward_after: 3, kl: 4 },
      ...{ gold_before: 5, gold_best: 7.6, gold_best_step: 40, gold_last: 7.7, gold_after: 7.6, written_step: 40 },
    };
    const shown = dashboard({
      id: 'j',
      specification: rlhfJob({ gold }),
      status: 'succeeded',
      result: result({ metrics }),
      events,
    });
    v.assert(DashboardSchema, shown);
    const [, beside, frontier] = shown.charts;
    assert.deepEqual([beside!.id, frontier!.id], ['gold', 'frontier']);
    assert.deepEqual(
      beside!.series[0]!.points,
      [0, 1, 2, 3].map(d => [20 * d, 2 * d]),
    );
    const closeTo = (
      points: readonly (readonly [number, number])[],
      wanted: readonly (readonly [number, number])[],
    ) => {
      for (const [i, [x, y]] of wanted.entries()) {
        assert.ok(Math.abs(points[i]![0] - x) < 1e-9 && Math.abs(points[i]![1] - y) < 1e-9, `${points[i]}: ${x}, ${y}`);
      }
    };
    closeTo(frontier!.series[1]!.points, [
      [0, 0],
      [1, form(1)],
      [2, form(2)],
      [3, form(3)],
    ]);
    const fit = frontier!.series[2]!;
    assert.equal(frontier!.xLabel, '√KL; the fit of the gold peaks at 2.72');
    closeTo(fit.points.slice(-1), [[3, form(3)]]);
    assert.deepEqual(shown.lineage.map(row => [row.role, row.name]).slice(2), [
      ['gold', 'valid JSON'],
      ['policy', 'polite-v1'],
    ]);
    assert.match(
      shown.health!.text,
      /Gold reward: 5\.00 before, highest at step 40 with 7\.60, 7\.70 at the end\. The adapter is that of step 40\./,
    );
  });

  it('says of a running job that its gold is past its peak while the reward rises', () => {
    const source = { kind: 'rule', reward: { rule: 'json-valid' } } as const;
    const specification = rlhfJob({ gold: { source, patience: null, restoreBest: true } });
    const textOf = (gold: readonly number[], proxy: readonly number[]) => {
      const events = gold.map((mean, index): JobEvent => {
        const best = gold.slice(0, index + 1).reduce((at, value, i) => (value > gold[at]! ? i : at), 0);
        const values = { 'gold/mean': mean, 'gold/proxy_mean': proxy[index]!, 'gold/best_step': 10 * best };
        return { type: 'metrics', time: '2026-01-05T14:00:00.000Z', step: 10 * index, values };
      });
      return dashboard({ id: 'j', specification, status: 'running', state: jobState(), events }).health?.text;
    };
    assert.match(
      textOf([0, 2, 1, 1, 0], [0, 1, 2, 3, 4])!,
      /^The reward rises and the gold does not: it was highest at step 10\./,
    );
    assert.equal(textOf([0, 2, 1, 1], [0, 1, 2, 3]), undefined, 'two evaluations may be noise');
    assert.equal(textOf([0, 2, 1, 1, 0], [0, 1, 0, 0, 0]), undefined, 'the reward fell too');
  });

  it('shows a job that has not started', () => {
    const shown = dashboard({ id: 'j', specification: rewardJob(), status: 'queued', events: [] });
    v.assert(DashboardSchema, shown);
    assert.deepEqual(
      shown.charts.map(chart => chart.series.length),
      [0, 0, 0, 0],
    );
    assert.equal(shown.samples, null);
    assert.equal(shown.secondsPerStep, null);
  });

  it('says what came of a reward model, with its interval', () => {
    const accuracy = { estimate: 17 / 23, low: 0.535, high: 0.875, n: 23 };
    const shown = dashboard({
      id: 'j',
      specification: rewardJob(),
      status: 'succeeded',
      state: jobState({ step: 20, totalSteps: 20 }),
      result: result({ accuracy, warnings: ['3 pairs were identical and left out.'] }),
      events: rewardEvents(20),
    });
    assert.equal(shown.health?.level, 'warning');
    assert.equal(
      shown.health?.text,
      'Right on 74 % of 23 held-out pairs (95 % interval 54–88). 3 pairs were identical and left out.',
    );
    assert.deepEqual(shown.charts[1]!.series[1]!.points, [
      [0, 17 / 23],
      [20, 17 / 23],
    ]);
    assert.deepEqual(shown.can, { stop: false, resume: false, use: false, fineTune: true });
  });

  for (const [kind, settings, values, ids] of [
    ['dpo', dpoPresets.quick, { 'rewards/accuracies': 0.75 }, ['loss', 'margin', 'rewards', 'accuracy']],
    ['kto', ktoPresets.quick, { kl: 0.5 }, ['loss', 'margin', 'rewards', 'kl']],
  ] as const) {
    it(`shows a finished ${kind} job`, () => {
      const accuracy = { estimate: 0.75, low: 0.6, high: 0.9, n: 40 };
      const { data, ...common } = rewardJob();
      const shown = dashboard({
        id: 'j',
        specification: { ...common, kind, data, settings } as JobSpecification,
        status: 'succeeded',
        state: jobState({ step: 2, totalSteps: 2 }),
        result: result({ accuracy }),
        events: [1, 2].map(step => ({
          time: '2026-01-05T14:00:00.000Z',
          type: 'metrics',
          step,
          values: { loss: 0.6, 'rewards/margins': 1, 'rewards/chosen': 0.5, 'rewards/rejected': -0.5, ...values },
        })),
      });
      v.assert(DashboardSchema, shown);
      assert.match(shown.health!.text, /towards the better answer on 75 % of 40 held-out pairs/);
      assert.deepEqual(
        shown.charts.map(chart => [chart.id, chart.series.every(one => one.points.length === 2)]),
        ids.map(id => [id, true]),
      );
      assert.deepEqual(shown.can, { stop: false, resume: false, use: true, fineTune: false });
      assert.ok(shown.settings[1]!.some(row => row.label === 'Beta (β)' && row.value === '0.1'));
    });
  }

  it('says what came of RLHF', () => {
    assert.equal(
      outcome({ kind: 'rlhf' }, result({ metrics: { reward_before: -0.31, reward_after: 1.744, kl: 7 } })),
      'Mean reward of the fixed prompts: −0.31 before, 1.74 now. KL to the base: 7.00 nats.',
    );
    assert.equal(outcome({ kind: 'rlhf' }, undefined), '');
  });

  it('says what instruction tuning did on tasks held out', () => {
    const metrics = { eval_perplexity_before: 8, eval_perplexity: 3 };
    const learned = 'Perplexity of the held-out answers: 8.00 before, 3.00 now.';
    assert.equal(outcome({ kind: 'sft' }, result({ metrics })), learned);
    const sft = sftReport([
      { task: 'a', unseen: true, references: ['x'], before: 'y', after: 'x' },
      { task: 'a', unseen: true, references: ['x'], before: 'y', after: 'y' },
    ])!;
    assert.equal(
      outcome({ kind: 'sft' }, result({ metrics, sft })),
      `${learned} Tasks held out: 0 % right before, 50 % now (95 % interval 9–91, 2 rows).`,
    );
  });

  it('does not praise a reward that fell', () => {
    const metrics = { reward_before: 0.96, reward_after: 0.68 };
    const input = { id: 'j', specification: rlhfJob(), status: 'succeeded' as const, events: [] };
    assert.equal(dashboard({ ...input, result: result({ metrics }) }).health?.level, 'warning');
    const rose = { reward_before: 0.68, reward_after: 0.96 };
    assert.equal(dashboard({ ...input, result: result({ metrics: rose }) }).health?.level, 'good');
  });

  it('says why a job ended and where it goes on', () => {
    const of = (status: 'failed' | 'lost' | 'cancelled', events: JobEvent[]) =>
      dashboard({
        id: 'j',
        specification: rlhfJob(),
        status,
        state: jobState({ step: 31, error: { message: 'The disk is full.', human: true } }),
        events,
      }).health;
    assert.deepEqual(of('failed', []), { level: 'error', text: 'The disk is full.' });
    assert.match(of('lost', rlhfEvents(31))!.text, /checkpoint of step 20/);
    assert.match(of('cancelled', [])!.text, /^Stopped at step 31\. .*from the beginning/);
  });

  it('counts a step once that a resumed job went over again', () => {
    const events = [...rlhfEvents(30), ...rlhfEvents(25).filter(event => 'step' in event && event.step > 20)];
    const shown = dashboard({ id: 'j', specification: rlhfJob(), status: 'running', state: jobState(), events });
    assert.equal(shown.charts[2]!.series[0]!.points.length, 30);
    assert.deepEqual(
      shown.charts[2]!.series[0]!.points.map(([x]) => x),
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  });

  it('leaves out the lines that all prompts begin with', () => {
    const cases: [string[], string][] = [
      [['Do it.\n\nReview: a', 'Do it.\n\nReview: b'], 'Do it.\n\n'],
      [['Do it a', 'Do it b'], ''],
      [['same\n', 'same\n'], 'same\n'],
      [['only\none'], ''],
      [[], ''],
    ];
    for (const [texts, shared] of cases) assert.equal((texts[0] ?? '').slice(0, sharedLines(texts)), shared);
  });

  it('shows the loss of RLHF where it says something', () => {
    const settings = { ...rlhfJob().settings, updatesPerRollout: 2 };
    const shown = dashboard({
      id: 'j',
      specification: rlhfJob({ settings }),
      status: 'running',
      events: rlhfEvents(9),
    });
    assert.ok(shown.charts.some(({ id }) => id === 'loss'));
    assert.ok(!running().charts.some(({ id }) => id === 'loss'));
  });

  it('shows both losses of PPO, and perplexity of examples', () => {
    const values = { reward: 1, kl: 1, 'loss/policy_avg': 0.1, 'loss/value_avg': 0.2, 'policy/clipfrac_avg': 0.3 };
    const event: JobEvent = { type: 'metrics', time: '', step: 1, values };
    const { data, ...common } = rewardJob();
    const ppo = dashboard({
      id: 'j',
      specification: rlhfJob({ settings: ppoPresets.quick }),
      status: 'running',
      events: [event],
    });
    assert.deepEqual(
      ppo.charts.slice(4).map(({ id, series }) => [id, series[0]!.points[0]![1]]),
      [
        ['policy', 0.1],
        ['value', 0.2],
        ['clipped', 0.3],
      ],
    );
    const sft = dashboard({
      id: 'j',
      specification: { ...common, kind: 'sft', data, settings: sftPresets.quick },
      status: 'succeeded',
      state: jobState({ step: 2, totalSteps: 2 }),
      result: result({ metrics: { eval_perplexity_before: 9, eval_perplexity: 4 } }),
      events: [1, 2].map(step => ({ type: 'metrics', time: '', step, values: { loss: Math.log(step + 1) } })),
    });
    const perplexity = sft.charts[1]!.series.map(({ points }) => points.map(([, y]) => Number(y.toFixed(9))));
    assert.deepEqual(perplexity, [
      [2, 3],
      [9, 9],
      [4, 4],
    ]);
  });

  it('has a chart for every metric when asked', () => {
    const input = { id: 'j', specification: rlhfJob(), status: 'running', events: rlhfEvents(9) } as const;
    const all = dashboard({ ...input, allCurves: true });
    assert.deepEqual(
      all.charts.slice(-3).map(({ title }) => title),
      ['loss', 'clip_ratio/region_mean', 'learning_rate'],
    );
    assert.deepEqual([all.hiddenCurves, all.allCurves], [0, true]);
  });

  it('puts the answers of any two steps beside each other', () => {
    const input = { id: 'j', specification: rlhfJob(), status: 'running', events: rlhfEvents(118) } as const;
    const { samples } = dashboard({ ...input, compared: { before: 40, now: 80 } });
    assert.deepEqual([samples?.before, samples?.now], [40, 80]);
    assert.ok(Math.abs(samples!.rows[0]!.rewardBefore! - 1.4) < 1e-9);
    // A step that never was is the first or the last.
    assert.equal(dashboard({ ...input, compared: { before: 41 } }).samples?.before, 0);
  });

  it('writes figures with three digits and a true minus', () => {
    assert.deepEqual([1.234, -0.5, 31.42, 123.4].map(figure), ['1.23', '−0.50', '31.4', '123']);
  });
});
