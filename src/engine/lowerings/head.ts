/** Token log-probabilities as ONNX nodes: a loop over parts of the rows, so that no more than one part's logits exist. */
import { type Emitter, type Lowering, type OnnxName, onnxType } from '../emitter.ts';
import type { InputSpec } from '../graph.ts';
import { emitProduct } from './product.ts';

/** Which of the operator's outputs are wanted; an empty name says no. */
type Names = readonly [logProbs: string, entropy: string, direction: string, probabilities: string];

export const lowerHeadLogProbs: Lowering<'HeadLogProbs'> = (node, to, inputs, outputs) => {
  const { attributes, outputs: values } = node;
  const vocabulary = node.inputs[1]!.shape[0]!;
  const [states, weight, targets] = inputs as [string, string, string];
  const { rowsAtOnce } = attributes;
  const wanted = outputs as unknown as Names;
  if (rowsAtOnce === 0) return void emitRows(to, states, weight, targets, wanted, wanted);

  // The rows are divided into equal parts; the last row is repeated to fill up the last one.
  const one = to.ints([1]);
  const rows = to.emit('Shape', [targets]);
  const up = (a: string, b: string): string => to.emit('Div', [to.emit('Sub', [to.emit('Add', [a, b]), one]), b]);
  const parts = up(rows, to.ints([rowsAtOnce]));
  const size = up(rows, parts);
  const scalar = (name: string): string => to.emit('Squeeze', [name]);
  const all = to.emit('Range', [scalar(to.ints([0])), scalar(to.emit('Mul', [parts, size])), scalar(one)]);
  const filled = to.emit('Min', [all, to.emit('Sub', [rows, one])]);
  const [padded, paddedTargets] = [
    to.emit('Gather', [states, filled], {}, { like: [node.inputs[0]] }),
    to.emit('Gather', [targets, filled]),
  ];

  const kept = outputs.flatMap((name, index) => (name ? [{ name, index }] : []));
  const body = to.nested(['int64', 'bool'], (inner, [number, go]) => {
    const from = inner.emit('Reshape', [inner.emit('Mul', [number!, size]), one]);
    const end = inner.emit('Add', [from, size]);
    const part = (name: string): string => inner.emit('Slice', [name, from, end, to.ints([0])]);
    const made = emitRows(inner, part(padded), weight, part(paddedTargets), wanted);
    return [
      { name: inner.emit('Identity', [go!]), dtype: 'bool' },
      ...kept.map(({ index }): OnnxName => ({ name: made[index]!, dtype: values[index]!.dtype })),
    ];
  });
  const results = kept.map(({ name }) => `${name}:parts`);
  const always = to.emit('Cast', [scalar(one)], { to: { int: onnxType.bool } });
  const part: InputSpec = { dtype: 'float32', shape: [rowsAtOnce, vocabulary] };
  to.emit(
    'Loop',
    [scalar(parts), always],
    { body: { graph: body } },
    { outputs: results, like: kept.map(({ index }) => values[index]), working: [part, part, part] },
  );
  for (const [i, { name, index }] of kept.entries()) {
    // (parts, size, …) → (parts·size, …) → (N, …)
    const shape = index < 2 ? [-1] : [-1, Number(values[index]!.shape[1])];
    const flat = to.emit('Reshape', [results[i]!, to.ints(shape)]);
    to.emit('Slice', [flat, to.ints([0]), rows, to.ints([0])], {}, { outputs: [name] });
  }
};

/** Names of the results for some rows: given ones, or fresh ones. An output that is not wanted has an empty name. */
function emitRows(
  to: Emitter,
  states: string,
  weight: string,
  targets: string,
  wanted: Names,
  names?: Names,
): readonly string[] {
  const output = (index: number) => (names?.[index] ? { outputs: [names[index]] } : {});
  const lastAxis = { axis: { int: -1 } };
  const logits = emitProduct(to, states, weight, { transB: true, ranks: [2, 2] });
  const all = to.emit('LogSoftmax', [logits], lastAxis);
  const column = to.emit('Unsqueeze', [targets, to.ints([1])]);
  const picked = to.emit('GatherElements', [all, column], { axis: { int: 1 } });
  const results = [to.emit('Squeeze', [picked, to.ints([1])], {}, output(0)), '', '', ''];
  if (!wanted.slice(1).some(Boolean)) return results;
  const probabilities = to.emit('Exp', [all], {}, output(3));
  results[3] = probabilities;
  if (wanted[1]) {
    const terms = to.emit('ReduceSum', [to.emit('Mul', [probabilities, all]), to.ints([1])], { keepdims: { int: 0 } });
    results[1] = to.emit('Neg', [terms], {}, output(1));
  }
  if (wanted[2]) {
    const mean = to.emit('MatMul', [probabilities, weight]);
    results[2] = to.emit('Sub', [to.emit('Gather', [weight, targets]), mean], {}, output(2));
  }
  return results;
}
