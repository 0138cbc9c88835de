/**
 * Append-only files of checksummed JSON records, one a line, each with one writer. Format in docs/formats.md:
 * `{"c":"<CRC-32 of r's bytes, 8 hex digits>","r":<record>}\n`, the first record a header with the format's number.
 */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type Disk, diskError, type FileIdentity, nodeDisk, type WritableFile } from './fileSystem.ts';

/** Something that is wrong with a file, for the Problems panel. The rest of the file was read. */
export interface FileProblem {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

export interface LogRecord {
  /** 1-based. */
  readonly line: number;
  readonly value: unknown;
}

export interface LogContents {
  readonly records: readonly LogRecord[];
  readonly problems: readonly FileProblem[];
  /** The file ends in the middle of a record: its writer was stopped there, and never acknowledged it. */
  readonly torn: boolean;
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

export function encodeRecord(value: unknown): string {
  const text = JSON.stringify(value);
  return `{"c":"${checksum(text)}","r":${text}}\n`;
}

const linePattern = /^\{"c":"([0-9a-f]{8})","r":(.*)\}$/s;

function decodeLine(line: string): { readonly value: unknown } | undefined {
  const match = linePattern.exec(line);
  if (!match || checksum(match[2]!) !== match[1]) return undefined;
  try {
    return { value: JSON.parse(match[2]!) };
  } catch {
    return undefined;
  }
}

/** Reads what can be read. A bad line is a problem with its number; a torn last line is none. Never throws. */
export function decodeRecords(text: string, file: string): LogContents {
  const records: LogRecord[] = [];
  const problems: FileProblem[] = [];
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  lines.forEach((raw, index) => {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '') return;
    const decoded = decodeLine(line);
    if (decoded) records.push({ line: index + 1, value: decoded.value });
    else {
      problems.push({
        file,
        line: index + 1,
        message: l10n.t('This record is damaged and was passed over. Restore the file from version control.'),
      });
    }
  });
  // All of a record but its line end: whole all the same.
  const whole = last === '' ? undefined : decodeLine(last);
  if (whole) records.push({ line: lines.length + 1, value: whole.value });
  return { records, problems, torn: last !== '' && !whole };
}

/** The file under this name is no longer the one that was written to (a checkout, a clean-up): begin another. */
class ReplacedFileError extends Error {
  constructor(path: string) {
    super(`${path} was replaced`);
    this.name = 'ReplacedFileError';
  }
}

/** What was appended to a log, and where. */
export interface AppendedBytes {
  readonly position: number;
  readonly bytes: Buffer;
}

/** The one writer of one log. Calls must not overlap: await each. */
export class RecordLogWriter {
  readonly path: string;
  readonly #file: WritableFile;
  readonly #disk: Disk;
  #identity: FileIdentity;
  /** Bytes up to which the file is whole and synced. */
  #length: number;
  #broken = false;

  private constructor(path: string, file: WritableFile, identity: FileIdentity, disk: Disk) {
    this.path = path;
    this.#file = file;
    this.#identity = identity;
    this.#length = identity.size;
    this.#disk = disk;
  }

  /** Makes the file, with its header on the disk. Rejects when the name is taken. */
  static async create(path: string, header: unknown, disk: Disk = nodeDisk): Promise<RecordLogWriter> {
    let file: WritableFile | undefined;
    try {
      await disk.makeFolder(dirname(path));
      file = await disk.create(path);
      const writer = new RecordLogWriter(path, file, await file.identity(), disk);
      await writer.append([header]);
      await disk.syncFolder(dirname(path));
      return writer;
    } catch (error) {
      await file?.close().catch(() => {});
      if (file) await disk.remove(path).catch(() => {});
      throw diskError(error, path);
    }
  }

  /** Goes on with a file of which this process is the only writer; a torn last line is cut off. */
  static async resume(path: string, disk: Disk = nodeDisk): Promise<RecordLogWriter> {
    try {
      const file = await disk.openForAppend(path);
      const writer = new RecordLogWriter(path, file, await file.identity(), disk);
      const end = await endOfLastLine(path);
      if (end !== writer.#length) {
        await file.truncate(end);
        await file.sync();
        writer.#length = end;
        writer.#identity = await file.identity();
      }
      return writer;
    } catch (error) {
      throw diskError(error, path);
    }
  }

  /**
   * Resolves when the records are on the disk and the file still stands under its name.
   * On failure none of them counts: what was written of them is cut off again, and a HumanError says why.
   * Rejects with ReplacedFileError when the file was replaced; nothing can be said of records in it then.
   */
  async append(values: readonly unknown[]): Promise<AppendedBytes> {
    if (this.#broken || !(await this.#isInPlace(this.#length))) throw new ReplacedFileError(this.path);
    const bytes = Buffer.from(values.map(encodeRecord).join(''));
    const position = this.#length;
    try {
      await this.#file.write(bytes, this.#length);
    } catch (error) {
      await this.#cutOff();
      throw diskError(error, this.path);
    }
    try {
      await this.#file.sync();
    } catch (error) {
      // After a failed sync nobody knows which pages reached the disk: nothing more goes into this file.
      this.#broken = true;
      await this.#cutOff();
      throw diskError(error, this.path);
    }
    const length = this.#length + bytes.length;
    // The name may have been given to another file between the check and the write; then these bytes lie in a file without a name.
    if (!(await this.#isInPlace(length))) {
      this.#broken = true;
      throw new ReplacedFileError(this.path);
    }
    this.#length = length;
    return { position, bytes };
  }

  async #cutOff(): Promise<void> {
    try {
      await this.#file.truncate(this.#length);
    } catch {
      this.#broken = true;
    }
  }

  async #isInPlace(size: number): Promise<boolean> {
    const now = await this.#disk.identity(this.path);
    return (
      now !== undefined &&
      now.device === this.#identity.device &&
      now.inode === this.#identity.inode &&
      now.size === size
    );
  }

  async close(): Promise<void> {
    this.#broken = true;
    await this.#file.close();
  }
}

const chunk = 64 * 1024;

/** Bytes up to which the file consists of whole lines. */
async function endOfLastLine(path: string): Promise<number> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(chunk);
    for (let end = (await handle.stat()).size; end > 0; ) {
      const start = Math.max(0, end - chunk);
      const { bytesRead } = await handle.read(buffer, 0, end - start, start);
      const found = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
      if (found !== -1) return start + found + 1;
      end = start;
    }
    return 0;
  } finally {
    await handle.close();
  }
}

/** The number of the format in a log's header, checked. `known` is the newest this version reads. */
export function checkHeader(records: readonly LogRecord[], log: string, known: number): FileProblem | undefined {
  const first = records[0];
  if (first?.line !== 1) return undefined;
  const header = first.value as { type?: unknown; log?: unknown; format?: unknown } | null;
  if (header?.type !== 'header') return undefined;
  const message =
    header.log !== log
      ? l10n.t('This file holds other records than its place says. Move it away.')
      : typeof header.format === 'number' && header.format > known
        ? l10n.t('This file was written by a newer version of Tunesmith. Update Tunesmith to read it.')
        : undefined;
  return message === undefined ? undefined : { file: '', line: 1, message };
}

export const isReplaced = (error: unknown): boolean => error instanceof ReplacedFileError;

/** What a person is told when even a fresh file was replaced again and again. */
export const keepsBeingReplaced = (path: string): HumanError =>
  new HumanError(
    l10n.t('This file is replaced while Tunesmith writes it, so this was not saved. Let the other program finish.'),
    { place: { file: path } },
  );
