/** Compacts an annotator's own closed files of the preference journal into one, without losing a record. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, nodeDisk, randomName } from './fileSystem.ts';
import { decodeRecords, RecordLogWriter } from './recordLog.ts';
import { fileNameFor, type WorkspaceLayout } from './workspaceLayout.ts';

export interface Compaction {
  /** Files that became one. */
  readonly files: number;
  readonly records: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * Writes the union of `author`'s files, each record once, into a new file and then removes the old ones. Killed at any point,
 * the reader finds every record in the old files, the new one, or both; a record that comes twice counts once. Nothing of
 * what other branches may name (deletions, replaced judgements) is dropped, so that a later merge says the same.
 * Files that are damaged, belong to a newer version or changed less than `quietMilliseconds` ago (somebody may still write
 * them) stay as they are.
 */
export async function compactJournal(
  layout: WorkspaceLayout,
  author: string,
  { disk = nodeDisk, quietMilliseconds = 60_000, now = Date.now }: CompactOptions = {},
): Promise<Compaction> {
  const folder = join(layout.preferences, fileNameFor(author.trim() || 'someone', 'someone'));
  const closed = await closedFiles(folder, now() - quietMilliseconds, disk);
  const nothing = { files: 0, records: 0, bytesBefore: 0, bytesAfter: 0 };
  if (closed.length < 2) return nothing;

  const records = new Map<string, unknown>();
  for (const { values } of closed) for (const value of values) records.set(JSON.stringify(value), value);
  const writer = randomName(16);
  const path = join(folder, `${writer}.jsonl`);
  const at = new Date(now()).toISOString();
  const header = { type: 'header', log: 'preferences', format: 1, writer, author, at };
  const log = await RecordLogWriter.create(path, header, disk);
  try {
    if (records.size > 0) await log.append([...records.values()]);
  } catch (error) {
    await log.close();
    await disk.remove(path);
    throw error;
  }
  await log.close();
  for (const file of closed) {
    // Under another name first, which readers know too: a process that still writes notices and begins another file, and
    // what it wrote since this file was read stays where it is.
    const retired = join(folder, `${randomName(16)}.jsonl`);
    await disk.rename(file.path, retired);
    if ((await disk.identity(retired))?.size === file.size) await disk.remove(retired);
  }
  await disk.syncFolder(folder);
  return {
    files: closed.length,
    records: records.size,
    bytesBefore: closed.reduce((sum, { size }) => sum + size, 0),
    bytesAfter: (await disk.identity(path))?.size ?? 0,
  };
}

export interface CompactOptions {
  readonly disk?: Disk;
  readonly quietMilliseconds?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

interface ClosedFile {
  readonly path: string;
  readonly size: number;
  readonly values: readonly unknown[];
}

async function closedFiles(folder: string, before: number, disk: Disk): Promise<ClosedFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files: ClosedFile[] = [];
  for (const name of names.filter(file => file.endsWith('.jsonl')).sort()) {
    const path = join(folder, name);
    if (((await stat(path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY) > before) continue;
    const bytes = await readFile(path).catch(() => undefined);
    if (!bytes || bytes.length !== (await disk.identity(path))?.size) continue;
    const { records, problems, torn } = decodeRecords(bytes.toString('utf8'), path);
    const [header, ...rest] = records.map(({ value }) => value as { type?: unknown; log?: unknown; format?: unknown });
    if (problems.length > 0 || torn || header?.type !== 'header' || header.log !== 'preferences' || header.format !== 1)
      continue;
    files.push({ path, size: bytes.length, values: rest.filter(value => value?.type !== 'header') });
  }
  return files;
}
