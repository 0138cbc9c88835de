import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import type { RlooSettings } from '../../../src/core/jobs/job.ts';
import { ppoPresets, rlhfPresets } from '../../../src/core/jobs/presets.ts';
import { randomWeights } from '../../../src/language-model/model.ts';
import { GoldWatch } from '../../../src/training/goldWatch.ts';
import { type PolicyOptions, type PolicyResult, trainPolicy } from '../../../src/training/policyGradient.ts';
import { oneLayerConfig } from '../../fakes/tinyLlama.ts';
import { MemoryHost } from '../../fakes/trainingHost.ts';

const weights = new Map([['w', Float32Array.of(0)]]);

/** Notes one mean after the other and says where it was past its peak first. */
function watched(means: readonly number[], patience: number | undefined, restoreBest = true) {
  const watch = new GoldWatch({
    score: async () => [],
    restoreBest,
    ...(patience === undefined ? {} : { patience }),
  });
  const past: boolean[] = [];
  for (const [index, mean] of means.entries()) {
    weights.get('w')![0] = index;
    watch.note({ step: 10 * index, gold: [mean - 1, mean + 1], proxy: [index, index], kl: [1, 3] }, weights);
    past.push(watch.past);
  }
  return { watch, past };
}

describe('a gold beside the proxy', () => {
  it('is past its peak after as many evaluations without a new highest mean as patience allows', () => {
    assert.deepEqual(watched([0, 2, 1, 1.5, 3, 2, 2], 2).past, [false, false, false, true, false, false, true]);
    assert.deepEqual(watched([0, -1, -2], 1).past, [false, true, true]);
    assert.deepEqual(watched([0, -1, -2], undefined).past, [false, false, false]);
    // The same again is no new peak.
    assert.deepEqual(watched([1, 1, 1], 2).past, [false, false, true]);
  });

  it('keeps a copy of the weights of the peak, unless they are those that are there', () => {
    const { watch } = watched([0, 2, 1], 2);
    assert.deepEqual([watch.better(20)?.step, [...watch.better(20)!.weights.get('w')!]], [10, [1]]);
    assert.equal(watch.better(10), undefined);
    assert.equal(watched([0, 2, 1], 2, false).watch.better(20), undefined);
    assert.deepEqual(watch.result(10), {
      gold_before: 0,
      gold_best: 2,
      gold_best_step: 10,
      gold_last: 1,
      gold_after: 2,
      written_step: 10,
    });
  });

  it('reports means and spreads of the same answers', () => {
    const watch = new GoldWatch({ score: async () => [], restoreBest: false });
    assert.deepEqual(watch.note({ step: 3, gold: [1, 3], proxy: [0, 10], kl: [2, 4] }, weights), {
      'gold/mean': 2,
      'gold/std': Math.SQRT2,
      'gold/proxy_mean': 5,
      'gold/proxy_std': Math.sqrt(50),
      'gold/kl': 3,
      'gold/best_step': 3,
    });
  });

  it('goes on from a checkpoint as if it had not stopped', () => {
    const whole = watched([0, 2, 1.5, 1], 2).watch;
    const half = watched([0, 2], 2).watch;
    const again = new GoldWatch(
      { score: async () => [], restoreBest: true, patience: 2 },
      { step: 10, arrays: half.arrays, values: JSON.parse(JSON.stringify(half.values)) },
    );
    for (const [step, mean] of [[20, 1.5] as const, [30, 1] as const]) {
      again.note({ step, gold: [mean - 1, mean + 1], proxy: [0, 0], kl: [1, 3] }, weights);
    }
    assert.deepEqual([again.values, again.arrays, again.past], [whole.values, whole.arrays, true]);
    assert.throws(
      () => new GoldWatch({ score: async () => [], restoreBest: true }, { step: 3, arrays: new Map(), values: {} }),
      {
        name: 'HumanError',
        message: /incomplete/,
      },
    );
  });
});

const config = oneLayerConfig({ vocab_size: 24, initializer_range: 0.2 });
const base = randomWeights(config, Rng.seeded(1));
const prompts = Array.from({ length: 10 }, (_, index) => ({ ids: [1, 10 + index], text: `prompt ${index}` }));
const [wanted, other] = [5, 7];
const count = (ids: readonly number[], id: number) => ids.filter(one => one === id).length;

const settings: RlooSettings = {
  ...rlhfPresets.quick,
  steps: 24,
  promptsPerStep: 4,
  samplesPerPrompt: 8,
  maxNewTokens: 6,
  learningRate: 0.06,
  beta: 0,
  evaluateEvery: 3,
  evaluationPrompts: 4,
  checkpointEvery: 2,
  lora: { r: 4, alpha: 8, targetModules: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] },
};

/** The proxy likes a token; the gold likes up to two of it, and not at all what comes after. */
const options = (host: MemoryHost, more: Partial<PolicyOptions> = {}): PolicyOptions => ({
  config,
  weights: base,
  settings,
  seed: 3,
  prompts: prompts.slice(0, 6),
  heldOut: prompts.slice(6),
  reward: async answers => answers.map(({ ids }) => count(ids, wanted)),
  gold: {
    score: async answers =>
      answers.map(
        ({ ids }) => (count(ids, wanted) <= 2 ? count(ids, wanted) : 2 - 2 * count(ids, wanted)) - count(ids, other),
      ),
    patience: 2,
    restoreBest: true,
  },
  endIds: [2],
  decode: ids => ids.join(' '),
  host,
  threads: 1,
  ...more,
});

const run = async (host: MemoryHost, more: Partial<PolicyOptions> = {}): Promise<PolicyResult> => {
  const outcome = await trainPolicy(options(host, more));
  assert.equal(outcome.kind, 'finished');
  return (outcome as { value: PolicyResult }).value;
};

describe('a policy with a gold', () => {
  const host = new MemoryHost();
  let result: PolicyResult;
  before(async () => {
    result = await run(host);
  });

  it('stops at the peak of the gold and comes out as it was there', async () => {
    const { steps, gold_best_step: peak, gold_best: best, gold_last: last, written_step: written } = result.metrics;
    assert.ok(peak! > 0 && steps! < settings.steps, `peak ${peak}, end ${steps}`);
    assert.equal(steps, peak! + 2 * settings.evaluateEvery);
    assert.equal(written, peak);
    assert.ok(last! < best!);
    const evaluations = host.reported.filter(({ values }) => 'gold/mean' in values);
    assert.deepEqual(
      evaluations.map(({ step }) => step),
      Array.from({ length: steps! / 3 + 1 }, (_, index) => 3 * index),
    );
    assert.equal(Math.max(...host.curve('gold/mean')), best);
    assert.ok(
      host
        .curve('gold/kl')
        .slice(1)
        .every(kl => kl > 0) && host.curve('gold/kl')[0] === 0,
    );
    assert.match(host.logs.join(), /Stopped after step \d+ of 24/);
    // The very weights of that step, from a run that was only that long. The learning rate falls with the planned steps.
    const shown = host.sampled.filter(({ step }) => step === peak);
    assert.equal(shown.length, 2);
    assert.deepEqual(shown[1], shown[0]);
    assert.deepEqual(
      result.samples.map(({ after }) => after),
      shown[0]!.samples.map(({ answer }) => answer),
    );
  });

  it('the gold teaches nothing: up to the stop all is as without it', async () => {
    const without = new MemoryHost();
    const { gold: _, ...rest } = options(without);
    await trainPolicy(rest);
    for (const metric of ['reward', 'loss', 'kl', 'grad_norm']) {
      assert.deepEqual(without.curve(metric).slice(0, result.metrics.steps), host.curve(metric), metric);
    }
    assert.equal(without.curve('gold/mean').length, 0);
  });

  it('a run that was stopped, before and after the peak, goes on to the same bytes', async () => {
    const peak = result.metrics.gold_best_step!;
    for (const stopAt of [0, peak + 1]) {
      const halved = new MemoryHost(stopAt);
      assert.equal((await trainPolicy(options(halved))).kind, 'stopped');
      const resume = halved.checkpoints.at(-1)!;
      assert.equal(resume.step, stopAt);
      assert.deepEqual(await run(new MemoryHost(), { resume }), result, `stopped at ${stopAt}`);
    }
  });

  it('without a wish to stop or go back it only measures', async () => {
    const quiet = new MemoryHost();
    const { patience: _, ...gold } = options(quiet).gold!;
    const free = await run(quiet, { gold: { ...gold, restoreBest: false } });
    assert.equal(free.metrics.steps, settings.steps);
    assert.equal(free.metrics.written_step, settings.steps);
    assert.equal(free.metrics.gold_after, free.metrics.gold_last);
  });

  it('works with a critic too', async () => {
    const { algorithm: _, ...sizes } = settings;
    const ppo = { ...ppoPresets.quick, ...sizes, steps: 6, samplesPerPrompt: 2 };
    const whole = await run(new MemoryHost(), { settings: ppo });
    const halved = new MemoryHost(4);
    await trainPolicy(options(halved, { settings: ppo }));
    assert.deepEqual(await run(new MemoryHost(), { settings: ppo, resume: halved.checkpoints.at(-1)! }), whole);
  });

  it('needs fixed prompts, and numbers', async () => {
    await assert.rejects(run(new MemoryHost(), { settings: { ...settings, evaluateEvery: 0 } }), {
      name: 'HumanError',
      message: /fixed prompts/,
    });
    const gold = { score: async () => prompts.slice(6).map(() => Number.NaN), restoreBest: true };
    await assert.rejects(run(new MemoryHost(), { gold }), { name: 'HumanError', message: /not a number \(NaN\)/ });
  });
});
