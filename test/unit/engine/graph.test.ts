/** Graph building: shapes are inferred, mistakes are named, equal expressions are one. */
import assert from 'node:assert/strict';
import {
  add,
  broadcast,
  concat,
  Graph,
  gather,
  gradients,
  matmul,
  mul,
  product,
  reshape,
  resolve,
  rmsNorm,
  slice,
  stopGradient,
  sum,
  where,
} from '../../../src/engine/index.ts';
import { verify } from '../../../src/engine/verify.ts';

describe('a graph', () => {
  it('makes equal nodes once', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['B']);
    assert.equal(mul(x, 2), mul(x, 2));
    assert.notEqual(mul(x, 2), mul(x, 3));
    assert.equal(graph.input('x', 'float32', ['B']), x);
    assert.throws(() => graph.input('x', 'float32', ['T']), /input x is already float32 \[B\]/);
  });

  it('names what does not go together', () => {
    const graph = new Graph();
    const a = graph.input('a', 'float32', ['B', 3]);
    const b = graph.input('b', 'float32', ['T', 3]);
    const i = graph.input('i', 'int64', ['B']);
    assert.throws(() => add(a, b), /Add: shapes \[B, 3\] and \[T, 3\] do not broadcast/);
    assert.throws(() => add(a, i), /float32 and int64 do not mix/);
    assert.throws(() => matmul(a, b), /inner sizes 3 and T differ/);
    assert.throws(() => reshape(a, ['B', 4]), /does not hold as many numbers/);
    assert.throws(() => gather(a, b), /indices have to be int64/);
    assert.throws(() => slice(a, 1, 2, 4), /outside an axis of 3/);
    assert.throws(() => slice(a, 0, 0, 1), /no fixed size/);
    assert.throws(() => concat([a, b], 1), /does not join/);
    assert.throws(() => sum(a, { axes: [2] }), /axis 2 is outside/);
    assert.throws(() => rmsNorm(a, graph.input('g', 'float32', [4]), 1e-5), /does not fit/);
    assert.throws(() => where(a, 1, 0), /not bool/);
    assert.throws(() => graph.constant([1, 2], [3]), /cannot hold 2 numbers/);
    assert.throws(() => add(a, new Graph().input('a', 'float32', [3])), /another graph/);
    assert.throws(() => graph.dimension('Q'), /no input has a dimension named Q/);
    assert.throws(() => gradients(graph, a, [a]), /float scalar/);
  });

  it('stops gradients where it is told to, and says so with undefined', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', []);
    const y = graph.input('y', 'float32', []);
    const [dx, dy] = gradients(graph, mul(x, stopGradient(mul(x, y))), [x, y]);
    assert.ok(dx);
    assert.equal(dy, undefined);
  });

  it('is refused by the verifier when an operand has no source', () => {
    const graph = new Graph();
    const other = new Graph().input('x', 'float32', []);
    assert.throws(() => verify(graph, { y: other }), /output y belongs to another graph/);
    const ghost = { graph, id: 99, dtype: 'float32', shape: [], node: undefined } as const;
    assert.throws(() => verify(graph, { y: ghost }), /used before it is computed/);
  });
});

describe('shapes', () => {
  it('multiply in one canonical form', () => {
    assert.equal(product([2, 'T', 3, 'B']), '6*B*T');
    assert.equal(product(['B*T', '2*B']), '2*B*B*T');
    assert.equal(product([2, 3]), 6);
    assert.equal(product([]), 1);
  });

  it('broadcast as numpy does', () => {
    assert.deepEqual(broadcast(['B', 1, 3], ['T', 1], 'x'), ['B', 'T', 3]);
    assert.deepEqual(broadcast([], ['B'], 'x'), ['B']);
  });

  it('become numbers once the names have sizes', () => {
    const sizes = new Map([
      ['B', 2],
      ['T', 5],
    ]);
    assert.deepEqual(resolve(['B', '3*B*T', 4], sizes), [2, 30, 4]);
    assert.throws(() => resolve(['P'], sizes), /dimension P is not known/);
  });
});
