/** Reads record logs of any size as a stream: no line and no file is ever one string with the rest. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { l10n } from '../base/l10n.ts';

const blockBytes = 1 << 20;
/** A longer line is no record: nothing that Tunesmith writes comes near, and it would fill the memory. */
const longestLine = 64 << 20;
/** Bytes of `{"c":"01234567","r":`. */
const headBytes = 20;

export interface ScannedRecord {
  /** 1-based. */
  readonly line: number;
  readonly value: unknown;
  /** Of the line, without its end, in bytes. */
  readonly offset: number;
  readonly length: number;
}

/** How far a log was read: up to here it stays as it is, since its writer only appends. */
export interface ScanEnd {
  /** Bytes up to the end of the last line that has one. */
  readonly end: number;
  /** Lines up to there. */
  readonly lines: number;
  /** CRC-32 of the bytes up to there. */
  readonly crc: number;
  /** A last record without its line end was whole, and was told. */
  readonly loose: boolean;
}

export const scanStart: ScanEnd = { end: 0, lines: 0, crc: 0, loose: false };

export interface ScanSink {
  record(record: ScannedRecord): void;
  /** A line that is no record. */
  problem(line: number, message: string): void;
  /** Called between blocks; reading goes on when it resolves. */
  pause?(): Promise<void>;
}

/** Reads on from `from`. A bad line is a problem with its number; a torn last line is none. Errors are those of `node:fs`. */
export async function scanRecords(path: string, sink: ScanSink, from: ScanEnd = scanStart): Promise<ScanEnd> {
  const handle = await open(path, 'r');
  try {
    return await scan(handle, sink, from);
  } finally {
    await handle.close();
  }
}

async function scan(handle: FileHandle, sink: ScanSink, from: ScanEnd): Promise<ScanEnd> {
  let { end, lines, crc } = from;
  let buffer = Buffer.allocUnsafe(blockBytes);
  /** Bytes of the buffer that are not yet a line; they begin at file position `end`, after what was `skipped`. */
  let filled = 0;
  let skipped = 0;
  for (;;) {
    if (filled === buffer.length && filled >= longestLine) {
      // Only its end is looked for.
      crc = crc32(buffer, crc);
      skipped += filled;
      filled = 0;
    } else if (filled === buffer.length) {
      const larger = Buffer.allocUnsafe(buffer.length * 2);
      buffer.copy(larger, 0, 0, filled);
      buffer = larger;
    }
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, end + skipped + filled);
    if (bytesRead === 0) break;
    const searchFrom = filled;
    filled += bytesRead;
    let start = 0;
    for (let at = buffer.subarray(0, filled).indexOf(0x0a, searchFrom); at >= 0; ) {
      lines++;
      if (skipped > 0) {
        sink.problem(lines, l10n.t('This line is too long to be a record, and was passed over.'));
        end += skipped;
        skipped = 0;
      } else takeLine(buffer.subarray(start, at), lines, end + start, sink);
      start = at + 1;
      at = buffer.subarray(0, filled).indexOf(0x0a, start);
    }
    if (start === 0) continue;
    crc = crc32(buffer.subarray(0, start), crc);
    end += start;
    buffer.copyWithin(0, start, filled);
    filled -= start;
    await sink.pause?.();
  }
  // All of a record but its line end: whole all the same.
  const last = skipped > 0 || filled === 0 ? undefined : decodeRecord(buffer.subarray(0, filled));
  if (last) sink.record({ line: lines + 1, value: last.value, offset: end, length: filled });
  return { end, lines, crc, loose: last !== undefined };
}

function takeLine(line: Buffer, number: number, offset: number, sink: ScanSink): void {
  const length = line.length > 0 && line[line.length - 1] === 0x0d ? line.length - 1 : line.length;
  if (length === 0) return;
  const decoded = decodeRecord(line.subarray(0, length));
  if (decoded) sink.record({ line: number, value: decoded.value, offset, length });
  else
    sink.problem(number, l10n.t('This record is damaged and was passed over. Restore the file from version control.'));
}

/** The record of a line without its end; undefined where its checksum is wrong. */
export function decodeRecord(line: Buffer): { readonly value: unknown } | undefined {
  if (line.length < headBytes + 1 || line[line.length - 1] !== 0x7d) return undefined;
  const head = line.toString('latin1', 0, headBytes);
  if (!head.startsWith('{"c":"') || !head.endsWith('","r":')) return undefined;
  const body = line.subarray(headBytes, line.length - 1);
  if (crc32(body).toString(16).padStart(8, '0') !== head.slice(6, 14)) return undefined;
  try {
    return { value: JSON.parse(body.toString('utf8')) };
  } catch {
    return undefined;
  }
}

/** CRC-32 of the first `length` bytes; undefined where the file is shorter or cannot be read. */
export async function prefixChecksum(path: string, length: number): Promise<number | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      // One block is read while the one before is summed up.
      const buffers = [0, 1].map(() => Buffer.allocUnsafe(Math.min(blockBytes, length)));
      const read = (turn: number, at: number) => {
        const buffer = buffers[turn % 2]!;
        return handle.read(buffer, 0, Math.min(buffer.length, length - at), at);
      };
      let crc = 0;
      let done = 0;
      let reading = length > 0 ? read(0, 0) : undefined;
      for (let turn = 0; reading; turn++) {
        const { bytesRead } = await reading;
        if (bytesRead === 0) return undefined;
        done += bytesRead;
        reading = done < length ? read(turn + 1, done) : undefined;
        crc = crc32(buffers[turn % 2]!.subarray(0, bytesRead), crc);
      }
      return crc;
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

const cachedBlocks = 64;
const cachedBlockBytes = 64 << 10;

/** Reads single records at known places, a block of the file at a time. Synchronous: one takes some microseconds. */
export class RecordReader {
  readonly #blocks = new Map<string, Buffer>();

  /** Undefined where the file is gone or holds something else there by now. */
  read(path: string, offset: number, length: number): unknown {
    const bytes = this.#bytes(path, offset, length);
    return bytes && decodeRecord(bytes)?.value;
  }

  /** Forgets what it holds of a file that was replaced. */
  forget(path: string): void {
    for (const key of this.#blocks.keys()) if (key.startsWith(`${path}\n`)) this.#blocks.delete(key);
  }

  #bytes(path: string, offset: number, length: number): Buffer | undefined {
    const first = Math.floor(offset / cachedBlockBytes);
    const last = Math.floor((offset + length - 1) / cachedBlockBytes);
    try {
      if (first !== last) return readAt(path, offset, length);
      const start = offset - first * cachedBlockBytes;
      const key = `${path}\n${first}`;
      let block = this.#blocks.get(key);
      // The last block of a file grows.
      if (!block || block.length < start + length) block = readAt(path, first * cachedBlockBytes, cachedBlockBytes);
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
      if (this.#blocks.size > cachedBlocks) this.#blocks.delete(this.#blocks.keys().next().value!);
      return block.length < start + length ? undefined : block.subarray(start, start + length);
    } catch {
      return undefined;
    }
  }
}

function readAt(path: string, offset: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(length);
    let done = 0;
    for (let read = 1; read > 0 && done < length; done += read)
      read = readSync(file, buffer, done, length - done, offset + done);
    return buffer.subarray(0, done);
  } finally {
    closeSync(file);
  }
}
