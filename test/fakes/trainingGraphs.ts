/** Runs a training graph in either precision and hands out all that it computes: for tests that compare numbers. */
import {
  createSession,
  type DType,
  type InputSpec,
  logSigmoid,
  mean,
  neg,
  type Precision,
  type SessionOptions,
  type Tensor,
  type TensorData,
  tensor,
} from '../../src/engine/index.ts';
import { type Layout, packBatch } from '../../src/language-model/batch.ts';
import type { ModelConfig } from '../../src/language-model/config.ts';
import type { LossBuilder, Predictions } from '../../src/language-model/trainable.ts';
import {
  adapterScaleInput,
  buildTrainingGraph,
  lossWeightInput,
  type TrainedPart,
} from '../../src/language-model/trainingGraph.ts';

export interface TestModel {
  readonly config: ModelConfig;
  /** `lm`: the loss is the mean negative log-probability of the predictions. `score`: −log σ of the scores, their mean. */
  readonly head: 'lm' | 'score';
  readonly trainable: TrainedPart;
  readonly temperature?: number;
  readonly recompute?: boolean;
  /** Instead of the loss above. */
  readonly loss?: LossBuilder;
  readonly inputs?: Readonly<Record<string, InputSpec>>;
  /** Base weights and adapter by name. */
  readonly weights: ReadonlyMap<string, ArrayLike<number>>;
}

export interface TestBatch {
  readonly ids: readonly ArrayLike<number>[];
  readonly predictions: Predictions;
  /** Of the model's own loss: numbers for one axis, or one number. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number> | number>>;
}

/** `loss`, `logProbs` or `scores`, `metric:<name>`, and `grad:<name>` of each trained weight. */
export type Results = ReadonlyMap<string, Float32Array | Float64Array>;

export interface OpenedGraph {
  /** Gradients are those of `weight`·loss; the loss comes unweighted. */
  run(
    batch: TestBatch,
    options?: { readonly weight?: number; readonly layout?: Layout; readonly adapter?: boolean },
  ): Promise<Results>;
  dispose(): Promise<void>;
}

/** The training graph of a model, ready to run with the model's weights. */
export async function openTrainingGraph(
  { config, head, trainable, temperature = 1, recompute = false, weights, loss, inputs: specs = {} }: TestModel,
  precision: Precision,
  options: SessionOptions = {},
): Promise<OpenedGraph> {
  const built = buildTrainingGraph({
    config,
    head,
    trainable,
    temperature,
    recompute,
    inputs: specs,
    loss: loss ?? ((_, out) => ({ loss: neg(mean(head === 'lm' ? out.logProbs : logSigmoid(out.scores))) })),
  });
  const row = head === 'lm' ? 'logProbs' : 'scores';
  const grads = Object.fromEntries(Object.entries(built.gradients).map(([name, value]) => [`grad:${name}`, value]));
  const metrics = Object.fromEntries(Object.entries(built.metrics).map(([name, value]) => [`metric:${name}`, value]));
  const outputs = { loss: built.loss, [row]: built.rows[row]!, ...metrics, ...grads };
  const session = await createSession(built.graph, outputs, { precision, memoryPattern: false, ...options });
  const floats = (values: ArrayLike<number>): TensorData =>
    precision === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
  const fixed: Record<string, Tensor> = {};
  for (const [name, shape] of [...built.trained, ...built.frozen]) {
    const values = weights.get(name);
    if (!values) throw new Error(`no weight ${name}`);
    fixed[name] = tensor(precision, floats(values), shape);
  }
  return {
    async run({ ids, predictions, inputs = {} }, { weight = 1, layout, adapter = true } = {}) {
      const feeds: Record<string, Tensor> = {
        ...fixed,
        [lossWeightInput]: tensor(precision, floats([weight]), []),
        [adapterScaleInput]: tensor(precision, floats([adapter ? 1 : 0]), []),
      };
      for (const [name, { dtype }] of Object.entries(specs)) feeds[name] = lossInput(dtype, inputs[name]!, floats);
      const batch = packBatch(ids, predictions, config, layout);
      for (const [name, feed] of Object.entries(batch)) {
        feeds[name] = feed.dtype === 'float32' ? tensor(precision, floats(feed.data as Float32Array), feed.dims) : feed;
      }
      const results = await session.run(feeds);
      return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array | Float64Array]));
    },
    dispose: () => session.dispose(),
  };
}

const lossInput = (
  dtype: DType,
  values: ArrayLike<number> | number,
  floats: (values: ArrayLike<number>) => TensorData,
): Tensor => {
  const list = typeof values === 'number' ? [values] : values;
  const dims = typeof values === 'number' ? [] : [list.length];
  if (dtype === 'int64') return tensor('int64', BigInt64Array.from(Array.from(list), BigInt), dims);
  const data = floats(list);
  return tensor(data instanceof Float64Array ? 'float64' : 'float32', data, dims);
};

export async function runTrainingGraph(model: TestModel, batch: TestBatch, precision: Precision): Promise<Results> {
  const opened = await openTrainingGraph(model, precision);
  try {
    return await opened.run(batch);
  } finally {
    await opened.dispose();
  }
}

/** ‖a − b‖/‖b‖; 0 when both are zero. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [apart, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return apart === 0 ? 0 : Math.sqrt(apart / size);
}
