/** The block formats of GGUF as float32. Layouts: ggml-common.h; blocks of 32 or 256 values along the innermost dimension. */
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

/** d·(q − 16); bit i of the four bytes before the nibbles is the fifth bit of value i. */
function decodeQ5_0(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, at = 0; block < out.length; block += 32, at += 22) {
    const d = half(bytes, at);
    decodeFiveBits(bytes, at + 2, out, block, d, -16 * d);
  }
}

/** d·q + m, bits as in Q5_0. */
function decodeQ5_1(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, at = 0; block < out.length; block += 32, at += 24) {
    decodeFiveBits(bytes, at + 4, out, block, half(bytes, at), half(bytes, at + 2));
  }
}

function decodeFiveBits(bytes: Uint8Array, at: number, out: Float32Array, block: number, d: number, m: number): void {
  const high = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 4 + i]!;
    out[block + i] = d * ((pair & 15) | (((high >>> i) & 1) << 4)) + m;
    out[block + 16 + i] = d * ((pair >> 4) | (((high >>> (16 + i)) & 1) << 4)) + m;
  }
}

/** Scale and minimum, six bits each, of the eight runs of 32 in a block of 256: twelve bytes at `at`. */
function sixBitScales(bytes: Uint8Array, at: number, run: number): readonly [number, number] {
  if (run < 4) return [bytes[at + run]! & 63, bytes[at + 4 + run]! & 63];
  const low = bytes[at + 4 + run]!;
  return [(low & 15) | ((bytes[at + run - 4]! >> 6) << 4), (low >> 4) | ((bytes[at + run]! >> 6) << 4)];
}

/** d·scale·q − dmin·minimum; run 2j has the low nibbles of the j-th 32 bytes, run 2j + 1 the high ones. */
function decodeQ4_K(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, at = 0; block < out.length; block += 256, at += 144) {
    decodeRuns(bytes, at, at + 16, undefined, out, block);
  }
}

/** As Q4_K; bit j of the i-th of the 32 bytes before the nibbles is the fifth bit of value i of run j. */
function decodeQ5_K(bytes: Uint8Array, out: Float32Array): void {
  for (let block = 0, at = 0; block < out.length; block += 256, at += 176) {
    decodeRuns(bytes, at, at + 48, at + 16, out, block);
  }
}

function decodeRuns(
  bytes: Uint8Array,
  at: number,
  nibbles: number,
  fifthBits: number | undefined,
  out: Float32Array,
  block: number,
): void {
  const d = half(bytes, at);
  const dmin = half(bytes, at + 2);
  for (let run = 0; run < 8; run++) {
    const [scale, minimum] = sixBitScales(bytes, at + 4, run);
    const [step, start] = [d * scale, dmin * minimum];
    const from = nibbles + 32 * (run >> 1);
    const shift = run % 2 === 0 ? 0 : 4;
    for (let i = 0; i < 32; i++) {
      const fifth = fifthBits === undefined ? 0 : ((bytes[fifthBits + i]! >> run) & 1) << 4;
      out[block + 32 * run + i] = step * (((bytes[from + i]! >> shift) & 15) | fifth) - start;
    }
  }
}

/**
 * d·scale·(q − 32), a signed scale for each 16 values. A half of 128 values has four runs of 32: nibbles of bytes 0–31 low,
 * 32–63 low, 0–31 high, 32–63 high, and two bits each of 32 bytes on top.
 */
function decodeQ6_K(bytes: Uint8Array, out: Float32Array): void {
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let block = 0, at = 0; block < out.length; block += 256, at += 210) {
    const d = half(bytes, at + 208);
    for (let part = 0; part < 8; part++) {
      const [side, run] = [part >> 2, part & 3];
      const low = at + 64 * side + 32 * (run & 1);
      const high = at + 128 + 32 * side;
      for (let i = 0; i < 32; i++) {
        const q = ((bytes[low + i]! >> (run < 2 ? 0 : 4)) & 15) | (((bytes[high + i]! >> (2 * run)) & 3) << 4);
        out[block + 32 * part + i] = d * signed[at + 192 + 2 * part + (i >> 4)]! * (q - 32);
      }
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
  [6, { name: 'Q5_0', block: 32, bytes: 22, decode: decodeQ5_0 }],
  [7, { name: 'Q5_1', block: 32, bytes: 24, decode: decodeQ5_1 }],
  [8, { name: 'Q8_0', block: 32, bytes: 34, decode: decodeQ8_0 }],
  [10, { name: 'Q2_K', block: 256, bytes: 84 }],
  [11, { name: 'Q3_K', block: 256, bytes: 110 }],
  [12, { name: 'Q4_K', block: 256, bytes: 144, decode: decodeQ4_K }],
  [13, { name: 'Q5_K', block: 256, bytes: 176, decode: decodeQ5_K }],
  [14, { name: 'Q6_K', block: 256, bytes: 210, decode: decodeQ6_K }],
  [30, { name: 'BF16', block: 1, bytes: 2, decode: decodeBF16 }],
]);
