/** Recomputation: the same gradients, and forward values that nothing keeps. */
import assert from 'node:assert/strict';
import { createSession, float32, Graph, gradients, matmul, silu, sum, type Value } from '../../../src/engine/index.ts';

/** Three segments of y = silu(x·W); the gradient of Σ y by the weights. */
function build(recompute: boolean) {
  const graph = new Graph();
  const weights = ['a', 'b', 'c'].map(name => graph.input(name, 'float32', [2, 2]));
  let x = graph.input('x', 'float32', ['B', 2]);
  for (const [i, weight] of weights.entries()) x = graph.scope(`part.${i}`, () => silu(matmul(x, weight)));
  const forward = [...graph.nodes];
  const loss = sum(x);
  const segment = ({ scope }: { scope: string }) => (scope === '' ? undefined : scope);
  const grads = gradients(graph, loss, weights, { segment, recompute });
  return { graph, forward, outputs: Object.fromEntries(grads.map((grad, i) => [`g${i}`, grad!])) };
}

async function run(recompute: boolean): Promise<number[][]> {
  const { graph, outputs } = build(recompute);
  const session = await createSession(graph, outputs, { threads: 1 });
  const weight = (start: number) => float32([start, 0.3, -0.2, start / 2], [2, 2]);
  const results = await session.run({
    x: float32([0.5, -1, 2, 0.25, -0.75, 1], [3, 2]),
    a: weight(0.4),
    b: weight(-0.7),
    c: weight(1.1),
  });
  await session.dispose();
  return Object.values(results).map(({ data }) => Array.from(data as Float32Array));
}

describe('recomputation', () => {
  it('gives the same gradients', async () => assert.deepEqual(await run(true), await run(false)));

  it('lets the backward pass use what stands between segments, and nothing from within', () => {
    for (const recompute of [false, true]) {
      const { graph, forward, outputs } = build(recompute);
      const needed = new Set<Value>(Object.values(outputs));
      const usedLater = new Set<Value>();
      for (const node of [...graph.nodes].reverse()) {
        if (!node.outputs.some(value => needed.has(value))) continue;
        for (const input of node.inputs) {
          if (!input) continue;
          needed.add(input);
          if (!forward.includes(node)) usedLater.add(input);
        }
      }
      // Nodes 0, 2 and 4 are products within a segment, 1 and 3 end one.
      const kept = forward.flatMap((node, i) => (usedLater.has(node.outputs[0]!) ? [i] : []));
      assert.deepEqual(kept, recompute ? [1, 3] : [0, 1, 2, 3, 4, 5]);
    }
  });

  it('binds each copy to the gradient that it is for', () => {
    const { graph, forward } = build(true);
    const copies = graph.nodes.filter(
      node => node.backward && node.op === 'MatMul' && node.inputs[1]!.node === undefined,
    );
    const repeated = copies.filter(node => node.inputs[0]!.node?.op === 'After');
    assert.equal(repeated.length, 3);
    for (const node of repeated) assert.ok(!forward.includes(node));
  });
});
