/** From float32 to the types that model files are written in: plain halves, and blocks of eight bits. */
import { floatToBfloat, floatToHalf } from './float16.ts';

/** Types that weights can be written as, in both formats or in GGUF alone (Q8_0). */
export type WrittenType = 'F32' | 'F16' | 'BF16' | 'Q8_0';

/** Values of a row in a block and its bytes. */
export const writtenBlocks: { readonly [K in WrittenType]: { readonly block: number; readonly bytes: number } } = {
  F32: { block: 1, bytes: 4 },
  F16: { block: 1, bytes: 2 },
  BF16: { block: 1, bytes: 2 },
  Q8_0: { block: 32, bytes: 34 },
};

/** The bytes of `values`, whole blocks of the type. F32 is a view of the same memory. */
export function encodeValues(values: Float32Array, type: WrittenType): Uint8Array {
  if (type === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === 'Q8_0') return encodeQ8_0(values);
  const convert = type === 'F16' ? floatToHalf : floatToBfloat;
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = convert(values[i]!);
  return new Uint8Array(halves.buffer);
}

/** d = max|x|/127 as a half, then x/d rounded to nearest, ties away from zero. Source: ggml `quantize_row_q8_0_ref`. */
function encodeQ8_0(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array((values.length / 32) * 34);
  for (let block = 0, at = 0; block < values.length; block += 32, at += 34) {
    let most = 0;
    for (let i = 0; i < 32; i++) most = Math.max(most, Math.abs(values[block + i]!));
    const d = Math.fround(most / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    const half = floatToHalf(d);
    bytes[at] = half & 255;
    bytes[at + 1] = half >> 8;
    for (let i = 0; i < 32; i++) {
      const scaled = Math.fround(values[block + i]! * inverse);
      bytes[at + 2 + i] = Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5);
    }
  }
  return bytes;
}
