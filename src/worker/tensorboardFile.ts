/**
 * Scalars in the event files of TensorBoard: TFRecords (length, masked CRC-32C, data, masked CRC-32C) of `tensorflow.Event`
 * messages. Source: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { diskError } from '../storage/fileSystem.ts';

export class TensorboardFile {
  readonly #path: string;

  /** Records of steps after `step`, the one that the job goes on from, are taken out: they come again. */
  constructor(path: string, step: number) {
    this.#path = path;
    try {
      mkdirSync(dirname(path), { recursive: true });
      const kept = existsSync(path) ? wholeRecords(readFileSync(path)).filter(event => stepOf(event) <= step) : [];
      const events = kept.length > 0 ? kept : [versionEvent(Date.now() / 1000)];
      writeFileSync(`${path}.tmp`, Buffer.concat(events.map(tfRecord)));
      renameSync(`${path}.tmp`, path);
    } catch (error) {
      throw diskError(error, path);
    }
  }

  /** `wallTime`: seconds since 1970. Values that are no numbers are left out. */
  scalars(step: number, values: Readonly<Record<string, number>>, wallTime: number): void {
    try {
      appendFileSync(this.#path, tfRecord(scalarEvent(step, values, wallTime)));
    } catch (error) {
      throw diskError(error, this.#path);
    }
  }
}

/** One record of a TFRecord file. */
export function tfRecord(data: Buffer): Buffer {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  data.copy(record, 12);
  record.writeUInt32LE(maskedCrc(data), data.length + 12);
  return record;
}

/** `Event { double wall_time = 1; int64 step = 2; Summary summary = 5 }`, `Summary { repeated Value { string tag = 1; float simple_value = 2 } value = 1 }` */
export function scalarEvent(step: number, values: Readonly<Record<string, number>>, wallTime: number): Buffer {
  const entries = Object.entries(values).filter(([, value]) => Number.isFinite(value));
  const summary = entries.map(([tag, value]) =>
    field(1, Buffer.concat([field(1, Buffer.from(tag)), Buffer.of((2 << 3) | 5), float(value)])),
  );
  return Buffer.concat([...head(wallTime, step), field(5, Buffer.concat(summary))]);
}

/** `string file_version = 3`, the first record of every file. */
const versionEvent = (wallTime: number): Buffer =>
  Buffer.concat([...head(wallTime, 0), field(3, Buffer.from('brain.Event:2'))]);

function head(wallTime: number, step: number): Buffer[] {
  const time = Buffer.alloc(9);
  time[0] = (1 << 3) | 1;
  time.writeDoubleLE(wallTime, 1);
  return step === 0 ? [time] : [time, Buffer.of(2 << 3), varint(step)];
}

const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};

/** A field of bytes. */
const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Buffer.of(...bytes, value);
}

/** Of an event that this file wrote: the step stands behind the time, and 0 is not written. */
function stepOf(event: Buffer): number {
  if (event[9] !== 2 << 3) return 0;
  let step = 0;
  for (let at = 10, unit = 1; at < event.length; at++, unit *= 128) {
    step += (event[at]! & 0x7f) * unit;
    if (event[at]! < 0x80) break;
  }
  return step;
}

/** The data of the records up to the first that is cut or damaged. */
function wholeRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const end = at + length + 16;
    if (bytes.readUInt32LE(at + 8) !== maskedCrc(bytes.subarray(at, at + 8)) || end > bytes.length) break;
    const data = bytes.subarray(at + 12, at + 12 + length);
    if (bytes.readUInt32LE(end - 4) !== maskedCrc(data)) break;
    records.push(data);
    at = end;
  }
  return records;
}

/** Rotated and moved, so that the sum of data that holds sums is sound. */
const maskedCrc = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

/** Castagnoli's polynomial, reflected (RFC 3720). `node:zlib` has another one. */
export function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
