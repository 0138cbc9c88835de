/** Writes rows to a new file as they come: JSON Lines, CSV and Parquet, whole under its name or not there at all. */
import { basename, dirname, join } from 'node:path';
import { type Disk, diskError, nodeDisk, randomName, type WritableFile } from '../fileSystem.ts';

type Row = Readonly<Record<string, unknown>>;

export interface RowWriter {
  write(row: Row): Promise<void>;
  /** Gives the file its name. */
  finish(): Promise<void>;
  /** Takes away what was written. */
  abandon(): Promise<void>;
}

const bufferedCharacters = 1 << 20;
/** Rows of one row group of Parquet, which is in memory as a whole; fewer when they are long. */
const groupRows = 5000;
const groupCharacters = 8 << 20;

/** `columns` are those of CSV and Parquet, all texts. */
export function createRowWriter(
  path: string,
  kind: 'jsonl' | 'csv' | 'parquet',
  columns: readonly string[],
  disk: Disk = nodeDisk,
): Promise<RowWriter> {
  return kind === 'parquet' ? parquetWriter(path, columns, disk) : lineWriter(path, kind, columns, disk);
}

async function lineWriter(
  path: string,
  kind: 'jsonl' | 'csv',
  columns: readonly string[],
  disk: Disk,
): Promise<RowWriter> {
  const target = await temporary(path, disk);
  let pending = kind === 'csv' ? `${columns.join(',')}\n` : '';
  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(pending);
    pending = '';
    await target.write(bytes);
  };
  return {
    async write(row) {
      pending += kind === 'csv' ? `${columns.map(name => csvCell(row[name])).join(',')}\n` : `${JSON.stringify(row)}\n`;
      if (pending.length > bufferedCharacters) await flush();
    },
    async finish() {
      await flush();
      await target.finish();
    },
    abandon: target.abandon,
  };
}

function csvCell(value: unknown): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function parquetWriter(path: string, columns: readonly string[], disk: Disk): Promise<RowWriter> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const target = await temporary(path, disk);
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [
      { name: 'root', num_children: columns.length },
      ...columns.map(
        name => ({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' }) as const,
      ),
    ],
  });
  let rows: Row[] = [];
  let characters = 0;
  /** What the library holds is moved to the file; positions in it go on counting from the file's start. */
  const drain = async (): Promise<void> => {
    const piece = new Uint8Array(bytes.buffer, 0, bytes.index).slice();
    bytes.index = 0;
    await target.write(piece);
  };
  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    const columnData = columns.map(name => ({ name, data: rows.map(row => String(row[name] ?? '')) }));
    await writer.write({ columnData, rowGroupSize: rows.length });
    rows = [];
    characters = 0;
    await drain();
  };
  return {
    async write(row) {
      rows.push(row);
      for (const name of columns) characters += String(row[name] ?? '').length;
      if (rows.length === groupRows || characters > groupCharacters) await flush();
    },
    async finish() {
      await flush();
      writer.finish();
      await drain();
      await target.finish();
    },
    abandon: target.abandon,
  };
}

async function temporary(path: string, disk: Disk) {
  const folder = dirname(path);
  const name = join(folder, `.${basename(path)}.${randomName(12)}.tmp`);
  const guarded = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw diskError(error, path);
    }
  };
  let position = 0;
  const file: WritableFile = await guarded(async () => {
    await disk.makeFolder(folder);
    return disk.create(name);
  });
  return {
    write: (bytes: Uint8Array) =>
      guarded(async () => {
        await file.write(bytes, position);
        position += bytes.length;
      }),
    finish: () =>
      guarded(async () => {
        await file.sync();
        await file.close();
        await disk.rename(name, path);
        await disk.syncFolder(folder);
      }),
    abandon: async () => {
      await file.close().catch(() => {});
      await disk.remove(name).catch(() => {});
    },
  };
}
