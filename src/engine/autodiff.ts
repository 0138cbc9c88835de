/** Reverse-mode differentiation: adds to a graph the nodes that compute gradients. */
import { isFloat } from './dtype.ts';
import { type GradientRule, notDifferentiable, type RuleContext } from './gradients/rule.ts';
import { gradientRules } from './gradients/rules.ts';
import type { Graph, Value } from './graph.ts';
import { add } from './ops/elementwise.ts';
import type { OpType } from './opTypes.ts';
import { sameShape, shapeText } from './shape.ts';

/**
 * ∂loss/∂w for each w of `wrt`, in its order and shape. `loss` is a float scalar.
 * A value that the loss does not depend on gets `undefined`.
 */
export function gradients(graph: Graph, loss: Value, wrt: readonly Value[]): (Value | undefined)[] {
  if (!isFloat(loss.dtype) || loss.shape.length !== 0) {
    throw new Error(`gradients need a float scalar as loss, not ${loss.dtype} ${shapeText(loss.shape)}`);
  }
  const nodes = [...graph.nodes];
  const wanted = new Set<Value>(wrt);
  for (const node of nodes) {
    if (node.inputs.some(input => input && wanted.has(input))) for (const output of node.outputs) wanted.add(output);
  }
  const grads = new Map<Value, Value>([[loss, graph.scalar(1, loss.dtype)]]);
  for (const node of nodes.reverse()) {
    const output = node.outputs[0]!;
    const grad = grads.get(output);
    const rule = gradientRules[node.op];
    if (!grad || rule === notDifferentiable || !wanted.has(output)) continue;
    const context = { node, inputs: node.inputs as readonly Value[], output, grad };
    const backward = (): void => addGradients(context, rule as GradientRule<OpType>, grads, wanted);
    graph.scope(node.scope, backward, true);
  }
  return wrt.map(value => grads.get(value));
}

/** Adds to the gradients of a node's operands what comes through the node. */
function addGradients(
  context: RuleContext<OpType>,
  rule: GradientRule<OpType>,
  grads: Map<Value, Value>,
  wanted: ReadonlySet<Value>,
): void {
  const { node } = context;
  const parts = rule(context);
  node.inputs.forEach((input, i) => {
    const part = parts[i];
    if (!input || !part || !wanted.has(input)) return;
    const value = part();
    if (!sameShape(value.shape, input.shape)) {
      throw new Error(
        `${node.op}: the gradient of input ${i} has shape ${shapeText(value.shape)}, not ${shapeText(input.shape)}`,
      );
    }
    const before = grads.get(input);
    grads.set(input, before ? add(before, value) : value);
  });
}
