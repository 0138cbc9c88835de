/** Attention as ONNX nodes: one kernel in float32, products and a softmax in float64. */
import type { Lowering } from '../emitter.ts';
import type { Dim } from '../shape.ts';
import { emitProduct } from './product.ts';

/** What the operator's last output holds: the weights, after the softmax. */
const AFTER_SOFTMAX = 3;

export const lowerAttention: Lowering<'Attention'> = (node, to, [q, k, v, bias], outputs) => {
  const { heads, kvHeads, scale } = node.attributes;
  const [y, weights] = outputs;
  const sizes = (...parts: readonly string[]): string => to.emit('Concat', parts, { axis: { int: 0 } });
  const axis = (at: number): string => to.emit('Shape', [q!], { start: { int: at }, end: { int: at + 1 } });
  if (to.precision === 'float32') {
    const attributes = {
      q_num_heads: { int: heads },
      kv_num_heads: { int: kvHeads },
      scale: { float: scale },
      ...(weights ? { qk_matmul_output_mode: { int: AFTER_SOFTMAX } } : {}),
    };
    const inner = `${weights}:raw`;
    const made = weights ? [y!, '', '', inner] : [y!];
    const [batch, time] = node.inputs[0]!.shape as readonly [Dim, Dim];
    // Scores that nobody asked for exist nevertheless, and keys and values are laid out anew by head.
    const working = [
      ...(weights ? [] : [{ dtype: 'float32', shape: [batch, heads, time, time] } as const]),
      ...[1, 2].map(i => ({ dtype: 'float32', shape: node.inputs[i]!.shape }) as const),
    ];
    const like = [undefined, undefined, undefined, node.outputs[1]];
    to.emit('Attention', [q!, k!, v!, bias!], attributes, { outputs: made, like, working });
    // ONNX Runtime's own shape inference says that this output has no axes; a reshape puts that right and moves nothing.
    if (weights) {
      to.emit('Reshape', [inner, sizes(axis(0), to.ints([heads]), axis(1), axis(1))], {}, { outputs: [weights] });
    }
    return;
  }
  const group = heads / kvHeads;
  const size = Number(node.inputs[0]!.shape[2]) / heads;
  const swapped = { perm: { ints: [0, 2, 1, 3] } };
  const perHead = (x: string, count: number): string =>
    to.emit('Transpose', [to.emit('Reshape', [x, to.ints([0, 0, count, size])])], swapped);
  /** Keys or values, repeated for the query heads that share them. */
  const repeated = (x: string): string => {
    const split = to.emit('Unsqueeze', [perHead(x, kvHeads), to.ints([2])]);
    const copies = to.emit('Concat', Array<string>(group).fill(split), { axis: { int: 2 } });
    return to.emit('Reshape', [copies, sizes(axis(0), to.ints([heads]), axis(1), to.ints([size]))]);
  };
  const scores = emitProduct(to, perHead(q!, heads), repeated(k!), { transB: true, alpha: scale, ranks: [4, 4] });
  const masked = to.emit('Add', [scores, bias!]);
  const made = to.emit('Softmax', [masked], { axis: { int: -1 } }, weights ? { outputs: [weights] } : {});
  const mixed = to.emit('Transpose', [to.emit('MatMul', [made, repeated(v!)])], swapped);
  to.emit('Reshape', [mixed, to.ints([0, 0, heads * size])], {}, { outputs: [y!] });
};
