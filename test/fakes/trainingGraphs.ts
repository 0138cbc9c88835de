/** Runs a training graph in either precision and hands out all that it computes: for tests that compare numbers. */
import {
  createSession,
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
import type { Predictions } from '../../src/language-model/trainable.ts';
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
  /** Base weights and adapter by name. */
  readonly weights: ReadonlyMap<string, ArrayLike<number>>;
}

export interface TestBatch {
  readonly ids: readonly ArrayLike<number>[];
  readonly predictions: Predictions;
}

/** `loss`, `logProbs` or `scores`, and `grad:<name>` of each trained weight. */
export type Results = ReadonlyMap<string, Float32Array | Float64Array>;

export interface OpenedGraph {
  /** Gradients are those of `weight`·loss; the loss comes unweighted. */
  run(batch: TestBatch, options?: { readonly weight?: number; readonly layout?: Layout }): Promise<Results>;
  dispose(): Promise<void>;
}

/** The training graph of a model, ready to run with the model's weights. */
export async function openTrainingGraph(
  { config, head, trainable, temperature = 1, recompute = false, weights }: TestModel,
  precision: Precision,
  options: SessionOptions = {},
): Promise<OpenedGraph> {
  const built = buildTrainingGraph({
    config,
    head,
    trainable,
    temperature,
    recompute,
    inputs: {},
    loss: (_, out) => ({ loss: neg(mean(head === 'lm' ? out.logProbs : logSigmoid(out.scores))) }),
  });
  const row = head === 'lm' ? 'logProbs' : 'scores';
  const grads = Object.fromEntries(Object.entries(built.gradients).map(([name, value]) => [`grad:${name}`, value]));
  const outputs = { loss: built.loss, [row]: built.rows[row]!, ...grads };
  const session = await createSession(built.graph, outputs, { precision, memoryPattern: false, ...options });
  const floats = (values: ArrayLike<number>): TensorData =>
    precision === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
  const fixed: Record<string, Tensor> = { [adapterScaleInput]: tensor(precision, floats([1]), []) };
  for (const [name, shape] of [...built.trained, ...built.frozen]) {
    const values = weights.get(name);
    if (!values) throw new Error(`no weight ${name}`);
    fixed[name] = tensor(precision, floats(values), shape);
  }
  return {
    async run({ ids, predictions }, { weight = 1, layout } = {}) {
      const feeds: Record<string, Tensor> = { ...fixed, [lossWeightInput]: tensor(precision, floats([weight]), []) };
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
