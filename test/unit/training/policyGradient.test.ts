import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import type { PpoSettings, RlhfSettings, RlooSettings } from '../../../src/core/jobs/job.ts';
import {
  expertPresets,
  grpoPresets,
  ppoPresets,
  reinforcePresets,
  rlhfPresets,
} from '../../../src/core/jobs/presets.ts';
import { createSession, float32, Graph, gradients, int64 } from '../../../src/engine/index.ts';
import { randomWeights } from '../../../src/language-model/model.ts';
import { type PolicyOptions, type PolicyResult, trainPolicy } from '../../../src/training/policyGradient.ts';
import { sequenceRatioLoss } from '../../../src/training/policyMethods.ts';
import type { RecipeCheckpoint } from '../../../src/training/recipe.ts';
import { promptsOfStep } from '../../../src/training/rollout.ts';
import { oneLayerConfig } from '../../fakes/tinyLlama.ts';
import { MemoryHost } from '../../fakes/trainingHost.ts';

const config = oneLayerConfig({ vocab_size: 24, initializer_range: 0.2 });
const weights = randomWeights(config, Rng.seeded(1));
const prompts = Array.from({ length: 10 }, (_, index) => ({ ids: [1, 10 + index], text: `prompt ${index}` }));
const end = 2;
const wanted = 5;

const settings: RlooSettings = {
  ...rlhfPresets.quick,
  steps: 30,
  promptsPerStep: 4,
  samplesPerPrompt: 8,
  maxNewTokens: 6,
  learningRate: 0.06,
  beta: 0.05,
  evaluateEvery: 10,
  evaluationPrompts: 4,
  checkpointEvery: 10,
  microBatchSize: 16,
  lora: { r: 4, alpha: 8, targetModules: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] },
};

/** Enough steps to be told apart. */
const short: Partial<RlooSettings> = { steps: 7, promptsPerStep: 2, checkpointEvery: 3 };

const options = (host: MemoryHost, changes: Partial<RlooSettings> = {}): PolicyOptions => ({
  config,
  weights,
  settings: { ...settings, ...changes },
  seed: 3,
  prompts: prompts.slice(0, 6),
  heldOut: prompts.slice(6),
  reward: async answers => answers.map(({ ids }) => ids.filter(id => id === wanted).length),
  endIds: [end],
  decode: ids => ids.join(' '),
  host,
  threads: 1,
});

async function train(changes: Partial<RlooSettings> = {}, more: Partial<PolicyOptions> = {}) {
  const host = new MemoryHost();
  const outcome = await trainPolicy({ ...options(host, changes), ...more });
  assert.equal(outcome.kind, 'finished');
  return { result: (outcome as { value: PolicyResult }).value, host };
}

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('RLOO', () => {
  let first: Awaited<ReturnType<typeof train>>;
  before(async () => {
    first = await train();
  });

  it('raises the reward, on prompts that it was not trained on too', () => {
    const rewards = first.host.curve('reward');
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [early, late] = [mean(rewards.slice(0, 5)), mean(rewards.slice(-5))];
    assert.ok(late > 2 * early && late > early + 0.5, `${early} → ${late}`);
    const { reward_before, reward_after, kl } = first.result.metrics;
    assert.ok(reward_after! > reward_before! + 0.5, `${reward_before} → ${reward_after}`);
    assert.ok(kl! > 0);
  });

  it('starts at its base: no KL, a ratio of 1, a loss of 0', () => {
    const { values } = first.host.reported[0]!;
    close(values.kl!, 0, 1e-6);
    close(values['val/ratio']!, 1, 1e-5);
    close(values.loss!, 0, 1e-5);
    assert.equal(values['clip_ratio/region_mean'], 0);
    close(values['objective/rlhf_reward']!, values.reward!, 1e-6);
  });

  it('reports under the names of TRL', () => {
    for (const name of [
      'reward',
      'reward_std',
      'frac_reward_zero_std',
      'kl',
      'entropy',
      'completions/mean_length',
      'completions/clipped_ratio',
      'grad_norm',
      'learning_rate',
    ]) {
      assert.equal(first.host.curve(name).filter(Number.isFinite).length, settings.steps, name);
    }
  });

  it('shows the fixed held-out prompts before, during and after', () => {
    assert.deepEqual(
      first.host.sampled.map(({ step }) => step),
      [0, 10, 20, 30],
    );
    for (const { samples } of first.host.sampled) {
      assert.deepEqual(
        samples.map(({ prompt }) => prompt),
        ['prompt 6', 'prompt 7', 'prompt 8', 'prompt 9'],
      );
    }
    assert.deepEqual(
      first.result.samples.map(({ before }) => before),
      first.host.sampled[0]!.samples.map(({ answer }) => answer),
    );
  });

  it('same seed, same bytes', async () => {
    const [one, other] = [await train(short), await train(short)];
    assert.deepEqual(other.result, one.result);
    assert.deepEqual(other.host.reported, one.host.reported);
  });

  it('a stopped run goes on to the same bytes', async () => {
    const whole = await train(short);
    const host = new MemoryHost(5);
    assert.equal((await trainPolicy(options(host, short))).kind, 'stopped');
    const last = host.checkpoints.at(-1)!;
    assert.equal(last.step, 5);
    const { result, host: rest } = await train(short, { resume: last });
    assert.deepEqual(result, whole.result);
    assert.deepEqual(rest.reported, whole.host.reported.slice(5));
  });

  it('a stronger KL penalty stays nearer to the base', async () => {
    const { result } = await train({ beta: 2 });
    assert.ok(result.metrics.kl! < first.result.metrics.kl! / 2, `${result.metrics.kl} of ${first.result.metrics.kl}`);
  });

  it('the size of the micro-batches does not change what is learned', async () => {
    const small = await train({ microBatchSize: 3, steps: 3 });
    const large = await train({ microBatchSize: 32, steps: 3 });
    for (const [name, values] of small.result.parameters) {
      const others = large.result.parameters.get(name)!;
      for (const [index, value] of values.entries()) close(value, others[index]!, 2e-4);
    }
  });

  it('further updates of one rollout move the ratio away from 1, and are clipped', async () => {
    const { host } = await train({ updatesPerRollout: 4, steps: 4, learningRate: 0.05, warmupRatio: 0 });
    assert.ok(host.curve('val/ratio').some(ratio => Math.abs(ratio - 1) > 1e-3));
    assert.ok(host.curve('clip_ratio/region_mean').some(share => share > 0));
  });

  it('gives answers that were cut off their own score', async () => {
    const rewarded: number[] = [];
    const { host } = await train(
      { steps: 1, missingEosScore: -7, maxNewTokens: 1, beta: 0 },
      {
        reward: async answers =>
          answers.map(() => {
            rewarded.push(1);
            return 1;
          }),
      },
    );
    const { values } = host.reported[0]!;
    const cut = values['completions/clipped_ratio']!;
    assert.ok(cut > 0.5);
    close(values.reward!, 1 - 8 * cut, 1e-9);
    assert.ok(rewarded.length > 0);
  });

  it('a reward without variance teaches nothing when there is no penalty', async () => {
    const { host } = await train({ steps: 2, beta: 0 }, { reward: async answers => answers.map(() => 1) });
    assert.deepEqual(host.curve('grad_norm'), [0, 0]);
    assert.deepEqual(host.curve('frac_reward_zero_std'), [1, 1]);
  });

  it('a reward that is not a number, and a run out of hand, end with a sentence', async () => {
    await assert.rejects(train({}, { reward: async answers => answers.map(() => Number.NaN) }), {
      name: 'HumanError',
      message: /not a number/,
    });
    await assert.rejects(train({ learningRate: 1e30, maxGradNorm: 0, warmupRatio: 0 }), {
      name: 'HumanError',
      message:
        /^Training stopped at step \d.* It first appeared .*model\.layers\.\d.* Lower the learning rate\. There was no checkpoint yet/,
    });
    await assert.rejects(train({}, { prompts: [] }), { name: 'HumanError', message: /no prompts/ });
  });
});

const { algorithm: _, clipRange: __, updatesPerRollout: ___, targetKl: ____, klEstimator: _____, ...sizes } = settings;
const { beta: ______, ...withoutPenalty } = sizes;
const others: Readonly<Record<string, RlhfSettings>> = {
  ...Object.fromEntries(
    (['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const).map(aggregation => [
      `GRPO, ${aggregation}`,
      { ...grpoPresets.quick, ...sizes, aggregation },
    ]),
  ),
  PPO: { ...ppoPresets.quick, ...sizes, learningRate: 0.02, updatesPerRollout: 2, klControl: 'adaptive', klTarget: 2 },
  REINFORCE: { ...reinforcePresets.quick, ...sizes },
  'expert iteration': { ...expertPresets.quick, ...withoutPenalty, learningRate: 0.03, keepBest: 2 },
  'REINFORCE without a baseline': { ...reinforcePresets.quick, ...sizes, baseline: 'none', learningRate: 0.03 },
};

for (const [name, own] of Object.entries(others)) {
  describe(name, () => {
    const run = (host: MemoryHost, changes: Partial<RlhfSettings> = {}, resume?: RecipeCheckpoint) =>
      trainPolicy({
        ...options(host),
        settings: { ...own, ...changes } as RlhfSettings,
        ...(resume ? { resume } : {}),
      });

    it('raises the reward, on prompts that it was not trained on too', async () => {
      const host = new MemoryHost();
      const outcome = await run(host);
      assert.equal(outcome.kind, 'finished');
      const { reward_before, reward_after, kl } = (outcome as { value: PolicyResult }).value.metrics;
      assert.ok(reward_after! >= reward_before! + 0.5, `${reward_before} → ${reward_after}`);
      assert.ok(kl! > 0);
      for (const metric of ['loss', 'grad_norm', 'reward', 'kl', 'entropy']) {
        assert.equal(host.curve(metric).filter(Number.isFinite).length, own.steps, metric);
      }
    });

    it('a stopped run goes on to the same bytes, however the batches are cut', async () => {
      const [whole, halved, rest] = [new MemoryHost(), new MemoryHost(2), new MemoryHost()];
      const three = { steps: 3 };
      const first = await run(whole, three);
      assert.equal((await run(halved, three)).kind, 'stopped');
      assert.deepEqual(await run(rest, three, halved.checkpoints.at(-1)), first);
      const small = new MemoryHost();
      await run(small, { steps: 1, microBatchSize: 3 });
      close(small.curve('grad_norm')[0]!, whole.curve('grad_norm')[0]!, 1e-4 * whole.curve('grad_norm')[0]!);
    });
  });
}

describe('PPO', () => {
  const ppo = { ...ppoPresets.quick, ...sizes, steps: 2, updatesPerRollout: 2 };
  const run = async (changes: Partial<PpoSettings>, more: Partial<PolicyOptions> = {}) => {
    const host = new MemoryHost();
    await trainPolicy({ ...options(host), settings: { ...ppo, ...changes }, ...more });
    return host;
  };

  it('reports under the names of arXiv 2403.17031', async () => {
    const host = await run({});
    for (const name of [
      'objective/kl',
      'objective/entropy',
      'objective/non_score_reward',
      'objective/rlhf_reward',
      'objective/scores',
      'policy/approxkl_avg',
      'policy/clipfrac_avg',
      'loss/policy_avg',
      'loss/value_avg',
      'val/ratio',
      'val/num_eos_tokens',
    ]) {
      assert.equal(host.curve(name).filter(Number.isFinite).length, 2, name);
    }
  });

  it('replaces the score of an answer without an end, or takes a penalty from it, but not both', async () => {
    const reward = async (answers: readonly unknown[]) => answers.map(() => 1);
    const cut = (host: MemoryHost) => host.reported[0]!.values['completions/clipped_ratio']!;
    const short = { steps: 1, maxNewTokens: 1 };
    const replaced = await run({ ...short, missingEosScore: -1 }, { reward });
    close(replaced.curve('objective/scores')[0]!, 1 - 2 * cut(replaced), 1e-9);
    const less = await run({ ...short, missingEosPenalty: 0.5 }, { reward });
    close(less.curve('objective/scores')[0]!, 1 - 0.5 * cut(less), 1e-9);
    await assert.rejects(run({ missingEosScore: -1, missingEosPenalty: 1 }), {
      name: 'HumanError',
      message: /one of the two/,
    });
  });

  it('moves its penalty when the KL misses its target', async () => {
    const host = await run({ klControl: 'adaptive', klTarget: 100, klHorizon: 10, steps: 3 });
    const [first, second] = host.curve('kl_coef');
    // 32 answers a step: −0.2 · 32/10 of it.
    close(second!, first! * (1 - 0.64), 1e-6);
    assert.equal(new Set((await run({ steps: 3 })).curve('kl_coef')).size, 1);
  });
});

describe('a target for the KL of a round', () => {
  for (const [name, preset] of [
    ['RLOO', rlhfPresets.quick],
    ['GRPO', grpoPresets.quick],
    ['PPO', ppoPresets.quick],
  ] as const) {
    it(`${name}: ends its updates after the one that was too far`, async () => {
      const run = async (targetKl: number | null) => {
        const host = new MemoryHost();
        const own = { ...preset, ...sizes, steps: 2, warmupRatio: 0, updatesPerRollout: 4, targetKl } as RlhfSettings;
        await trainPolicy({ ...options(host), settings: own });
        return host;
      };
      // The first update is at the policy that sampled; the second sees what the first did.
      assert.deepEqual((await run(1e-6)).curve('updates'), [2, 2]);
      const far = await run(100);
      assert.deepEqual(far.curve('updates'), [4, 4]);
      assert.ok(far.curve('policy/approx_kl').every(kl => kl > 0));
      const free = await run(null);
      assert.deepEqual([free.curve('updates'), free.curve('loss')], [[], far.curve('loss')]);
    });
  }
});

describe('a policy that was tuned before', () => {
  let first: PolicyResult;
  before(async () => {
    first = (await train({ steps: 6 })).result;
  });
  const again = (reference: 'start' | 'base', more: Partial<PolicyOptions> = {}) =>
    train(
      { steps: 4, checkpointEvery: 2 },
      { start: { lora: settings.lora, parameters: first.parameters, reference }, ...more },
    );

  it('goes on where it was, with the KL to that or to the base', async () => {
    const [start, base] = [await again('start'), await again('base')];
    for (const { result, host } of [start, base]) {
      assert.deepEqual(
        result.samples.map(({ before }) => before),
        first.samples.map(({ after }) => after),
      );
      assert.equal(result.metrics.reward_before, first.metrics.reward_after);
      assert.deepEqual(
        host.sampled[0]!.samples.map(({ answer }) => answer),
        first.samples.map(({ after }) => after),
      );
    }
    close(start.host.curve('kl')[0]!, 0, 1e-6);
    assert.ok(base.host.curve('kl')[0]! > 0.1, `${base.host.curve('kl')[0]}`);
  });

  it('goes on to the same bytes when it is stopped', async () => {
    for (const reference of ['start', 'base'] as const) {
      const start = { lora: settings.lora, parameters: first.parameters, reference };
      const whole = await again(reference);
      const halved = new MemoryHost(3);
      await trainPolicy({ ...options(halved, { steps: 4, checkpointEvery: 2 }), start });
      assert.deepEqual((await again(reference, { resume: halved.checkpoints.at(-1)! })).result, whole.result);
    }
  });
});

describe('prompts of a step', () => {
  it('visit every prompt once before any comes again', () => {
    const order = (epoch: number) => Rng.seeded(epoch).shuffled([0, 1, 2, 3, 4]);
    const seen = [0, 1, 2, 3, 4].flatMap(step => promptsOfStep(5, 3, step, order));
    for (const epoch of [0, 1, 2]) assert.deepEqual(seen.slice(epoch * 5, epoch * 5 + 5).sort(), [0, 1, 2, 3, 4]);
    assert.deepEqual(
      promptsOfStep(2, 5, 0, () => [0, 1]),
      [0, 1, 0, 1, 0],
    );
  });
});

describe('the clipped loss of RLOO', () => {
  // Two tokens an answer; ∂L/∂log p = −w·ρ·A, and nothing where the clip is what counts.
  for (const [ratio, advantage, surrogate, clipped] of [
    [1, 2, 2, false],
    [1.5, 2, 2.4, true],
    [1.5, -2, -3, false],
    [0.5, 2, 1, false],
    [0.5, -2, -1.6, true],
  ] as const) {
    it(`ρ ${ratio}, A ${advantage}${clipped ? ', clipped' : ''}`, async () => {
      const graph = new Graph();
      const logProbs = graph.input('logProbs', 'float32', ['N']);
      const rows = graph.input('rows', 'int64', ['N']);
      const inputs = {
        advantages: graph.input('advantages', 'float32', ['B']),
        weight: graph.input('weight', 'float32', ['B']),
        oldLogProbs: graph.input('oldLogProbs', 'float32', ['N']),
      };
      const out = { logProbs, rows, entropy: logProbs, scores: logProbs, values: logProbs, hidden: logProbs };
      const { loss, metrics } = sequenceRatioLoss(0.2)(graph, out, inputs);
      const [slope] = gradients(graph, loss, [logProbs]);
      const session = await createSession(graph, {
        loss,
        slope: slope!,
        ratio: metrics!['val/ratio']!,
        cut: metrics!['clip_ratio/region_mean']!,
      });
      try {
        const step = Math.log(ratio) / 2;
        const results = await session.run({
          logProbs: float32([-1 + step, -2 + step, -3]),
          oldLogProbs: float32([-1, -2, -3]),
          rows: int64([0, 0, 1]),
          advantages: float32([advantage, 0]),
          weight: float32([0.25, 0]),
        });
        const near = (actual: unknown, expected: number) =>
          assert.ok(Math.abs(Number(actual) - expected) < 1e-5, `${actual} is not ${expected}`);
        near(results.loss!.data[0], -surrogate / 4);
        const each = clipped ? 0 : (-ratio * advantage) / 4;
        for (const [token, expected] of [each, each, 0].entries()) near(results.slope!.data[token], expected);
        near(results.ratio!.data[0], ratio / 4);
        near(results.cut!.data[0], clipped ? 0.25 : 0);
      } finally {
        await session.dispose();
      }
    });
  }
});
