/** Checks a graph between passes: what the encoder relies on is true, or the error names the node. */
import type { Graph, Value } from './graph.ts';
import { shapeText } from './shape.ts';

/** Throws when an operand is computed after its use, comes from another graph, or an output has no source. */
export function verify(graph: Graph, outputs: Readonly<Record<string, Value>>): void {
  const known = new Set<Value>([...graph.inputs.values(), ...graph.constants.keys()]);
  const check = (value: Value, where: string): void => {
    if (value.graph !== graph) throw new Error(`${where} belongs to another graph`);
    if (!known.has(value))
      throw new Error(`${where} ${value.dtype} ${shapeText(value.shape)} is used before it is computed`);
  };
  for (const node of graph.nodes) {
    node.inputs.forEach((input, i) => {
      if (input) check(input, `input ${i} of ${node.op} (node ${node.id})`);
    });
    for (const output of node.outputs) known.add(output);
  }
  for (const [name, value] of Object.entries(outputs)) check(value, `output ${name}`);
}
