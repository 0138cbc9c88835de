/** The GGUF format (versions 2 and 3): metadata and tensors, plain or quantised. Every number is checked before it is used. */
import { l10n } from '../../base/l10n.ts';
import type { RandomAccessFile } from '../../base/randomAccess.ts';
import { fromUtf8 } from '../../base/utf8.ts';
import { blockTypes } from './dequantise.ts';
import { countElements, MAX_TENSORS, refuse, refuseOverlap, type TensorFile, type TensorInfo } from './tensorFile.ts';

export type GgufValue = number | bigint | boolean | string | GgufArray;
export type GgufArray = readonly (number | bigint | boolean | string | GgufArray)[];
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** Tensors carry GGUF's own names; shapes are row-major, that is ggml's dimensions reversed. */
export interface GgufFile extends TensorFile {
  readonly metadata: GgufMetadata;
}

const MAX_KEYS = 100_000;
const MAX_ARRAY = 10_000_000;
const MAX_STRING = 64 * 1024 * 1024;
const MAX_NESTING = 4;
/** ggml's own limit. */
const MAX_GGUF_DIMENSIONS = 4;

/** Opens a file and checks its whole header. Source of the layout: ggml docs/gguf.md. */
export async function openGguf(file: RandomAccessFile): Promise<GgufFile> {
  const reader = new Reader(file);
  const magic = file.size >= 24 ? await reader.bytes(4) : new Uint8Array(4);
  if (fromUtf8(magic) !== 'GGUF')
    throw refuse(file, l10n.t('This is not a GGUF file. Choose a .gguf file or the folder of a Hugging Face model.'));
  const version = await reader.uint32();
  if (version !== 2 && version !== 3) {
    throw refuse(
      file,
      l10n.t(
        'This GGUF file has version {0}; versions 2 and 3 (little-endian) can be read. Convert it with a current llama.cpp.',
        version,
      ),
    );
  }
  const tensorCount = await reader.count(MAX_TENSORS, () => l10n.t('number of tensors'));
  const keyCount = await reader.count(MAX_KEYS, () => l10n.t('number of metadata keys'));
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = await reader.string();
    metadata.set(key, await readValue(reader, await reader.uint32(), 0));
  }
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || alignment < 1 || alignment > 1 << 20 || (alignment & (alignment - 1)) !== 0) {
    throw refuse(
      file,
      l10n.t(
        'The file claims an alignment of {0}, which is impossible: it is damaged. Download it again.',
        String(alignment),
      ),
    );
  }
  const tensors = await readTensorInfos(reader, file, tensorCount, alignment);
  return {
    path: file.path,
    metadata,
    tensors: new Map([...tensors].map(([name, { info }]) => [name, info])),
    read: async name => {
      const tensor = tensors.get(name);
      if (!tensor)
        throw refuse(
          file,
          l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', name),
        );
      const type = blockTypes.get(tensor.type)!;
      if (!type.decode) {
        throw refuse(
          file,
          l10n.t(
            'Tensor “{0}” is quantised as {1}, which is not supported. Use a Q8_0, Q6_K, Q5_K, Q4_K, F16 or F32 file of this model.',
            name,
            type.name,
          ),
        );
      }
      const values = new Float32Array(tensor.info.elements);
      type.decode(await file.read(tensor.info.offset, tensor.info.byteLength), values);
      return values;
    },
    close: () => file.close(),
  };
}

interface TypedTensor {
  readonly info: TensorInfo;
  readonly type: number;
}

async function readTensorInfos(
  reader: Reader,
  file: RandomAccessFile,
  count: number,
  alignment: number,
): Promise<Map<string, TypedTensor>> {
  const raw: { name: string; shape: number[]; type: number; offset: bigint }[] = [];
  for (let i = 0; i < count; i++) {
    const name = await reader.string();
    const dimensions = await reader.uint32();
    if (dimensions < 1 || dimensions > MAX_GGUF_DIMENSIONS) {
      throw refuse(
        file,
        l10n.t('Tensor “{0}” claims {1} dimensions: the file is damaged. Download it again.', name, dimensions),
      );
    }
    const shape: number[] = [];
    for (let d = 0; d < dimensions; d++) shape.unshift(Number(await reader.uint64()));
    raw.push({ name, shape, type: await reader.uint32(), offset: await reader.uint64() });
  }
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  const tensors = new Map<string, TypedTensor>();
  for (const { name, shape, type: number, offset } of raw) {
    const bad = (what: string) =>
      refuse(file, l10n.t('Tensor “{0}”: {1}. The file is damaged; download it again.', name, what));
    if (tensors.has(name)) throw bad(l10n.t('it occurs twice'));
    const type = blockTypes.get(number);
    if (!type) {
      throw refuse(
        file,
        l10n.t(
          'Tensor “{0}” has the unknown type {1}. Use a Q8_0, Q6_K, Q5_K, Q4_K, F16 or F32 file of this model.',
          name,
          number,
        ),
      );
    }
    const elements = countElements(shape);
    const inner = shape.at(-1)!;
    if (elements === undefined || elements === 0) throw bad(l10n.t('its shape [{0}] is impossible', shape.join(', ')));
    if (inner % type.block !== 0)
      throw bad(l10n.t('its rows of {0} do not divide into blocks of {1}', inner, type.block));
    const byteLength = (elements / type.block) * type.bytes;
    const end = BigInt(dataStart) + offset + BigInt(byteLength);
    if (offset % BigInt(alignment) !== 0n) throw bad(l10n.t('its data do not begin at a multiple of {0}', alignment));
    if (end > BigInt(file.size)) {
      throw bad(l10n.t('its data end at byte {0} of a file of {1}', String(end), file.size));
    }
    const info = { name, shape, type: type.name, elements, offset: dataStart + Number(offset), byteLength };
    tensors.set(name, { info, type: number });
  }
  refuseOverlap(
    file,
    [...tensors.values()].map(t => t.info),
  );
  return tensors;
}

const STRING = 8;
const ARRAY = 9;

async function readValue(reader: Reader, type: number, depth: number): Promise<GgufValue> {
  if (type === STRING) return reader.string();
  if (type !== ARRAY) return reader.scalar(type);
  if (depth >= MAX_NESTING) throw reader.damaged(l10n.t('its metadata are nested too deeply'));
  const element = await reader.uint32();
  const length = await reader.count(MAX_ARRAY, () => l10n.t('length of a metadata list'));
  const values: (number | bigint | boolean | string | GgufArray)[] = [];
  for (let i = 0; i < length; i++) values.push((await readValue(reader, element, depth + 1)) as GgufArray[number]);
  return values;
}

const CHUNK = 1 << 20;

/** Reads forward through the header in large pieces. Every length is compared with what is left of the file. */
class Reader {
  readonly #file: RandomAccessFile;
  #chunk: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #start = 0;
  #at = 0;

  constructor(file: RandomAccessFile) {
    this.#file = file;
  }

  get position(): number {
    return this.#start + this.#at;
  }

  damaged(what: string): Error {
    return refuse(this.#file, l10n.t('The header of this GGUF file is damaged: {0}. Download it again.', what));
  }

  /** Makes `length` bytes available at the current place. */
  async #need(length: number): Promise<void> {
    if (this.#at + length <= this.#chunk.length) return;
    const position = this.position;
    if (position + length > this.#file.size) throw this.damaged(l10n.t('it goes on past the end of the file'));
    this.#chunk = await this.#file.read(position, Math.min(Math.max(length, CHUNK), this.#file.size - position));
    this.#view = new DataView(this.#chunk.buffer, this.#chunk.byteOffset, this.#chunk.byteLength);
    this.#start = position;
    this.#at = 0;
  }

  async bytes(length: number): Promise<Uint8Array> {
    await this.#need(length);
    this.#at += length;
    return this.#chunk.subarray(this.#at - length, this.#at);
  }

  async uint32(): Promise<number> {
    if (this.#at + 4 > this.#chunk.length) await this.#need(4);
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  async uint64(): Promise<bigint> {
    if (this.#at + 8 > this.#chunk.length) await this.#need(8);
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8, true);
  }

  async count(limit: number, what: () => string): Promise<number> {
    const value = await this.uint64();
    if (value > BigInt(limit)) throw this.damaged(l10n.t('the {0} is {1}', what(), String(value)));
    return Number(value);
  }

  async string(): Promise<string> {
    const length = await this.count(MAX_STRING, () => l10n.t('length of a text'));
    return fromUtf8(await this.bytes(length));
  }

  async scalar(type: number): Promise<number | bigint | boolean> {
    const size = SCALAR_BYTES[type];
    if (size === undefined) throw this.damaged(l10n.t('a value has the unknown type {0}', type));
    await this.#need(size);
    const view = this.#view;
    const at = this.#at;
    this.#at += size;
    switch (type) {
      case 0:
        return view.getUint8(at);
      case 1:
        return view.getInt8(at);
      case 2:
        return view.getUint16(at, true);
      case 3:
        return view.getInt16(at, true);
      case 4:
        return view.getUint32(at, true);
      case 5:
        return view.getInt32(at, true);
      case 6:
        return view.getFloat32(at, true);
      case 7:
        return view.getUint8(at) !== 0;
      case 10:
        return view.getBigUint64(at, true);
      case 11:
        return view.getBigInt64(at, true);
      default:
        return view.getFloat64(at, true);
    }
  }
}

const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
