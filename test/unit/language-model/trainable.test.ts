/** Training programs: whole-model gradients, adapters, scores, bad batches. What a step must not depend on is in trainingProperties.test.ts. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import {
  createSession,
  gather,
  logSigmoid,
  mean,
  mul,
  neg,
  scatterAdd,
  sub,
  sum,
  type Tensor,
  tensor,
} from '../../../src/engine/index.ts';
import { packBatch } from '../../../src/language-model/batch.ts';
import { initialLora, type LoraConfig } from '../../../src/language-model/lora.ts';
import {
  createTrainingProgram,
  type LossBuilder,
  predictFrom,
  type TrainingBatch,
  type TrainingProgram,
  type TrainingProgramOptions,
} from '../../../src/language-model/trainable.ts';
import { buildTrainingGraph } from '../../../src/language-model/trainingGraph.ts';
import { referenceLlama } from '../../fakes/referenceLlama.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { randomIds, tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const lora: LoraConfig = { r: 2, alpha: 4, targetModules: ['q_proj', 'v_proj', 'down_proj'] };
const gpt2Lora: LoraConfig = {
  r: 2,
  alpha: 4,
  targetModules: ['c_attn', 'mlp.c_proj'],
  rankPattern: { 'h.0.attn.c_attn': 3 },
  alphaPattern: { c_attn: 1 },
};
const crossEntropy: LossBuilder = (_, out) => ({ loss: neg(mean(out.logProbs)) });
const pairLoss: LossBuilder = (_, out, inputs) => {
  const margin = sub(gather(out.scores, inputs.chosen!), gather(out.scores, inputs.rejected!));
  return { loss: neg(mean(logSigmoid(margin))), metrics: { margin: mean(margin) }, rows: { margins: margin } };
};

async function withProgram<T>(
  changes: Partial<TrainingProgramOptions>,
  use: (program: TrainingProgram) => Promise<T>,
): Promise<T> {
  const config = tinyConfig();
  const program = await createTrainingProgram({
    config,
    weights: tinyWeights(config),
    head: 'lm',
    trainable: { kind: 'full' },
    inputs: {},
    loss: crossEntropy,
    optimizer: {},
    threads: 1,
    ...changes,
  });
  try {
    return await use(program);
  } finally {
    await program.dispose();
  }
}

function batchOf(lengths: readonly number[], seed = 5): TrainingBatch {
  const ids = randomIds(Rng.seeded(seed), lengths, 23);
  return {
    ids,
    predictions: predictFrom(
      ids,
      ids.map(() => 1),
    ),
  };
}

const bytes = (program: TrainingProgram): string =>
  [...program.trainable.values()]
    .map(view => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex'))
    .join();

describe('whole-model gradients', () => {
  const cases = {
    'full training of log-probabilities': { head: 'lm', trainable: { kind: 'full' } },
    'full training of a score': { head: 'score', trainable: { kind: 'full' } },
    'LoRA under log-probabilities': { head: 'lm', trainable: { kind: 'lora', lora } },
    'LoRA under a score': { head: 'score', trainable: { kind: 'lora', lora } },
    'full training of GPT-2': { head: 'lm', trainable: { kind: 'full' }, gpt2: true },
    'LoRA on GPT-2 under a score': { head: 'score', trainable: { kind: 'lora', lora: gpt2Lora }, gpt2: true },
  } as const satisfies Record<string, Pick<TrainingProgramOptions, 'head'> & Record<string, unknown>>;
  for (const [name, { head, trainable, ...family }] of Object.entries(cases)) {
    it(`agree with finite differences in float64: ${name}`, async () => {
      const tied = { tie_word_embeddings: head === 'lm' };
      const config = 'gpt2' in family ? tinyGpt2Config(tied) : tinyConfig({ model_type: 'qwen2', ...tied });
      const { graph, loss, gradients, trained, frozen } = buildTrainingGraph({
        config,
        head,
        trainable,
        temperature: 0.8,
        inputs: head === 'lm' ? { advantages: { dtype: 'float32', shape: ['B'] } } : {},
        loss: (_, out, inputs) =>
          head === 'lm'
            ? { loss: neg(sum(mul(scatterAdd(out.logProbs, out.rows, 'B'), inputs.advantages!))) }
            : { loss: neg(mean(logSigmoid(out.scores))) },
      });
      const session = await createSession(graph, { loss, ...gradients }, { precision: 'float64', threads: 1 });
      const weights = tinyWeights(config, 7, head);
      const rng = Rng.seeded(11);
      const feeds: Record<string, Tensor> = {};
      for (const [weight, shape] of [...trained, ...frozen]) {
        // An adapter whose B is zero would hide a wrong gradient of A.
        const data = weights.get(weight) ?? Array.from({ length: shape[0]! * shape[1]! }, () => rng.normal() * 0.3);
        feeds[weight] = tensor('float64', Float64Array.from(data), shape);
      }
      const { ids, predictions } = batchOf([5, 3]);
      Object.assign(feeds, packBatch(ids, predictions, config), {
        lossWeight: tensor('float64', Float64Array.of(1), []),
        adapterScale: tensor('float64', Float64Array.of(1), []),
        advantages: tensor('float64', Float64Array.of(0.7, -1.3), [2]),
      });
      const exact = await session.run(feeds);
      const h = 1e-5;
      for (const weight of trained.keys()) {
        const numbers = feeds[weight]!.data as Float64Array;
        for (let tries = 0; tries < 3; tries++) {
          const j = rng.int(numbers.length);
          const x = numbers[j]!;
          const at = async (value: number): Promise<number> => {
            numbers[j] = value;
            return Number((await session.run(feeds)).loss!.data[0]);
          };
          const numeric = ((await at(x + h)) - (await at(x - h))) / (2 * h);
          numbers[j] = x;
          const analytic = Number(exact[weight]!.data[j]);
          const close = Math.abs(numeric - analytic) <= 1e-6 * Math.max(1, Math.abs(numeric));
          assert.ok(close, `${weight}[${j}]: ${analytic}, finite difference ${numeric}`);
        }
      }
      await session.dispose();
    });
  }
});

describe('a training program', () => {
  it('overfits one batch', async () => {
    await withProgram({}, async program => {
      const batch = batchOf([8, 6, 8, 5]);
      const first = (await program.gradients(batch)).loss;
      program.apply(1e-2);
      let last = first;
      for (let step = 0; step < 60; step++) {
        last = (await program.gradients(batch)).loss;
        program.apply(1e-2);
      }
      assert.ok(last < first / 10, `${first} → ${last}`);
    });
  });

  for (const baseProducts of ['float32', 'int8'] as const) {
    it(`computes layers again to the same bytes: adapters on a base in ${baseProducts}`, async () => {
      const run = (recompute: boolean) =>
        withProgram({ recompute, baseProducts, trainable: { kind: 'lora', lora, seed: 2 } }, async program => {
          for (let step = 0; step < 3; step++) {
            await program.gradients(batchOf([9, 4, 12], step));
            program.apply(1e-2);
          }
          return bytes(program);
        });
      assert.equal(await run(true), await run(false));
    });
  }

  it('computes layers again to the same bytes: all weights', async () => {
    const run = (recompute: boolean) =>
      withProgram({ recompute }, async program => {
        await program.gradients(batchOf([9, 4, 12]));
        program.apply(1e-2);
        return bytes(program);
      });
    assert.equal(await run(true), await run(false));
  });

  it('starts LoRA at the base, and reads the base again with the adapter switched off', async () => {
    const batch = batchOf([8, 5]);
    const base = await withProgram({}, async program => (await program.forward(batch)).rows.logProbs!);
    await withProgram({ trainable: { kind: 'lora', lora, seed: 3 } }, async program => {
      const fresh = (await program.forward(batch)).rows.logProbs!;
      assert.deepEqual(fresh, base);
      for (let step = 0; step < 5; step++) {
        await program.gradients(batch);
        program.apply(1e-2);
      }
      const trained = (await program.forward(batch)).rows.logProbs!;
      assert.ok(trained.some((value, n) => Math.abs(value - base[n]!) > 1e-2));
      assert.deepEqual((await program.forward(batch, { adapter: false })).rows.logProbs!, base);
    });
  });

  it('computes what PEFT would with a trained adapter', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    const rng = Rng.seeded(8);
    const adapter = initialLora(config, lora, rng);
    for (const data of adapter.values()) for (let i = 0; i < data.length; i++) data[i]! += rng.normal() * 0.2;
    const { ids } = batchOf([7]);
    const last = { rows: [0], times: [6], targets: [4] };
    await withProgram({ trainable: { kind: 'lora', lora, initial: adapter, seed: 0 } }, async program => {
      const { rows } = await program.forward({ ids, predictions: last });
      const row = referenceLlama(config, weights, ids[0]!, { weights: adapter, scale: 2 }).logits[6]!;
      const total = Math.log(row.reduce((n, value) => n + Math.exp(value), 0));
      assert.ok(Math.abs(rows.logProbs![0]! - (row[4]! - total)) < 1e-4);
    });
  });

  it('reads scores at the last token of each sequence, by length', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config, 1, 'score');
    const options = {
      config,
      weights,
      head: 'score',
      loss: pairLoss,
      inputs: { chosen: { dtype: 'int64', shape: ['P'] }, rejected: { dtype: 'int64', shape: ['P'] } },
    } as const;
    await withProgram(options, async program => {
      const ids = randomIds(Rng.seeded(1), [4, 9, 6], 23);
      const { rows, metrics } = await program.forward({ ids, inputs: { chosen: [0, 2], rejected: [1, 1] } });
      const expected = ids.map(sequence => {
        const { hidden } = referenceLlama(config, weights, sequence);
        return hidden.at(-1)!.reduce((n, value, i) => n + value * weights.get('score.weight')![i]!, 0);
      });
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(rows.scores![i]! - value) < 1e-4);
      const margins = [expected[0]! - expected[1]!, expected[2]! - expected[1]!];
      for (const [i, value] of margins.entries()) assert.ok(Math.abs(rows.margins![i]! - value) < 1e-4);
      assert.ok(Math.abs(metrics.margin! - (margins[0]! + margins[1]!) / 2) < 1e-4);
    });
  });

  it('leaves the weights alone when a gradient is not finite', async () => {
    await withProgram(
      {
        inputs: { scale: { dtype: 'float32', shape: [] } },
        loss: (_, out, inputs) => ({ loss: mul(mean(out.logProbs), inputs.scale!) }),
      },
      async program => {
        const before = bytes(program);
        await program.gradients({ ...batchOf([5]), inputs: { scale: Number.NaN } });
        assert.ok(Number.isNaN(program.apply(1e-2).gradNorm));
        assert.equal(bytes(program), before);
      },
    );
  });

  describe('a step that is not finite names the layer and the operator where that began', () => {
    const config = tinyConfig({ num_hidden_layers: 3 });
    async function located(
      spoil: (weights: Map<string, Float32Array>) => void,
      changes: Partial<TrainingProgramOptions> = {},
    ) {
      const weights = tinyWeights(config);
      spoil(weights);
      return withProgram({ config, weights, ...changes }, async program => {
        await program.gradients(batchOf([5, 7]));
        await program.gradients(batchOf([6]));
        assert.ok(!Number.isFinite(program.apply(1e-3).gradNorm));
        const found = await program.locateNonFinite();
        program.state();
        return found;
      });
    }
    const at = 'model.layers.1.mlp.up_proj';

    for (const trainable of [{ kind: 'full' }, { kind: 'lora', lora, seed: 1 }] as const) {
      it(`a weight that is NaN, ${trainable.kind}`, async () => {
        const found = await located(weights => weights.get(`${at}.weight`)!.fill(Number.NaN, 3, 4), { trainable });
        assert.deepEqual(found, { scope: at, op: 'MatMul', backward: false, input: `${at}.weight` });
      });
    }

    it('a weight so large that its product overflows', async () => {
      const found = await located(weights => weights.get(`${at}.weight`)!.fill(3e38));
      assert.deepEqual(found, { scope: at, op: 'MatMul', backward: false });
    });

    it('a loss that is infinite itself', async () => {
      const infinite = await located(() => {}, {
        loss: (graph, out) => ({ loss: mul(mean(out.logProbs), graph.scalar(Number.POSITIVE_INFINITY)) }),
      });
      assert.deepEqual(infinite, { scope: 'loss', op: 'Mul', backward: false });
    });

    it('nothing, when all is finite', async () => {
      await withProgram({}, async program => {
        await program.gradients(batchOf([5]));
        assert.equal(await program.locateNonFinite(), undefined);
      });
    });
  });

  it('names what is wrong with a batch', async () => {
    await withProgram({}, async program => {
      const one = { rows: [0], times: [0], targets: [1] };
      await assert.rejects(program.forward({ ids: [[1, 99]], predictions: one }), /token 99 is outside the vocabulary/);
      await assert.rejects(program.forward({ ids: [[]], predictions: one }), /needs at least one token/);
      await assert.rejects(program.forward({ ids: [[1], []], predictions: one }), /sequence 1 of the batch is empty/);
      await assert.rejects(
        program.forward({ ids: [Array(33).fill(1)], predictions: one }),
        /longer than the model's 32/,
      );
      await assert.rejects(
        program.forward({ ids: [[1, 2]], predictions: { rows: [0], times: [2], targets: [1] } }),
        /prediction 0 lies outside/,
      );
    });
  });
});
