/** The bytes of a GGUF file (version 3): a header of metadata and tensor sizes, then tensors one after the other. */
import { toUtf8 } from '../../base/utf8.ts';
import { encodeValues, type WrittenType, writtenBlocks } from './quantise.ts';
import { countElements } from './tensorFile.ts';

/** A value of the metadata. Whole numbers are written as uint32, others as float32; lists by the type of their array. */
export type GgufEntry =
  | string
  | boolean
  | number
  | { readonly float: number }
  | readonly string[]
  | Int32Array
  | Float32Array;

export interface GgufTensorPlan {
  /** GGUF's name. */
  readonly name: string;
  /** Row-major, outermost first. */
  readonly shape: readonly number[];
  readonly type: WrittenType;
}

/** Data begin at multiples of this, the format's default. */
const ALIGNMENT = 32;
const typeNumbers: { readonly [K in WrittenType]: number } = { F32: 0, F16: 1, Q8_0: 8, BF16: 30 };

export const tensorBytes = ({ shape, type }: Pick<GgufTensorPlan, 'shape' | 'type'>): number => {
  const { block, bytes } = writtenBlocks[type];
  return ((countElements(shape) ?? 0) / block) * bytes;
};

/** Everything before the tensors' data, padded to where these begin. Source of the layout: ggml docs/gguf.md. */
export function encodeGgufHeader(
  metadata: ReadonlyMap<string, GgufEntry>,
  tensors: readonly GgufTensorPlan[],
): Uint8Array {
  const pieces = [toUtf8('GGUF'), u32(3), u64(tensors.length), u64(metadata.size)];
  for (const [key, value] of metadata) pieces.push(text(key), ...entry(value));
  let offset = 0;
  for (const tensor of tensors) {
    const { name, shape, type } = tensor;
    if (shape.at(-1)! % writtenBlocks[type].block !== 0) throw new RangeError(`${name}: rows of no whole blocks`);
    pieces.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(typeNumbers[type]), u64(offset));
    offset += padded(tensorBytes(tensor));
  }
  return joined(pieces, ALIGNMENT);
}

/** One tensor's bytes, padded to where the next begins. */
export function encodeGgufTensor(values: Float32Array, type: WrittenType): Uint8Array {
  const bytes = encodeValues(values, type);
  return bytes.length % ALIGNMENT === 0 ? bytes : joined([bytes], ALIGNMENT);
}

const padded = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
const u32 = (value: number): Uint8Array => little(4, view => view.setUint32(0, value, true));
const u64 = (value: number): Uint8Array => little(8, view => view.setBigUint64(0, BigInt(value), true));

function little(size: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  set(new DataView(bytes.buffer));
  return bytes;
}

function text(value: string): Uint8Array {
  const bytes = toUtf8(value);
  return joined([u64(bytes.length), bytes]);
}

const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

function entry(value: GgufEntry): Uint8Array[] {
  if (typeof value === 'string') return [u32(STRING), text(value)];
  if (typeof value === 'boolean') return [u32(BOOL), Uint8Array.of(value ? 1 : 0)];
  if (typeof value === 'number') return [u32(UINT32), u32(value)];
  if (value instanceof Int32Array)
    return list(
      INT32,
      [...value].map(n => little(4, view => view.setInt32(0, n, true))),
    );
  if (value instanceof Float32Array) return list(FLOAT32, [...value].map(float));
  return 'float' in value ? [u32(FLOAT32), float(value.float)] : list(STRING, value.map(text));
}

const float = (value: number): Uint8Array => little(4, view => view.setFloat32(0, value, true));
const list = (element: number, items: readonly Uint8Array[]): Uint8Array[] => [
  u32(ARRAY),
  u32(element),
  u64(items.length),
  joined(items),
];

/** The pieces as one array, filled up with zeros to a multiple of `alignment`. */
function joined(pieces: readonly Uint8Array[], alignment = 1): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const bytes = new Uint8Array(Math.ceil(length / alignment) * alignment);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
