/** Reverse-mode differentiation: adds to a graph the nodes that compute gradients. */
import { isFloat } from './dtype.ts';
import { type GradientRule, notDifferentiable, type RuleContext } from './gradients/rule.ts';
import { gradientRules } from './gradients/rules.ts';
import type { Graph, Node, Value } from './graph.ts';
import { add } from './ops/elementwise.ts';
import type { OpType } from './opTypes.ts';
import { after, repeatAfter } from './recompute.ts';
import { sameShape, shapeText } from './shape.ts';

export interface GradientOptions {
  /**
   * The segment of a forward node, such as its layer; nodes of one segment follow one another. Weight gradients of a segment
   * are computed before the backward pass goes on to the next one, so that what only they need does not stay in memory.
   */
  readonly segment?: (node: Node) => string | undefined;
  /** Compute the forward values of segments again for their backward pass instead of keeping them. Default false. */
  readonly recompute?: boolean;
}

/**
 * ∂loss/∂w for each w of `wrt`, in its order and shape. `loss` is a float scalar.
 * A value that the loss does not depend on gets `undefined`.
 */
export function gradients(
  graph: Graph,
  loss: Value,
  wrt: readonly Value[],
  { segment = () => undefined, recompute = false }: GradientOptions = {},
): (Value | undefined)[] {
  if (!isFloat(loss.dtype) || loss.shape.length !== 0) {
    throw new Error(`gradients need a float scalar as loss, not ${loss.dtype} ${shapeText(loss.shape)}`);
  }
  const nodes = [...graph.nodes];
  const wanted = new Set<Value>(wrt);
  for (const node of nodes) {
    if (node.inputs.some(input => input && wanted.has(input))) for (const output of node.outputs) wanted.add(output);
  }
  const segments = Map.groupBy(nodes, segment);
  const begun = new Map<string, ReadonlyMap<Node, Node>>();
  const grads = new Map<Value, Value>([[loss, graph.scalar(1, loss.dtype)]]);
  // Gradients of weights since the last segment began.
  let made: Value[] = [];
  const trained = new Set<Value>(wrt);
  for (const node of nodes.reverse()) {
    const output = node.outputs[0]!;
    const rule = gradientRules[node.op];
    if (!grads.has(output) || rule === notDifferentiable || !wanted.has(output)) continue;
    const name = segment(node);
    if (name !== undefined && !begun.has(name)) {
      const bound = after(grads.get(output)!, made);
      made = [];
      grads.set(output, bound);
      begun.set(name, recompute ? repeatAfter(graph, segments.get(name)!, bound) : new Map());
    }
    const seen = (name === undefined ? undefined : begun.get(name)!.get(node)) ?? node;
    const context = {
      node: seen,
      inputs: seen.inputs as readonly Value[],
      output: seen.outputs[0]!,
      grad: grads.get(output)!,
    };
    graph.scope(
      node.scope,
      () => {
        for (const [input, part] of parts(node, context, rule as GradientRule<OpType>, wanted)) {
          const before = grads.get(input);
          grads.set(input, before ? add(before, part) : part);
          if (trained.has(input)) made.push(part);
        }
      },
      true,
    );
  }
  return wrt.map(value => grads.get(value));
}

/** What comes through a node for each wanted operand; `context` shows the node, or a copy of it. */
function* parts(
  node: Node,
  context: RuleContext<OpType>,
  rule: GradientRule<OpType>,
  wanted: ReadonlySet<Value>,
): Generator<[Value, Value]> {
  const makers = rule(context);
  for (const [i, input] of node.inputs.entries()) {
    const maker = makers[i];
    if (!input || !maker || !wanted.has(input)) continue;
    const value = maker();
    if (!sameShape(value.shape, input.shape)) {
      throw new Error(
        `${node.op}: the gradient of input ${i} has shape ${shapeText(value.shape)}, not ${shapeText(input.shape)}`,
      );
    }
    yield [input, value];
  }
}
