/** A model's weights in fewer bits: made from float32 ones, and kept in a file so that it needs to be done once. */
import type { RandomAccessFile } from '../base/randomAccess.ts';
import type { ModelConfig } from './config.ts';
import { embeddingName, fanInFanOut, linearLayers, modelParameters, outputMatrixName } from './model.ts';
import {
  blockCount,
  type DecoderWeights,
  isQuantised,
  type QuantisedMatrix,
  quantiseMatrix,
  rowBytes,
  type WeightPrecision,
} from './quantise.ts';
import { encodeSafetensorsHeader, openSafetensors } from './weights/safetensors.ts';
import type { TensorFile } from './weights/tensorFile.ts';

/** The matrices that a precision quantises: name → bits. The embedding and the output matrix keep 8. */
function bitsOf(config: ModelConfig, precision: WeightPrecision): Map<string, 4 | 8> {
  const bits = new Map<string, 4 | 8>();
  if (precision === 'float32') return bits;
  for (const path of linearLayers(config).keys()) bits.set(`${path}.weight`, precision === 'int4' ? 4 : 8);
  bits.set(outputMatrixName(config), 8);
  bits.set(embeddingName(config), 8);
  return bits;
}

/** Float32 matrices of linear layers, embedding and head in fewer bits; vectors, and what is quantised already, as they are. */
export function quantiseWeights(
  config: ModelConfig,
  weights: DecoderWeights,
  precision: WeightPrecision,
): Map<string, Float32Array | QuantisedMatrix> {
  const result = new Map(weights);
  const shapes = modelParameters(config);
  const layers = linearLayers(config);
  for (const [name, bits] of bitsOf(config, precision)) {
    const weight = weights.get(name);
    const shape = shapes.get(name);
    if (!weight || !shape || isQuantised(weight)) continue;
    const transposed = fanInFanOut(config) && layers.has(name.slice(0, -'.weight'.length));
    const [first, second] = shape as readonly [number, number];
    const [rows, columns] = transposed ? [second, first] : [first, second];
    result.set(name, quantiseMatrix(weight, rows, columns, bits, transposed));
  }
  return result;
}

const SCALES = '.scales';
const ZEROS = '.zeros';

/**
 * The bytes of a safetensors file with these weights, in pieces to be written one after the other: a matrix in fewer bits
 * is `name` (rows, blocks, bytes) as U8 with `name.scales` and, for 4 bits, `name.zeros` beside it.
 */
export function encodeQuantised(weights: DecoderWeights, metadata: Readonly<Record<string, string>>): Uint8Array[] {
  const tensors: { name: string; type: 'F32' | 'U8'; shape: readonly number[]; bytes: Uint8Array }[] = [];
  const floats = (name: string, shape: readonly number[], { buffer, byteOffset, byteLength }: Float32Array): void => {
    tensors.push({ name, type: 'F32', shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) });
  };
  for (const [name, weight] of weights) {
    if (!isQuantised(weight)) {
      floats(name, [weight.length], weight);
      continue;
    }
    const { rows, bits, blockSize, data, scales, zeros } = weight;
    const blocks = blockCount(weight);
    tensors.push({ name, type: 'U8', shape: [rows, blocks, (blockSize * bits) / 8], bytes: data });
    floats(name + SCALES, [rows, blocks], scales);
    if (zeros) tensors.push({ name: name + ZEROS, type: 'U8', shape: [rows, zeros.length / rows], bytes: zeros });
  }
  // Wide numbers first, so that each lies at a multiple of its size.
  tensors.sort((a, b) => a.type.localeCompare(b.type) || (a.name < b.name ? -1 : 1));
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  const types = new Map(tensors.map(({ name, type }) => [name, type]));
  return [encodeSafetensorsHeader(shapes, types, metadata), ...tensors.map(({ bytes }) => bytes)];
}

/** What `encodeQuantised` wrote for this model. Throws when the file is not whole or holds another model's weights. */
export async function readQuantised(
  file: RandomAccessFile,
  config: ModelConfig,
  precision: Exclude<WeightPrecision, 'float32'>,
): Promise<Map<string, Float32Array | QuantisedMatrix>> {
  const tensors = await openSafetensors(file);
  const bits = bitsOf(config, precision);
  const layers = linearLayers(config);
  const weights = new Map<string, Float32Array | QuantisedMatrix>();
  for (const [name, shape] of modelParameters(config)) {
    const matrixBits = bits.get(name);
    if (matrixBits === undefined) {
      const values = await tensors.read(name);
      expect(values.length === shape.reduce((a, b) => a * b, 1), name);
      weights.set(name, values);
      continue;
    }
    const swap = fanInFanOut(config) && layers.has(name.slice(0, -'.weight'.length));
    const [rows, columns] = (swap ? [...shape].reverse() : shape) as readonly [number, number];
    weights.set(name, await readMatrix(file, tensors, name, { bits: matrixBits, rows, columns }));
  }
  return weights;
}

async function readMatrix(
  file: RandomAccessFile,
  tensors: TensorFile,
  name: string,
  { bits, rows, columns }: Pick<QuantisedMatrix, 'bits' | 'rows' | 'columns'>,
): Promise<QuantisedMatrix> {
  const bytes = async (tensor: string): Promise<Uint8Array> => {
    const info = tensors.tensors.get(tensor);
    expect(info?.type === 'U8', tensor);
    return file.read(info!.offset, info!.byteLength);
  };
  const blockSize = ((tensors.tensors.get(name)?.shape[2] ?? 0) * 8) / bits;
  const matrix = { bits, blockSize, rows, columns };
  expect(blockSize > 0, name);
  const scales = await tensors.read(name + SCALES);
  const data = await bytes(name);
  const zeros = bits === 4 ? await bytes(name + ZEROS) : undefined;
  const size = rowBytes(matrix);
  expect(scales.length === rows * blockCount(matrix) && data.length === rows * size.data, name);
  expect(!zeros || zeros.length === rows * size.zeros, name);
  return { ...matrix, data, scales, ...(zeros ? { zeros } : {}) };
}

function expect(condition: boolean, name: string): void {
  if (!condition) throw new Error(`the quantised weight ${name} does not fit the model`);
}
