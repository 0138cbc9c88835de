/** From this operator set to ONNX nodes: fused kernels in float32, plain ones where ONNX Runtime has no float64 kernel. */
import { type Lowering, MICROSOFT, onnxType } from './emitter.ts';
import { lowerAttention } from './lowerings/attention.ts';
import { lowerHeadLogProbs } from './lowerings/head.ts';
import { emitInt8Product, emitProduct } from './lowerings/product.ts';
import { GELU_CUBIC, GELU_SCALE } from './ops/elementwise.ts';
import type { Int8Storage } from './ops/int8.ts';
import type { OpType } from './opTypes.ts';

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
  // A reshape to its own shape, to which nothing is added that depends on the other operands.
  After: (_, to, [x, ...triggers], outputs) => {
    const zero = to.emit('Squeeze', [to.ints([0])]);
    const shape = triggers.reduce(
      (sum, trigger) => to.emit('Add', [sum, to.emit('Mul', [to.emit('Size', [trigger]), zero])]),
      to.emit('Shape', [x!]),
    );
    to.emit('Reshape', [x!, shape], {}, { outputs });
  },
  Less: as('Less'),
  LessOrEqual: as('LessOrEqual'),
  Greater: as('Greater'),
  GreaterOrEqual: as('GreaterOrEqual'),
  Equal: as('Equal'),
  And: as('And'),
  Not: as('Not'),
  Where: as('Where'),
  MatMul: ({ attributes, inputs: [a, b] }, to, names, outputs) =>
    void emitProduct(
      to,
      names[0]!,
      names[1]!,
      { ...attributes, ranks: [a!.shape.length, b!.shape.length] },
      outputs[0],
    ),
  LowRankLinear: ({ attributes, inputs: [x] }, to, names, outputs) =>
    void emitProduct(
      to,
      names[0]!,
      names[4]!,
      { transB: !attributes.fanInFanOut, ranks: [x!.shape.length, 2] },
      outputs[0],
    ),
  ReduceSum: reduction('ReduceSum'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax'),
  Softmax: lastAxis('Softmax'),
  LogSoftmax: lastAxis('LogSoftmax'),
  RmsNorm: ({ attributes }, to, inputs, outputs) => {
    // The WebGPU kernel of ONNX Runtime 1.30 writes the mean where 1/√(mean x² + ε) belongs.
    const kernel = to.precision === 'float32' && !(to.provider === 'webgpu' && outputs[1]);
    if (kernel) {
      const fused = { axis: { int: -1 }, epsilon: { float: attributes.epsilon }, stash_type: { int: 1 } };
      return void to.emit('SimplifiedLayerNormalization', inputs, fused, { outputs });
    }
    const [x, gain] = inputs;
    const squares = to.emit('ReduceMean', [to.emit('Mul', [x!, x!]), to.ints([-1])], { keepdims: { int: 1 } });
    const root = to.emit('Sqrt', [to.emit('Add', [squares, to.float(attributes.epsilon)])]);
    const inverse = to.emit('Div', [to.float(1), root], {}, outputs[1] ? { outputs: [outputs[1]] } : {});
    to.emit('Mul', [to.emit('Mul', [x!, inverse]), gain!], {}, { outputs: [outputs[0]!] });
  },
  LayerNorm: ({ attributes }, to, inputs, outputs) => {
    if (to.precision === 'float32') {
      const fused = { axis: { int: -1 }, epsilon: { float: attributes.epsilon }, stash_type: { int: 1 } };
      return void to.emit('LayerNormalization', inputs, fused, { outputs });
    }
    const [x, gain, bias] = inputs;
    const into = (name: string | undefined) => (name ? { outputs: [name] } : {});
    const mean = (name: string, output?: string): string =>
      to.emit('ReduceMean', [name, to.ints([-1])], { keepdims: { int: 1 } }, into(output));
    const centred = to.emit('Sub', [x!, mean(x!, outputs[1])]);
    const variance = mean(to.emit('Mul', [centred, centred]));
    const root = to.emit('Sqrt', [to.emit('Add', [variance, to.float(attributes.epsilon)])]);
    const normal = to.emit('Mul', [centred, to.emit('Div', [to.float(1), root], {}, into(outputs[2]))]);
    to.emit('Add', [to.emit('Mul', [normal, gain!]), bias!], {}, { outputs: [outputs[0]!] });
  },
  TokenLogProbs: (_, to, [, targets, logSoftmax], outputs) => {
    const column = to.emit('Unsqueeze', [targets!, to.ints([1])]);
    const picked = to.emit('GatherElements', [logSoftmax!, column], { axis: { int: 1 } });
    to.emit('Squeeze', [picked, to.ints([1])], {}, { outputs });
  },
  Attention: lowerAttention,
  HeadLogProbs: lowerHeadLogProbs,
  Int8Linear: ({ inputs: values }, to, [, x, weight, scale], [y]) =>
    void emitInt8Product(to, x!, weight!, scale!, values[2]!.dtype as Int8Storage, y),
  Rope: ({ attributes: { heads }, inputs: values }, to, [x, positions, cos, sin], outputs) => {
    if (to.precision === 'float32') {
      return void to.emit(
        'RotaryEmbedding',
        [x!, positions!, cos!, sin!],
        { interleaved: { int: 0 } },
        { domain: MICROSOFT, outputs },
      );
    }
    const half = Number(values[2]!.shape[1]);
    // (B, T, 1, D/2) of each token's position, the same for every head.
    const table = (name: string): string => to.emit('Unsqueeze', [to.emit('Gather', [name, positions!]), to.ints([2])]);
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
  Range: (_, to, [size], outputs) => {
    const scalar = (value: number): string => to.emit('Squeeze', [to.ints([value])]);
    to.emit('Range', [scalar(0), to.emit('Squeeze', [size!]), scalar(1)], {}, { outputs });
  },
  Gather: as('Gather'),
  // ScatterElements, not ScatterND: the latter's addition is a race on repeated indices in ONNX Runtime 1.30.
  ScatterAdd: ({ inputs: values, outputs: [sum] }, to, [updates, indices, shape], outputs) => {
    const rank = values[0]!.shape.length;
    const zeros = to.emit('Expand', [to.float(0), shape!], {}, { like: [sum] });
    let index = indices!;
    if (rank > 1) {
      const lifted = to.emit('Reshape', [index, to.ints([-1, ...Array<number>(rank - 1).fill(1)])]);
      const like = [{ dtype: 'int64', shape: values[0]!.shape }] as const;
      index = to.emit('Expand', [lifted, to.emit('Shape', [updates!])], {}, { like });
    }
    const attributes = { axis: { int: 0 }, reduction: { string: 'add' } };
    to.emit('ScatterElements', [zeros, index, updates!], attributes, { outputs });
  },
  Raw: ({ attributes }, to, inputs, outputs) =>
    void to.emit(attributes.op, inputs, attributes.attributes, { domain: attributes.domain, outputs }),
};
