import assert from 'node:assert/strict';
import type { JobEvent } from '../../../../src/core/jobs/job.ts';
import { loopSettings } from '../../../../src/core/jobs/loop.ts';
import { curveOf, evaluations, runOveroptimisation } from '../../../../src/core/jobs/overoptimisation.ts';
import { overoptimisationPlot } from '../../../../src/core/jobs/overoptimisationPlot.ts';

const time = '2026-01-01T00:00:00Z';
const prompt = (about: string) => ({ prompt: { kind: 'text' as const, text: about }, about });
const prompts = [prompt('kettle'), prompt('lamp')];

const samples = (step: number, answers: readonly (readonly [string, number])[]): JobEvent => ({
  type: 'samples',
  time,
  step,
  samples: answers.map(([answer, reward]) => ({ prompt: '', answer, reward })),
});
const metrics = (step: number, kl: number): JobEvent => ({ type: 'metrics', time, step, values: { kl } });

const events: readonly JobEvent[] = [
  samples(0, [
    ['Sorry.', 1],
    ['Sorry.', 3],
  ]),
  ...[1, 2, 3, 4, 5, 6].map(step => metrics(step, step)),
  samples(6, [
    ['Your kettle gets a refund.', 4],
    ['Your lamp is fine.', 4],
  ]),
];

describe('the over-optimisation experiment', () => {
  it('reads proxy, gold and KL of the fixed prompts from a job', () => {
    // Base rewards 1 and 3: mean 2, standard deviation √2. KL: mean of steps 2 … 6. Gold: 2 points and 1 point.
    const [base, end] = evaluations(events, prompts);
    assert.deepEqual(base, { step: 0, kl: 0, proxy: 0, gold: 0 });
    assert.equal(end!.kl, 4);
    assert.equal(end!.gold, 1.5);
    assert.ok(Math.abs(end!.proxy - 2 / Math.SQRT2) < 1e-12);
  });

  it('pairs the seeds for what is lost after the peak', () => {
    const run = (...golds: readonly number[]) => golds.map((gold, i) => ({ step: 10 * i, kl: i * i, proxy: i, gold }));
    // Peak of the mean (1.5 at step 10); drops 1 and 2: mean 1.5, standard error √(0.5 / 2) = 0.5.
    const curve = curveOf(0, [run(0, 1, 0), run(0, 2, 0)]);
    assert.equal(curve.peakStep, 10);
    assert.deepEqual(curve.drop, { mean: 1.5, error: 0.5 });
    assert.deepEqual(curve.proxySince, { mean: 1, error: 0 });
    assert.deepEqual(curve.points[1]!.gold, { mean: 1.5, error: 0.5 });
    assert.ok(curve.fit && curve.fit.beta > 0 && curve.fit.peak! < 2);
  });

  it('gives each seed a proxy of its own, which all penalties share, and draws the curves', async () => {
    const trained: number[] = [];
    const tuned: { proxy: string; beta: number; seed: number }[] = [];
    const result = await runOveroptimisation(
      {
        model: 'pebble <1>',
        seeds: [3, 4],
        betas: [0, 0.2],
        training: [prompt('kettle')],
        heldOut: prompts,
        settings: { ...loopSettings(1e6), judgedPrompts: 1 },
      },
      {
        sample: async requests => requests.map((_, i) => (i === 0 ? 'Your kettle gets a refund.' : `Sorry ${i}.`)),
        trainReward: async (pairs, _settings, seed) => {
          assert.ok(pairs.length > 0);
          trained.push(seed);
          return { format: 1, adapter: `/proxy-${seed}`, seconds: 1, metrics: {}, warnings: [] };
        },
        trainPolicy: async (_prompts, _heldOut, proxy, { beta }, seed) => {
          tuned.push({ proxy, beta, seed });
          return events;
        },
        progress: () => {},
        seconds: () => 1,
      },
    );
    assert.deepEqual(trained, [3, 4]);
    assert.deepEqual(
      tuned.map(({ proxy, beta }) => `${proxy} ${beta}`),
      ['/proxy-3 0', '/proxy-3 0.2', '/proxy-4 0', '/proxy-4 0.2'],
    );
    assert.deepEqual(
      result.curves.map(({ beta, points }) => [beta, points.length, points[1]!.gold]),
      [0, 0.2].map(beta => [beta, 2, { mean: 1.5, error: 0 }]),
    );
    const plot = overoptimisationPlot(result);
    assert.match(plot, /^<svg [^>]*viewBox="0 0 720 402"/);
    assert.match(plot, /pebble &lt;1>/);
    assert.doesNotMatch(plot, /NaN|Infinity|undefined/);
  });
});
