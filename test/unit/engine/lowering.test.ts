/**
 * Fused float32 kernels against their own float64 decompositions, forward and through their gradient rules. An operator
 * that is lowered to other nodes in float32 than in float64 and has no check here fails.
 */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { gradientRules } from '../../../src/engine/gradients/rules.ts';
import {
  createSession,
  elementCount,
  Graph,
  geluTanh,
  gradients,
  layerNorm,
  type MatMulOptions,
  matmul,
  mul,
  type OpType,
  type Precision,
  rmsNorm,
  rope,
  ropeTables,
  silu,
  softplus,
  sum,
  type TensorData,
  tensor,
  type Value,
} from '../../../src/engine/index.ts';
import { type Emitter, lowerings } from '../../../src/engine/lowering.ts';

interface Fused {
  /** Large and odd enough for vector code and for what is left over after it. */
  readonly shapes: readonly (readonly number[])[];
  readonly build: (inputs: readonly Value[], graph: Graph) => Value;
  /** Factor of the normally distributed inputs. Default 1.5. */
  readonly scale?: number;
  /** Written over the first numbers of the first input: where a formula overflows, cancels or is 0. */
  readonly corners?: readonly number[];
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
const rotation = (time: number, heads: number, half: number): Fused => ({
  shapes: [[2, time, heads * half * 2]],
  build: ([x], graph) => {
    const frequencies = Array.from({ length: half }, (_, i) => 100 ** (-i / half));
    const { cos, sin } = ropeTables(time + 3, frequencies);
    return rope(x!, graph.constant(cos, [time + 3, half]), graph.constant(sin, [time + 3, half]), heads);
  },
});

const checks: { readonly [K in OpType]?: readonly Fused[] } = {
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
};

type Numbers = Readonly<Record<string, readonly number[]>>;

/** The output `y` of an operator and its gradients `g0`, `g1`, … under Σ c·y with fixed c, in one precision. */
async function compute(
  { shapes, build, scale = 1.5, corners: first = [] }: Fused,
  precision: Precision,
): Promise<Numbers> {
  const rng = Rng.seeded(4);
  const drawn = (count: number, deviation: number): Float64Array =>
    Float64Array.from({ length: count }, () => Math.fround(rng.normal() * deviation));
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape));
  const y = build(inputs, graph);
  const factors = graph.input('factors', 'float32', y.shape);
  const found = gradients(graph, sum(mul(y, factors)), inputs);
  const outputs = { y, ...Object.fromEntries(found.map((grad, i) => [`g${i}`, grad!])) };
  const session = await createSession(graph, outputs, { precision, threads: 1 });
  const feed = (shape: readonly number[], data: Float64Array) =>
    tensor(precision, (precision === 'float32' ? Float32Array.from(data) : data) as TensorData, shape);
  const feeds = Object.fromEntries(
    shapes.map((shape, i) => {
      const data = drawn(elementCount(shape), scale);
      if (i === 0) data.set(first.map(Math.fround));
      return [`x${i}`, feed(shape, data)];
    }),
  );
  const shape = y.shape as readonly number[];
  const results = await session.run({ ...feeds, factors: feed(shape, drawn(elementCount(shape), 1)) });
  await session.dispose();
  return Object.fromEntries(Object.keys(outputs).map(name => [name, Array.from(results[name]!.data, Number)]));
}

/** Number by number, to 1e-5 of the number itself or, where it is small, of its row's usual size of 1. */
function compare(single: Numbers, double: Numbers): void {
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

async function check(fused: Fused): Promise<void> {
  compare(await compute(fused, 'float32'), await compute(fused, 'float64'));
}

/** The ONNX operators that a lowering writes for a node made up of ones: axis 1, heads 1, every flag set, rank 4. */
function written(op: OpType, precision: Precision): string[] {
  const names: string[] = [];
  const to: Emitter = {
    precision,
    name: () => 'x',
    ints: () => 'ints',
    float: () => 'float',
    emit(name, _, __, options) {
      names.push(`${options?.domain ?? ''}:${name}`);
      return 't';
    },
  };
  const ones = new Proxy({}, { get: () => [1] });
  const value = { dtype: 'float32', shape: [2, 2, 2, 2] };
  const node = { attributes: ones, inputs: Array(8).fill(value), outputs: Array(8).fill(value) };
  (lowerings[op] as (...args: unknown[]) => void)(node, to, Array(8).fill('x'), Array(8).fill('y'));
  return names;
}

const isFused = (op: OpType): boolean => written(op, 'float32').join() !== written(op, 'float64').join();

/** Replaces what a table says of an operator while `use` runs. */
async function changed<T>(table: object, op: OpType, value: unknown, use: () => Promise<T>): Promise<T> {
  const rules = table as Record<string, unknown>;
  const right = rules[op];
  rules[op] = value;
  try {
    return await use();
  } finally {
    rules[op] = right;
  }
}

describe('lowering', () => {
  for (const op of Object.keys(lowerings) as OpType[]) {
    const given = checks[op];
    if (!isFused(op)) {
      if (given) it(`${op} needs no check: it is the same in both precisions`, () => assert.fail('remove its check'));
      continue;
    }
    it(`computes ${op} in float32 as in float64, to 1e-5, forward and backward`, async () => {
      assert.ok(given, `${op} has a float32 kernel of its own and no check against its float64 decomposition`);
      for (const one of given) await check(one);
    });
  }

  it('tells fused operators from others', () => {
    assert.ok(isFused('Silu') && isFused('MatMul') && isFused('Rope') && isFused('RmsNorm'));
    assert.ok(!isFused('Add') && !isFused('Cast') && !isFused('ScatterAdd'));
  });

  it('notices a kernel that computes something else', async () => {
    const right = lowerings.Silu;
    const wrong: typeof right = (node, to, inputs, outputs) => {
      if (to.precision === 'float64') return right(node, to, inputs, outputs);
      to.emit('QuickGelu', inputs, { alpha: { float: 1.0001 } }, { domain: 'com.microsoft', outputs });
    };
    await changed(lowerings, 'Silu', wrong, () => assert.rejects(check(checks.Silu![1]!), /y\[\d+\]: .* in float32/));
  });

  it('notices a gradient that differs by two parts in a hundred thousand', async () => {
    const right = gradientRules.Silu as (context: unknown) => readonly (() => Value)[];
    const wrong = (context: unknown) => [() => mul(right(context)[0]!(), 1.00002)];
    const single = await changed(gradientRules, 'Silu', wrong, () => compute(checks.Silu![1]!, 'float32'));
    const double = await compute(checks.Silu![1]!, 'float64');
    assert.throws(() => compare(single, double), /g0\[\d+\]: .* in float32/);
  });
});
