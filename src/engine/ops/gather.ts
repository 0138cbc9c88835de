/** Rows by index, and their opposite: sums of rows that share an index. */
import type { Value } from '../graph.ts';
import { type Dim, shapeText } from '../shape.ts';

/** table (R, …), indices int64 (…i) → (…i, …): the rows that the indices name. */
export function gather(table: Value, indices: Value): Value {
  if (indices.dtype !== 'int64') throw new Error('Gather: indices have to be int64');
  if (table.shape.length === 0) throw new Error('Gather: the table needs an axis of rows');
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return table.graph.add('Gather', [table, indices], {}, [{ dtype: table.dtype, shape }]).outputs[0]!;
}

/**
 * updates (N, …), indices int64 (N) → (rows, …): each row is the sum of the updates that name it.
 * With updates (N) and indices = the sequence of each token this is the sum per sequence.
 */
export function scatterAdd(updates: Value, indices: Value, rows: Dim): Value {
  if (indices.dtype !== 'int64' || indices.shape.length !== 1 || updates.shape[0] !== indices.shape[0]) {
    throw new Error(`ScatterAdd: indices ${shapeText(indices.shape)} do not index ${shapeText(updates.shape)}`);
  }
  const graph = updates.graph;
  const shape = [rows, ...updates.shape.slice(1)];
  return graph.add('ScatterAdd', [updates, indices, graph.shapeTensor(shape)], {}, [{ dtype: updates.dtype, shape }])
    .outputs[0]!;
}
