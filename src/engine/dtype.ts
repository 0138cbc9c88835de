/** Element types of tensors and the typed arrays that hold them. */

export type DType = 'float32' | 'float64' | 'int64' | 'int32' | 'bool' | 'uint8' | 'int8';

export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  bool: Uint8Array;
  uint8: Uint8Array;
  int8: Int8Array;
}

export type TensorData = ArrayOf[DType];

/** What real numbers are computed in. A graph is built with `float32`; `float64` renders the same graph for gradient checks. */
export type Precision = 'float32' | 'float64';

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/** The type that `dtype` has in a rendition. */
export const rendered = (dtype: DType, precision: Precision): DType => (isFloat(dtype) ? precision : dtype);

const makers: { readonly [K in DType]: (length: number) => ArrayOf[K] } = {
  float32: n => new Float32Array(n),
  float64: n => new Float64Array(n),
  int64: n => new BigInt64Array(n),
  int32: n => new Int32Array(n),
  bool: n => new Uint8Array(n),
  uint8: n => new Uint8Array(n),
  int8: n => new Int8Array(n),
};

export const allocate = <K extends DType>(dtype: K, length: number): ArrayOf[K] => makers[dtype](length);

/** Numbers (or an array that already fits) as the typed array of `dtype`; nothing is copied when the type is right. */
export function toData(dtype: DType, values: TensorData | readonly number[]): TensorData {
  // Not by the constructor's name: Node's buffers are byte arrays too, and copying a model's bytes one by one takes a second.
  const Form = allocate(dtype, 0).constructor as new () => TensorData;
  if (values instanceof Form) return values;
  const source = values as ArrayLike<number | bigint>;
  if (dtype === 'int64') return BigInt64Array.from({ length: source.length }, (_, i) => BigInt(source[i]!));
  const data = allocate(dtype as Exclude<DType, 'int64'>, source.length);
  for (let i = 0; i < source.length; i++) data[i] = Number(source[i]!);
  return data;
}
