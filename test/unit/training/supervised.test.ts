import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import type { SftSettings } from '../../../src/core/jobs/job.ts';
import { sftPresets } from '../../../src/core/jobs/presets.ts';
import { parseModelConfig } from '../../../src/language-model/config.ts';
import { randomWeights } from '../../../src/language-model/model.ts';
import { type SupervisedOptions, type SupervisedResult, trainSupervised } from '../../../src/training/supervised.ts';
import { MemoryHost } from '../../fakes/trainingHost.ts';

const raw = {
  model_type: 'llama',
  vocab_size: 32,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 24,
  tie_word_embeddings: true,
  initializer_range: 0.3,
};
const config = parseModelConfig(raw, 'config.json');
const weights = randomWeights(config, Rng.seeded(1));

/** Prompts of three tokens; the answer repeats the second and ends. */
function examples(count: number, seed: number) {
  const rng = Rng.seeded(seed);
  return Array.from({ length: count }, () => {
    const word = 8 + rng.int(8);
    const ids = [1, word, 3, ...Array.from({ length: 1 + rng.int(3) }, () => 5), 2];
    return { promptLength: 3, ids, prompt: `${word}`, references: [decode(ids.slice(3))], task: '' };
  });
}
const decode = (ids: readonly number[]) => ids.filter(id => id !== 2).join(' ');
const data = {
  train: new Map([['', examples(48, 1)]]),
  shares: new Map([['', 48]]),
  heldOut: examples(20, 2),
  unseen: [],
  warnings: [],
};
const settings: SftSettings = {
  ...sftPresets.quick,
  epochs: 4,
  batchSize: 16,
  microBatchSize: 8,
  learningRate: 0.05,
  evaluationRows: 8,
  maxNewTokens: 6,
  lora: { r: 4, alpha: 8, targetModules: ['all-linear'] },
};

const options = (host: MemoryHost, more: Partial<SupervisedOptions> = {}): SupervisedOptions => ({
  config,
  weights,
  settings,
  seed: 7,
  data,
  endIds: [2],
  decode,
  host,
  threads: 1,
  ...more,
});

async function train(more: Partial<SupervisedOptions> = {}) {
  const host = new MemoryHost();
  const outcome = await trainSupervised(options(host, more));
  assert.equal(outcome.kind, 'finished');
  return { host, result: (outcome as { value: SupervisedResult }).value };
}

describe('supervised fine-tuning of an adapter', () => {
  let first: Awaited<ReturnType<typeof train>>;
  before(async () => {
    first = await train();
  });

  it('learns answers of prompts that it has not seen', () => {
    const { eval_loss_before: before, eval_loss: after, eval_perplexity: perplexity } = first.result.metrics;
    assert.ok(after! < 0.5 * before!, `${before} → ${after}`);
    assert.ok(Math.abs(perplexity! - Math.exp(after!)) < 1e-9);
    assert.equal(first.host.reported.length, first.result.metrics.steps);
  });

  it('answers held-out rows before and after, and says how many are right', () => {
    const { report, samples, metrics } = first.result;
    assert.equal(report!.seen!.exactMatch.after.n, 8);
    assert.equal(report!.unseen, undefined);
    assert.equal(samples.length, 8);
    assert.equal(metrics.eval_exact_match, report!.seen!.exactMatch.after.estimate);
    assert.ok(metrics.eval_rouge_l! > metrics.eval_rouge_l_before! + 0.3, JSON.stringify(metrics));
  });

  it('measures tasks that it never learned apart, and learns each task as often as it counts', async () => {
    const [a, b] = [examples(40, 3), examples(6, 4)].map((rows, index) =>
      rows.map(row => ({ ...row, task: 'ab'[index]! })),
    );
    const mixed = {
      ...data,
      train: new Map([
        ['a', a!],
        ['b', b!],
      ]),
      shares: new Map([
        ['a', 10],
        ['b', 12],
      ]),
      unseen: examples(5, 5).map(row => ({ ...row, task: 'c' })),
    };
    const { result, host } = await train({ data: mixed, settings: { ...settings, batchSize: 11 } });
    assert.equal(result.metrics.train_rows, 22);
    assert.equal(host.reported.length, 8, 'four epochs of two steps');
    assert.deepEqual(result.report!.unseen!.tasks, ['c']);
    assert.equal(result.report!.unseen!.rougeL.after.n, 5);
    assert.ok(result.metrics.eval_unseen_loss! < result.metrics.eval_unseen_loss_before!);
    assert.notEqual(result.metrics.eval_unseen_loss, result.metrics.eval_loss);
  });

  it('counts answer tokens alone, each the same: logits of nothing cost ln 32 a token', async () => {
    const none = new Map([...weights].map(([name, values]) => [name, new Float32Array(values.length)]));
    const { host, result } = await train({ weights: none, settings: { ...settings, epochs: 0.4 } });
    assert.ok(Math.abs(host.reported[0]!.values.loss! - Math.log(32)) < 1e-5);
    assert.ok(Math.abs(result.metrics.eval_loss_before! - Math.log(32)) < 1e-5);
  });

  it('the size of the micro-batches does not change a step', async () => {
    const curves = await Promise.all(
      [1, 5, 16].map(async microBatchSize => {
        const { host } = await train({ settings: { ...settings, epochs: 1, microBatchSize } });
        return ['loss', 'grad_norm'].map(name => host.curve(name));
      }),
    );
    for (const [index, curve] of curves[0]!.entries())
      for (const [step, value] of curve.entries())
        for (const other of curves)
          assert.ok(
            Math.abs(other[index]![step]! - value) < 1e-4 * Math.max(1, value),
            `${other[index]![step]} ${value}`,
          );
  });

  it('a stopped run goes on to the same bytes', async () => {
    const host = new MemoryHost(5);
    assert.equal((await trainSupervised(options(host))).kind, 'stopped');
    const { result, host: rest } = await train({ resume: host.checkpoints.at(-1)! });
    assert.deepEqual(result, first.result);
    assert.deepEqual(rest.reported, first.host.reported.slice(5));
  });

  it('measures nothing where nothing was held out', async () => {
    const { result } = await train({ data: { ...data, heldOut: [] }, settings: { ...settings, epochs: 0.4 } });
    assert.deepEqual(Object.keys(result.metrics).sort(), ['steps', 'train_rows']);
  });
});
