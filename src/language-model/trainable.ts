/**
 * The one thing that training code uses: a language model with trained weights, a loss and an optimizer.
 *
 *     const program = await createTrainingProgram({ config, weights, head: 'lm', trainable: { kind: 'full' },
 *       inputs: {}, loss: (g, out) => ({ loss: neg(mean(out.logProbs)) }), optimizer: { weightDecay: 0.01 } });
 *     await program.gradients({ ids, predictions: predictFrom(ids, starts) });   // once for each micro-batch
 *     program.apply(learningRate);
 */
import { Rng } from '../base/rng.ts';
import {
  AdamW,
  type AdamWSettings,
  type AdamWState,
  createSession,
  elementCount,
  findNonFinite,
  float32,
  type InputSpec,
  int64,
  type NonFinite,
  neededInputs,
  type Session,
  type SessionOptions,
  type Tensor,
  type TensorData,
  tensor,
  toData,
} from '../engine/index.ts';
import { Arena } from './arena.ts';
import { type Layout, type Predictions, packBatch } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { exactStorage, int8Feeds, largestInputs } from './int8Layers.ts';
import { initialLora, type LoraConfig } from './lora.ts';
import {
  adapterScaleInput,
  type BaseProducts,
  buildTrainingGraph,
  type LossBuilder,
  lossWeightInput,
} from './trainingGraph.ts';

export { type Predictions, predictFrom } from './batch.ts';
export type { LossBuilder, LossOutputs, ModelOutputs } from './trainingGraph.ts';

export interface TrainingProgramOptions {
  readonly config: ModelConfig;
  /** The base weights by name. Frozen ones are read where they lie; trained ones are copied. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly trainable:
    | { readonly kind: 'full'; readonly seed?: number }
    | {
        readonly kind: 'lora';
        readonly lora: LoraConfig;
        /** Adapter weights (and `score.weight`) to start from; fresh ones from `seed` where absent. */
        readonly initial?: ReadonlyMap<string, Float32Array>;
        readonly seed: number;
      };
  /** `lm`: log-probabilities of tokens. `score`: one number for each sequence; a missing `score.weight` starts fresh. */
  readonly head: 'lm' | 'score';
  /** Logits are divided by it. Default 1. */
  readonly temperature?: number;
  /** Further inputs of the loss; their shapes may use `B` (sequences), `N` (predictions) and names of their own. */
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly loss: LossBuilder;
  /** What the frozen matrices of the layers are multiplied in. Default float32. */
  readonly baseProducts?: BaseProducts;
  /** Compute the layers' forward values again for the gradients instead of keeping them. Default false. */
  readonly recompute?: boolean;
  readonly optimizer: AdamWSettings;
  readonly threads?: number;
  /** How the sequences of a batch lie in rows. Default: packed. */
  readonly layout?: Layout;
}

/** Numbers for an input of the loss: an array of them for one axis, or a tensor with its shape. */
export type InputValues = Tensor | readonly number[] | Float32Array | number;

export interface TrainingBatch {
  /** Token ids of each sequence; lengths may differ. */
  readonly ids: readonly ArrayLike<number>[];
  /** The tokens whose log-probabilities are wanted (head `lm`). */
  readonly predictions?: Predictions;
  readonly inputs?: Readonly<Record<string, InputValues>>;
}

export interface StepResult {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface ForwardResult extends StepResult {
  /** `logProbs` and `entropy` (N) or `scores` (B), and what the loss named in `rows`. */
  readonly rows: Readonly<Record<string, Float32Array>>;
}

export interface TrainingState {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly optimizer: AdamWState;
}

export interface TrainingProgram {
  /** Trained weights by name: live views, which `apply` changes in place. */
  readonly trainable: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Adds the gradient of weight·loss of a micro-batch to what `apply` will use. Loss and metrics come back unweighted. */
  gradients(batch: TrainingBatch, options?: { readonly weight?: number }): Promise<StepResult>;
  /** Clips, updates the weights and clears the gradients. With a gradient that is not finite nothing is updated. */
  apply(learningRate: number): { readonly gradNorm: number };
  /**
   * Why the loss or the gradients since the last `apply` are not finite: runs those batches again, with every operator's
   * result looked at. Undefined when all are finite. The program cannot compute afterwards, only give its state.
   */
  locateNonFinite(): Promise<NonFinite | undefined>;
  /** Computes without gradients. `adapter: false` switches LoRA off: the log-probabilities of the frozen base. */
  forward(batch: TrainingBatch, options?: { readonly adapter?: boolean }): Promise<ForwardResult>;
  /** A copy of the trained weights and the optimizer, from which `restore` continues to the same bytes. */
  state(): TrainingState;
  restore(state: TrainingState): void;
  dispose(): Promise<void>;
}

export async function createTrainingProgram(options: TrainingProgramOptions): Promise<TrainingProgram> {
  const { config, trainable } = options;
  const int8Storage = options.baseProducts === 'int8' ? await exactStorage(sessionOptions(options)) : undefined;
  const built = buildTrainingGraph({ ...options, trainable, int8Storage });
  const arena = new Arena(built.trained);
  const initial = initialWeights(options, built.trained);
  for (const [name, view] of arena.parameters) view.set(initial(name, view.length));
  const feeds: Record<string, Tensor> = {};
  const needed = neededInputs(built.graph, { ...prefixed('grad:', built.gradients), loss: built.loss });
  for (const [name, shape] of built.frozen) {
    if (needed.has(name)) feeds[name] = float32(weightOf(options.weights, name, shape), shape);
  }
  if (int8Storage) {
    const exact = await largestInputs(config, options.weights, sessionOptions(options));
    Object.assign(feeds, int8Feeds(config, options.weights, exact, int8Storage));
  }
  for (const [name, shape] of built.trained) feeds[name] = float32(arena.parameters.get(name)!, shape);
  const scalars = prefixed('metric:', built.metrics);
  const outputs = { loss: built.loss, ...scalars, ...prefixed('grad:', built.gradients) };
  const training = await createSession(built.graph, outputs, sessionOptions(options));
  let forward: Promise<Session> | undefined;
  let released = false;
  const optimizer = new AdamW(arena.arrays, arena.decayed, options.optimizer, arena.kernel);
  const pack = (batch: TrainingBatch): Record<string, Tensor> => ({
    ...packBatch(batch.ids, batch.predictions, config, options.layout),
    ...lossInputs(options.inputs, batch.inputs ?? {}),
  });
  const report = (results: Readonly<Record<string, Tensor>>): StepResult => ({
    loss: Number(results.loss!.data[0]),
    metrics: Object.fromEntries(
      Object.keys(built.metrics).map(name => [name, Number(results[`metric:${name}`]!.data[0])]),
    ),
  });
  const one = scalar(1);
  const zero = scalar(0);
  const feedsOf = (batch: TrainingBatch, weight: number): Record<string, Tensor> => ({
    ...feeds,
    ...pack(batch),
    [lossWeightInput]: weight === 1 ? one : scalar(weight),
    [adapterScaleInput]: one,
  });
  /** What went into the gradients since the last update. */
  const pending: { readonly batch: TrainingBatch; readonly weight: number }[] = [];
  const release = async (): Promise<void> => {
    await training.dispose();
    if (forward) await (await forward).dispose();
  };

  return {
    trainable: arena.parameters,
    shapes: built.trained,

    async gradients(batch, { weight = 1 } = {}) {
      const into = arena.hasGradients ? arena.scratch : arena.gradients;
      if (!arena.hasGradients) pending.length = 0;
      pending.push({ batch, weight });
      const results = await training.run(feedsOf(batch, weight), prefixed('grad:', Object.fromEntries(into.views)));
      arena.take(into);
      return report(results);
    },

    apply(learningRate) {
      if (!arena.hasGradients) throw new Error('apply needs gradients first');
      const result = optimizer.apply(learningRate);
      arena.hasGradients = false;
      return result;
    },

    async locateNonFinite() {
      // First, so that two sessions never need their memory at the same time.
      await release();
      released = true;
      for (const { batch, weight } of pending) {
        const found = await findNonFinite(built.graph, outputs, feedsOf(batch, weight), sessionOptions(options));
        if (found) return found;
      }
      return undefined;
    },

    async forward(batch, { adapter = true } = {}) {
      forward ??= createSession(
        built.graph,
        { loss: built.loss, ...scalars, ...prefixed('row:', built.rows) },
        sessionOptions(options),
      );
      const session = await forward;
      const results = await session.run({ ...feeds, ...pack(batch), [adapterScaleInput]: adapter ? one : zero });
      const rows = Object.keys(built.rows).map(name => [name, results[`row:${name}`]!.data as Float32Array] as const);
      return { ...report(results), rows: Object.fromEntries(rows) };
    },

    state: () => ({
      parameters: new Map([...arena.parameters].map(([name, view]) => [name, view.slice()])),
      optimizer: optimizer.state(),
    }),

    restore(state) {
      for (const [name, view] of arena.parameters) view.set(weightOf(state.parameters, name, [view.length]));
      optimizer.restore(state.optimizer);
      arena.hasGradients = false;
    },

    async dispose() {
      if (!released) await release();
    },
  };

  function initialWeights(
    { weights, head }: TrainingProgramOptions,
    shapes: ReadonlyMap<string, readonly number[]>,
  ): (name: string, length: number) => Float32Array {
    const rng = Rng.seeded(trainable.seed ?? 0);
    const fresh = new Map(trainable.kind === 'lora' ? initialLora(config, trainable.lora, rng) : []);
    if (head === 'score') {
      const stream = rng.stream('score.weight');
      const deviation = 1 / Math.sqrt(config.hiddenSize + 1);
      fresh.set(
        'score.weight',
        Float32Array.from({ length: config.hiddenSize }, () => stream.normal() * deviation),
      );
    }
    const given = trainable.kind === 'lora' ? trainable.initial : undefined;
    return name => given?.get(name) ?? weights.get(name) ?? weightOf(fresh, name, shapes.get(name)!);
  }
}

// Without memory patterns: batches differ in shape, a plan for each would double the memory, and a step is as fast.
const sessionOptions = ({ threads }: TrainingProgramOptions): SessionOptions => ({
  memoryPattern: false,
  ...(threads === undefined ? {} : { threads }),
});

const prefixed = <T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));

const scalar = (value: number): Tensor => float32([value], []);

function weightOf(weights: ReadonlyMap<string, Float32Array>, name: string, shape: readonly number[]): Float32Array {
  const data = weights.get(name);
  if (!data) throw new Error(`the weight ${name} is missing`);
  if (data.length !== elementCount(shape)) {
    throw new Error(`the weight ${name} holds ${data.length} numbers, not ${elementCount(shape)}`);
  }
  return data;
}

function lossInputs(
  specs: Readonly<Record<string, InputSpec>>,
  values: Readonly<Record<string, InputValues>>,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { dtype, shape }] of Object.entries(specs)) {
    const value = values[name];
    if (value === undefined) throw new Error(`the batch has no values for the input ${name}`);
    if (typeof value === 'number') feeds[name] = tensor(dtype, toData(dtype, [value]), shape.length === 0 ? [] : [1]);
    else if ('dims' in value) feeds[name] = value;
    else if (dtype === 'int64') feeds[name] = int64(value);
    else feeds[name] = tensor(dtype, toData(dtype, value as TensorData | readonly number[]), [value.length]);
  }
  return feeds;
}
