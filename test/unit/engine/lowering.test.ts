/** Fused float32 kernels against their own float64 decompositions: forward, and backward through the rule of each. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import {
  createSession,
  elementCount,
  Graph,
  geluTanh,
  gradients,
  layerNorm,
  matmul,
  mul,
  type Precision,
  rmsNorm,
  rope,
  ropeTables,
  silu,
  softplus,
  sum,
  tensor,
  type Value,
} from '../../../src/engine/index.ts';

interface Fused {
  readonly shapes: readonly (readonly number[])[];
  readonly build: (inputs: readonly Value[], graph: Graph) => Value;
}

const fused: Readonly<Record<string, Fused>> = {
  Silu: { shapes: [[5, 33]], build: ([x]) => silu(x!) },
  GeluTanh: { shapes: [[5, 33]], build: ([x]) => geluTanh(x!) },
  Softplus: { shapes: [[5, 33]], build: ([x]) => softplus(x!) },
  RmsNorm: { shapes: [[2, 3, 48], [48]], build: ([x, gain]) => rmsNorm(x!, gain!, 1e-5) },
  LayerNorm: {
    shapes: [[2, 3, 48], [48], [48]],
    build: ([x, gain, bias]) => layerNorm(x!, gain!, bias!, 1e-5),
  },
  MatMul: {
    shapes: [
      [2, 3, 16],
      [7, 16],
    ],
    build: ([a, b]) => matmul(a!, b!, { transB: true, alpha: 0.3 }),
  },
  Rope: {
    shapes: [[2, 3, 32]],
    build: ([x], graph) => {
      const { cos, sin } = ropeTables(5, [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001]);
      const positions = graph.constant([0, 1, 2, 2, 4, 0], [2, 3], 'int64');
      return rope(x!, positions, graph.constant(cos, [5, 8]), graph.constant(sin, [5, 8]), 2);
    },
  },
};

/** The output of an operator and its gradients under Σ c·y with fixed c, in one precision. */
async function compute({ shapes, build }: Fused, precision: Precision): Promise<Record<string, number[]>> {
  const rng = Rng.seeded(4);
  const numbers = (count: number): Float64Array =>
    Float64Array.from({ length: count }, () => Math.fround(rng.normal() * 1.5));
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape));
  const y = build(inputs, graph);
  const factors = graph.input('factors', 'float32', y.shape);
  const found = gradients(graph, sum(mul(y, factors)), inputs);
  const outputs = { y, ...Object.fromEntries(found.map((grad, i) => [`g${i}`, grad!])) };
  const session = await createSession(graph, outputs, { precision, threads: 1 });
  const feed = (shape: readonly number[]) => {
    const data = numbers(elementCount(shape));
    return tensor(precision, precision === 'float32' ? Float32Array.from(data) : data, shape);
  };
  const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, feed(shape)]));
  const results = await session.run({ ...feeds, factors: feed(y.shape as readonly number[]) });
  await session.dispose();
  return Object.fromEntries(Object.keys(outputs).map(name => [name, Array.from(results[name]!.data, Number)]));
}

describe('lowering', () => {
  for (const [name, op] of Object.entries(fused)) {
    it(`computes ${name} in float32 as in float64, to 1e-5, forward and backward`, async () => {
      const [single, double] = [await compute(op, 'float32'), await compute(op, 'float64')];
      for (const [output, expected] of Object.entries(double)) {
        const size = Math.max(1, ...expected.map(Math.abs));
        expected.forEach((value, i) => {
          const difference = Math.abs(single[output]![i]! - value);
          assert.ok(difference <= 1e-5 * size, `${output}[${i}]: ${single[output]![i]} is not ${value}`);
        });
      }
    });
  }
});
