/** Every gradient rule against central finite differences in float64: a rule without a check here fails. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { notDifferentiable } from '../../../src/engine/gradients/rule.ts';
import { gradientRules } from '../../../src/engine/gradients/rules.ts';
import {
  abs,
  add,
  attention,
  cast,
  concat,
  createSession,
  div,
  elementCount,
  equal,
  exp,
  expand,
  Graph,
  gather,
  geluTanh,
  gradients,
  headLogProbs,
  int8Linear,
  int64,
  layerNorm,
  less,
  log,
  logSoftmax,
  lowRankLinear,
  matmul,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  type OpType,
  pad,
  reshape,
  rmsNorm,
  rope,
  ropeTables,
  scatterAdd,
  segmentBias,
  sigmoid,
  silu,
  slice,
  softmax,
  softplus,
  sqrt,
  sub,
  sum,
  tanh,
  tensor,
  tokenLogProbs,
  transpose,
  type Value,
  where,
} from '../../../src/engine/index.ts';

/** A function of float inputs of these shapes; B is 2 and T is 3 when it runs. */
interface Check {
  readonly shapes: readonly (readonly (number | 'B' | 'T')[])[];
  readonly build: (graph: Graph, inputs: readonly Value[]) => Value;
  /** Numbers are drawn from here. Default (−1.5, 1.5). */
  readonly range?: readonly [number, number];
}

const unary = (f: (x: Value) => Value, range?: readonly [number, number]): Check => ({
  shapes: [['B', 3]],
  build: (_, [x]) => f(x!),
  ...(range ? { range } : {}),
});
const binary = (f: (a: Value, b: Value) => Value, range?: readonly [number, number]): Check[] => {
  const shapes: Check['shapes'][] = [
    [
      ['B', 3],
      ['B', 3],
    ],
    [['B', 3], [3]],
    [
      ['B', 1],
      ['T', 1, 3],
    ],
    [[], ['B', 3]],
  ];
  return shapes.map(pair => ({ shapes: pair, build: (_, [a, b]) => f(a!, b!), ...(range ? { range } : {}) }));
};
const tables = (graph: Graph) => {
  const { cos, sin } = ropeTables(5, [1, 0.3]);
  return { cos: graph.constant(cos, [5, 2]), sin: graph.constant(sin, [5, 2]) };
};
const indices = (graph: Graph, values: readonly number[]): Value => graph.constant(values, [values.length], 'int64');

const checks: { readonly [K in OpType]?: Check | readonly Check[] } = {
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div, [0.5, 2]),
  Min: binary(minimum),
  Max: binary(maximum),
  Neg: unary(neg),
  Exp: unary(exp),
  Log: unary(log, [0.3, 2]),
  Sqrt: unary(sqrt, [0.3, 2]),
  Abs: unary(abs),
  Sigmoid: unary(sigmoid),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Silu: unary(silu),
  GeluTanh: unary(geluTanh, [-4, 4]),
  Where: [
    ...binary((a, b) => where(less(a, b), a, b)),
    { shapes: [['B', 3], [3]], build: (_, [a, b]) => where(less(a!, 0.2), mul(a!, b!), b!) },
  ],
  MatMul: [
    ...[false, true].flatMap(transA =>
      [false, true].flatMap(transB => [
        {
          shapes: [transA ? [4, 'B'] : ['B', 4], transB ? [5, 4] : [4, 5]],
          build: (_: Graph, [a, b]: readonly Value[]) => matmul(a!, b!, { transA, transB, alpha: 0.7 }),
        } satisfies Check,
        {
          shapes: [transA ? ['B', 2, 4, 'T'] : ['B', 2, 'T', 4], transB ? ['B', 2, 5, 4] : ['B', 2, 4, 5]],
          build: (_: Graph, [a, b]: readonly Value[]) => matmul(a!, b!, { transA, transB }),
        } satisfies Check,
      ]),
    ),
    {
      shapes: [
        ['B', 'T', 4],
        [4, 5],
      ],
      build: (_, [a, b]) => matmul(a!, b!),
    },
    {
      shapes: [
        ['B', 'T', 4],
        [5, 4],
      ],
      build: (_, [a, b]) => matmul(a!, b!, { transB: true, alpha: 2 }),
    },
  ],
  ReduceSum: [
    unary(x => sum(x)),
    unary(x => sum(x, { axes: [0] })),
    unary(x => sum(x, { axes: [-1], keepdims: true })),
  ],
  ReduceMean: [unary(x => mean(x)), unary(x => mean(x, { axes: [0] })), unary(x => mean(x, { axes: [1] }))],
  Softmax: unary(softmax),
  LogSoftmax: unary(logSoftmax),
  RmsNorm: { shapes: [['B', 'T', 4], [4]], build: (_, [x, gain]) => rmsNorm(x!, gain!, 1e-3) },
  LayerNorm: {
    shapes: [['B', 'T', 4], [4], [4]],
    build: (_, [x, gain, bias]) => layerNorm(x!, gain!, bias!, 1e-3),
  },
  TokenLogProbs: { shapes: [[3, 5]], build: (g, [logits]) => tokenLogProbs(logits!, indices(g, [4, 0, 4])) },
  Rope: {
    shapes: [['B', 'T', 8]],
    build: (g, [x]) => rope(x!, g.input('positions', 'int64', ['B', 'T']), tables(g).cos, tables(g).sin, 2),
  },
  Attention: [1, 2].map(kvHeads => ({
    shapes: [
      ['B', 'T', 8],
      ['B', 'T', kvHeads * 4],
      ['B', 'T', kvHeads * 4],
    ],
    build: (g, [q, k, v]) =>
      attention(q!, k!, v!, segmentBias(g.input('segments', 'int64', ['B', 'T'])), { heads: 2, kvHeads, scale: 0.6 }),
  })),
  HeadLogProbs: [0, 2].map(rowsAtOnce => ({
    shapes: [
      [5, 3],
      [7, 3],
    ],
    build: (g, [states, weight]) => headLogProbs(states!, weight!, indices(g, [4, 0, 4, 6, 1]), rowsAtOnce).logProbs,
  })),
  Int8Linear: (['int8', 'uint8'] as const).map(storage => ({
    shapes: [['B', 'T', 3]],
    build: (g, [x]) => {
      // The two roundings of a matrix differ in general; of this one they do not.
      const rows = [
        [127, -3, 40],
        [5, 127, -127],
      ];
      const stored = (value: number): number => (storage === 'int8' ? value : value + 128);
      return int8Linear(x!, {
        forward: g.constant(
          [0, 1, 2].flatMap(i => rows.map(row => stored(row[i]!))),
          [3, 2],
          storage,
        ),
        forwardScale: g.constant([0.01, 0.01], [2]),
        backward: g.constant(rows.flat().map(stored), [2, 3], storage),
        backwardScale: g.constant([0.01, 0.01, 0.01], [3]),
      });
    },
  })),
  LowRankLinear: [false, true].map(fanInFanOut => ({
    shapes: [
      ['B', 'T', 4],
      [2, 4],
      [5, 2],
    ],
    build: (g, [x, a, b]) => {
      const weight = g.constant(
        Float64Array.from({ length: 20 }, (_, i) => Math.sin(i)),
        fanInFanOut ? [4, 5] : [5, 4],
      );
      return lowRankLinear(x!, weight, a!, b!, g.scalar(0.7), { fanInFanOut });
    },
  })),
  Reshape: { shapes: [['B', 'T', 4]], build: (_, [x]) => exp(reshape(x!, ['B*T', 2, 2])) },
  Expand: { shapes: [['B', 1, 3]], build: (_, [x]) => exp(expand(x!, ['B', 'B', 3])) },
  Transpose: { shapes: [['B', 'T', 4]], build: (_, [x]) => exp(transpose(x!, [1, 2, 0])) },
  Concat: {
    shapes: [
      ['B', 2],
      ['B', 3],
    ],
    build: (_, [a, b]) => exp(concat([a!, b!], 1)),
  },
  Slice: { shapes: [['B', 5]], build: (_, [x]) => exp(slice(x!, 1, 1, 4)) },
  Pad: { shapes: [['B', 2]], build: (_, [x]) => exp(pad(x!, -1, 1, 2)) },
  Cast: { shapes: [['B', 2]], build: (_, [x]) => exp(cast(cast(x!, 'float64'), 'float32')) },
  Gather: [
    { shapes: [[4, 3]], build: (g, [x]) => exp(gather(x!, indices(g, [1, 3, 1, 1]))) },
    { shapes: [[4, 3]], build: (g, [x]) => exp(gather(x!, g.constant([0, 2, 2, 3], [2, 2], 'int64'))) },
  ],
  ScatterAdd: [
    { shapes: [[4]], build: (g, [x]) => exp(scatterAdd(x!, indices(g, [1, 0, 1, 1]), 3)) },
    { shapes: [[4, 2]], build: (g, [x]) => exp(scatterAdd(x!, indices(g, [1, 0, 1, 1]), 3)) },
  ],
};

const sizes = { B: 2, T: 3 };

/** Compares the gradients of Σ c·f(x), with fixed random c, with (f(x + h) − f(x − h))/2h. */
async function compare({ shapes, build, range: [low, high] = [-1.5, 1.5] }: Check, seed: number): Promise<void> {
  const rng = Rng.seeded(seed);
  const graph = new Graph();
  // Inputs that only carry the symbolic sizes, for the shapes that need them.
  graph.input('sizes', 'float32', ['B', 'T']);
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape));
  const y = build(graph, inputs);
  const dims = y.shape.map(dim => (typeof dim === 'number' ? dim : undefined));
  const factors = dims.every(dim => dim !== undefined)
    ? graph.constant(
        Float64Array.from({ length: elementCount(dims as number[]) }, () => rng.next() + 0.5).map(Math.fround),
        dims as number[],
      )
    : undefined;
  // The square makes the gradient that comes in differ from place to place.
  const loss = sum(factors ? mul(y, factors) : add(mul(y, y), y));
  const grads = gradients(graph, loss, inputs);
  const outputs: Record<string, Value> = { loss };
  grads.forEach((grad, i) => {
    assert.ok(grad, `input ${i} has no gradient`);
    outputs[`g${i}`] = grad;
  });
  const session = await createSession(graph, outputs, { precision: 'float64', threads: 1 });
  const feeds = Object.fromEntries(
    shapes.map((shape, i) => {
      const at = shape.map(dim => (typeof dim === 'number' ? dim : sizes[dim]));
      const data = Float64Array.from({ length: elementCount(at) }, () => low + (high - low) * rng.next());
      return [`x${i}`, tensor('float64', data, at)];
    }),
  );
  const all = {
    ...feeds,
    sizes: tensor('float64', new Float64Array(6), [2, 3]),
    positions: int64([0, 1, 2, 3, 0, 1], [2, 3]),
    segments: int64([1, 1, 1, 1, 2, 2], [2, 3]),
  };
  const exact = await session.run(all);
  const h = 1e-5;
  for (const [name, { data }] of Object.entries(feeds)) {
    const numbers = data as Float64Array;
    for (let j = 0; j < numbers.length; j++) {
      const x = numbers[j]!;
      const at = async (value: number): Promise<number> => {
        numbers[j] = value;
        return Number((await session.run(all)).loss!.data[0]);
      };
      const numeric = ((await at(x + h)) - (await at(x - h))) / (2 * h);
      numbers[j] = x;
      const analytic = Number(exact[name.replace('x', 'g')]!.data[j]);
      assert.ok(
        Math.abs(numeric - analytic) <= 1e-6 * Math.max(1, Math.abs(numeric)),
        `${name}[${j}]: rule ${analytic}, finite difference ${numeric}`,
      );
    }
  }
  await session.dispose();
}

describe('gradient rules', () => {
  for (const op of Object.keys(gradientRules) as OpType[]) {
    if (gradientRules[op] === notDifferentiable) {
      it(`${op} lets no gradient through`, () => assert.equal(checks[op], undefined));
      continue;
    }
    it(`${op} agrees with finite differences`, async () => {
      const given = checks[op];
      assert.ok(given, `there is no check of the gradient rule of ${op}`);
      for (const [i, check] of [given].flat().entries()) await compare(check as Check, 17 + i);
    });
  }

  it('notices a wrong rule', async () => {
    const wrong: Check = { shapes: [[3]], build: (g, [x]) => where(equal(g.scalar(1), 1), mul(x!, x!), 0) };
    await compare(wrong, 1);
    const rules = gradientRules as { Mul: unknown };
    const right = rules.Mul;
    rules.Mul = ({ grad }: { grad: Value }) => [() => grad, () => grad];
    try {
      await assert.rejects(compare(wrong, 1), /finite difference/);
    } finally {
      rules.Mul = right;
    }
  });
});
