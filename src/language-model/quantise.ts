/** Weights in 8 or 4 bits: each row of a matrix in blocks, each block with a scale of its own. */

/** What a decoder's matrices are held in: `int4` has 4 bits in the linear layers and 8 in the embedding and output matrix. */
export type WeightPrecision = 'float32' | 'int8' | 'int4';

/** A matrix (rows = out, columns = in) in the layout that ONNX Runtime's `MatMulNBits` reads: w ≈ scale·(q − zero). */
export interface QuantisedMatrix {
  readonly bits: 4 | 8;
  /** Neighbouring columns that share a scale. The last block of a row is filled up with zeros. */
  readonly blockSize: number;
  readonly rows: number;
  readonly columns: number;
  /** (rows, blocks, blockSize·bits/8); of two 4-bit numbers in a byte the lower half comes first. */
  readonly data: Uint8Array;
  /** (rows, blocks) */
  readonly scales: Float32Array;
  /** (rows, ⌈blocks·bits/8⌉), packed like `data`. Absent: 2^(bits − 1) everywhere. */
  readonly zeros?: Uint8Array;
}

/** Hugging Face's names → arrays as they are, or matrices in fewer bits. */
export type DecoderWeights = ReadonlyMap<string, Float32Array | QuantisedMatrix>;

export const isQuantised = (weight: Float32Array | QuantisedMatrix): weight is QuantisedMatrix =>
  !(weight instanceof Float32Array);

export const blockCount = ({ columns, blockSize }: Pick<QuantisedMatrix, 'columns' | 'blockSize'>): number =>
  Math.ceil(columns / blockSize);

/** Bytes of a row's data and of its zero points. */
export const rowBytes = (matrix: Pick<QuantisedMatrix, 'bits' | 'columns' | 'blockSize'>) => ({
  data: (blockCount(matrix) * matrix.blockSize * matrix.bits) / 8,
  zeros: Math.ceil((blockCount(matrix) * matrix.bits) / 8),
});

/**
 * Inputs of products are rounded to 8 bits in the same blocks, so that large values spoil few others: with blocks of 64 a
 * 135M model lost three times as much.
 */
const BLOCK = 32;

/**
 * weights (rows, columns) row-major, or (columns, rows) when `transposed`, rounded to the nearest of 255 numbers symmetric
 * about 0 (8 bits), or of 16 that span each block and include 0 (4 bits).
 */
export function quantiseMatrix(
  weights: Float32Array,
  rows: number,
  columns: number,
  bits: 4 | 8,
  transposed = false,
): QuantisedMatrix {
  if (weights.length !== rows * columns)
    throw new RangeError(`${weights.length} weights are no ${rows}×${columns} matrix`);
  const blockSize = BLOCK;
  const blocks = blockCount({ columns, blockSize });
  const bytes = rowBytes({ bits, columns, blockSize });
  const data = new Uint8Array(rows * bytes.data);
  const scales = new Float32Array(rows * blocks);
  const zeros = bits === 4 ? new Uint8Array(rows * bytes.zeros) : undefined;
  const row = new Float32Array(blocks * blockSize);
  for (let r = 0; r < rows; r++) {
    if (transposed) for (let c = 0; c < columns; c++) row[c] = weights[c * rows + r]!;
    else row.set(weights.subarray(r * columns, (r + 1) * columns));
    for (let b = 0; b < blocks; b++) {
      const block = row.subarray(b * blockSize, (b + 1) * blockSize);
      const into = data.subarray(r * bytes.data + (b * blockSize * bits) / 8);
      if (!zeros) scales[r * blocks + b] = symmetricBytes(block, into);
      else {
        const { scale, zero } = spanningNibbles(block, into);
        scales[r * blocks + b] = scale;
        zeros[r * bytes.zeros + (b >> 1)]! |= zero << (4 * (b & 1));
      }
    }
  }
  return { bits, blockSize, rows, columns, data, scales, ...(zeros ? { zeros } : {}) };
}

/** Writes 128 + round(w/scale) and returns the scale, max|w|/127. */
function symmetricBytes(block: Float32Array, into: Uint8Array): number {
  let most = 0;
  for (let i = 0; i < block.length; i++) most = Math.max(most, Math.abs(block[i]!));
  const scale = Math.fround(most / 127);
  const inverse = scale > 0 ? 1 / scale : 0;
  for (let i = 0; i < block.length; i++) into[i] = 128 + Math.max(-127, Math.min(127, Math.round(block[i]! * inverse)));
  return scale;
}

/** Writes zero + round(w/scale) into half bytes; scale and zero make 0 … 15 reach from the least (or 0) to the most (or 0). */
function spanningNibbles(block: Float32Array, into: Uint8Array): { scale: number; zero: number } {
  let least = 0;
  let most = 0;
  for (let i = 0; i < block.length; i++) {
    const w = block[i]!;
    if (w < least) least = w;
    else if (w > most) most = w;
  }
  const scale = Math.fround((most - least) / 15);
  const inverse = scale > 0 ? 1 / scale : 0;
  const zero = Math.round(-least * inverse);
  for (let i = 0; i < block.length; i++) {
    const q = Math.max(0, Math.min(15, zero + Math.round(block[i]! * inverse)));
    into[i >> 1]! |= q << (4 * (i & 1));
  }
  return { scale, zero };
}

/** The matrix that the quantised one stands for: (rows, columns). */
export function dequantiseMatrix(matrix: QuantisedMatrix): Float32Array {
  const { bits, blockSize, rows, columns, data, scales, zeros } = matrix;
  const blocks = blockCount(matrix);
  const bytes = rowBytes(matrix);
  const weights = new Float32Array(rows * columns);
  const number = (from: Uint8Array, at: number): number =>
    bits === 8 ? from[at]! : (from[at >> 1]! >> (4 * (at & 1))) & 15;
  for (let r = 0; r < rows; r++) {
    const rowData = data.subarray(r * bytes.data, (r + 1) * bytes.data);
    const rowZeros = zeros?.subarray(r * bytes.zeros, (r + 1) * bytes.zeros);
    for (let c = 0; c < columns; c++) {
      const b = Math.floor(c / blockSize);
      const zero = rowZeros ? number(rowZeros, b) : 1 << (bits - 1);
      weights[r * columns + c] = scales[r * blocks + b]! * (number(rowData, c) - zero);
    }
  }
  return weights;
}

/** Matrices of the same columns, blocks and bits, one below the other. */
export function stackQuantised(matrices: readonly QuantisedMatrix[]): QuantisedMatrix {
  const [first] = matrices;
  if (!first || matrices.some(({ bits, blockSize, columns }) => !sameLayout(first, { bits, blockSize, columns }))) {
    throw new Error('only matrices of one layout can be stacked');
  }
  if (matrices.length === 1) return first;
  return {
    ...first,
    rows: matrices.reduce((n, { rows }) => n + rows, 0),
    data: joined(
      matrices.map(({ data }) => data),
      length => new Uint8Array(length),
    ),
    scales: joined(
      matrices.map(({ scales }) => scales),
      length => new Float32Array(length),
    ),
    ...(first.zeros
      ? {
          zeros: joined(
            matrices.map(({ zeros }) => zeros!),
            length => new Uint8Array(length),
          ),
        }
      : {}),
  };
}

function joined<T extends Uint8Array | Float32Array>(parts: readonly T[], make: (length: number) => T): T {
  const whole = make(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const sameLayout = (
  a: Pick<QuantisedMatrix, 'bits' | 'blockSize' | 'columns'>,
  b: Pick<QuantisedMatrix, 'bits' | 'blockSize' | 'columns'>,
): boolean => a.bits === b.bits && a.blockSize === b.blockSize && a.columns === b.columns;
