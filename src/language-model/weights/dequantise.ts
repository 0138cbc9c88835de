/** The block formats of GGUF as float32. Layouts: ggml-common.h; blocks of 32 values along the innermost dimension. */
import { halfToFloat } from './float16.ts';

export interface BlockType {
  readonly name: string;
  /** Values in a block and its bytes. */
  readonly block: number;
  readonly bytes: number;
  /** Fills `out` (whole blocks). Absent: the size is known, the values are not read yet. */
  readonly decode?: (bytes: Uint8Array, out: Float32Array) => void;
}

const half = (bytes: Uint8Array, at: number): number => halfToFloat(bytes[at]! | (bytes[at + 1]! << 8));

/** d·q, q a signed byte. */
function decodeQ8_0(bytes: Uint8Array, out: Float32Array): void {
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let block = 0, at = 0; block < out.length; block += 32, at += 34) {
    const d = half(bytes, at);
    for (let i = 0; i < 32; i++) out[block + i] = d * signed[at + 2 + i]!;
  }
}

/** d·(q − 8); the low nibbles are values 0–15 of the block, the high ones 16–31. */
function decodeQ4_0(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, at = 0; block < out.length; block += 32, at += 18) {
    const d = half(bytes, at);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 2 + i]!;
      out[block + i] = d * ((pair & 15) - 8);
      out[block + 16 + i] = d * ((pair >> 4) - 8);
    }
  }
}

/** d·q + m, nibbles as in Q4_0. */
function decodeQ4_1(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, at = 0; block < out.length; block += 32, at += 20) {
    const d = half(bytes, at);
    const m = half(bytes, at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 4 + i]!;
      out[block + i] = d * (pair & 15) + m;
      out[block + 16 + i] = d * (pair >> 4) + m;
    }
  }
}

function decodeF32(bytes: Uint8Array, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
}

function decodeF16(bytes: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = half(bytes, 2 * i);
}

function decodeBF16(bytes: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < out.length; i++) bits[i] = ((bytes[2 * i]! | (bytes[2 * i + 1]! << 8)) << 16) >>> 0;
}

/** By ggml's type number. */
export const blockTypes: ReadonlyMap<number, BlockType> = new Map<number, BlockType>([
  [0, { name: 'F32', block: 1, bytes: 4, decode: decodeF32 }],
  [1, { name: 'F16', block: 1, bytes: 2, decode: decodeF16 }],
  [2, { name: 'Q4_0', block: 32, bytes: 18, decode: decodeQ4_0 }],
  [3, { name: 'Q4_1', block: 32, bytes: 20, decode: decodeQ4_1 }],
  [6, { name: 'Q5_0', block: 32, bytes: 22 }],
  [7, { name: 'Q5_1', block: 32, bytes: 24 }],
  [8, { name: 'Q8_0', block: 32, bytes: 34, decode: decodeQ8_0 }],
  [10, { name: 'Q2_K', block: 256, bytes: 84 }],
  [11, { name: 'Q3_K', block: 256, bytes: 110 }],
  [12, { name: 'Q4_K', block: 256, bytes: 144 }],
  [13, { name: 'Q5_K', block: 256, bytes: 176 }],
  [14, { name: 'Q6_K', block: 256, bytes: 210 }],
  [30, { name: 'BF16', block: 1, bytes: 2, decode: decodeBF16 }],
]);
