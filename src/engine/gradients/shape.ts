/** Gradients of operators that move numbers without changing them. */
import { isFloat } from '../dtype.ts';
import { cast, pad, reshape, slice, transpose } from '../ops/shape.ts';
import { notDifferentiable, type RulesOf, sumTo } from './rule.ts';

type Ops = 'Reshape' | 'Expand' | 'Transpose' | 'Concat' | 'Slice' | 'Pad' | 'Cast' | 'Dimension' | 'Range' | 'Raw';

export const shapeRules: RulesOf<Ops> = {
  // ∂x = g in the old shape
  Reshape: ({ inputs: [x], grad }) => [() => reshape(grad, x!.shape), undefined],
  // ∂x = g summed over the repeats
  Expand: ({ inputs: [x], grad }) => [() => sumTo(grad, x!), undefined],
  // ∂x = g with the inverse order of axes
  Transpose: ({ node, grad }) => [
    () =>
      transpose(
        grad,
        node.attributes.perm.map((_, axis) => node.attributes.perm.indexOf(axis)),
      ),
  ],
  // ∂xᵢ = the part of g that came from xᵢ
  Concat: ({ node, inputs, grad }) => {
    const { axis } = node.attributes;
    let start = 0;
    return inputs.map(x => {
      const size = x.shape[axis];
      if (typeof size !== 'number') throw new Error('Concat: no gradient over an axis without fixed sizes');
      const from = start;
      start += size;
      return () => slice(grad, axis, from, from + size);
    });
  },
  // ∂x = g with zeros where x was cut off
  Slice: ({ node, inputs: [x], grad }) => [
    () => {
      const { axis, start, end } = node.attributes;
      return pad(grad, axis, start, Number(x!.shape[axis]) - end);
    },
  ],
  // ∂x = g without the padding
  Pad: ({ node, inputs: [x], grad }) => [
    () =>
      slice(
        grad,
        node.attributes.axis,
        node.attributes.before,
        node.attributes.before + Number(x!.shape[node.attributes.axis]),
      ),
  ],
  // ∂x = g in the type of x
  Cast: ({ inputs: [x], grad }) => [isFloat(x!.dtype) && isFloat(grad.dtype) ? () => cast(grad, x!.dtype) : undefined],
  Dimension: notDifferentiable,
  Range: notDifferentiable,
  Raw: notDifferentiable,
};
