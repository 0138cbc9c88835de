/**
 * A typed graph of tensor operations. Build it with the functions of `ops/*`, add gradients with `autodiff.ts`,
 * run it with `session.ts`. Equal nodes are made once, so that rebuilding an expression costs nothing.
 */
import { type DType, type TensorData, toData } from './dtype.ts';
import type { OpAttributes, OpType, RawAttribute } from './opTypes.ts';
import { type Dim, elementCount, type Shape, shapeText } from './shape.ts';

/** A tensor in a graph: its type and shape are known, its numbers are not. */
export interface Value {
  readonly graph: Graph;
  readonly id: number;
  readonly dtype: DType;
  readonly shape: Shape;
  /** The node that computes it; none for inputs and constants. */
  readonly node: Node | undefined;
}

export interface Node<K extends OpType = OpType> {
  readonly id: number;
  readonly op: K;
  /** An absent optional input is `undefined` (raw nodes only). */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  /** The module that it belongs to, e.g. `model.layers.3.mlp.gate_proj`; empty where none was named. */
  readonly scope: string;
  /** It computes a gradient; `scope` is then that of the forward node whose gradient it is. */
  readonly backward: boolean;
}

export interface InputSpec {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A value, or a number that stands for a constant scalar. */
export type Operand = Value | number;

export class Graph {
  readonly #nodes: Node[] = [];
  readonly #inputs = new Map<string, Value>();
  readonly #constants = new Map<Value, TensorData>();
  readonly #scalars = new Map<string, Value>();
  readonly #made = new Map<string, Node>();
  #nextId = 0;
  #scope = '';
  #backward = false;

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  get inputs(): ReadonlyMap<string, Value> {
    return this.#inputs;
  }

  get constants(): ReadonlyMap<Value, TensorData> {
    return this.#constants;
  }

  #value(dtype: DType, shape: Shape, node?: Node): Value {
    return { graph: this, id: this.#nextId++, dtype, shape, node };
  }

  /**
   * What `build` makes belongs to the module `name`, or to the one that it names itself. A scope is a note for people: it
   * does not take part in what makes two nodes equal (the first maker's stays), nor in any number.
   */
  scope<T>(name: string, build: () => T, backward = this.#backward): T {
    const [outerScope, outerBackward] = [this.#scope, this.#backward];
    this.#scope = name;
    this.#backward = backward;
    try {
      return build();
    } finally {
      this.#scope = outerScope;
      this.#backward = outerBackward;
    }
  }

  /** A tensor that is given at each run. Asking again for the same name gives the same value. */
  input(name: string, dtype: DType, shape: Shape): Value {
    const known = this.#inputs.get(name);
    if (known) {
      if (known.dtype !== dtype || shapeText(known.shape) !== shapeText(shape)) {
        throw new Error(
          `input ${name} is already ${known.dtype} ${shapeText(known.shape)}, not ${dtype} ${shapeText(shape)}`,
        );
      }
      return known;
    }
    const value = this.#value(dtype, shape);
    this.#inputs.set(name, value);
    return value;
  }

  /** A tensor that is part of the model. The array is not copied: do not change it before the session exists. */
  constant(values: TensorData | readonly number[], shape: readonly number[], dtype: DType = 'float32'): Value {
    // Doubles stay doubles: a float64 rendition is exact, and the encoder rounds them for a float32 one.
    const data = dtype === 'float32' && values instanceof Float64Array ? values : toData(dtype, values);
    if (data.length !== elementCount(shape)) {
      throw new Error(`a constant of shape ${shapeText(shape)} cannot hold ${data.length} numbers`);
    }
    const key = data.length <= 16 ? `${dtype}${shapeText(shape)}${Array.from(data as ArrayLike<number>).join()}` : '';
    const known = key ? this.#scalars.get(key) : undefined;
    if (known) return known;
    const value = this.#value(dtype, shape);
    this.#constants.set(value, data);
    if (key) this.#scalars.set(key, value);
    return value;
  }

  scalar(value: number, dtype: DType = 'float32'): Value {
    // Kept in double precision, so that a float64 rendition sees the number itself and not its float32 neighbour.
    const key = `scalar:${dtype}:${Object.is(value, -0) ? '-0' : value}`;
    const known = this.#scalars.get(key);
    if (known) return known;
    const made = this.#value(dtype, []);
    this.#constants.set(made, dtype === 'float32' ? new Float64Array([value]) : toData(dtype, [value]));
    this.#scalars.set(key, made);
    return made;
  }

  /** Adds a node, or returns the one that already computes the same. Used by `ops/*`, which know the shapes. */
  add<K extends OpType>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attributes: OpAttributes[K],
    outputs: readonly InputSpec[],
  ): Node<K> {
    for (const value of inputs) {
      if (value && value.graph !== this) throw new Error(`${op}: a value of another graph`);
    }
    const key = `${op}(${inputs.map(value => value?.id ?? '-').join()})${JSON.stringify(attributes)}${outputs.map(o => o.dtype + shapeText(o.shape)).join()}`;
    const known = this.#made.get(key);
    if (known) return known as Node<K>;
    const values: Value[] = [];
    const [scope, backward] = [this.#scope, this.#backward];
    const node: Node<K> = { id: this.#nodes.length, op, inputs, outputs: values, attributes, scope, backward };
    for (const { dtype, shape } of outputs) values.push(this.#value(dtype, shape, node as unknown as Node));
    this.#nodes.push(node as unknown as Node);
    this.#made.set(key, node as unknown as Node);
    return node;
  }

  /**
   * A node of any ONNX operator, for what this set does not name (fused attention, quantised products, casts of caches).
   * It has no gradient. The caller answers for the output types and shapes.
   */
  raw(
    op: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly InputSpec[],
    options: { domain?: string; attributes?: Readonly<Record<string, RawAttribute>> } = {},
  ): readonly Value[] {
    return this.add('Raw', inputs, { op, domain: options.domain ?? '', attributes: options.attributes ?? {} }, outputs)
      .outputs;
  }

  /** The size of a dimension as an int64 tensor of shape [1]: read from the first input that has it. */
  dimension(dim: Dim): Value {
    if (typeof dim === 'number') return this.constant([dim], [1], 'int64');
    const factors = dim.split('*');
    if (factors.length > 1) {
      return factors
        .map(factor => this.dimension(/^\d+$/.test(factor) ? Number(factor) : factor))
        .reduce((a, b) => this.add('Mul', [a, b], {}, [{ dtype: 'int64', shape: [1] }]).outputs[0]!);
    }
    for (const value of this.#inputs.values()) {
      const axis = value.shape.indexOf(dim);
      if (axis >= 0) return this.add('Dimension', [value], { axis }, [{ dtype: 'int64', shape: [1] }]).outputs[0]!;
    }
    throw new Error(`no input has a dimension named ${dim}`);
  }

  /** A shape as an int64 tensor of shape [rank]. */
  shapeTensor(shape: Shape): Value {
    if (shape.every(dim => typeof dim === 'number')) return this.constant(shape, [shape.length], 'int64');
    const parts = shape.map(dim => this.dimension(dim));
    return this.add('Concat', parts, { axis: 0 }, [{ dtype: 'int64', shape: [shape.length] }]).outputs[0]!;
  }
}

/** The operand as a value of the graph of `like`, with its element type. */
export const asValue = (operand: Operand, like: Value): Value =>
  typeof operand === 'number' ? like.graph.scalar(operand, like.dtype) : operand;
