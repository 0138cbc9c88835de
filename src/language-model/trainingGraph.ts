/** The graph of a training step: a Llama with some weights trained, a loss on top, and its gradients. */
import {
  Graph,
  gather,
  gradients,
  headLogProbs,
  type InputSpec,
  type Int8Storage,
  mul,
  reshape,
  type Value,
} from '../engine/index.ts';
import type { ModelConfig } from './config.ts';
import { int8Layer } from './int8Layers.ts';
import { type LowRank, type ParameterSource, wholeAttention } from './layers.ts';
import { type LoraConfig, loraNames, loraParameters, loraTargets } from './lora.ts';
import { hiddenStates, modelParameters, modelScores, outputMatrixName } from './model.ts';

/** What a loss is made of. N counts the predictions of the batch, B its sequences, R the rows that they are laid in. */
export interface ModelOutputs {
  /** Log-probability of each predicted token, nats: (N). Head `lm` only. */
  readonly logProbs: Value;
  /** Entropy of the distribution of each predicted token, nats: (N); no gradient passes. Head `lm` only. */
  readonly entropy: Value;
  /** Score of each sequence, read at its last token: (B). Head `score` only. */
  readonly scores: Value;
  /** What the score head makes of the state before each predicted token: (N). Head `score` only. */
  readonly values: Value;
  /** The sequence of each prediction, int64: (N). `scatterAdd(x, rows, 'B')` sums over a sequence's predictions. */
  readonly rows: Value;
  /** Hidden states after the last norm: (R, T, hidden). */
  readonly hidden: Value;
}

/** A loss to minimise, scalars to report, and rows to hand out besides `logProbs` or `scores`. */
export interface LossOutputs {
  readonly loss: Value;
  readonly metrics?: Readonly<Record<string, Value>>;
  readonly rows?: Readonly<Record<string, Value>>;
}

export type LossBuilder = (graph: Graph, out: ModelOutputs, inputs: Readonly<Record<string, Value>>) => LossOutputs;

export type TrainedPart = { readonly kind: 'full' } | { readonly kind: 'lora'; readonly lora: LoraConfig };

/** `int8` rounds the frozen matrices, and what they are multiplied with, to eight bits: faster, and no longer exact. LoRA only. */
export type BaseProducts = 'float32' | 'int8';

export interface TrainingGraphOptions {
  readonly config: ModelConfig;
  readonly head: 'lm' | 'score';
  readonly trainable: TrainedPart;
  /** Logits are divided by it before the softmax. Default 1. */
  readonly temperature?: number;
  /** What the frozen matrices of the layers are multiplied in. Default float32. */
  readonly baseProducts?: BaseProducts;
  /** How matrices of eight bits are stored: what `exactStorage` found. Default int8. */
  readonly int8Storage?: Int8Storage;
  /** Keep only what stands between layers and compute the rest again for the gradients: less memory, more time. Default false. */
  readonly recompute?: boolean;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly loss: LossBuilder;
}

export interface TrainingGraph {
  readonly graph: Graph;
  /** Trained weights, matrices first: name → shape. The order is the order in flat arrays. */
  readonly trained: ReadonlyMap<string, readonly number[]>;
  /** Weights that stay as they are: name → shape. */
  readonly frozen: ReadonlyMap<string, readonly number[]>;
  readonly loss: Value;
  readonly metrics: Readonly<Record<string, Value>>;
  readonly rows: Readonly<Record<string, Value>>;
  /** ∂(weight·loss)/∂w of each trained weight; `weight` is the input `lossWeight`. */
  readonly gradients: Readonly<Record<string, Value>>;
}

/** Names of the inputs that every training graph has besides weights and the loss's own. */
export const lossWeightInput = 'lossWeight';
export const adapterScaleInput = 'adapterScale';

export function buildTrainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const { config, head, trainable } = options;
  const graph = new Graph();
  const { trained, frozen } = divide(config, head, trainable);
  const [ids, positions, segments] = ['ids', 'positions', 'segments'].map(name =>
    graph.input(name, 'int64', ['R', 'T']),
  );
  // Names the dimension B for losses that speak of sequences.
  graph.input('last', 'int64', ['B']);
  const source = weightSource(graph, options);
  const attend = wholeAttention(graph, config, positions!, segments!);
  const hidden = hiddenStates(source, config, ids!, attend, positions);
  const out = modelOutputs(graph, options, source, hidden);
  const inputs = Object.fromEntries(
    Object.entries(options.inputs).map(([name, { dtype, shape }]) => [name, graph.input(name, dtype, shape)]),
  );
  const { loss, metrics = {}, rows = {} } = graph.scope('loss', () => options.loss(graph, out, inputs));
  const weighted = graph.scope('loss', () => mul(loss, graph.input(lossWeightInput, 'float32', [])));
  const names = [...trained.keys()];
  const found = gradients(
    graph,
    weighted,
    names.map(name => graph.inputs.get(name)!),
    { segment: ({ scope }) => layerOf(scope), recompute: options.recompute ?? false },
  );
  const grads: Record<string, Value> = {};
  for (const [i, name] of names.entries()) {
    const grad = found[i];
    if (!grad) throw new Error(`the loss does not depend on the trained weight ${name}`);
    grads[name] = grad;
  }
  const own: Readonly<Record<string, Value>> =
    head === 'lm' ? { logProbs: out.logProbs, entropy: out.entropy } : { scores: out.scores };
  return { graph, trained, frozen, loss, metrics, rows: { ...own, ...rows }, gradients: grads };
}

/** The layer of a scope such as `model.layers.3.mlp.gate_proj`, or nothing. */
const layerOf = (scope: string): string | undefined => /^.*\.(?:layers|h)\.\d+/.exec(scope)?.[0];

/** Trained and frozen weights; matrices come first among the trained, so that weight decay covers one stretch. */
function divide(config: ModelConfig, head: 'lm' | 'score', trainable: TrainedPart) {
  const base = modelParameters(config, head);
  const trained = new Map<string, readonly number[]>();
  const frozen = new Map<string, readonly number[]>();
  if (trainable.kind === 'full') for (const [name, shape] of base) trained.set(name, shape);
  else {
    for (const [name, shape] of base) (name === 'score.weight' ? trained : frozen).set(name, shape);
    for (const [name, shape] of loraParameters(config, trainable.lora)) trained.set(name, shape);
  }
  const matrices = [...trained].filter(([, shape]) => shape.length > 1);
  const vectors = [...trained].filter(([, shape]) => shape.length === 1);
  return { trained: new Map([...matrices, ...vectors]), frozen };
}

function weightSource(
  graph: Graph,
  { config, trainable, baseProducts = 'float32', int8Storage = 'int8' }: TrainingGraphOptions,
): ParameterSource {
  const source: ParameterSource = { weight: (name, shape) => graph.input(name, 'float32', shape), mergeAdapters: true };
  if (trainable.kind === 'full') {
    if (baseProducts === 'int8') throw new Error('products in int8 are for frozen weights: train an adapter');
    return source;
  }
  const { lora } = trainable;
  const targets = new Map(loraTargets(config, lora).map(target => [target.path, target]));
  const scale = graph.input(adapterScaleInput, 'float32', []);
  const adapter = (path: string, inSize: number, outSize: number): LowRank | undefined => {
    const target = targets.get(path);
    if (!target) return undefined;
    const names = loraNames(path);
    return {
      a: graph.input(names.a, 'float32', [target.r, inSize]),
      b: graph.input(names.b, 'float32', [outSize, target.r]),
      scale: mul(scale, target.scale),
    };
  };
  if (baseProducts === 'float32') return { ...source, adapter };
  return {
    ...source,
    product: (path, x, inSize, outSize) =>
      int8Layer(path, int8Storage, x, inSize, outSize, adapter(path, inSize, outSize)),
  };
}

function modelOutputs(
  graph: Graph,
  { config, head, temperature = 1 }: TrainingGraphOptions,
  source: ParameterSource,
  hidden: Value,
): ModelOutputs {
  const flat = reshape(hidden, ['R*T', config.hiddenSize]);
  const rows = graph.input('rows', 'int64', ['N']);
  const absent = (what: string): never => {
    throw new Error(`a model with the head “${head}” has no ${what}`);
  };
  const outputs = { rows, hidden };
  if (head === 'score') {
    const states = gather(flat, graph.input('last', 'int64', ['B']));
    const scores = reshape(modelScores(source, config, states), ['B']);
    return {
      ...outputs,
      scores,
      get values() {
        const before = gather(flat, graph.input('at', 'int64', ['N']));
        return reshape(modelScores(source, config, before), ['N']);
      },
      get logProbs() {
        return absent('logProbs');
      },
      get entropy() {
        return absent('entropy');
      },
    };
  }
  const states = gather(flat, graph.input('at', 'int64', ['N']));
  const scaled = temperature === 1 ? states : mul(states, 1 / temperature);
  const weight = source.weight(outputMatrixName(config), [config.vocabSize, config.hiddenSize]);
  const targets = graph.input('targets', 'int64', ['N']);
  const made = headLogProbs(scaled, weight, targets, rowsAtOnce(config.vocabSize));
  return {
    ...outputs,
    ...made,
    get scores() {
      return absent('scores');
    },
    get values() {
      return absent('values');
    },
  };
}

/** Rows whose logits exist together: a vocabulary's worth of them stays near the processor. 0 means all. */
const rowsAtOnce = (vocabSize: number): number =>
  vocabSize <= SMALL_VOCABULARY ? 0 : Math.max(MIN_ROWS, Math.floor(LOGITS_AT_ONCE / vocabSize));
const SMALL_VOCABULARY = 8192;
const LOGITS_AT_ONCE = 12e6;
const MIN_ROWS = 64;
