/** What lowerings write to: nodes of an ONNX model by name, without shapes. */
import type { DType, Precision } from './dtype.ts';
import type { InputSpec, Node, Value } from './graph.ts';
import type { OpType, RawAttribute } from './opTypes.ts';

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  /** An empty name is an absent optional input or output. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export type OnnxAttribute = RawAttribute | { readonly graph: OnnxGraph };

/** The body of a loop. It sees the names of the graph around it. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxName[];
  readonly outputs: readonly OnnxName[];
}

export interface OnnxName {
  readonly name: string;
  readonly dtype: DType;
}

/** Where a graph runs. `webgpu` needs a graphics driver; operators that it lacks run on the processor all the same. */
export type Provider = 'cpu' | 'webgpu';

/** What a lowering writes to. Every `emit` without outputs makes one fresh name and returns it. */
export interface Emitter {
  readonly precision: Precision;
  readonly provider: Provider;
  name(value: Value): string;
  emit(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    options?: {
      domain?: string;
      outputs?: readonly string[];
      /** For the memory plan: types and shapes of outputs that are no value of the graph and grow with the batch. */
      like?: readonly (InputSpec | undefined)[];
      /** For the memory plan: what the operator holds while it runs, besides its operands and results. */
      working?: readonly InputSpec[];
    },
  ): string;
  ints(values: readonly number[]): string;
  float(value: number): string;
  /** A scalar of type uint8. */
  byte(value: number): string;
  /** A body with inputs of these types; `build` is given their names and answers with the outputs. */
  nested(inputs: readonly DType[], build: (inner: Emitter, names: readonly string[]) => readonly OnnxName[]): OnnxGraph;
}

/** `outputs` are names; all but the first are empty where nothing needs them. */
export type Lowering<K extends OpType> = (
  node: Node<K>,
  to: Emitter,
  inputs: readonly string[],
  outputs: readonly string[],
) => void;

/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

/** ONNX's numbers of element types. */
export const onnxType: { readonly [K in DType]: number } = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};
