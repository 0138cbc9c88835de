/** One session that runs a model with a key–value cache: prompts and single steps, log-probabilities and sampling weights. */
import {
  createSession,
  float32,
  Graph,
  gather,
  int64,
  logSoftmax,
  mul,
  type Provider,
  pad,
  reshape,
  ropeTables,
  type Session,
  type Shape,
  slice,
  softmax,
  type Tensor,
  tensor,
  tokenLogProbs,
  type Value,
} from '../engine/index.ts';
import type { ModelConfig } from './config.ts';
import { type CacheView, cachedHeadDim } from './keyValueCache.ts';
import { type Attention, type ParameterSource, ropeFrequencies } from './layers.ts';
import { type LoraConfig, loraNames, loraTargets } from './lora.ts';
import { hiddenStates, modelLogits } from './model.ts';

export interface LiveAdapter {
  readonly config: LoraConfig;
  /** PEFT's names → arrays. They are read where they lie at each step, so that a trainer's own arrays can be given. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

export interface DecoderOptions {
  readonly config: ModelConfig;
  /** Hugging Face's names → arrays, row-major. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly adapter?: LiveAdapter;
  /**
   * `constants` copies the weights into the session, packed for speed. `live` reads them where they lie: no copy, slower
   * steps, and changed weights count from the next step on. Default: `constants` up to 1.5 GB of weights.
   */
  readonly weightsAs?: 'constants' | 'live';
  readonly threads?: number;
  /** Where the graph runs. Default `cpu`. */
  readonly provider?: Provider;
  /** False where `selfTest` of the process found that caches cannot be written in place: they are copied. Default true. */
  readonly inPlace?: boolean;
}

export interface DecoderBatch {
  /** (B, T) row-major, padded on the right. */
  readonly ids: Int32Array;
  readonly batch: number;
  readonly time: number;
  /** Tokens of each row including this batch's: length B. Rows are either all at their start, or T is 1, or B is 1. */
  readonly lengths: Int32Array;
  /** Places in the flattened (B·T) batch whose next token is wanted: length N. */
  readonly rows: Int32Array;
  /** The token whose log-probability `targetLogProbs` is to hold, length N. */
  readonly targets?: Int32Array;
  /** What the logits are divided by for `probabilities`, length N, above 0. */
  readonly temperatures?: Float32Array;
  readonly cache: CacheView;
  /** False leaves the adapter out of this run: the base model. Default true. */
  readonly useAdapter?: boolean;
}

export interface DecoderOutputs {
  /** (N, V), nats. */
  readonly logProbs: Float32Array;
  /** (N, V), of the tempered distribution. */
  readonly probabilities: Float32Array;
  readonly targetLogProbs: Float32Array;
}

const CONSTANTS_LIMIT = 1.5e9;

export class Decoder {
  readonly config: ModelConfig;
  readonly #session: Session;
  readonly #weights: ReadonlyMap<string, Float32Array>;
  readonly #adapter: LiveAdapter | undefined;
  #live: Record<string, Tensor> = {};
  #rope: { readonly 'rope.cos': Tensor; readonly 'rope.sin': Tensor } | undefined;
  #logProbs = new Float32Array(0);
  #probabilities = new Float32Array(0);

  private constructor(options: DecoderOptions, session: Session, live: boolean) {
    this.config = options.config;
    // Constants are in the session now; holding the arrays would double the memory.
    this.#weights = live ? options.weights : new Map();
    this.#adapter = options.adapter;
    this.#session = session;
  }

  static async create(options: DecoderOptions): Promise<Decoder> {
    const { weights } = options;
    let bytes = 0;
    for (const array of weights.values()) bytes += array.byteLength;
    const live = (options.weightsAs ?? (bytes > CONSTANTS_LIMIT ? 'live' : 'constants')) === 'live';
    const graph = new Graph();
    const outputs = build(graph, options, live);
    const session = await createSession(graph, outputs, {
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      copyOutputs: options.inPlace === false,
      ...(options.provider === undefined ? {} : { provider: options.provider }),
    });
    return new Decoder(options, session, live);
  }

  /** Runs one batch. The arrays of the result are used again by the next run: take what you need before it. */
  async run(input: DecoderBatch): Promise<DecoderOutputs> {
    const { config } = this;
    const { batch, time, cache } = input;
    const count = input.rows.length;
    const size = count * config.vocabSize;
    if (this.#logProbs.length < size) {
      this.#logProbs = new Float32Array(size);
      this.#probabilities = new Float32Array(size);
    }
    const outputs = {
      logProbs: this.#logProbs.subarray(0, size),
      probabilities: this.#probabilities.subarray(0, size),
      targetLogProbs: new Float32Array(count),
    };
    const longest = input.lengths.reduce((a, b) => Math.max(a, b), 0);
    const feeds: Record<string, Tensor> = {
      ...this.#liveInputs(),
      ids: int64(input.ids, [batch, time]),
      rows: int64(input.rows),
      targets: int64(input.targets ?? new Int32Array(count)),
      temperatures: float32(input.temperatures ?? new Float32Array(count).fill(1), [count, 1]),
      last: tensor(
        'int32',
        Int32Array.from(input.lengths, n => n - 1),
        [batch],
      ),
      total: tensor('int32', Int32Array.of(longest), []),
      ...this.#ropeFor(cache.capacity),
    };
    if (this.#session.inputs.has('positions')) feeds.positions = int64(positionsOf(input), [batch, time]);
    if (this.#adapter) {
      feeds['adapter.scale'] = float32([input.useAdapter === false ? 0 : 1], []);
    }
    const into: Record<string, Float32Array> = { ...outputs };
    for (let layer = 0; layer < config.layers; layer++) {
      for (const [kind, tensors] of [['k', cache.keys] as const, ['v', cache.values] as const]) {
        const past = tensors[layer]!;
        feeds[`past.${kind}.${layer}`] = past;
        into[`present.${kind}.${layer}`] = past.data as Float32Array;
      }
    }
    await this.#session.run(feeds, into);
    return outputs;
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }

  /** Weights and adapters that are inputs, as tensors over the owner's arrays. */
  #liveInputs(): Record<string, Tensor> {
    const shapes = this.#session.inputs;
    const refresh = (name: string, data: Float32Array | undefined): void => {
      const dims = shapes.get(name)?.shape as readonly number[] | undefined;
      if (!dims) return;
      if (!data) throw new Error(`the weight ${name} is missing`);
      if (this.#live[name]?.data !== data) this.#live[name] = float32(data, dims);
    };
    for (const [name, data] of this.#weights) refresh(name, data);
    for (const [name, data] of this.#adapter?.weights ?? []) refresh(name, data);
    return this.#live;
  }

  /** The rotation tables, where the family rotates. */
  #ropeFor(positions: number): Readonly<Record<string, Tensor>> {
    const { config } = this;
    if (config.modelType === 'gpt2') return {};
    if ((this.#rope?.['rope.cos'].dims[0] ?? 0) < positions) {
      const { cos, sin } = ropeTables(positions, ropeFrequencies(config));
      const dims = [positions, config.headDim / 2];
      this.#rope = { 'rope.cos': float32(cos, dims), 'rope.sin': float32(sin, dims) };
    }
    return this.#rope!;
  }
}

/** Row-major (B, T): the position of each token; padding continues the count. */
function positionsOf({ batch, time, lengths, rows: _ }: DecoderBatch): Int32Array {
  const positions = new Int32Array(batch * time);
  for (let b = 0; b < batch; b++) {
    // Rows of a first prompt are padded on the right and start at 0; otherwise the batch ends at the row's length.
    const start = batch > 1 && time > 1 ? 0 : lengths[b]! - time;
    for (let t = 0; t < time; t++) positions[b * time + t] = Math.max(0, start + t);
  }
  return positions;
}

function build(graph: Graph, options: DecoderOptions, live: boolean): Record<string, Value> {
  const { config, weights, adapter } = options;
  const constants = new Map<string, Value>();
  const targets = new Map((adapter ? loraTargets(config, adapter.config) : []).map(target => [target.path, target]));
  const source: ParameterSource = {
    weight(name: string, shape: Shape): Value {
      if (live) return graph.input(name, 'float32', shape);
      let value = constants.get(name);
      if (!value) {
        const data = weights.get(name);
        if (!data) throw new Error(`the weight ${name} is missing`);
        value = graph.constant(data, shape as readonly number[]);
        constants.set(name, value);
      }
      return value;
    },
    adapter(path, inSize, outSize) {
      const target = targets.get(path);
      if (!target) return undefined;
      const names = loraNames(path);
      return {
        a: graph.input(names.a, 'float32', [target.r, inSize]),
        b: graph.input(names.b, 'float32', [outSize, target.r]),
        scale: mul(graph.input('adapter.scale', 'float32', []), target.scale),
      };
    },
  };
  const ids = graph.input('ids', 'int64', ['B', 'T']);
  const rows = graph.input('rows', 'int64', ['N']);
  const outputs: Record<string, Value> = {};
  const positions = graph.input('positions', 'int64', ['B', 'T']);
  const hidden = hiddenStates(source, config, ids, cachedAttention(graph, config, positions, outputs), positions);
  const chosen = gather(reshape(hidden, ['B*T', config.hiddenSize]), rows);
  const logits = modelLogits(source, config, chosen);
  const logProbs = logSoftmax(logits);
  const inverse = graph.raw(
    'Reciprocal',
    [graph.input('temperatures', 'float32', ['N', 1])],
    [{ dtype: 'float32', shape: ['N', 1] }],
  )[0]!;
  return {
    ...outputs,
    logProbs,
    probabilities: softmax(mul(logProbs, inverse)),
    targetLogProbs: tokenLogProbs(logits, graph.input('targets', 'int64', ['N'])),
  };
}

/** Attention over a cache of (B, kvHeads, C, D) whose new keys and values are written in place. Adds the outputs. */
function cachedAttention(
  graph: Graph,
  config: ModelConfig,
  positions: Value,
  outputs: Record<string, Value>,
): Attention {
  const { heads, kvHeads, headDim } = config;
  const last = graph.input('last', 'int32', ['B']);
  const total = graph.input('total', 'int32', []);
  const rotates = config.modelType !== 'gpt2';
  const tables = rotates ? ['rope.cos', 'rope.sin'].map(name => graph.input(name, 'float32', ['P', headDim / 2])) : [];
  // The fused rotation of ONNX Runtime wants heads of a multiple of 16.
  const fused = rotates && headDim % 16 === 0;
  const rotate = (x: Value): Value =>
    fused || !rotates
      ? x
      : graph.raw('RotaryEmbedding', [x, positions, ...tables], [{ dtype: 'float32', shape: x.shape }], {
          domain: 'com.microsoft',
          attributes: { interleaved: { int: 0 } },
        })[0]!;
  const wide = cachedHeadDim(config);
  const cacheShape: Shape = ['B', kvHeads, 'C', wide];
  /** (B, T, count·from) → (B, T, count·to): zeros added to each head, or taken off. */
  const resize = (x: Value, count: number, from: number, to: number): Value => {
    if (from === to) return x;
    const split = reshape(x, ['B', 'T', count, from]);
    return reshape(from < to ? pad(split, 3, 0, to - from) : slice(split, 3, 0, to), ['B', 'T', count * to]);
  };
  return (layer, q, k, v) => {
    const past = (kind: 'k' | 'v') => graph.input(`past.${kind}.${layer}`, 'float32', cacheShape);
    const [mixed, keys, values] = graph.raw(
      'GroupQueryAttention',
      [
        resize(rotate(q), heads, headDim, wide),
        resize(rotate(k), kvHeads, headDim, wide),
        resize(v, kvHeads, headDim, wide),
        past('k'),
        past('v'),
        last,
        total,
        ...(fused ? tables : []),
      ],
      [
        { dtype: 'float32', shape: ['B', 'T', heads * wide] },
        { dtype: 'float32', shape: cacheShape },
        { dtype: 'float32', shape: cacheShape },
      ],
      {
        domain: 'com.microsoft',
        attributes: {
          num_heads: { int: heads },
          kv_num_heads: { int: kvHeads },
          do_rotary: { int: fused ? 1 : 0 },
          scale: { float: 1 / Math.sqrt(headDim) },
        },
      },
    );
    outputs[`present.k.${layer}`] = keys!;
    outputs[`present.v.${layer}`] = values!;
    return resize(mixed!, heads, wide, headDim);
  };
}
