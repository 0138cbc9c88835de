/** Half-precision floats, IEEE binary16 and bfloat16, to and from float32. */

let table: Float32Array | undefined;

/** All 65536 halves as float32. */
function halfTable(): Float32Array {
  if (table) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    table[bits] =
      exponent === 0
        ? sign * fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? Number.NaN
            : sign * Number.POSITIVE_INFINITY
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

export const halfToFloat = (bits: number): number => halfTable()[bits]!;

export function halvesToFloats(halves: Uint16Array, into = new Float32Array(halves.length)): Float32Array {
  const values = halfTable();
  for (let i = 0; i < halves.length; i++) into[i] = values[halves[i]!]!;
  return into;
}

export function bfloatsToFloats(values: Uint16Array, into = new Float32Array(values.length)): Float32Array {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
  for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16;
  return into;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Rounded to nearest, ties to even, as IEEE 754 and PyTorch do. */
export function floatToBfloat(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Rounded to nearest, ties to even; too large becomes infinity. */
export function floatToHalf(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 255;
  const fraction = bits & 0x7fffff;
  if (exponent === 255) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  const e = exponent - 112;
  if (e >= 31) return sign | 0x7c00;
  if (e <= 0) {
    if (e < -10) return sign;
    const full = fraction | 0x800000;
    return sign | roundShift(full, 14 - e);
  }
  // A carry out of the fraction rightly raises the exponent, up to infinity.
  return sign | ((e << 10) + roundShift(fraction, 13));
}

function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && kept & 1) ? kept + 1 : kept;
}
