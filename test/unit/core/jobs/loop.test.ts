import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import type { JobResult } from '../../../../src/core/jobs/job.ts';
import { type LoopHost, type LoopOptions, loopSettings, runLoop } from '../../../../src/core/jobs/loop.ts';
import type { PreferencePair } from '../../../../src/core/preferences/judgement.ts';
import { judgeReply } from '../../../../src/core/preferences/simulatedAnnotator.ts';

const prompts = (set: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    prompt: { kind: 'messages' as const, messages: [{ role: 'user' as const, content: `${set} ${index}` }] },
    about: 'kettle',
  }));

/** A model that names the product and offers a refund at given rates, and jobs that remember what they were given. */
class ScriptedHost implements LoopHost {
  pairs: readonly PreferencePair[] = [];
  trainedOn: readonly unknown[] = [];
  rewardModel = '';
  readonly adapters: (string | undefined)[] = [];

  async sample(requests: Parameters<LoopHost['sample']>[0], { seed }: { seed: number }, adapter?: string) {
    this.adapters.push(adapter);
    const rate = adapter === undefined ? 0.4 : 0.9;
    return requests.map(({ prompt, repeat }) => {
      const rng = Rng.seeded(seed).stream(JSON.stringify(prompt), repeat, rate);
      const part = (text: string, other: string) => (rng.next() < rate ? text : other);
      return `Dear you, ${part('your kettle matters', 'we are sorry')} and ${part('here is a refund', 'all is well today')} ${rng.int(1e6)}.`;
    });
  }
  async trainReward(pairs: readonly PreferencePair[]): Promise<JobResult> {
    this.pairs = pairs;
    return {
      format: 1,
      adapter: '/models/reward',
      seconds: 1,
      metrics: {},
      accuracy: { estimate: 0.8, low: 0.7, high: 0.9, n: 50 },
      warnings: [],
    };
  }
  async trainPolicy(
    training: readonly unknown[],
    _heldOut: readonly unknown[],
    rewardModel: string,
  ): Promise<JobResult> {
    this.trainedOn = training;
    this.rewardModel = rewardModel;
    return {
      format: 1,
      adapter: '/models/tuned',
      seconds: 1,
      metrics: { reward_before: 0, reward_after: 1, kl: 2 },
      warnings: [],
    };
  }
  progress(): void {}
  seconds(): number {
    return 3;
  }
}

const options = (changes: Partial<LoopOptions> = {}): LoopOptions => ({
  model: 'pebble',
  seed: 1,
  training: prompts('train', 150),
  heldOut: prompts('unseen', 240),
  settings: { ...loopSettings(1e6), judgedPrompts: 100 },
  shufflePreferences: false,
  ...changes,
});

/** Share of the pairs whose chosen answer is the better one under the rule. */
const rightShare = (pairs: readonly PreferencePair[]): number =>
  pairs.filter(({ chosen, rejected }) => judgeReply('kettle', chosen).score > judgeReply('kettle', rejected).score)
    .length / pairs.length;

describe('the loop', () => {
  it('samples, judges with noise, trains, tunes on the reward model alone and compares on unseen prompts', async () => {
    const host = new ScriptedHost();
    const result = await runLoop(options(), host);
    assert.deepEqual(host.adapters, [undefined, undefined, '/models/tuned']);
    assert.equal(host.rewardModel, '/models/reward');
    assert.equal(host.trainedOn.length, 150);
    assert.ok(host.pairs.every(({ messages }) => messages[0]!.content.startsWith('train')));
    assert.ok(Math.abs(rightShare(host.pairs) - 0.85) < 0.06, `${rightShare(host.pairs)}`);
    assert.deepEqual(Object.keys(result), [
      'model',
      'seed',
      'heldOut',
      'rewardModel',
      'reward',
      'length',
      'distinct2',
      'kl',
      'seconds',
    ]);
    assert.equal(result.heldOut.n, 240);
    assert.ok(result.heldOut.low > 0.6, `${result.heldOut.winRate}`);
    assert.deepEqual([result.reward, result.kl, result.rewardModel.n], [{ before: 0, after: 1 }, 2, 50]);
  });

  it('the control’s preferences agree with the rule half of the time, exactly', async () => {
    const host = new ScriptedHost();
    await runLoop(options({ shufflePreferences: true }), host);
    assert.ok(host.pairs.length > 200);
    assert.equal(rightShare(host.pairs), 0.5);
  });

  it('same seed, same preferences and table; another seed, others', async () => {
    const [first, second, other] = [new ScriptedHost(), new ScriptedHost(), new ScriptedHost()];
    assert.deepEqual(await runLoop(options(), first), await runLoop(options(), second));
    assert.deepEqual(first.pairs, second.pairs);
    await runLoop(options({ seed: 2 }), other);
    assert.notDeepEqual(first.pairs, other.pairs);
  });

  it('takes smaller steps with larger models', () => {
    const [small, large] = [loopSettings(1.2e6), loopSettings(135e6)];
    assert.ok(large.rlhf.learningRate < small.rlhf.learningRate / 4);
    assert.ok(large.rlhf.steps * large.rlhf.promptsPerStep < small.rlhf.steps * small.rlhf.promptsPerStep);
  });
});
