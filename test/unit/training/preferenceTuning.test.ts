import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { dpoPresets, ktoPresets } from '../../../src/core/jobs/presets.ts';
import { randomWeights } from '../../../src/language-model/model.ts';
import { ktoMethod } from '../../../src/training/preferenceMethods.ts';
import {
  type PreferenceOptions,
  type PreferenceResult,
  type PreferenceTask,
  trainPreferences,
} from '../../../src/training/preferenceTuning.ts';
import { oneLayerConfig } from '../../fakes/tinyLlama.ts';
import { MemoryHost } from '../../fakes/trainingHost.ts';

const config = oneLayerConfig({ max_position_embeddings: 24 });
const weights = randomWeights(config, Rng.seeded(1));

/** Prompts of three tokens; good answers hold token 5, bad ones token 6. A fifth of the prompts is held out. */
function makePairs() {
  const rng = Rng.seeded(3);
  const word = () => 8 + rng.int(20);
  const pair = () => {
    const prompt = [1, word(), word()];
    const answer = (token: number) => [...prompt, word(), token, ...(rng.int(2) ? [word()] : []), 2];
    return { promptLength: 3, chosen: answer(5), rejected: answer(6) };
  };
  return {
    train: Array.from({ length: 64 }, pair),
    heldOut: Array.from({ length: 40 }, pair),
    warnings: [],
  };
}
const pairs = makePairs();
const labelled = (rows: typeof pairs.train) =>
  rows.flatMap(({ promptLength, chosen, rejected }) => [
    { ids: chosen, promptLength, desirable: true },
    { ids: rejected, promptLength, desirable: false },
  ]);

const lora = { r: 4, alpha: 8, targetModules: ['all-linear'] };
const changes = { epochs: 4, batchSize: 16, microBatchSize: 8, learningRate: 0.02, lora };
const tasks: Readonly<Record<string, PreferenceTask>> = {
  DPO: { kind: 'dpo', settings: { ...dpoPresets.quick, ...changes }, data: pairs },
  cDPO: { kind: 'dpo', settings: { ...dpoPresets.quick, ...changes, labelSmoothing: 0.1 }, data: pairs },
  IPO: { kind: 'dpo', settings: { ...dpoPresets.quick, ...changes, loss: 'ipo' }, data: pairs },
  KTO: {
    kind: 'kto',
    settings: { ...ktoPresets.quick, ...changes, beta: 0.3 },
    data: { train: labelled(pairs.train), heldOut: labelled(pairs.heldOut), warnings: [] },
  },
};

const options = (task: PreferenceTask, host: MemoryHost): PreferenceOptions => ({
  config,
  weights,
  task,
  seed: 7,
  host,
  threads: 1,
});

async function train(task: PreferenceTask, more: Partial<PreferenceOptions> = {}) {
  const host = new MemoryHost();
  const outcome = await trainPreferences({ ...options(task, host), ...more });
  assert.equal(outcome.kind, 'finished');
  return { result: (outcome as { value: PreferenceResult }).value, host };
}

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('preference tuning', () => {
  for (const [name, task] of Object.entries(tasks)) {
    describe(name, () => {
      let first: Awaited<ReturnType<typeof train>>;
      before(async () => {
        first = await train(task);
      });

      it('prefers the better answers of prompts that it has not seen', () => {
        const { accuracy, metrics } = first.result;
        assert.ok(accuracy!.estimate > 0.8, `${accuracy!.estimate}`);
        assert.ok(metrics['eval_rewards/margins']! > 0.3, `${metrics['eval_rewards/margins']}`);
        const margins = first.host.curve('rewards/margins');
        assert.ok(margins.at(-1)! > margins[0]! + 0.3, `${margins[0]} → ${margins.at(-1)}`);
      });

      it('starts at its base: margins of 0 and the loss that goes with them', () => {
        const { values } = first.host.reported[0]!;
        close(values['rewards/margins']!, 0, 1e-5);
        const expected = { DPO: Math.LN2, cDPO: Math.LN2, IPO: 25, KTO: 0.5 }[name]!;
        close(values.loss!, expected, 1e-4);
      });

      it('the size of the micro-batches does not change a step', async () => {
        const settings = { ...task.settings, epochs: 0.25 };
        const rates = await Promise.all(
          [2, 64].map(microBatchSize =>
            train({ ...task, settings: { ...settings, microBatchSize } } as PreferenceTask),
          ),
        );
        for (const metric of ['loss', 'grad_norm', 'rewards/chosen']) {
          const [small, large] = rates.map(({ host }) => host.curve(metric)) as [number[], number[]];
          assert.ok(small.length > 0);
          for (const [step, value] of small.entries()) close(value, large[step]!, 1e-3 * Math.max(1, Math.abs(value)));
        }
      });

      it('a stopped run goes on to the same bytes, with the reference that it had', async () => {
        const host = new MemoryHost(5);
        assert.equal((await trainPreferences(options(task, host))).kind, 'stopped');
        const last = host.checkpoints.at(-1)!;
        assert.equal(last.step, 5);
        assert.ok(last.arrays.get('reference')!.length > 0);
        const { result, host: rest } = await train(task, { resume: last });
        assert.deepEqual(result, first.result);
        assert.deepEqual(rest.reported, first.host.reported.slice(5));
      });
    });
  }

  it('refuses label smoothing with IPO', async () => {
    const task = { ...tasks.IPO!, settings: { ...tasks.IPO!.settings, labelSmoothing: 0.1 } } as PreferenceTask;
    await assert.rejects(train(task), { name: 'HumanError', message: /sigmoid loss/ });
  });

  it('KTO pairs each prompt with an answer of another prompt, no longer than the longest row', () => {
    const row = (prompt: number, answer: readonly number[], desirable = true) => ({
      ids: [1, prompt, ...answer],
      promptLength: 2,
      desirable,
    });
    const examples = ktoMethod.examples([row(8, [5, 2]), row(8, [6, 2]), row(9, [7, 7, 2]), row(9, [4, 2])]);
    assert.deepEqual(
      examples.map(({ mismatched }) => mismatched!.ids),
      [
        [1, 8, 4, 2],
        [1, 8, 4, 2],
        [1, 9, 6, 2],
        [1, 9, 6, 2],
      ],
    );
    const alone = ktoMethod.examples([row(8, [5, 2]), row(8, [6, 2])]);
    assert.deepEqual(
      alone.map(({ mismatched }) => mismatched!.ids),
      [
        [1, 8, 5, 2],
        [1, 8, 5, 2],
      ],
    );
  });
});
