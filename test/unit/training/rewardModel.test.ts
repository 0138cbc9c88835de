import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { rewardPresets } from '../../../src/core/jobs/presets.ts';
import { randomWeights } from '../../../src/language-model/model.ts';
import type { EncodedPair, EncodedRanking, PairData } from '../../../src/training/pairData.ts';
import { type RewardOptions, type RewardResult, trainRewardModel } from '../../../src/training/rewardModel.ts';
import { oneLayerConfig } from '../../fakes/tinyLlama.ts';
import { MemoryHost } from '../../fakes/trainingHost.ts';

const config = oneLayerConfig();
const weights = randomWeights(config, Rng.seeded(1));

/** Prompts of three tokens; the chosen answer holds token 5, the rejected one token 6, both end with 2. */
function makeData(count: number): PairData {
  const rng = Rng.seeded(3);
  const word = () => 8 + rng.int(20);
  const pair = () => {
    const prompt = [1, word(), word()];
    const answer = (token: number) => [...prompt, ...[word(), token, ...(rng.int(2) ? [word()] : [])], 2];
    return { promptLength: 3, chosen: answer(5), rejected: answer(6) };
  };
  return {
    train: Array.from({ length: count }, pair),
    heldOut: Array.from({ length: 40 }, pair),
    warnings: [],
  };
}

const options = (host: MemoryHost, changes: Partial<RewardOptions> = {}): RewardOptions => ({
  config,
  weights,
  settings: {
    ...rewardPresets.quick,
    epochs: 6,
    batchSize: 8,
    learningRate: 0.02,
    lora: { r: 4, alpha: 8, targetModules: ['q_proj', 'v_proj', 'up_proj'] },
  },
  seed: 7,
  data: makeData(40),
  host,
  threads: 1,
  ...changes,
});

async function train(changes: Partial<RewardOptions> = {}): Promise<{ result: RewardResult; host: MemoryHost }> {
  const host = new MemoryHost();
  const outcome = await trainRewardModel(options(host, changes));
  assert.equal(outcome.kind, 'finished');
  return { result: (outcome as { value: RewardResult }).value, host };
}

describe('reward model', () => {
  let first: { result: RewardResult; host: MemoryHost };
  before(async () => {
    first = await train();
  });

  it('learns the preference and generalises to prompts that it has not seen', () => {
    const { result, host } = first;
    assert.ok(result.accuracy!.estimate > 0.9, `${result.accuracy!.estimate}`);
    assert.ok(result.accuracy!.low > 0.5 && result.accuracy!.n === 40);
    const losses = host.curve('loss');
    assert.equal(losses.length, 30);
    assert.ok(losses[0]! > 0.5 && losses.at(-1)! < 0.2, `${losses[0]} → ${losses.at(-1)}`);
  });

  it('reports under the names of TRL', () => {
    const { values } = first.host.reported[0]!;
    for (const name of [
      'loss',
      'accuracy',
      'margin',
      'min_reward',
      'mean_reward',
      'max_reward',
      'num_tokens',
      'grad_norm',
      'learning_rate',
    ]) {
      assert.ok(Number.isFinite(values[name]), name);
    }
    assert.ok(values.min_reward! <= values.mean_reward! && values.mean_reward! <= values.max_reward!);
  });

  it('gives an adapter with its head, and a bias that centres the training answers', () => {
    const { parameters, shapes, metrics } = first.result;
    assert.deepEqual(shapes.get('score.weight'), [1, 16]);
    assert.ok(parameters.get('score.weight')!.some(value => value !== 0));
    assert.ok(parameters.has('base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight'));
    assert.equal(metrics.reward_bias, first.result.bias);
  });

  it('same seed, same bytes; another seed, others', async () => {
    const again = (await train()).result;
    assert.deepEqual(again.parameters, first.result.parameters);
    assert.equal(again.bias, first.result.bias);
    assert.notDeepEqual((await train({ seed: 8 })).result.parameters, first.result.parameters);
  });

  it('a stopped run goes on to the same bytes', async () => {
    const host = new MemoryHost(11);
    assert.equal((await trainRewardModel(options(host))).kind, 'stopped');
    const last = host.checkpoints.at(-1)!;
    assert.equal(last.step, 11);
    const { result, host: rest } = await train({ resume: last });
    assert.deepEqual(result.parameters, first.result.parameters);
    assert.deepEqual(rest.reported, first.host.reported.slice(11));
  });

  it('at its start the loss is that of a coin when both answers are equal in reward', async () => {
    const { train: pairs } = makeData(8);
    const same = pairs.map(pair => ({ ...pair, rejected: pair.chosen }));
    const host = new MemoryHost();
    await trainRewardModel(
      options(host, {
        data: { train: same, heldOut: [], warnings: [] },
        settings: { ...options(host).settings, epochs: 1, centerRewardsCoefficient: 0 },
      }),
    );
    assert.ok(Math.abs(host.curve('loss')[0]! - Math.LN2) < 1e-5);
    assert.equal(host.curve('accuracy')[0], 0, 'equal rewards are not right');
  });

  it('margins ask for rewards that are further apart, and count in the held-out loss; equal to none where they are 0', async () => {
    const withMargin = (margin: number) => {
      const { train: pairs, heldOut } = makeData(40);
      const ask = (pair: EncodedPair) => ({ ...pair, margin });
      return train({ data: { train: pairs.map(ask), heldOut: heldOut.map(ask), warnings: [] } });
    };
    const wide = (await withMargin(4)).result;
    assert.ok(wide.metrics.eval_margin! > first.result.metrics.eval_margin! + 0.5, `${wide.metrics.eval_margin}`);
    const none = await withMargin(0);
    assert.deepEqual(none.result.parameters, first.result.parameters);
    assert.deepEqual(none.result.metrics, first.result.metrics);
    const [loss, plain] = [wide, first.result].map(({ metrics }) => metrics.eval_loss!);
    assert.ok(loss! > plain!, `${loss} ${plain}`);
  });

  it('a stopped run with margins goes on to the same bytes', async () => {
    const { train: pairs, heldOut } = makeData(40);
    const data = { train: pairs.map((pair, n) => (n % 3 ? { ...pair, margin: n / 20 } : pair)), heldOut, warnings: [] };
    const host = new MemoryHost(5);
    await trainRewardModel(options(host, { data }));
    const { result } = await train({ data, resume: host.checkpoints.at(-1)! });
    assert.deepEqual(result.parameters, (await train({ data })).result.parameters);
  });

  it('learns whole rankings, in passes of any size, and goes on to the same bytes', async () => {
    const rng = Rng.seeded(6);
    const rankingsOf = (count: number): EncodedRanking[] =>
      Array.from({ length: count }, () => {
        const prompt = [1, 8 + rng.int(20), 8 + rng.int(20)];
        const answer = (token: number) => [...prompt, 8 + rng.int(20), token, 2];
        return { promptLength: 3, groups: [[answer(5)], [answer(6), answer(6)], [answer(7)]] };
      });
    const data = { train: rankingsOf(40), heldOut: rankingsOf(12), warnings: [] };
    const settings = { ...options(new MemoryHost()).settings, batchSize: 12, loss: 'plackett-luce' as const };
    const { result } = await train({ data, settings });
    assert.ok(result.accuracy!.estimate > 0.9, `${result.accuracy!.estimate}`);
    assert.equal(result.accuracy!.n, 12 * 5);
    assert.equal(result.metrics.train_pairs, 200);
    const host = new MemoryHost(7);
    await trainRewardModel(options(host, { data, settings }));
    const rest = await train({ data, settings, resume: host.checkpoints.at(-1)! });
    assert.deepEqual(rest.result.parameters, result.parameters);
  });

  it('ties pull the rewards of their answers together', async () => {
    const { train: pairs, heldOut } = makeData(40);
    const tied = pairs.map(pair => ({ ...pair, tie: true as const }));
    const settings = { ...options(new MemoryHost()).settings, tieThreshold: 1.5, centerRewardsCoefficient: 0 };
    const { result } = await train({ data: { train: tied, heldOut, warnings: [] }, settings });
    assert.ok(Math.abs(result.metrics.eval_margin!) < 0.2, `${result.metrics.eval_margin}`);
    assert.ok(first.result.metrics.eval_margin! > 1);
  });

  it('a learning rate that explodes ends with a sentence', async () => {
    const settings = { ...options(new MemoryHost()).settings, learningRate: 1e30, maxGradNorm: 0, warmupRatio: 0 };
    await assert.rejects(train({ settings }), { name: 'HumanError', message: /step \d+.*Lower the learning rate/ });
  });

  it('learns the same on a base in eight bits, with layers computed again, and is judged on the exact base', async () => {
    const { settings } = options(new MemoryHost());
    const { result } = await train({ settings: { ...settings, baseProducts: 'int8', recompute: 'on' } });
    assert.ok(result.accuracy!.estimate > 0.9, `${result.accuracy!.estimate}`);
    assert.ok(Math.abs(result.bias - first.result.bias) < 0.2, `${result.bias}, ${first.result.bias}`);
  });

  it('computing layers again changes nothing', async () => {
    const { settings } = options(new MemoryHost());
    const { result } = await train({ settings: { ...settings, recompute: 'on' } });
    assert.deepEqual(result.parameters, first.result.parameters);
  });
});
