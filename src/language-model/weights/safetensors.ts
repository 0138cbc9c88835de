/** The safetensors format: a JSON header and raw tensors. Every number of it is checked before it is used. */
import { l10n } from '../../base/l10n.ts';
import type { FileFolder, RandomAccessFile } from '../../base/randomAccess.ts';
import { fromUtf8, toUtf8 } from '../../base/utf8.ts';
import { bfloatsToFloats, halvesToFloats } from './float16.ts';
import { encodeValues } from './quantise.ts';
import {
  closeOnError,
  countElements,
  MAX_DIMENSIONS,
  MAX_TENSORS,
  refuse,
  refuseOverlap,
  type TensorFile,
  type TensorInfo,
} from './tensorFile.ts';

/** The format's own limit on the header. */
const MAX_HEADER = 100_000_000;
const BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};
const READABLE = new Set(['F32', 'F16', 'BF16']);

/** Checks the whole header; the file is closed when that fails. Source of the layout: huggingface/safetensors README, “Format”. */
export const openSafetensors = (file: RandomAccessFile): Promise<TensorFile> =>
  closeOnError(file, () => readTensorFile(file));

async function readTensorFile(file: RandomAccessFile): Promise<TensorFile> {
  const header = await readHeader(file);
  const dataStart = header.end;
  const tensors = new Map<string, TensorInfo>();
  for (const [name, value] of Object.entries(header.json)) {
    if (name === '__metadata__') continue;
    tensors.set(name, checkTensor(file, name, value, dataStart));
    if (tensors.size > MAX_TENSORS)
      throw refuse(
        file,
        l10n.t('The file claims to hold more than {0} tensors: it is damaged. Download it again.', MAX_TENSORS),
      );
  }
  refuseOverlap(file, tensors.values());
  return { path: file.path, tensors, read: name => readTensor(file, tensors, name), close: () => file.close() };
}

async function readHeader(file: RandomAccessFile): Promise<{ json: Record<string, unknown>; end: number }> {
  if (file.size < 8) throw refuse(file, l10n.t('The file is too short to be a safetensors file. Download it again.'));
  const start = await file.read(0, 8);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length < 2n || length > BigInt(MAX_HEADER) || length > BigInt(file.size - 8)) {
    throw refuse(
      file,
      l10n.t(
        'The header claims a length of {0} bytes in a file of {1}: it is truncated or no safetensors file. Download it again.',
        String(length),
        file.size,
      ),
    );
  }
  const end = 8 + Number(length);
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(await file.read(8, Number(length)), { fatal: true }));
  } catch (cause) {
    throw refuse(
      file,
      l10n.t('The header of this safetensors file is not valid JSON: it is damaged. Download it again.'),
      cause,
    );
  }
  if (!isRecord(json))
    throw refuse(
      file,
      l10n.t('The header of this safetensors file is not a JSON object: it is damaged. Download it again.'),
    );
  return { json, end };
}

function checkTensor(file: RandomAccessFile, name: string, value: unknown, dataStart: number): TensorInfo {
  const bad = (what: string) =>
    refuse(file, l10n.t('Tensor “{0}”: {1}. The file is damaged; download it again.', name, what));
  if (!isRecord(value)) throw bad(l10n.t('its entry is not an object'));
  const { dtype, shape, data_offsets: offsets } = value;
  const size = typeof dtype === 'string' && Object.hasOwn(BYTES, dtype) ? BYTES[dtype] : undefined;
  if (typeof dtype !== 'string' || size === undefined) {
    throw refuse(
      file,
      l10n.t(
        'Tensor “{0}” has type {1}, which is not supported. Use a model saved as F32, F16 or BF16.',
        name,
        String(dtype),
      ),
    );
  }
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS)
    throw bad(l10n.t('its shape is not a list of at most {0} sizes', MAX_DIMENSIONS));
  const elements = countElements(shape);
  if (elements === undefined) throw bad(l10n.t('its shape [{0}] is impossible', shape.join(', ')));
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(o => Number.isSafeInteger(o) && o >= 0)) {
    throw bad(l10n.t('its data offsets are not two whole numbers'));
  }
  const [begin, end] = offsets as [number, number];
  if (end < begin || dataStart + end > file.size) {
    throw bad(l10n.t('its data ({0}–{1}) lie outside the file', begin, end));
  }
  if (end - begin !== elements * size) {
    throw bad(l10n.t('it has {0} bytes where its shape and type need {1}', end - begin, elements * size));
  }
  return { name, shape: shape as number[], type: dtype, elements, offset: dataStart + begin, byteLength: end - begin };
}

async function readTensor(
  file: RandomAccessFile,
  tensors: ReadonlyMap<string, TensorInfo>,
  name: string,
): Promise<Float32Array> {
  const info = tensors.get(name);
  if (!info)
    throw refuse(
      file,
      l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', name),
    );
  if (!READABLE.has(info.type)) {
    throw refuse(
      file,
      l10n.t(
        'Tensor “{0}” has type {1}, which is not supported. Use a model saved as F32, F16 or BF16.',
        name,
        info.type,
      ),
    );
  }
  const bytes = await file.read(info.offset, info.byteLength);
  if (info.type === 'F32') {
    const words = aligned(bytes, 4);
    return new Float32Array(words.buffer, words.byteOffset, info.elements);
  }
  const words = aligned(bytes, 2);
  const halves = new Uint16Array(words.buffer, words.byteOffset, info.elements);
  return info.type === 'F16' ? halvesToFloats(halves) : bfloatsToFloats(halves);
}

const aligned = (bytes: Uint8Array, size: number): Uint8Array =>
  bytes.byteOffset % size === 0 ? bytes : bytes.slice();

/** All tensor files of a Hugging Face folder: one `model.safetensors`, or the shards that its index names. */
export async function openSafetensorsFolder(folder: FileFolder): Promise<TensorFile> {
  const names = await folder.names();
  if (names.includes('model.safetensors.index.json')) return openShards(folder, names);
  if (names.includes('model.safetensors')) return openSafetensors(await folder.open('model.safetensors'));
  if (names.some(n => n.endsWith('.bin') || n.endsWith('.pt') || n.endsWith('.pth'))) {
    throw refuse(
      folder.path,
      l10n.t(
        'This folder holds weights as Python pickles, which could run code and are never opened. Use a model in safetensors or GGUF format.',
      ),
    );
  }
  throw refuse(
    folder.path,
    l10n.t('This folder has no model.safetensors. Choose the folder of a Hugging Face model, or a .gguf file.'),
  );
}

async function openShards(folder: FileFolder, names: readonly string[]): Promise<TensorFile> {
  const indexFile = await folder.open('model.safetensors.index.json');
  let weightMap: Record<string, unknown>;
  try {
    if (indexFile.size > MAX_HEADER)
      throw refuse(indexFile, l10n.t('The index is too large to be one. Download it again.'));
    const json: unknown = JSON.parse(fromUtf8(await indexFile.read(0, indexFile.size)));
    if (!isRecord(json) || !isRecord(json.weight_map)) throw new Error('no weight_map');
    weightMap = json.weight_map;
  } catch (cause) {
    throw refuse(indexFile, l10n.t('The index of the model’s parts cannot be read. Download it again.'), cause);
  } finally {
    await indexFile.close();
  }
  const shards = new Map<string, TensorFile>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  const tensors = await closeOnError({ close }, () => openAllShards(folder, names, weightMap, shards));
  return {
    path: folder.path,
    tensors,
    read: name => {
      const shard = weightMap[name];
      const file = typeof shard === 'string' ? shards.get(shard) : undefined;
      if (!file)
        throw refuse(
          folder.path,
          l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', name),
        );
      return file.read(name);
    },
    close,
  };
}

/** Opens what the index names, each part once, into `shards`; the tensors of all. */
async function openAllShards(
  folder: FileFolder,
  names: readonly string[],
  weightMap: Readonly<Record<string, unknown>>,
  shards: Map<string, TensorFile>,
): Promise<Map<string, TensorInfo>> {
  const tensors = new Map<string, TensorInfo>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !names.includes(shard)) {
      throw refuse(folder.path, l10n.t('Part “{0}” of the model is missing. Download the model again.', String(shard)));
    }
    let file = shards.get(shard);
    if (!file) {
      file = await openSafetensors(await folder.open(shard));
      shards.set(shard, file);
    }
    const info = file.tensors.get(tensor);
    if (!info)
      throw refuse(
        file.path,
        l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', tensor),
      );
    tensors.set(tensor, info);
  }
  return tensors;
}

export interface TensorToWrite {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * The bytes of a safetensors file, in pieces to be written one after the other. Tensors are sorted by name, so that the
 * same weights give the same bytes.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  type: 'F32' | 'F16' | 'BF16' = 'F32',
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array[] {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const shapes = new Map(sorted.map(([name, { shape }]) => [name, shape]));
  const pieces = sorted.map(([name, { shape, values }]) => {
    if (countElements(shape) !== values.length)
      throw new RangeError(`${name}: shape [${shape}] does not fit ${values.length} values`);
    return encodeValues(values, type);
  });
  return [encodeSafetensorsHeader(shapes, type, metadata), ...pieces];
}

/** All that stands before the tensors' bytes, which follow in the order of `shapes` without gaps. `type`: of all, or of each name. */
export function encodeSafetensorsHeader(
  shapes: ReadonlyMap<string, readonly number[]>,
  type: 'F32' | 'F16' | 'BF16' | ReadonlyMap<string, 'F32' | 'U8'>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, shape] of shapes) {
    const dtype = typeof type === 'string' ? type : type.get(name)!;
    const end = offset + shape.reduce((a, b) => a * b, 1) * BYTES[dtype]!;
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  let json = JSON.stringify(header);
  // Data begin at a multiple of 8, as the reference writer does.
  json += ' '.repeat((8 - (toUtf8(json).length % 8)) % 8);
  const text = toUtf8(json);
  const start = new Uint8Array(8 + text.length);
  new DataView(start.buffer).setBigUint64(0, BigInt(text.length), true);
  start.set(text, 8);
  return start;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
