import assert from 'node:assert/strict';
import { add, Graph, type Value } from '../../../src/engine/index.ts';
import { encodeModel } from '../../../src/engine/onnxProto.ts';

describe('ONNX encoder', () => {
  it('encodes graphs with more parts than a call may have arguments', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['B']);
    let y: Value = x;
    for (let i = 0; i < 20_000; i++) y = add(y, x);
    const bytes = encodeModel(graph, { y }, { precision: 'float32', withDone: false });
    assert.ok(bytes.length > 20_000 * 10);
  });
});
