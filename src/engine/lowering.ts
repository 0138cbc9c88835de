/** From this operator set to ONNX nodes: fused kernels in float32, plain ones where ONNX Runtime has no float64 kernel. */
import type { DType, Precision } from './dtype.ts';
import type { Node, Value } from './graph.ts';
import { GELU_CUBIC, GELU_SCALE } from './ops/elementwise.ts';
import type { OpType, RawAttribute } from './opTypes.ts';

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  /** An empty name is an absent optional input or output. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, RawAttribute>>;
}

/** What a lowering writes to. Every `emit` without outputs makes one fresh name and returns it. */
export interface Emitter {
  readonly precision: Precision;
  name(value: Value): string;
  emit(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, RawAttribute>>,
    options?: { domain?: string; outputs?: readonly string[] },
  ): string;
  ints(values: readonly number[]): string;
  float(value: number): string;
}

type Lowering<K extends OpType> = (
  node: Node<K>,
  to: Emitter,
  inputs: readonly string[],
  outputs: readonly string[],
) => void;

const MICROSOFT = 'com.microsoft';
/** ONNX's numbers of element types. */
export const onnxType: { readonly [K in DType]: number } = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

const as =
  (op: string): Lowering<OpType> =>
  (_, to, inputs, outputs) =>
    void to.emit(op, inputs, {}, { outputs });

const reduction =
  (op: string): Lowering<'ReduceSum' | 'ReduceMean' | 'ReduceMax'> =>
  ({ attributes }, to, inputs, outputs) =>
    void to.emit(
      op,
      [inputs[0]!, to.ints(attributes.axes)],
      { keepdims: { int: attributes.keepdims ? 1 : 0 } },
      { outputs },
    );

const lastAxis =
  (op: string): Lowering<OpType> =>
  (_, to, inputs, outputs) =>
    void to.emit(op, inputs, { axis: { int: -1 } }, { outputs });

export const lowerings: { readonly [K in OpType]: Lowering<K> } = {
  Add: as('Add'),
  Sub: as('Sub'),
  Mul: as('Mul'),
  Div: as('Div'),
  Min: as('Min'),
  Max: as('Max'),
  Neg: as('Neg'),
  Exp: as('Exp'),
  Log: as('Log'),
  Sqrt: as('Sqrt'),
  Abs: as('Abs'),
  Sigmoid: as('Sigmoid'),
  Tanh: as('Tanh'),
  Softplus: (_, to, [x], outputs) => {
    if (to.precision === 'float32') return void to.emit('Softplus', [x!], {}, { outputs });
    // max(x, 0) + log(1 + e^−|x|)
    const tail = to.emit('Log', [
      to.emit('Add', [to.emit('Exp', [to.emit('Neg', [to.emit('Abs', [x!])])]), to.float(1)]),
    ]);
    to.emit('Add', [to.emit('Max', [x!, to.float(0)]), tail], {}, { outputs });
  },
  Silu: (_, to, [x], outputs) => {
    if (to.precision === 'float32') {
      return void to.emit('QuickGelu', [x!], { alpha: { float: 1 } }, { domain: MICROSOFT, outputs });
    }
    to.emit('Mul', [x!, to.emit('Sigmoid', [x!])], {}, { outputs });
  },
  GeluTanh: (_, to, [x], outputs) => {
    if (to.precision === 'float32') return void to.emit('FastGelu', [x!], {}, { domain: MICROSOFT, outputs });
    const cubed = to.emit('Mul', [to.emit('Mul', [x!, x!]), x!]);
    const inner = to.emit('Add', [x!, to.emit('Mul', [cubed, to.float(GELU_CUBIC)])]);
    const tanh = to.emit('Tanh', [to.emit('Mul', [inner, to.float(GELU_SCALE)])]);
    to.emit('Mul', [to.emit('Mul', [x!, to.float(0.5)]), to.emit('Add', [tanh, to.float(1)])], {}, { outputs });
  },
  StopGradient: as('Identity'),
  Less: as('Less'),
  LessOrEqual: as('LessOrEqual'),
  Greater: as('Greater'),
  GreaterOrEqual: as('GreaterOrEqual'),
  Equal: as('Equal'),
  And: as('And'),
  Not: as('Not'),
  Where: as('Where'),
  MatMul: ({ attributes: { transA, transB, alpha }, inputs: values }, to, [a, b], outputs) => {
    if (!transA && !transB && alpha === 1) return void to.emit('MatMul', [a!, b!], {}, { outputs });
    if (to.precision === 'float32') {
      const attributes = {
        transA: { int: transA ? 1 : 0 },
        transB: { int: transB ? 1 : 0 },
        alpha: { float: alpha },
      };
      return void to.emit('FusedMatMul', [a!, b!], attributes, { domain: MICROSOFT, outputs });
    }
    const swap = (name: string, rank: number): string => {
      const perm = Array.from({ length: rank }, (_, i) => i);
      return to.emit('Transpose', [name], { perm: { ints: [...perm.slice(0, -2), rank - 1, rank - 2] } });
    };
    const left = transA ? swap(a!, values[0]!.shape.length) : a!;
    const right = transB ? swap(b!, values[1]!.shape.length) : b!;
    to.emit('Mul', [to.emit('MatMul', [left, right]), to.float(alpha)], {}, { outputs });
  },
  ReduceSum: reduction('ReduceSum'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax'),
  Softmax: lastAxis('Softmax'),
  LogSoftmax: lastAxis('LogSoftmax'),
  RmsNorm: ({ attributes }, to, inputs, outputs) => {
    if (to.precision === 'float32') {
      const fused = { axis: { int: -1 }, epsilon: { float: attributes.epsilon }, stash_type: { int: 1 } };
      return void to.emit('SimplifiedLayerNormalization', inputs, fused, { outputs });
    }
    const [x, gain] = inputs;
    const squares = to.emit('ReduceMean', [to.emit('Mul', [x!, x!]), to.ints([-1])], { keepdims: { int: 1 } });
    const root = to.emit('Sqrt', [to.emit('Add', [squares, to.float(attributes.epsilon)])]);
    to.emit('Div', [to.float(1), root], {}, { outputs: [outputs[1]!] });
    to.emit('Mul', [to.emit('Mul', [x!, outputs[1]!]), gain!], {}, { outputs: [outputs[0]!] });
  },
  LayerNorm: ({ attributes }, to, inputs, outputs) => {
    if (to.precision === 'float32') {
      const fused = { axis: { int: -1 }, epsilon: { float: attributes.epsilon }, stash_type: { int: 1 } };
      return void to.emit('LayerNormalization', inputs, fused, { outputs });
    }
    const [x, gain, bias] = inputs;
    const mean = (name: string, into: readonly string[] = []): string =>
      to.emit('ReduceMean', [name, to.ints([-1])], { keepdims: { int: 1 } }, into.length > 0 ? { outputs: into } : {});
    mean(x!, [outputs[1]!]);
    const centred = to.emit('Sub', [x!, outputs[1]!]);
    const variance = mean(to.emit('Mul', [centred, centred]));
    const root = to.emit('Sqrt', [to.emit('Add', [variance, to.float(attributes.epsilon)])]);
    to.emit('Div', [to.float(1), root], {}, { outputs: [outputs[2]!] });
    const normal = to.emit('Mul', [centred, outputs[2]!]);
    to.emit('Add', [to.emit('Mul', [normal, gain!]), bias!], {}, { outputs: [outputs[0]!] });
  },
  TokenLogProbs: (_, to, [, targets, logSoftmax], outputs) => {
    const column = to.emit('Unsqueeze', [targets!, to.ints([1])]);
    const picked = to.emit('GatherElements', [logSoftmax!, column], { axis: { int: 1 } });
    to.emit('Squeeze', [picked, to.ints([1])], {}, { outputs });
  },
  Rope: ({ attributes: { heads }, inputs: values }, to, [x, cos, sin], outputs) => {
    if (to.precision === 'float32') {
      return void to.emit(
        'RotaryEmbedding',
        [x!, to.ints([0]), cos!, sin!],
        { interleaved: { int: 0 } },
        { domain: MICROSOFT, outputs },
      );
    }
    const half = Number(values[1]!.shape[1]);
    const length = to.emit('Shape', [x!], { start: { int: 1 }, end: { int: 2 } });
    const table = (name: string): string =>
      to.emit('Unsqueeze', [to.emit('Slice', [name, to.ints([0]), length, to.ints([0])]), to.ints([1])]);
    const [c, s] = [table(cos!), table(sin!)];
    const split = to.emit('Reshape', [x!, to.ints([0, 0, heads, 2 * half])]);
    const first = to.emit('Slice', [split, to.ints([0]), to.ints([half]), to.ints([3])]);
    const second = to.emit('Slice', [split, to.ints([half]), to.ints([2 * half]), to.ints([3])]);
    const turned = [
      to.emit('Sub', [to.emit('Mul', [first, c]), to.emit('Mul', [second, s])]),
      to.emit('Add', [to.emit('Mul', [second, c]), to.emit('Mul', [first, s])]),
    ];
    to.emit(
      'Reshape',
      [to.emit('Concat', turned, { axis: { int: 3 } }), to.ints([0, 0, heads * 2 * half])],
      {},
      { outputs },
    );
  },
  Reshape: as('Reshape'),
  Expand: as('Expand'),
  Transpose: ({ attributes }, to, inputs, outputs) =>
    void to.emit('Transpose', inputs, { perm: { ints: attributes.perm } }, { outputs }),
  Concat: ({ attributes }, to, inputs, outputs) =>
    void to.emit('Concat', inputs, { axis: { int: attributes.axis } }, { outputs }),
  Slice: ({ attributes: { axis, start, end } }, to, [x], outputs) =>
    void to.emit('Slice', [x!, to.ints([start]), to.ints([end]), to.ints([axis])], {}, { outputs }),
  Pad: ({ attributes: { axis, before, after } }, to, [x], outputs) =>
    void to.emit('Pad', [x!, to.ints([before, after]), '', to.ints([axis])], {}, { outputs }),
  Cast: ({ outputs: values }, to, inputs, outputs) => {
    const target = values[0]!.dtype;
    const type = target === 'float32' ? to.precision : target;
    to.emit('Cast', inputs, { to: { int: onnxType[type] } }, { outputs });
  },
  Dimension: ({ attributes: { axis } }, to, inputs, outputs) =>
    void to.emit('Shape', inputs, { start: { int: axis }, end: { int: axis + 1 } }, { outputs }),
  Trilu: ({ attributes: { upper, k } }, to, [x], outputs) =>
    void to.emit('Trilu', [x!, to.ints([k])], { upper: { int: upper ? 1 : 0 } }, { outputs }),
  Gather: as('Gather'),
  // ScatterElements, not ScatterND: the latter's addition is a race on repeated indices in ONNX Runtime 1.30.
  ScatterAdd: ({ inputs: values }, to, [updates, indices, shape], outputs) => {
    const rank = values[0]!.shape.length;
    const zeros = to.emit('Expand', [to.float(0), shape!]);
    let index = indices!;
    if (rank > 1) {
      const lifted = to.emit('Reshape', [index, to.ints([-1, ...Array<number>(rank - 1).fill(1)])]);
      index = to.emit('Expand', [lifted, to.emit('Shape', [updates!])]);
    }
    const attributes = { axis: { int: 0 }, reduction: { string: 'add' } };
    to.emit('ScatterElements', [zeros, index, updates!], attributes, { outputs });
  },
  Raw: ({ attributes }, to, inputs, outputs) =>
    void to.emit(attributes.op, inputs, attributes.attributes, { domain: attributes.domain, outputs }),
};
