/**
 * Frozen layers in eight-bit integers, for training adapters. A few inputs of every layer are far larger than the others in
 * all texts; what they are multiplied with stays in float32 and rides along with the adapter, so that they do not coarsen
 * the rounding of the rest. Source of that idea: arXiv 2208.07339 (LLM.int8()).
 */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import {
  abs,
  add,
  concat,
  createSession,
  Graph,
  type InputSpec,
  type Int8Storage,
  int8Linear,
  matmul,
  max,
  mul,
  type SessionOptions,
  StoredZero,
  type Tensor,
  tensor,
  type Value,
} from '../engine/index.ts';
import { packBatch } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { type LowRank, type ParameterSource, wholeAttention } from './layers.ts';
import { fanInFanOut, hiddenStates, linearLayers } from './model.ts';

/** Inputs of each layer that stay in float32. With an adapter of rank 8 they fill up the width of one vector product. */
export const FLOAT_INPUTS = 8;

/** Names of the graph inputs that stand for a layer's matrix. */
const namesOf = (path: string) => ({
  forward: `${path}:int8.forward`,
  forwardScale: `${path}:int8.forwardScale`,
  backward: `${path}:int8.backward`,
  backwardScale: `${path}:int8.backwardScale`,
  mask: `${path}:int8.mask`,
  selection: `${path}:int8.selection`,
  columns: `${path}:int8.columns`,
});

function specsOf(
  storage: Int8Storage,
  inSize: number,
  outSize: number,
): Record<keyof ReturnType<typeof namesOf>, InputSpec> {
  return {
    forward: { dtype: storage, shape: [inSize, outSize] },
    forwardScale: { dtype: 'float32', shape: [outSize] },
    backward: { dtype: storage, shape: [outSize, inSize] },
    backwardScale: { dtype: 'float32', shape: [inSize] },
    // 0 at the inputs that stay in float32, 1 elsewhere.
    mask: { dtype: 'float32', shape: [inSize] },
    // A row with one 1 for each of those inputs, and their columns of the matrix.
    selection: { dtype: 'float32', shape: [FLOAT_INPUTS, inSize] },
    columns: { dtype: 'float32', shape: [outSize, FLOAT_INPUTS] },
  };
}

/** x (…, in) → x·Wᵀ + scale·x·AᵀBᵀ (…, out) of the layer `path`, W in eight bits but for a few columns. */
export function int8Layer(
  path: string,
  storage: Int8Storage,
  x: Value,
  inSize: number,
  outSize: number,
  adapter?: LowRank,
): Value {
  const names = namesOf(path);
  const specs = specsOf(storage, inSize, outSize);
  const input = (part: keyof typeof names): Value => x.graph.input(names[part], specs[part].dtype, specs[part].shape);
  const weights = {
    forward: input('forward'),
    forwardScale: input('forwardScale'),
    backward: input('backward'),
    backwardScale: input('backwardScale'),
  };
  const [selection, columns] = [input('selection'), input('columns')];
  const down = adapter ? concat([adapter.a, selection], 0) : selection;
  const up = adapter ? concat([mul(adapter.b, adapter.scale), columns], 1) : columns;
  const exact = matmul(matmul(x, down, { transB: true }), up, { transB: true });
  return add(int8Linear(x, weights, input('mask')), exact);
}

/** The feeds of all layers. `floatInputs` come from `largestInputs`. */
export function int8Feeds(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  floatInputs: ReadonlyMap<string, readonly number[]>,
  storage: Int8Storage,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [path, [inSize, outSize]] of linearLayers(config)) {
    const matrix = weights.get(`${path}.weight`);
    const exact = floatInputs.get(path);
    if (!matrix || !exact) throw new Error(`the weight of ${path} is missing`);
    // Steps from one output to the next and from one input to the next.
    const [perOut, perIn] = fanInFanOut(config) ? [1, outSize] : [inSize, 1];
    const mask = new Float32Array(inSize).fill(1);
    const selection = new Float32Array(FLOAT_INPUTS * inSize);
    const columns = new Float32Array(outSize * FLOAT_INPUTS);
    for (const [place, input] of exact.entries()) {
      mask[input] = 0;
      selection[place * inSize + input] = 1;
      for (let out = 0; out < outSize; out++)
        columns[out * FLOAT_INPUTS + place] = matrix[out * perOut + input * perIn]!;
    }
    const { forward, backward } = roundMatrix(matrix, { inSize, outSize, perIn, perOut, mask });
    const names = namesOf(path);
    const specs = specsOf(storage, inSize, outSize);
    const stored = (values: Int8Array): Int8Array | Uint8Array =>
      storage === 'int8' ? values : Uint8Array.from(values, value => value + StoredZero);
    const parts = {
      ...{ forward: stored(forward.values), forwardScale: forward.scales },
      ...{ backward: stored(backward.values), backwardScale: backward.scales },
      ...{ mask, selection, columns },
    };
    for (const part of Object.keys(parts) as (keyof typeof parts)[]) {
      feeds[names[part]] = tensor(specs[part].dtype, parts[part], specs[part].shape as readonly number[]);
    }
  }
  return feeds;
}

interface MatrixLayout {
  readonly inSize: number;
  readonly outSize: number;
  /** Steps from one input to the next and from one output to the next. */
  readonly perIn: number;
  readonly perOut: number;
  /** 0 for inputs that count as zeros: (in). */
  readonly mask: Float32Array;
}

interface Rounded {
  readonly values: Int8Array;
  /** One for each column: its largest magnitude / 127; 1 for a column of zeros. */
  readonly scales: Float32Array;
}

/** A matrix as int8 both ways: forward (in, out) with a scale for each output, backward (out, in) with one for each input. */
export function roundMatrix(
  matrix: Float32Array,
  { inSize, outSize, perIn, perOut, mask }: MatrixLayout,
): { readonly forward: Rounded; readonly backward: Rounded } {
  const forward = { values: new Int8Array(inSize * outSize), scales: new Float32Array(outSize) };
  const backward = { values: new Int8Array(inSize * outSize), scales: new Float32Array(inSize) };
  for (let out = 0; out < outSize; out++) {
    for (let input = 0; input < inSize; input++) {
      const size = Math.abs(matrix[out * perOut + input * perIn]!) * mask[input]!;
      if (size > forward.scales[out]!) forward.scales[out] = size;
      if (size > backward.scales[input]!) backward.scales[input] = size;
    }
  }
  for (const scales of [forward.scales, backward.scales]) {
    for (let i = 0; i < scales.length; i++) scales[i] = scales[i] === 0 ? 1 : scales[i]! / 127;
  }
  for (let out = 0; out < outSize; out++) {
    for (let input = 0; input < inSize; input++) {
      const value = matrix[out * perOut + input * perIn]! * mask[input]!;
      forward.values[input * outSize + out] = Math.round(value / forward.scales[out]!);
      backward.values[out * inSize + input] = Math.round(value / backward.scales[input]!);
    }
  }
  return { forward, backward };
}

/**
 * The storage whose products this processor sums up exactly. Those with VNNI are fast with signed integers, and some only with
 * them; the others overflow there, but not with unsigned ones. Throws a HumanError where neither is exact.
 */
export async function exactStorage(options: SessionOptions): Promise<Int8Storage> {
  for (const storage of ['int8', 'uint8'] as const) if (await isExact(storage, options)) return storage;
  throw new HumanError(
    l10n.t('This processor cannot train on eight-bit products exactly. Choose float32 products for this job.'),
  );
}

async function isExact(storage: Int8Storage, options: SessionOptions): Promise<boolean> {
  const [inner, out] = [64, 16];
  const largest = storage === 'int8' ? 127 : 127 + StoredZero;
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, inner]);
  const copy = (rows: number, columns: number) => ({
    values: graph.constant(Array<number>(rows * columns).fill(largest), [rows, columns], storage),
    scale: graph.constant(new Float32Array(columns).fill(1), [columns]),
  });
  const [forward, backward] = [copy(inner, out), copy(out, inner)];
  const y = int8Linear(x, {
    forward: forward.values,
    forwardScale: forward.scale,
    backward: backward.values,
    backwardScale: backward.scale,
  });
  const session = await createSession(graph, { y }, options);
  try {
    const found = await session.run({ x: tensor('float32', new Float32Array(inner).fill(1), [1, inner]) });
    const exact = inner * 127;
    return Math.abs(Number(found.y!.data[0]) - exact) <= exact / 100;
  } finally {
    await session.dispose();
  }
}

/** Tokens that the search for large inputs runs; which ones hardly matters, so they are spread over the vocabulary. */
const PROBE_TOKENS = 256;

/**
 * The inputs of each layer with the largest magnitudes, found by one pass of the model over a fixed sequence: layer path →
 * places. Every start of a job finds the same ones.
 */
export async function largestInputs(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  options: SessionOptions,
): Promise<Map<string, readonly number[]>> {
  const graph = new Graph();
  const outputs: Record<string, Value> = {};
  const source: ParameterSource = {
    weight: (name, shape) => graph.input(name, 'float32', shape),
    product(path, x) {
      outputs[path] = max(abs(x), { axes: [0, 1] });
      return undefined;
    },
  };
  const [ids, positions, segments] = ['ids', 'positions', 'segments'].map(name =>
    graph.input(name, 'int64', ['R', 'T']),
  );
  const attend = wholeAttention(graph, config, positions!, segments!);
  hiddenStates(source, config, ids!, attend, positions);
  const session = await createSession(graph, outputs, options);
  try {
    const length = Math.min(PROBE_TOKENS, config.maxPositions);
    // A stride without a common factor with most sizes walks through the whole vocabulary.
    const probe = Array.from({ length }, (_, t) => (t * 7919 + 13) % config.vocabSize);
    const feeds: Record<string, Tensor> = { ...packBatch([probe], undefined, config) };
    for (const [name, { shape }] of session.inputs) {
      const data = weights.get(name);
      if (data) feeds[name] = tensor('float32', data, shape as readonly number[]);
    }
    const found = await session.run(feeds);
    return new Map(Object.entries(found).map(([path, { data }]) => [path, largest(data as Float32Array)]));
  } finally {
    await session.dispose();
  }
}

const largest = (values: Float32Array): number[] =>
  Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, FLOAT_INPUTS)
    .sort((a, b) => a - b);
