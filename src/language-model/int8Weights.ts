/** Frozen matrices rounded to eight bits for training: once for the forward product, once for the gradient's. */
import { type InputSpec, type Tensor, tensor } from '../engine/index.ts';

/** Names of the graph inputs that hold a matrix's two copies. */
export const int8Names = (name: string) => ({
  forward: `${name}:int8.forward`,
  forwardScale: `${name}:int8.forwardScale`,
  backward: `${name}:int8.backward`,
  backwardScale: `${name}:int8.backwardScale`,
});

/** Types and shapes of those inputs for a matrix (out, in). */
export function int8Inputs(name: string, out: number, inner: number): Record<string, InputSpec> {
  const names = int8Names(name);
  return {
    [names.forward]: { dtype: 'int8', shape: [inner, out] },
    [names.forwardScale]: { dtype: 'float32', shape: [out] },
    [names.backward]: { dtype: 'int8', shape: [out, inner] },
    [names.backwardScale]: { dtype: 'float32', shape: [inner] },
  };
}

/**
 * weight (out, in) row-major, or (in, out) where `fanInFanOut` → its rounded copies by input name. Every output has a scale
 * in the forward copy, every input one in the backward copy: largest magnitude / 127.
 */
export function int8Tensors(
  name: string,
  weight: Float32Array,
  out: number,
  inner: number,
  fanInFanOut: boolean,
): Record<string, Tensor> {
  const names = int8Names(name);
  // Strides of an output and of an input in the given order.
  const [perOut, perIn] = fanInFanOut ? [1, out] : [inner, 1];
  const forward = roundColumns(weight, inner, out, perIn, perOut);
  const backward = roundColumns(weight, out, inner, perOut, perIn);
  return {
    [names.forward]: tensor('int8', forward.values, [inner, out]),
    [names.forwardScale]: tensor('float32', forward.scales, [out]),
    [names.backward]: tensor('int8', backward.values, [out, inner]),
    [names.backwardScale]: tensor('float32', backward.scales, [inner]),
  };
}

/** The matrix with these strides, as int8 (rows, columns) with one scale for each column. A column of zeros has scale 1. */
function roundColumns(
  matrix: Float32Array,
  rows: number,
  columns: number,
  rowStride: number,
  columnStride: number,
): { readonly values: Int8Array; readonly scales: Float32Array } {
  const scales = new Float32Array(columns);
  const values = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const size = Math.abs(matrix[row * rowStride + column * columnStride]!);
      if (size > scales[column]!) scales[column] = size;
    }
  }
  for (let column = 0; column < columns; column++) scales[column] = scales[column] === 0 ? 1 : scales[column]! / 127;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = Math.round(matrix[row * rowStride + column * columnStride]! / scales[column]!);
    }
  }
  return { values, scales };
}
