/**
 * The order of the backward pass. ONNX Runtime runs what nothing waits for last; bonds that move no numbers make it work off
 * one segment of the graph before it begins the next, so that what belonged to the first is free.
 *
 * Recomputation (gradient checkpointing, arXiv 1604.06174): the backward pass of a segment of the graph computes the segment's
 * forward values a second time instead of keeping them, so that only the values between segments stay in memory.
 */
import { isFloat } from './dtype.ts';
import type { Graph, Node, Value } from './graph.ts';

/**
 * Copies of a segment's nodes, by the nodes that they repeat. Nothing in them can be computed before `trigger` is: ONNX
 * Runtime runs what it can, and without that bond it would compute the copies together with the originals.
 */
export function repeatAfter(graph: Graph, segment: readonly Node[], trigger: Value): Map<Node, Node> {
  const copies = new Map<Node, Node>();
  const values = new Map<Value, Value>();
  for (const node of segment) {
    let inputs = node.inputs.map(input => input && (values.get(input) ?? input));
    if (inputs.every((input, i) => input === node.inputs[i])) {
      // Nothing of the segment comes before this node: one operand is bound to the trigger, or the copy would be the node.
      const bound = inputs.findIndex(input => input && isFloat(input.dtype) && !graph.constants.has(input));
      if (bound < 0) continue;
      inputs = inputs.with(bound, after(inputs[bound]!, [trigger]));
    }
    const copy = graph.scope(node.scope, () => graph.add(node.op, inputs, node.attributes, node.outputs), true);
    copies.set(node, copy);
    for (const [i, output] of node.outputs.entries()) values.set(output, copy.outputs[i]!);
  }
  return copies;
}

/** The same numbers, which exist only once the triggers do. Nothing is copied. */
export const after = (x: Value, triggers: readonly Value[]): Value =>
  triggers.length === 0
    ? x
    : x.graph.add('After', [x, ...triggers], {}, [{ dtype: x.dtype, shape: x.shape }]).outputs[0]!;
