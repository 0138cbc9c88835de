/**
 * What a training step must not depend on: padding, the order of a batch, how it is split, who else is in it; and what it
 * must give twice: the same bytes. Every property is also tried on an engine that is wrong on purpose, and has to notice.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Rng } from '../../../src/base/rng.ts';
import { mean, neg } from '../../../src/engine/index.ts';
import { lowerings } from '../../../src/engine/lowering.ts';
import type { Layout } from '../../../src/language-model/batch.ts';
import { type LoraConfig, loraParameters } from '../../../src/language-model/lora.ts';
import {
  createTrainingProgram,
  predictFrom,
  type TrainingProgram,
  type TrainingProgramOptions,
  type TrainingState,
} from '../../../src/language-model/trainable.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { randomIds, tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';
import {
  type OpenedGraph,
  openTrainingGraph,
  type Results,
  relativeDistance,
  type TestModel,
} from '../../fakes/trainingGraphs.ts';

const lora: LoraConfig = { r: 2, alpha: 4, targetModules: ['q_proj', 'v_proj', 'down_proj'] };

function model(config: TestModel['config'], head: TestModel['head'], adapter?: LoraConfig): TestModel {
  const rng = Rng.seeded(6);
  const weights = tinyWeights(config, 3, head);
  // An adapter whose B is zero would hide what reaches A.
  for (const [name, [rows, columns]] of adapter ? loraParameters(config, adapter) : []) {
    weights.set(
      name,
      Float32Array.from({ length: rows! * columns! }, () => rng.normal() * 0.3),
    );
  }
  return { config, head, trainable: adapter ? { kind: 'lora', lora: adapter } : { kind: 'full' }, weights };
}

const models: Readonly<Record<string, TestModel>> = {
  'Llama, full': model(tinyConfig(), 'lm'),
  'Qwen2, LoRA': model(tinyConfig({ model_type: 'qwen2' }), 'lm', lora),
  'Llama, LoRA under a score': model(tinyConfig({ tie_word_embeddings: false }), 'score', lora),
  'GPT-2, full': model(tinyGpt2Config(), 'lm'),
};

interface Batch {
  readonly ids: readonly (readonly number[])[];
  /** First predicted token of each sequence; one that is as long as its sequence predicts nothing. */
  readonly starts: readonly number[];
}

interface Outcome {
  readonly loss: number;
  /** Log-probabilities, or the score, of each sequence. */
  readonly rows: readonly (readonly number[])[];
  readonly gradients: ReadonlyMap<string, ArrayLike<number>>;
}

/** Predictions, or sequences where scores are trained: what the loss is a mean of. */
const size = ({ head }: TestModel, { ids, starts }: Batch): number =>
  head === 'score' ? ids.length : predictFrom(ids, starts).rows.length;

async function step(
  graph: OpenedGraph,
  { head }: TestModel,
  batch: Batch,
  options: { readonly weight?: number; readonly layout?: Layout } = {},
): Promise<Outcome> {
  const predictions = predictFrom(batch.ids, batch.starts);
  const results = await graph.run({ ids: batch.ids, predictions }, options);
  const all = [...results.get(head === 'lm' ? 'logProbs' : 'scores')!];
  const rowOf = head === 'lm' ? Array.from(predictions.rows) : batch.ids.map((_, i) => i);
  return {
    loss: results.get('loss')![0]!,
    rows: batch.ids.map((_, row) => all.filter((_, n) => rowOf[n] === row)),
    gradients: gradientsOf(results),
  };
}

const gradientsOf = (results: Results): ReadonlyMap<string, ArrayLike<number>> =>
  new Map([...results].filter(([name]) => name.startsWith('grad:')));

/** Equal but for the order in which float64 sums were made. */
function near(a: ArrayLike<number>, b: ArrayLike<number>, what: string): void {
  assert.equal(a.length, b.length, what);
  let [apart, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  assert.ok(Math.sqrt(apart) <= 1e-10 * Math.max(Math.sqrt(norm), 1e-2), `${what} differs by ${Math.sqrt(apart)}`);
}

function same(a: Outcome, b: Outcome): void {
  near([a.loss], [b.loss], 'the loss');
  near(a.rows.flat(), b.rows.flat(), 'a log-probability or score');
  for (const [name, values] of a.gradients) near(values, b.gradients.get(name)!, name);
}

type Property = (graph: OpenedGraph, model: TestModel, batch: Batch, rng: Rng) => Promise<void>;

const shuffled = (count: number, rng: Rng): number[] => {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
};

const choose = <T>(values: readonly T[], order: readonly number[]): T[] => order.map(i => values[i]!);
const part = ({ ids, starts }: Batch, order: readonly number[]): Batch => ({
  ids: choose(ids, order),
  starts: choose(starts, order),
});

const properties: Readonly<Record<string, Property>> = {
  'the order of a batch': async (graph, model, batch, rng) => {
    const order = shuffled(batch.ids.length, rng);
    const whole = await step(graph, model, batch);
    const other = await step(graph, model, part(batch, order));
    same(other, { ...whole, rows: choose(whole.rows, order) });
  },

  'the micro-batches that a batch is split into': async (graph, model, batch, rng) => {
    const whole = await step(graph, model, batch);
    const rows: (readonly number[])[] = [];
    const sums = new Map([...whole.gradients].map(([name, { length }]) => [name, new Float64Array(length)]));
    let loss = 0;
    for (let from = 0; from < batch.ids.length; ) {
      const to = from + 1 + rng.int(batch.ids.length - from);
      const micro = { ids: batch.ids.slice(from, to), starts: batch.starts.slice(from, to) };
      const weight = size(model, micro) / size(model, batch);
      const outcome = await step(graph, model, micro, { weight });
      loss += weight * outcome.loss;
      rows.push(...outcome.rows);
      for (const [name, sum] of sums) for (let i = 0; i < sum.length; i++) sum[i]! += outcome.gradients.get(name)![i]!;
      from = to;
    }
    same({ loss, rows, gradients: sums }, whole);
  },

  'packing, the amount of padding and its side': async (graph, model, batch, rng) => {
    const plain = await step(graph, model, batch, { layout: { packing: false } });
    const longest = Math.max(...batch.ids.map(sequence => sequence.length));
    for (const packing of [true, false]) {
      for (const padding of ['left', 'right'] as const) {
        const layout = { packing, padding, rowLength: longest + rng.int(30) };
        same(await step(graph, model, batch, { layout }), plain);
      }
    }
  },

  'a longer sequence beside the others': async (graph, model, batch, rng) => {
    const long = randomIds(rng, [10 + rng.int(20)], model.config.vocabSize)[0]!;
    const at = rng.int(batch.ids.length + 1);
    const padded = { ids: batch.ids.toSpliced(at, 0, long), starts: batch.starts.toSpliced(at, 0, long.length) };
    const [alone, together] = [await step(graph, model, batch), await step(graph, model, padded)];
    const rows = together.rows.toSpliced(at, 1);
    // A score is trained for every sequence, so there the long one has a part in the loss.
    if (model.head === 'score') near(rows.flat(), alone.rows.flat(), 'a score');
    else same({ ...together, rows }, alone);
  },
};

/** Tries a property on random batches. */
const hold = (property: Property, graph: OpenedGraph, model: TestModel): Promise<void> =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 5 }),
      fc.nat(),
      async (lengths, seed) => {
        const rng = Rng.seeded(seed);
        const ids = randomIds(rng, lengths, model.config.vocabSize);
        await property(graph, model, { ids, starts: lengths.map(length => 1 + rng.int(length - 1)) }, rng);
      },
    ),
    { numRuns: 12 },
  );

/** Opens a graph in which what a token looks up depends on the tokens before it in the whole batch, and on padding. */
async function openWrong(model: TestModel): Promise<OpenedGraph> {
  const table = lowerings as { Gather: (typeof lowerings)['Gather'] };
  const right = table.Gather;
  table.Gather = (node, to, inputs, outputs) => {
    if (node.outputs[0]!.dtype !== 'float32') return right(node, to, inputs, outputs);
    const rows = to.emit('Gather', inputs);
    const flat = to.emit('Reshape', [rows, to.ints([-1, Number(node.outputs[0]!.shape.at(-1))])]);
    const before = to.emit('CumSum', [flat, to.ints([0])], { exclusive: { int: 1 } });
    const mixed = to.emit('Add', [flat, to.emit('Mul', [before, to.float(1e-3)])]);
    to.emit('Reshape', [mixed, to.emit('Shape', [rows])], {}, { outputs });
  };
  try {
    return await openTrainingGraph(model, 'float64', { threads: 1 });
  } finally {
    table.Gather = right;
  }
}

describe('a training step does not depend on', () => {
  for (const [name, model] of Object.entries(models)) {
    describe(name, () => {
      let graph: OpenedGraph;
      before(async () => {
        graph = await openTrainingGraph(model, 'float64', { threads: 1 });
      });
      after(() => graph.dispose());
      for (const [what, property] of Object.entries(properties)) it(what, () => hold(property, graph, model));
      it('whether layers are kept or computed again', async () => {
        const again = await openTrainingGraph({ ...model, recompute: true }, 'float64', { threads: 1 });
        const compare: Property = async (kept, _, batch) =>
          same(await step(again, model, batch), await step(kept, model, batch));
        try {
          await hold(compare, graph, model);
        } finally {
          await again.dispose();
        }
      });
    });
  }

  for (const [what, property] of Object.entries(properties)) {
    it(`and it is noticed when it does: ${what}`, async () => {
      const model = models['Llama, full']!;
      const graph = await openWrong(model);
      try {
        await assert.rejects(hold(property, graph, model), /Property failed/);
      } finally {
        await graph.dispose();
      }
    });
  }
});

const programs: Readonly<Record<string, Pick<TrainingProgramOptions, 'trainable'>>> = {
  full: { trainable: { kind: 'full' } },
  LoRA: { trainable: { kind: 'lora', lora, seed: 3 } },
};

async function withProgram<T>(
  options: Pick<TrainingProgramOptions, 'trainable' | 'threads'>,
  use: (program: TrainingProgram) => Promise<T>,
): Promise<T> {
  const config = tinyConfig();
  const program = await createTrainingProgram({
    config,
    weights: tinyWeights(config),
    head: 'lm',
    inputs: {},
    loss: (_, out) => ({ loss: neg(mean(out.logProbs)) }),
    optimizer: { weightDecay: 0.1 },
    ...options,
  });
  try {
    return await use(program);
  } finally {
    await program.dispose();
  }
}

/** Steps from … to − 1, each of two ragged micro-batches. */
async function train(program: TrainingProgram, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) {
    for (const lengths of [
      [9, 4, 12, 12],
      [3, 6],
    ]) {
      const ids = randomIds(Rng.seeded(step).stream(lengths.join()), lengths, 23);
      const predictions = predictFrom(ids, Array(ids.length).fill(1));
      await program.gradients({ ids, predictions }, { weight: 0.5 });
    }
    program.apply(1e-2);
  }
}

const bytes = (program: TrainingProgram): string =>
  [...program.trainable.values()]
    .map(view => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex'))
    .join();

describe('a training program', () => {
  const last = 6;
  for (const [name, { trainable }] of Object.entries(programs)) {
    for (const threads of [1, 2]) {
      const options = { trainable, threads };
      it(`gives the same bytes twice: ${name}, ${threads} thread${threads > 1 ? 's' : ''}`, async () => {
        const run = () =>
          withProgram(options, async program => {
            await train(program, 0, last);
            return bytes(program);
          });
        assert.equal(await run(), await run());
      });
    }

    it(`adds up the gradients of micro-batches: ${name}`, async () => {
      const ids = randomIds(Rng.seeded(2), [7, 3, 5, 6], 23);
      const predicted = (part: readonly (readonly number[])[]) => predictFrom(part, Array(part.length).fill(1));
      const stepOf = (parts: readonly (readonly (readonly number[])[])[]) =>
        withProgram({ trainable, threads: 1 }, async program => {
          for (const part of parts) {
            const predictions = predicted(part);
            const weight = predictions.rows.length / predicted(ids).rows.length;
            await program.gradients({ ids: part, predictions }, { weight });
          }
          const { gradNorm } = program.apply(1e-3);
          return { gradNorm, m: program.state().optimizer.m };
        });
      const whole = await stepOf([ids]);
      const split = await stepOf([ids.slice(0, 1), ids.slice(1, 3), ids.slice(3)]);
      assert.ok(Math.abs(split.gradNorm / whole.gradNorm - 1) < 1e-5, `${split.gradNorm}, not ${whole.gradNorm}`);
      // The first running mean is a tenth of the clipped gradient.
      assert.ok(relativeDistance(split.m, whole.m) < 1e-5);
      const missing = await stepOf([ids.slice(0, 1), ids.slice(1, 3)]);
      assert.ok(relativeDistance(missing.m, whole.m) > 1e-2);
    });

    it(`goes on from any step to the same bytes: ${name}`, async () => {
      const states: TrainingState[] = [];
      const resume = (state: TrainingState, from: number): Promise<string> =>
        withProgram({ trainable, threads: 1 }, async program => {
          program.restore(state);
          await train(program, from, last);
          return bytes(program);
        });
      const unbroken = await withProgram({ trainable, threads: 1 }, async program => {
        for (let step = 0; step < last; step++) {
          states.push(program.state());
          await train(program, step, step + 1);
        }
        return bytes(program);
      });
      for (const [step, state] of states.entries()) assert.equal(await resume(state, step), unbroken, `step ${step}`);
      // A state that has lost its count of steps, or its running means, is noticed.
      const { parameters, optimizer } = states[3]!;
      const count = { parameters, optimizer: { ...optimizer, step: 2 } };
      const means = { parameters, optimizer: { ...optimizer, m: new Float32Array(optimizer.m.length) } };
      for (const wrong of [count, means]) assert.notEqual(await resume(wrong, 3), unbroken);
    });
  }
});
