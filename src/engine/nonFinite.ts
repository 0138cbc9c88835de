/** Where a graph's numbers first stop being numbers: which operator made the first NaN or infinity from finite operands. */
import type { Graph, Node, Value } from './graph.ts';
import { add, mul } from './ops/elementwise.ts';
import { sum } from './ops/reduce.ts';
import { concat, reshape } from './ops/shape.ts';
import { createSession, type SessionOptions, type Tensor } from './session.ts';

export interface NonFinite {
  /** The module of the operator, e.g. `model.layers.3.mlp.gate_proj`; empty where none was named. */
  readonly scope: string;
  /** The operator by its name in this operator set, or in ONNX where it has none here. */
  readonly op: string;
  /** In the backward pass: it computes a gradient. */
  readonly backward: boolean;
  /** Set when it was an input that was not finite: the name of the input, of which `op` is the first reader. */
  readonly input?: string;
}

/**
 * The first operator, in the order in which the graph was built, that what `outputs` need computes to NaN or infinity.
 * Undefined when everything is finite. The graph gets further nodes, and is run once.
 */
export async function findNonFinite(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  feeds: Readonly<Record<string, Tensor>>,
  options: SessionOptions = {},
): Promise<NonFinite | undefined> {
  const nodes = neededNodes(graph, Object.values(outputs));
  if (nodes.length === 0) return undefined;
  const session = await createSession(graph, { zeros: zerosOf(nodes) }, { ...options, optimization: 'disabled' });
  try {
    const { zeros } = await session.run(feeds);
    const node = nodes[(zeros!.data as Float32Array).findIndex(Number.isNaN)];
    if (!node) return undefined;
    const { scope, backward } = node;
    const input = badInput(graph, node, feeds);
    const op = node.op === 'Raw' ? (node as Node<'Raw'>).attributes.op : node.op;
    return { scope, op, backward, ...(input === undefined ? {} : { input }) };
  } finally {
    await session.dispose();
  }
}

/** Nodes with float results, in the order in which they were built. */
function neededNodes(graph: Graph, outputs: readonly Value[]): Node[] {
  const needed = new Set(outputs);
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some(value => needed.has(value))) continue;
    for (const input of node.inputs) if (input) needed.add(input);
    if (node.outputs.some(value => value.dtype === 'float32')) nodes.push(node);
  }
  return nodes.reverse();
}

/**
 * For each node 0 where its results are finite and NaN else: (nodes). Each result is looked at as soon as it is there and
 * nothing is kept for it, so the run needs hardly more memory than the graph itself: ONNX Runtime goes depth first into the
 * operand that was built last, hence the zeros of the first node are built last.
 */
function zerosOf(nodes: readonly Node[]): Value {
  const zeros = [...nodes].reverse().map(({ outputs }) =>
    outputs
      .filter(value => value.dtype === 'float32')
      // x·0 is 0 for what is finite and NaN else; unlike x it does not overflow in a sum.
      .map(value => reshape(sum(mul(value, 0)), [1]))
      .reduce((a, b) => add(a, b)),
  );
  return concat(zeros.reverse(), 0);
}

function badInput(graph: Graph, node: Node, feeds: Readonly<Record<string, Tensor>>): string | undefined {
  for (const [name, value] of graph.inputs) {
    const data = feeds[name]?.data;
    if (!node.inputs.includes(value) || !(data instanceof Float32Array)) continue;
    if (!data.every(Number.isFinite)) return name;
  }
  return undefined;
}
