/**
 * What a run of a graph on ONNX Runtime's CPU provider will hold in memory, before anything runs: the lowered program is
 * played through in ONNX Runtime's order, with each tensor freed after its last use.
 */
import { ArenaModel } from './arenaModel.ts';
import type { DType, Precision } from './dtype.ts';
import type { OnnxGraph, OnnxNode } from './emitter.ts';
import type { Graph, InputSpec, Value } from './graph.ts';
import { doneOutput, lower, type Program } from './onnxProto.ts';
import { elementCount, resolve } from './shape.ts';

/** Runs after which the arena has taken about all that it will. */
const RUNS = 4;

/** Bytes. */
export interface MemoryPlan {
  /** Most that tensors between operators take at one time; each has its chunk of the arena. */
  readonly peak: number;
  /** What the arena has touched after a few runs, and keeps: the peak and what lies torn between chunks. */
  readonly arena: number;
  /** What is fed and fetched, in arrays of the caller. */
  readonly inputs: number;
  readonly outputs: number;
  /** Constants of the graph, once. */
  readonly constants: number;
}

export interface MemoryPlanOptions {
  readonly precision?: Precision;
  /** False where outputs cannot be written in place and the binding copies them. Default true. */
  readonly inPlace?: boolean;
  /** Told of each operator after its first run: its name and the bytes that are in use then. */
  readonly onNode?: (op: string, inUse: number) => void;
}

/** `sizes` gives the symbolic dimensions, e.g. B, T and N. Throws when one is missing. */
export function planMemory(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  sizes: Readonly<Record<string, number>>,
  options: MemoryPlanOptions = {},
): MemoryPlan {
  const { precision = 'float32', inPlace = true, onNode } = options;
  const program = lower(graph, outputs, { precision, withDone: inPlace });
  const known = new Map(Object.entries(sizes));
  const bytesOf = (name: string): number => {
    // A sequence holds a copy of its one number.
    if (name === doneOutput) return 8;
    const spec = program.tensors.get(name);
    return spec ? tensorBytes(spec, known) : 0;
  };
  const names = Object.keys(outputs);
  const nodes = executionOrder(simplified(program, new Set(names)));
  const results = new Set([doneOutput, ...names]);
  const arena = new ArenaModel();
  const given = new Set(inPlace ? names : []);
  // Later runs find the arena torn otherwise than the first, and touch more of it.
  const working = (node: Step): readonly number[] =>
    (program.temporaries.get(node.outputs[0]!) ?? []).map(spec => tensorBytes(spec, known));
  const context = { bytesOf, working, results, given };
  for (let run = 0; run < RUNS; run++) replay(arena, nodes, context, run === 0 ? onNode : undefined);
  const total = (tensors: Iterable<string>): number => {
    let sum = 0;
    for (const name of tensors) sum += bytesOf(name);
    return sum;
  };
  return {
    peak: arena.peakInUse,
    arena: arena.touched,
    inputs: total(program.inputs.keys()),
    outputs: total(names),
    constants: program.initializers.reduce((sum, { data }) => sum + data.byteLength, 0),
  };
}

const elementBytes: { readonly [K in DType]: number } = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  bool: 1,
  uint8: 1,
  int8: 1,
};

const tensorBytes = ({ dtype, shape }: InputSpec, sizes: ReadonlyMap<string, number>): number =>
  elementBytes[dtype] * elementCount(resolve(shape, sizes));

/** A node with the place that ONNX Runtime knows it by. */
interface Step {
  readonly index: number;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Names that a node reads, those included that only the body of a loop reads. */
function operands(node: OnnxNode): readonly string[] {
  const body = node.attributes.body as { readonly graph: OnnxGraph } | undefined;
  if (!body) return node.inputs;
  const own = new Set(body.graph.nodes.flatMap(inner => inner.outputs));
  for (const { name } of body.graph.inputs) own.add(name);
  const outer = body.graph.nodes.flatMap(inner => inner.inputs).filter(name => !own.has(name));
  return [...new Set([...node.inputs, ...outer])];
}

/**
 * What ONNX Runtime's optimizer makes of a program without shapes: it folds what is constant, computes equal things once and
 * drops copies. Fusions need shapes that are left out here, and the lowerings have chosen the fused operators already.
 */
function simplified({ nodes, initializers }: Program, outputs: ReadonlySet<string>): Step[] {
  const constant = new Set(['', ...initializers.map(({ name }) => name)]);
  const uses = new Map<string, number>();
  const produced = new Set<string>();
  const kept: { index: number; node: OnnxNode }[] = [];
  /** Names of what was dropped → names of the same numbers. */
  const same = new Map<string, string>();
  const seen = new Map<string, OnnxNode>();
  for (const [index, original] of nodes.entries()) {
    const node = { ...original, inputs: operands(original).map(name => same.get(name) ?? name) };
    if (node.op !== 'SequenceConstruct' && node.inputs.every(name => constant.has(name))) {
      for (const name of node.outputs) constant.add(name);
      continue;
    }
    const key = JSON.stringify([node.op, node.inputs, node.attributes]);
    const twin = seen.get(key);
    const copied = node.op === 'Identity' && !outputs.has(node.outputs[0]!) ? node.inputs : undefined;
    const instead = copied ?? twin?.outputs;
    if (instead && !node.outputs.some(name => outputs.has(name))) {
      for (const [i, name] of node.outputs.entries()) same.set(name, instead[i]!);
      continue;
    }
    seen.set(key, node);
    kept.push({ index, node });
    for (const name of node.inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
    for (const name of node.outputs) produced.add(name);
  }
  const renamed = new Map<string, string>();
  for (const { node } of kept) {
    const [from] = node.inputs;
    const [to] = node.outputs;
    if (node.op === 'Identity' && outputs.has(to!) && produced.has(from!) && uses.get(from!) === 1) {
      renamed.set(from!, to!);
    }
  }
  return kept
    .filter(({ node }) => !(node.op === 'Identity' && renamed.get(node.inputs[0]!) === node.outputs[0]))
    .map(({ index, node }) => ({
      index,
      op: node.op,
      inputs: node.inputs.filter(name => !constant.has(name)),
      outputs: node.outputs.filter(name => name !== '').map(name => renamed.get(name) ?? name),
    }));
}

/**
 * ONNX Runtime's default order: depth first from the results, the last-built result first, and of a node's operands the
 * last-built one first. Source: onnxruntime `core/graph/graph_viewer.cc`.
 */
function executionOrder(nodes: readonly Step[]): Step[] {
  const maker = new Map<string, Step>();
  for (const node of nodes) for (const name of node.outputs) maker.set(name, node);
  const operands = new Map<Step, Step[]>();
  const used = new Set<Step>();
  for (const node of nodes) {
    const makers = [...new Set(node.inputs.flatMap(name => maker.get(name) ?? []))].sort((a, b) => a.index - b.index);
    operands.set(node, makers);
    for (const made of makers) used.add(made);
  }
  const order: Step[] = [];
  const visited = new Set<Step>();
  const stack = nodes.filter(node => !used.has(node)).map(node => ({ node, ready: false }));
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node, ready } = top;
    if (ready) {
      order.push(node);
      continue;
    }
    if (visited.has(node)) continue;
    visited.add(node);
    stack.push({ node, ready: true });
    for (const operand of operands.get(node)!) if (!visited.has(operand)) stack.push({ node: operand, ready: false });
  }
  return order;
}

/** Operators whose result is their operand's memory under another shape. */
const aliases = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Flatten']);

interface Buffer {
  readonly chunk: ReturnType<ArenaModel['allocate']>;
  /** Tensors that lie in it. */
  tensors: number;
}

interface ReplayContext {
  readonly bytesOf: (name: string) => number;
  /** Bytes that an operator holds while it runs. */
  readonly working: (node: Step) => readonly number[];
  readonly results: ReadonlySet<string>;
  readonly given: ReadonlySet<string>;
}

/** Allocates and frees as the executor does. `results` stay to the end; those in `given` lie in arrays of the caller. */
function replay(
  arena: ArenaModel,
  nodes: readonly Step[],
  { bytesOf, working, results, given }: ReplayContext,
  onNode: MemoryPlanOptions['onNode'],
): void {
  const buffers = new Map<string, Buffer>();
  const uses = new Map<string, number>();
  for (const { inputs } of nodes) for (const name of inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
  const release = (name: string): void => {
    const buffer = buffers.get(name);
    if (!buffer || results.has(name)) return;
    buffers.delete(name);
    if (--buffer.tensors === 0) arena.release(buffer.chunk);
  };
  for (const node of nodes) {
    const { op, inputs, outputs } = node;
    const [first] = inputs;
    if (aliases.has(op) && !given.has(outputs[0]!)) {
      const buffer = first === undefined ? undefined : buffers.get(first);
      if (buffer) {
        buffer.tensors++;
        buffers.set(outputs[0]!, buffer);
      }
    } else {
      for (const name of outputs) {
        if (!given.has(name)) buffers.set(name, { chunk: arena.allocate(bytesOf(name)), tensors: 1 });
      }
    }
    for (const chunk of working(node).map(bytes => arena.allocate(bytes))) arena.release(chunk);
    for (const name of outputs) if (!uses.has(name)) release(name);
    for (const name of inputs) {
      const left = uses.get(name)! - 1;
      uses.set(name, left);
      if (left === 0) release(name);
    }
    onNode?.(op, arena.inUse);
  }
  for (const name of results) arena.release(buffers.get(name)?.chunk);
}
