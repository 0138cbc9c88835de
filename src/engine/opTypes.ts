/** The table of contents of the operator set: every operator with the attributes it carries. */

type None = Record<string, never>;

export interface OpAttributes {
  // elementwise
  Add: None;
  Sub: None;
  Mul: None;
  Div: None;
  Min: None;
  Max: None;
  Neg: None;
  Exp: None;
  Log: None;
  Sqrt: None;
  Abs: None;
  Sigmoid: None;
  Tanh: None;
  Softplus: None;
  Silu: None;
  GeluTanh: None;
  StopGradient: None;
  After: None;
  // compare
  Less: None;
  LessOrEqual: None;
  Greater: None;
  GreaterOrEqual: None;
  Equal: None;
  And: None;
  Not: None;
  Where: None;
  // matmul
  MatMul: { readonly transA: boolean; readonly transB: boolean; readonly alpha: number };
  // reduce
  ReduceSum: { readonly axes: readonly number[]; readonly keepdims: boolean };
  ReduceMean: { readonly axes: readonly number[]; readonly keepdims: boolean };
  ReduceMax: { readonly axes: readonly number[]; readonly keepdims: boolean };
  // normalise
  Softmax: None;
  LogSoftmax: None;
  RmsNorm: { readonly epsilon: number };
  LayerNorm: { readonly epsilon: number };
  TokenLogProbs: None;
  // attention
  Attention: { readonly heads: number; readonly kvHeads: number; readonly scale: number };
  // head
  HeadLogProbs: { readonly rowsAtOnce: number };
  // int8
  Int8Linear: None;
  // low rank
  LowRankLinear: { readonly fanInFanOut: boolean };
  // rope
  Rope: { readonly heads: number };
  // shape
  Reshape: { readonly allowZero?: boolean };
  Expand: None;
  Transpose: { readonly perm: readonly number[] };
  Concat: { readonly axis: number };
  Slice: { readonly axis: number; readonly start: number; readonly end: number };
  Pad: { readonly axis: number; readonly before: number; readonly after: number };
  Cast: None;
  Dimension: { readonly axis: number };
  Range: None;
  // gather
  Gather: None;
  ScatterAdd: None;
  // outside the differentiable set
  Raw: {
    readonly op: string;
    readonly domain: string;
    readonly attributes: Readonly<Record<string, RawAttribute>>;
  };
}

/** An attribute of a raw ONNX node. Whole numbers need `{int}` or `{float}` so that their type is never guessed. */
export type RawAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] };

export type OpType = keyof OpAttributes;
