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
import { packBatch } from '../../src/language-model/batch.ts';
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
  /** Base weights and adapter by name. */
  readonly weights: ReadonlyMap<string, ArrayLike<number>>;
}

export interface TestBatch {
  readonly ids: readonly ArrayLike<number>[];
  readonly predictions: Predictions;
}

type Floats = Float32Array | Float64Array;

/** `loss`, `logProbs` or `scores`, and `grad:<name>` of each trained weight. */
export async function runTrainingGraph(
  { config, head, trainable, temperature = 1, weights }: TestModel,
  { ids, predictions }: TestBatch,
  precision: Precision,
  options: SessionOptions = {},
): Promise<Map<string, Floats>> {
  const built = buildTrainingGraph({
    config,
    head,
    trainable,
    temperature,
    inputs: {},
    loss: (_, out) => ({ loss: neg(mean(head === 'lm' ? out.logProbs : logSigmoid(out.scores))) }),
  });
  const row = head === 'lm' ? 'logProbs' : 'scores';
  const grads = Object.fromEntries(Object.entries(built.gradients).map(([name, value]) => [`grad:${name}`, value]));
  const session = await createSession(
    built.graph,
    { loss: built.loss, [row]: built.rows[row]!, ...grads },
    { precision, memoryPattern: false, ...options },
  );
  const floats = (values: ArrayLike<number>): TensorData =>
    precision === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
  const feeds: Record<string, Tensor> = {};
  for (const [name, shape] of [...built.trained, ...built.frozen]) {
    const values = weights.get(name);
    if (!values) throw new Error(`no weight ${name}`);
    feeds[name] = tensor(precision, floats(values), shape);
  }
  const batch = packBatch(ids, predictions, config.vocabSize, config.maxPositions);
  for (const [name, feed] of Object.entries(batch)) {
    feeds[name] = feed.dtype === 'float32' ? tensor(precision, floats(feed.data as Float32Array), feed.dims) : feed;
  }
  for (const name of [lossWeightInput, adapterScaleInput]) feeds[name] = tensor(precision, floats([1]), []);
  try {
    const results = await session.run(feeds);
    return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Floats]));
  } finally {
    await session.dispose();
  }
}
