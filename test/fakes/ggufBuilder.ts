/** Writes GGUF files for tests, also broken ones: every number of the header can be given as it should not be. */
import { join } from './memoryFile.ts';

export type Meta =
  | { readonly type: 'u32'; readonly value: number }
  | { readonly type: 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'i32s'; readonly value: readonly number[] }
  | { readonly type: 'f32s'; readonly value: readonly number[] };

export interface GgufTensor {
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly (number | bigint)[];
  /** ggml's type number. */
  readonly type: number;
  readonly bytes: Uint8Array;
  /** Default: after the tensor before. */
  readonly offset?: bigint;
}

export interface GgufParts {
  readonly magic?: string;
  readonly version?: number;
  readonly metadata?: Readonly<Record<string, Meta>>;
  readonly tensors?: readonly GgufTensor[];
  readonly tensorCount?: bigint;
  readonly keyCount?: bigint;
}

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number | bigint) => new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(value))).buffer);
const f32 = (value: number) => new Uint8Array(Float32Array.of(value).buffer);
const raw = (text: string) => new TextEncoder().encode(text);
export const ggufString = (text: string): Uint8Array => join(u64(raw(text).length), raw(text));

function meta(value: Meta): Uint8Array {
  switch (value.type) {
    case 'u32':
      return join(u32(4), u32(value.value));
    case 'f32':
      return join(u32(6), f32(value.value));
    case 'bool':
      return join(u32(7), Uint8Array.of(value.value ? 1 : 0));
    case 'string':
      return join(u32(8), ggufString(value.value));
    case 'strings':
      return join(u32(9), u32(8), u64(value.value.length), ...value.value.map(ggufString));
    case 'i32s':
      return join(u32(9), u32(5), u64(value.value.length), new Uint8Array(Int32Array.from(value.value).buffer));
    case 'f32s':
      return join(u32(9), u32(6), u64(value.value.length), new Uint8Array(Float32Array.from(value.value).buffer));
  }
}

export function buildGguf(parts: GgufParts): Uint8Array {
  const { metadata = {}, tensors = [] } = parts;
  const keys = Object.entries(metadata);
  let next = 0n;
  const infos: Uint8Array[] = [];
  const data: Uint8Array[] = [];
  for (const tensor of tensors) {
    const offset = tensor.offset ?? next;
    infos.push(
      join(
        ggufString(tensor.name),
        u32(tensor.shape.length),
        ...[...tensor.shape].reverse().map(u64),
        u32(tensor.type),
        u64(offset),
      ),
    );
    const padding = (32 - (tensor.bytes.length % 32)) % 32;
    data.push(tensor.bytes, new Uint8Array(padding));
    next += BigInt(tensor.bytes.length + padding);
  }
  const header = join(
    raw(parts.magic ?? 'GGUF'),
    u32(parts.version ?? 3),
    u64(parts.tensorCount ?? tensors.length),
    u64(parts.keyCount ?? keys.length),
    ...keys.map(([key, value]) => join(ggufString(key), meta(value))),
    ...infos,
  );
  return join(header, new Uint8Array((32 - (header.length % 32)) % 32), ...data);
}

export const floatBytes = (values: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
