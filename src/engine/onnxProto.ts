/** Writes a graph as an ONNX model: the protocol-buffer messages that ONNX Runtime reads, and nothing more. */
import { allocate, type DType, type Precision, rendered, type TensorData } from './dtype.ts';
import {
  type Emitter,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxName,
  type OnnxNode,
  onnxType,
  type Provider,
} from './emitter.ts';
import type { Graph, InputSpec, Node, Value } from './graph.ts';
import { lowerings } from './lowering.ts';
import type { OpType } from './opTypes.ts';

const IR_VERSION = 11;
const OPSET = 23;

/** Name of the output that, fetched first, keeps the binding from copying the others (see session.ts). */
export const doneOutput = 'done';

export interface EncodeOptions {
  readonly precision: Precision;
  /** Default `cpu`. */
  readonly provider?: Provider;
  /** Adds `doneOutput`, a sequence, as the first output. */
  readonly withDone: boolean;
}

/** The model that computes `outputs`; nodes and inputs that they do not need are left out. */
export function encodeModel(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  options: EncodeOptions,
): Uint8Array {
  const program = lower(graph, outputs, options);
  const body: Parts = [];
  for (const node of program.nodes) message(body, 1, encodeNode(node));
  text(body, 2, 'tunesmith');
  for (const tensor of program.initializers) message(body, 5, encodeTensor(tensor));
  for (const [name, value] of program.inputs) {
    message(body, 11, valueInfo(name, rendered(value.dtype, options.precision)));
  }
  if (options.withDone) message(body, 12, sequenceInfo(doneOutput));
  for (const [name, value] of Object.entries(outputs)) {
    message(body, 12, valueInfo(name, rendered(value.dtype, options.precision)));
  }
  const model: Parts = [];
  int(model, 1, IR_VERSION);
  text(model, 2, 'tunesmith');
  message(model, 7, body);
  for (const [domain, version] of [
    ['', OPSET],
    ['com.microsoft', 1],
  ] as const) {
    const opset: Parts = [];
    text(opset, 1, domain);
    int(opset, 2, version);
    message(model, 8, opset);
  }
  return join(model);
}

/** The inputs that `outputs` need, by name. */
export function neededInputs(graph: Graph, outputs: Readonly<Record<string, Value>>): Map<string, Value> {
  const needed = reachable(graph, Object.values(outputs));
  return new Map([...graph.inputs].filter(([, value]) => needed.has(value)));
}

function reachable(graph: Graph, outputs: readonly Value[]): Set<Value> {
  const needed = new Set<Value>(outputs);
  for (const node of [...graph.nodes].reverse()) {
    if (node.outputs.some(value => needed.has(value))) for (const input of node.inputs) if (input) needed.add(input);
  }
  return needed;
}

export interface Initializer {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** A graph in ONNX's operators, before it is written. */
export interface Program {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: ReadonlyMap<string, Value>;
  /** Types and shapes of tensors by name; small temporaries of a lowering may be missing. */
  readonly tensors: ReadonlyMap<string, InputSpec>;
  /** Working memory of operators that need much, by the name of their first output. */
  readonly temporaries: ReadonlyMap<string, readonly InputSpec[]>;
}

/** The part of the graph that `outputs` need, in ONNX's operators and in the order in which it was built. */
export function lower(graph: Graph, outputs: Readonly<Record<string, Value>>, options: EncodeOptions): Program {
  const { precision, provider = 'cpu' } = options;
  const needed = reachable(graph, Object.values(outputs));
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, Initializer>();
  const names = new Map<Value, string>();
  for (const [name, value] of graph.inputs) names.set(value, `in:${name}`);
  for (const [value, data] of graph.constants) {
    const name = `c${value.id}`;
    names.set(value, name);
    if (!needed.has(value)) continue;
    const dtype = rendered(value.dtype, precision);
    initializers.set(name, { name, dtype, dims: value.shape as readonly number[], data: convert(data, dtype) });
  }
  // What a node computes is an output under its own name: another node that named it would copy it where others read it too.
  for (const [name, value] of Object.entries(outputs)) if (value.node && !names.has(value)) names.set(value, name);
  const name = (value: Value): string => names.get(value) ?? `v${value.id}`;
  const tensors = new Map<string, InputSpec>();
  const describe = (label: string, { dtype, shape }: InputSpec): void =>
    void tensors.set(label, { dtype: rendered(dtype, precision), shape });
  const temporaries = new Map<string, readonly InputSpec[]>();
  let fresh = 0;
  const constant = (dtype: DType, dims: readonly number[], values: readonly number[]): string => {
    const key = `k:${dtype}:${dims.length}:${values.join('_')}`;
    if (!initializers.has(key)) {
      const data = allocate(dtype, values.length);
      for (const [i, x] of values.entries()) data[i] = dtype === 'int64' ? BigInt(x) : x;
      initializers.set(key, { name: key, dtype, dims, data });
    }
    return key;
  };
  const emitter = (list: OnnxNode[]): Emitter => ({
    precision,
    provider,
    name,
    ints: values => constant('int64', [values.length], values),
    float: value => constant(precision, [], [value]),
    byte: value => constant('uint8', [], [value]),
    emit(op, inputs, attributes = {}, { domain = '', outputs: made, like = [], working } = {}) {
      const named = made ?? [`t${fresh++}`];
      for (const [i, spec] of like.entries()) if (spec) describe(named[i]!, spec);
      if (working) temporaries.set(named[0]!, working);
      list.push({ op, domain, inputs, outputs: named, attributes });
      return named[0]!;
    },
    nested(types, build): OnnxGraph {
      const inner: OnnxNode[] = [];
      const given = types.map((dtype): OnnxName => ({ name: `t${fresh++}`, dtype }));
      const made = build(
        emitter(inner),
        given.map(input => input.name),
      );
      const results = made.map(({ name: output, dtype }) => ({ name: output, dtype: rendered(dtype, precision) }));
      return { nodes: inner, inputs: given, outputs: results };
    },
  });
  const to = emitter(nodes);
  for (const node of graph.nodes) {
    if (!node.outputs.some(value => needed.has(value))) continue;
    for (const value of node.outputs) describe(name(value), value);
    const lowering = lowerings[node.op] as (
      node: Node<OpType>,
      to: Emitter,
      inputs: readonly string[],
      outputs: readonly string[],
    ) => void;
    lowering(
      node,
      to,
      node.inputs.map(input => (input ? name(input) : '')),
      node.outputs.map((value, i) => (i === 0 || needed.has(value) ? name(value) : '')),
    );
  }
  if (options.withDone) to.emit('SequenceConstruct', [to.ints([1])], {}, { outputs: [doneOutput] });
  for (const [outputName, value] of Object.entries(outputs)) {
    if (name(value) !== outputName) to.emit('Identity', [name(value)], {}, { outputs: [outputName], like: [value] });
  }
  const inputs = new Map<string, Value>();
  for (const [inputName, value] of graph.inputs) {
    if (!needed.has(value)) continue;
    inputs.set(`in:${inputName}`, value);
    describe(`in:${inputName}`, value);
  }
  return { nodes, initializers: [...initializers.values()], inputs, tensors, temporaries };
}

/** Numbers in the type of the rendition; nothing is copied when they already are. */
function convert(data: TensorData, dtype: DType): TensorData {
  if (data instanceof (allocate(dtype, 0).constructor as new () => TensorData)) return data;
  if (data instanceof BigInt64Array) throw new Error('int64 constants stay int64');
  return dtype === 'float64' ? Float64Array.from(data as Float32Array) : Float32Array.from(data as Float64Array);
}

// Protocol buffers: a message is a list of byte chunks, joined once at the end.

type Parts = Uint8Array[];
const utf8 = new TextEncoder();

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return Uint8Array.from(bytes);
}

const length = (parts: Parts): number => parts.reduce((n, part) => n + part.length, 0);

function join(parts: Parts): Uint8Array {
  const whole = new Uint8Array(length(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function int(to: Parts, field: number, value: number): void {
  to.push(varint(field << 3), varint(value));
}

function float(to: Parts, field: number, value: number): void {
  to.push(varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer));
}

function bytes(to: Parts, field: number, value: Uint8Array): void {
  to.push(varint((field << 3) | 2), varint(value.length), value);
}

function text(to: Parts, field: number, value: string): void {
  bytes(to, field, utf8.encode(value));
}

function message(to: Parts, field: number, parts: Parts): void {
  to.push(varint((field << 3) | 2), varint(length(parts)));
  // Not `...parts`: a deep model has more parts than a call may have arguments.
  for (const part of parts) to.push(part);
}

function encodeNode(node: OnnxNode): Parts {
  const parts: Parts = [];
  for (const input of node.inputs) text(parts, 1, input);
  for (const output of node.outputs) text(parts, 2, output);
  text(parts, 4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) message(parts, 5, encodeAttribute(name, attribute));
  if (node.domain) text(parts, 7, node.domain);
  return parts;
}

function encodeAttribute(name: string, attribute: OnnxAttribute): Parts {
  const parts: Parts = [];
  text(parts, 1, name);
  if ('float' in attribute) {
    float(parts, 2, attribute.float);
    int(parts, 20, 1);
  } else if ('int' in attribute) {
    int(parts, 3, attribute.int);
    int(parts, 20, 2);
  } else if ('graph' in attribute) {
    message(parts, 6, encodeBody(attribute.graph));
    int(parts, 20, 5);
  } else if ('string' in attribute) {
    text(parts, 4, attribute.string);
    int(parts, 20, 3);
  } else if ('floats' in attribute) {
    for (const value of attribute.floats) float(parts, 7, value);
    int(parts, 20, 6);
  } else {
    for (const value of attribute.ints) int(parts, 8, value);
    int(parts, 20, 7);
  }
  return parts;
}

function encodeBody({ nodes, inputs, outputs }: OnnxGraph): Parts {
  const parts: Parts = [];
  for (const node of nodes) message(parts, 1, encodeNode(node));
  text(parts, 2, 'body');
  for (const { name, dtype } of inputs) message(parts, 11, scalarInfo(name, dtype));
  for (const { name, dtype } of outputs) message(parts, 12, valueInfo(name, dtype));
  return parts;
}

function encodeTensor({ name, dtype, dims, data }: Initializer): Parts {
  const parts: Parts = [];
  for (const dim of dims) int(parts, 1, dim);
  int(parts, 2, onnxType[dtype]);
  text(parts, 8, name);
  bytes(parts, 9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return parts;
}

/**
 * Shapes are left out on purpose: this file's callers have checked them, and ONNX Runtime 1.30 spends 2 s on inferring
 * those of a model with 30 layers when it is told where to start.
 */
function valueInfo(name: string, dtype: DType): Parts {
  const tensor: Parts = [];
  int(tensor, 1, onnxType[dtype]);
  return named(name, 1, tensor);
}

/** A loop wants to know that its counter and its condition are scalars. */
function scalarInfo(name: string, dtype: DType): Parts {
  const tensor: Parts = [];
  int(tensor, 1, onnxType[dtype]);
  message(tensor, 2, []);
  return named(name, 1, tensor);
}

function sequenceInfo(name: string): Parts {
  const tensor: Parts = [];
  int(tensor, 1, onnxType.int64);
  const element: Parts = [];
  message(element, 1, tensor);
  const sequence: Parts = [];
  message(sequence, 1, element);
  return named(name, 4, sequence);
}

function named(name: string, typeField: number, contents: Parts): Parts {
  const type: Parts = [];
  message(type, typeField, contents);
  const parts: Parts = [];
  text(parts, 1, name);
  message(parts, 2, type);
  return parts;
}
