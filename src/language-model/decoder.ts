/** One session that runs a model with a key–value cache: logits and hidden states of prompts and of single steps. */
import {
  createSession,
  float32,
  Graph,
  int64,
  type Provider,
  ropeTables,
  type Session,
  type Tensor,
  tensor,
} from '../engine/index.ts';
import type { ModelConfig } from './config.ts';
import { decoderGraph } from './decoderGraph.ts';
import type { CacheView } from './keyValueCache.ts';
import { ropeFrequencies } from './layers.ts';
import type { LoraConfig } from './lora.ts';
import { type DecoderWeights, isQuantised, type WeightPrecision } from './quantise.ts';
import { quantiseWeights } from './quantisedWeights.ts';

export interface LiveAdapter {
  readonly config: LoraConfig;
  /** PEFT's names → arrays. They are read where they lie at each step, so that a trainer's own arrays can be given. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

export interface DecoderOptions {
  readonly config: ModelConfig;
  /** Hugging Face's names → arrays, row-major, or matrices that are quantised already. */
  readonly weights: DecoderWeights;
  /** What matrices that come as float32 are held in. Adapters stay float32. Default `float32`. */
  readonly precision?: WeightPrecision;
  readonly adapter?: LiveAdapter;
  /**
   * `constants` copies the weights into the session, packed for speed. `live` reads them where they lie: no copy, slower
   * steps, and changed weights count from the next step on; float32 only. Default: `constants` up to 1.5 GB of weights.
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
  /** Places in the flattened (B·T) batch whose logits are wanted: length N, at least one. */
  readonly rows: Int32Array;
  readonly cache: CacheView;
  /** False leaves the adapter out of this run: the base model. Default true. */
  readonly useAdapter?: boolean;
}

export interface DecoderOutputs {
  /** (N, V) */
  readonly logits: Float32Array;
  /** After the last norm, (B, T, hidden). */
  readonly hidden: Float32Array;
}

const CONSTANTS_LIMIT = 1.5e9;
/** Longer than what lies between two products of a step: a fifth faster alone on a machine, and no slower on a busy one. */
const SPINNING = 50;

export class Decoder {
  readonly config: ModelConfig;
  readonly #session: Session;
  readonly #weights: ReadonlyMap<string, Float32Array>;
  readonly #adapter: LiveAdapter | undefined;
  #live: Record<string, Tensor> = {};
  #rope: { 'rope.cos': Tensor; 'rope.sin': Tensor } | undefined;
  #logits = new Float32Array(0);
  #hidden = new Float32Array(0);

  private constructor(options: DecoderOptions, session: Session, live: ReadonlyMap<string, Float32Array>) {
    this.config = options.config;
    this.#weights = live;
    this.#adapter = options.adapter;
    this.#session = session;
  }

  static async create(options: DecoderOptions): Promise<Decoder> {
    const { config, adapter, precision = 'float32' } = options;
    const weights = precision === 'float32' ? options.weights : quantiseWeights(config, options.weights, precision);
    // Constants are in the session afterwards; holding the arrays would double the memory.
    const live = wantsLive(options, weights) ? onlyFloats(weights) : undefined;
    const graph = new Graph();
    const outputs = decoderGraph(graph, { config, weights, live: live !== undefined, adapter: adapter?.config });
    const session = await createSession(graph, outputs, {
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      spinning: SPINNING,
      copyOutputs: options.inPlace === false,
      ...(options.provider === undefined ? {} : { provider: options.provider }),
    });
    return new Decoder(options, session, live ?? new Map());
  }

  /** Runs one batch. The arrays of the result are used again by the next run: take what you need before it. */
  async run(input: DecoderBatch): Promise<DecoderOutputs> {
    const { vocabSize, hiddenSize, layers } = this.config;
    const { batch, time, cache } = input;
    const logitCount = input.rows.length * vocabSize;
    const hiddenCount = batch * time * hiddenSize;
    this.#logits = room(this.#logits, logitCount);
    this.#hidden = room(this.#hidden, hiddenCount);
    const outputs = { logits: this.#logits.subarray(0, logitCount), hidden: this.#hidden.subarray(0, hiddenCount) };
    const longest = input.lengths.reduce((a, b) => Math.max(a, b), 0);
    const feeds: Record<string, Tensor> = {
      ...this.#liveInputs(),
      ids: int64(input.ids, [batch, time]),
      rows: int64(input.rows),
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
    for (let layer = 0; layer < layers; layer++) {
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

function wantsLive({ weightsAs }: DecoderOptions, weights: DecoderWeights): boolean {
  if (weightsAs) return weightsAs === 'live';
  let bytes = 0;
  for (const weight of weights.values()) {
    if (isQuantised(weight)) return false;
    bytes += weight.byteLength;
  }
  return bytes > CONSTANTS_LIMIT;
}

function onlyFloats(weights: DecoderWeights): ReadonlyMap<string, Float32Array> {
  const floats = new Map<string, Float32Array>();
  for (const [name, weight] of weights) {
    if (isQuantised(weight)) throw new Error(`the weight ${name} is quantised and cannot be read live`);
    floats.set(name, weight);
  }
  return floats;
}

/** The same array, or a larger one. */
const room = (array: Float32Array<ArrayBuffer>, size: number): Float32Array<ArrayBuffer> =>
  array.length < size ? new Float32Array(size) : array;
