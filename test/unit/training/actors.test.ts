import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import type { RlooSettings } from '../../../src/core/jobs/job.ts';
import { grpoPresets, ppoPresets, rlhfPresets } from '../../../src/core/jobs/presets.ts';
import { createGenerator, type Generator } from '../../../src/language-model/generate.ts';
import { randomWeights } from '../../../src/language-model/model.ts';
import { type ActorPool, RolloutsAhead } from '../../../src/training/actors.ts';
import { answerImportance, tokenImportance } from '../../../src/training/math/importance.ts';
import { type PolicyResult, trainPolicy } from '../../../src/training/policyGradient.ts';
import { policyMethod, type Scored } from '../../../src/training/policyMethods.ts';
import type { RecipeCheckpoint } from '../../../src/training/recipe.ts';
import { oneLayerConfig } from '../../fakes/tinyLlama.ts';
import { MemoryHost } from '../../fakes/trainingHost.ts';

const lora = { r: 4, alpha: 8, targetModules: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] };
const config = oneLayerConfig({ vocab_size: 24, initializer_range: 0.2 });
const weights = randomWeights(config, Rng.seeded(1));
const prompts = Array.from({ length: 8 }, (_, index) => ({ ids: [1, 10 + index], text: `prompt ${index}` }));
const wanted = 5;
const settings: RlooSettings = {
  ...rlhfPresets.quick,
  steps: 6,
  promptsPerStep: 2,
  samplesPerPrompt: 8,
  maxNewTokens: 6,
  learningRate: 0.06,
  beta: 0.05,
  evaluateEvery: 10,
  evaluationPrompts: 2,
  checkpointEvery: 2,
  microBatchSize: 16,
  lora,
};

/** An actor with a model of its own, in this process. */
class OwnGenerator implements ActorPool {
  #generator: Promise<Generator> | undefined;
  readonly #held = new Map<string, Float32Array>();

  async sample(...[requests, adapter]: Parameters<ActorPool['sample']>) {
    for (const [name, array] of adapter) {
      const held = this.#held.get(name);
      if (held) held.set(array);
      else this.#held.set(name, array.slice());
    }
    this.#generator ??= createGenerator({
      config,
      weights,
      threads: 1,
      adapter: { config: lora, weights: this.#held },
    });
    return (await this.#generator).generate(requests);
  }

  async dispose(): Promise<void> {
    await (await this.#generator)?.dispose();
  }
}

async function train(
  changes: Partial<RlooSettings>,
  more: { host?: MemoryHost; resume?: RecipeCheckpoint; inTurn?: boolean } = {},
) {
  const { host = new MemoryHost(), resume, inTurn } = more;
  const actors = new OwnGenerator();
  try {
    const outcome = await trainPolicy({
      config,
      weights,
      settings: { ...settings, ...changes },
      seed: 3,
      prompts: prompts.slice(0, 6),
      heldOut: prompts.slice(6),
      reward: async answers => answers.map(({ ids }) => ids.filter(id => id === wanted).length),
      endIds: [2],
      decode: ids => ids.join(' '),
      host,
      threads: 1,
      ...(inTurn ? {} : { actors }),
      ...(resume ? { resume } : {}),
    });
    return { outcome, host, result: (outcome as { value?: PolicyResult }).value };
  } finally {
    await actors.dispose();
  }
}

describe('actors and a learner', () => {
  it('without a lag it is what is learned in turn, to the byte', async () => {
    const inTurn = await train({}, { inTurn: true });
    const beside = await train({ actors: 1, actorLag: 0 });
    assert.deepEqual(beside.result, inTurn.result);
    assert.deepEqual(beside.host.curve('rollout/lag'), new Array(settings.steps).fill(0));
  });

  it('with a lag a stopped run goes on to the same bytes', async () => {
    for (const actorLag of [1, 3]) {
      const whole = await train({ actorLag });
      const halved = await train({ actorLag }, { host: new MemoryHost(3) });
      assert.equal(halved.outcome.kind, 'stopped');
      const rest = await train({ actorLag }, { resume: halved.host.checkpoints.at(-1)! });
      assert.deepEqual(rest.result, whole.result);
      assert.deepEqual(rest.host.reported, whole.host.reported.slice(3));
      const lags = Array.from({ length: settings.steps }, (_, step) => Math.min(step, actorLag));
      assert.deepEqual(whole.host.curve('rollout/lag'), lags);
    }
  });

  it('learns from answers that are up to two updates old', async () => {
    const { result, host } = await train({ steps: 30, actorLag: 2 });
    const { reward_before, reward_after } = result!.metrics;
    assert.ok(reward_after! > reward_before! + 0.5, `${reward_before} → ${reward_after}`);
    assert.ok(host.curve('sampling/importance_sampling_ratio/max').some(ratio => ratio > 1.01));
  });

  it('a policy that stayed where it was has an importance of 1, at any temperature', async () => {
    for (const [temperature, tolerance] of [
      [1, 1e-4],
      [0.7, 0],
    ] as const) {
      const { host } = await train({ temperature, learningRate: 0, steps: 3 });
      for (const name of ['min', 'max'] as const) {
        const ratios = host.curve(`sampling/importance_sampling_ratio/${name}`);
        assert.equal(ratios.length, 2);
        for (const ratio of ratios) assert.ok(Math.abs(ratio - 1) <= tolerance, `${temperature}: ${ratio}`);
      }
    }
  });
});

describe('RolloutsAhead', () => {
  const pool = () => {
    const seen: number[] = [];
    const open: (() => void)[] = [];
    return {
      seen,
      sample: (_requests: unknown, adapter: ReadonlyMap<string, Float32Array>) => {
        seen.push(adapter.get('a')![0]!);
        return new Promise<[]>(done => open.push(() => done([])));
      },
      async finish() {
        open.shift()!();
        await new Promise(setImmediate);
      },
    };
  };
  const adapter = (version: number) => new Map([['a', Float32Array.of(version)]]);

  it('begins what its lag allows, with the weights of a fixed or of the newest version', async () => {
    for (const [actorOrder, versions] of [
      ['fixed', [0, 0, 0, 1, 2]],
      ['newest', [0, 0, 1, 1, 2]],
    ] as const) {
      const actors = pool();
      const ahead = new RolloutsAhead(actors, { actorLag: 2, actorOrder, steps: 5 }, () => []);
      ahead.publish(0, adapter(0));
      await new Promise(setImmediate);
      await actors.finish();
      // The first update comes while step 1 is sampled, the second during step 3.
      ahead.publish(1, adapter(1));
      await actors.finish();
      await actors.finish();
      ahead.publish(2, adapter(2));
      await actors.finish();
      assert.deepEqual(actors.seen, versions, actorOrder);
    }
  });

  it('the failure of an actor is that of the step that needs its answers', async () => {
    const ahead = new RolloutsAhead(
      { sample: () => Promise.reject(new Error('gone')) },
      { actorLag: 1, actorOrder: 'fixed', steps: 3 },
      () => [],
    );
    ahead.publish(0, adapter(0));
    await new Promise(setImmediate);
    await assert.rejects(ahead.take(0), /gone/);
  });
});

describe('importance', () => {
  it('is truncated, token by token or for the whole answer', () => {
    const logRatio = Float32Array.of(Math.log(1.5), Math.log(3), Math.log(0.25));
    assert.deepEqual(
      [...tokenImportance(logRatio, 2)].map(value => value.toFixed(5)),
      ['1.50000', '2.00000', '0.25000'],
    );
    assert.equal(answerImportance(logRatio, 2).toFixed(5), '1.12500');
    assert.equal(answerImportance(Float32Array.of(1, 1), 2), 2);
  });

  it('weighs the loss of answers, or of tokens, and not the spread of the rewards', () => {
    const answers = [[7, 8], [9]].map(ids => ({ prompt: { ids: [1], text: 'p' }, ids, text: '', ended: true }));
    const scored: Scored = {
      answers,
      scores: [3, 1],
      old: [Float32Array.of(-1, -3), Float32Array.of(-0.5)],
      reference: [Float32Array.of(-1, -3), Float32Array.of(-0.5)],
      kl: [0, 0],
      entropy: 1,
      values: [Float32Array.of(0, 0), Float32Array.of(0)],
    };
    const importance = [Float32Array.of(Math.log(1.5), Math.log(0.5)), Float32Array.of(Math.log(8))];
    const feeds = (preset: Parameters<typeof policyMethod>[0]) => {
      const method = policyMethod({ ...preset, samplesPerPrompt: 2, importanceCap: 2 });
      const plain = method.lesson(scored).feed([0, 1]);
      const weighed = method.lesson({ ...scored, importance }).feed([0, 1]);
      const ratio = (name: string) =>
        (weighed[name] as number[]).map((value, index) =>
          Number((value / (plain[name] as number[])[index]!).toFixed(5)),
        );
      return { advantages: ratio('advantages'), weight: ratio('weight') };
    };
    assert.deepEqual(feeds(rlhfPresets.quick), { advantages: [1, 1], weight: [0.75, 2] });
    for (const preset of [grpoPresets.quick, ppoPresets.quick]) {
      assert.deepEqual(feeds(preset), { advantages: [1.5, 0.5, 2], weight: [1, 1, 1] }, preset.algorithm);
    }
  });
});
