/** Operators with fused float32 kernels, at sizes and numbers that try them; each in either precision, on any provider. */
import assert from 'node:assert/strict';
import { Rng } from '../../src/base/rng.ts';
import {
  attention,
  createSession,
  elementCount,
  Graph,
  geluTanh,
  gradients,
  headLogProbs,
  type Int8Storage,
  int8Linear,
  int64,
  layerNorm,
  lowRankLinear,
  type MatMulOptions,
  matmul,
  mul,
  type OpType,
  type Precision,
  type Provider,
  reshape,
  resolve,
  rmsNorm,
  rope,
  ropeTables,
  segmentBias,
  silu,
  softplus,
  stopGradient,
  sum,
  type Tensor,
  type TensorData,
  tensor,
  type Value,
} from '../../src/engine/index.ts';

export interface Fused {
  /** Large and odd enough for vector code and for what is left over after it. */
  readonly shapes: readonly (readonly number[])[];
  readonly build: (inputs: readonly Value[], graph: Graph) => Value;
  /** Factor of the normally distributed inputs. Default 1.5. */
  readonly scale?: number;
  /** Written over the first numbers of the first input: where a formula overflows, cancels or is 0. */
  readonly corners?: readonly number[];
  /** Numbers are whole 255ths of the largest of their row, which eight bits hold without rounding. */
  readonly eightBits?: boolean;
  /** The segment of each of 2 × T tokens. Inputs then begin with the symbolic axes B and T, as those of a model do. */
  readonly segments?: readonly number[];
}

const corners = [0, -0, 1e-30, -1e-30, 1e-4, -1e-4, 8, -8, 20, -20, 87, -87, 100, -100, 1e4, -1e4];
const unary = (f: (x: Value) => Value): Fused[] => [
  { shapes: [[5, 33]], build: ([x]) => f(x!), corners },
  { shapes: [[2, 3, 257]], build: ([x]) => f(x!), scale: 4 },
];
const product = (a: readonly number[], b: readonly number[], options: MatMulOptions): Fused => ({
  shapes: [a, b],
  build: ([x, y]) => matmul(x!, y!, options),
});
const whole = (graph: Graph, shape: readonly number[], at: (i: number) => number): Value =>
  graph.constant(
    Array.from({ length: elementCount(shape) }, (_, i) => at(i)),
    shape,
    'int64',
  );
const rotation = (time: number, heads: number, half: number): Fused => ({
  shapes: [[2, time, heads * half * 2]],
  build: ([x], graph) => {
    const frequencies = Array.from({ length: half }, (_, i) => 100 ** (-i / half));
    const { cos, sin } = ropeTables(time + 3, frequencies);
    const positions = whole(graph, [2, time], i => (i * 5) % (time + 3));
    return rope(x!, positions, graph.constant(cos, [time + 3, half]), graph.constant(sin, [time + 3, half]), heads);
  },
});
const attended = (time: number, heads: number, kvHeads: number, size: number): Fused => ({
  shapes: [heads, kvHeads, kvHeads].map(count => [2, time, count * size]),
  build: ([q, k, v], graph) => {
    const bias = segmentBias(graph.input('segments', 'int64', ['B', 'T']));
    return attention(q!, k!, v!, bias, { heads, kvHeads, scale: 1 / Math.sqrt(size) });
  },
  // Two sequences in the first row, one behind padding in the second.
  segments: Array.from({ length: 2 * time }, (_, i) => (i < time ? (i < time / 3 ? 1 : 2) : i < time + 2 ? 0 : 3)),
});
const head = (rows: number, width: number, vocabulary: number, rowsAtOnce: number): Fused => ({
  shapes: [
    [rows, width],
    [vocabulary, width],
  ],
  build: ([states, weight], graph) =>
    headLogProbs(
      states!,
      weight!,
      whole(graph, [rows], i => (i * 7) % vocabulary),
      rowsAtOnce,
    ).logProbs,
  scale: 0.7,
});
const adapted = (fanInFanOut: boolean): Fused => ({
  shapes: [[2, 5, 33], [3, 33], [17, 3], [33 * 17]],
  build: ([x, a, b, weight], graph) =>
    lowRankLinear(x!, reshape(stopGradient(weight!), fanInFanOut ? [33, 17] : [17, 33]), a!, b!, graph.scalar(0.7), {
      fanInFanOut,
    }),
});

/** Signed numbers stay as small as all processors sum up exactly. */
const quantised = (storage: Int8Storage, rows: number, inner: number, out: number): Fused => ({
  shapes: [[rows, inner]],
  build: ([x], graph) => {
    const rng = Rng.seeded(8);
    const matrix = (shape: readonly [number, number]) =>
      graph.constant(
        Array.from({ length: shape[0] * shape[1] }, () => (storage === 'int8' ? rng.int(129) - 64 : rng.int(255) + 1)),
        shape,
        storage,
      );
    const scales = (count: number) =>
      graph.constant(
        Array.from({ length: count }, () => 0.01 * (1 + rng.next())),
        [count],
      );
    return int8Linear(x!, {
      forward: matrix([inner, out]),
      forwardScale: scales(out),
      backward: matrix([out, inner]),
      backwardScale: scales(inner),
    });
  },
  eightBits: true,
});

export const fusedOps: { readonly [K in OpType]?: readonly Fused[] } = {
  Silu: unary(silu),
  GeluTanh: unary(geluTanh),
  Softplus: unary(softplus),
  RmsNorm: [
    { shapes: [[2, 3, 48], [48]], build: ([x, gain]) => rmsNorm(x!, gain!, 1e-5) },
    { shapes: [[7, 33], [33]], build: ([x, gain]) => rmsNorm(x!, gain!, 1e-6), scale: 50 },
    { shapes: [[3, 64], [64]], build: ([x, gain]) => rmsNorm(x!, gain!, 1e-5), corners: Array(64).fill(0) },
  ],
  LayerNorm: [
    { shapes: [[2, 3, 48], [48], [48]], build: ([x, gain, bias]) => layerNorm(x!, gain!, bias!, 1e-5) },
    { shapes: [[7, 33], [33], [33]], build: ([x, gain, bias]) => layerNorm(x!, gain!, bias!, 1e-6) },
  ],
  MatMul: [
    ...[false, true].flatMap(transA =>
      [false, true].flatMap(transB => [
        product(transA ? [17, 9] : [9, 17], transB ? [33, 17] : [17, 33], { transA, transB, alpha: 0.3 }),
        product(transA ? [2, 3, 17, 5] : [2, 3, 5, 17], transB ? [2, 3, 19, 17] : [2, 3, 17, 19], {
          transA,
          transB,
          alpha: 1 / Math.sqrt(17),
        }),
      ]),
    ),
    product([2, 3, 16], [7, 16], { transB: true }),
  ],
  Rope: [rotation(3, 2, 8), rotation(21, 3, 32)],
  Attention: [attended(7, 2, 2, 8), attended(33, 6, 2, 16), attended(5, 3, 1, 64)],
  HeadLogProbs: [head(9, 16, 37, 0), head(21, 33, 301, 4), head(5, 8, 19, 16)],
  LowRankLinear: [adapted(false), adapted(true)],
  Int8Linear: (['int8', 'uint8'] as const).flatMap(storage => [
    quantised(storage, 1, 64, 33),
    quantised(storage, 9, 33, 70),
  ]),
};

export type Numbers = Readonly<Record<string, readonly number[]>>;

/** The output of an operator, alone and beside its gradients `g0`, `g1`, … under Σ c·y with fixed c, in one precision. */
export async function computeFused(fused: Fused, precision: Precision, provider: Provider = 'cpu'): Promise<Numbers> {
  const { shapes, build, scale = 1.5, corners: first = [], segments, eightBits = false } = fused;
  const rng = Rng.seeded(4);
  const drawn = (shape: readonly number[], deviation: number): Float64Array => {
    const data = Float64Array.from({ length: elementCount(shape) }, () => Math.fround(rng.normal() * deviation));
    if (!eightBits) return data;
    const width = shape.at(-1)!;
    const largest = Array.from({ length: data.length / width }, () => Math.fround(rng.next() + 0.5));
    return data.map((_, i) => Math.fround((largest[Math.floor(i / width)]! * (i % width ? rng.int(256) : 255)) / 255));
  };
  const feed = (shape: readonly number[], data: Float64Array) =>
    tensor(precision, (precision === 'float32' ? Float32Array.from(data) : data) as TensorData, shape);
  const graph = new Graph();
  const inputs = shapes.map((shape, i) =>
    graph.input(`x${i}`, 'float32', segments ? ['B', 'T', ...shape.slice(2)] : shape),
  );
  const y = build(inputs, graph);
  const found = gradients(graph, sum(mul(y, graph.input('factors', 'float32', y.shape))), inputs);
  const grads = Object.fromEntries(found.flatMap((grad, i) => (grad ? [[`g${i}`, grad] as const] : [])));
  const time = (segments?.length ?? 0) / 2;
  const feeds: Record<string, Tensor> = segments ? { segments: int64(segments, [2, time]) } : {};
  for (const [i, shape] of shapes.entries()) {
    const data = drawn(shape, scale);
    if (i === 0) data.set(first.map(Math.fround));
    feeds[`x${i}`] = feed(shape, data);
  }
  const sizes = new Map([
    ['B', 2],
    ['T', time],
  ]);
  const shape = resolve(y.shape, sizes);
  feeds.factors = feed(shape, drawn(shape, 1));
  const results: Record<string, readonly number[]> = {};
  // The output by itself as well: what only a gradient needs may be left out then.
  const outputs: Readonly<Record<string, Value>>[] = [{ alone: y }, { y, ...grads }];
  for (const wanted of outputs) {
    const session = await createSession(graph, wanted, { precision, provider, threads: 1 });
    for (const [name, { data }] of Object.entries(await session.run(feeds))) results[name] = Array.from(data, Number);
    await session.dispose();
  }
  return results;
}

/** Number by number, to 1e-5 of the number itself or, where it is small, of its row's usual size of 1. */
export function compareFused(single: Numbers, double: Numbers): void {
  for (const [output, expected] of Object.entries(double)) {
    const typical = Math.sqrt(
      expected.reduce((total, value) => total + Math.min(value * value, 1e4), 0) / expected.length,
    );
    expected.forEach((value, i) => {
      const difference = Math.abs(single[output]![i]! - value);
      const allowed = 1e-5 * Math.max(1, typical, Math.abs(value));
      assert.ok(difference <= allowed, `${output}[${i}]: ${single[output]![i]} in float32, ${value} in float64`);
    });
  }
}
