import assert from 'node:assert/strict';
import {
  div,
  exp,
  findNonFinite,
  float32,
  Graph,
  gradients,
  greater,
  log,
  mul,
  sqrt,
  stopGradient,
  sub,
  sum,
  type Value,
  where,
} from '../../../src/engine/index.ts';

const options = { threads: 1 };

describe('the first number that is none', () => {
  /** x → two layers → a loss: the first takes an exponential, the second a logarithm. */
  function layers(): { graph: Graph; loss: Value; x: Value } {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N']);
    const first = graph.scope('layers.0', () => exp(x));
    const second = graph.scope('layers.1', () => log(sub(first, 1)));
    return { graph, loss: graph.scope('loss', () => sum(second)), x };
  }
  const find = (x: number[]) => {
    const { graph, loss } = layers();
    return findNonFinite(graph, { loss }, { x: float32(x) }, options);
  };

  it('is found with its layer and operator', async () => {
    assert.equal(await find([1, 2]), undefined);
    assert.deepEqual(await find([1, 100]), { scope: 'layers.0', op: 'Exp', backward: false });
    assert.deepEqual(await find([1, 0]), { scope: 'layers.1', op: 'Log', backward: false });
    assert.deepEqual(await find([1, -1]), { scope: 'layers.1', op: 'Log', backward: false });
  });

  it('names an input that came in as no number', async () => {
    assert.deepEqual(await find([1, Number.NaN]), { scope: 'layers.0', op: 'Exp', backward: false, input: 'x' });
  });

  it('is found in the backward pass, in the layer of the forward operator', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N']);
    const root = graph.scope('layers.0.root', () => sqrt(x));
    const loss = graph.scope('loss', () => sum(mul(root, 3)));
    const [grad] = gradients(graph, loss, [x]);
    const found = await findNonFinite(graph, { loss, grad: grad! }, { x: float32([4, 0]) }, options);
    assert.deepEqual(found, { scope: 'layers.0.root', op: 'Div', backward: true });
    assert.equal(await findNonFinite(graph, { loss }, { x: float32([4, 0]) }, options), undefined, 'forward is fine');
  });

  it('is the cause and not what follows from it, also where it does not reach the loss', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N']);
    const hidden = graph.scope('hidden', () => div(1, x));
    const kept = graph.scope('kept', () => where(greater(x, 0), stopGradient(hidden), 0));
    const found = await findNonFinite(graph, { y: kept }, { x: float32([1, 0]) }, options);
    assert.deepEqual(found, { scope: 'hidden', op: 'Div', backward: false });
  });

  it('scopes change neither which nodes are equal nor what a graph computes', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N']);
    const a = graph.scope('a', () => exp(x));
    assert.equal(
      graph.scope('b', () => exp(x)),
      a,
    );
    assert.equal(a.node!.scope, 'a');
    assert.throws(() => graph.scope('c', () => assert.fail()));
    assert.equal(log(x).node!.scope, '', 'an error leaves the scope behind');
  });
});
