/** Compacts one's own closed files of the preference journal into one a folder, without losing a record. */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, nodeDisk, randomName } from './fileSystem.ts';
import { isJudgeFolder } from './judgeFiles.ts';
import { RecordLogWriter } from './recordLog.ts';
import { scanRecords } from './recordScan.ts';
import { fileNameFor, type WorkspaceLayout } from './workspaceLayout.ts';

export interface Compaction {
  /** Files that became fewer. */
  readonly files: number;
  /** One for each folder that had several. */
  readonly becameFiles: number;
  readonly records: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * In the author's folder, and in that of each judge that ran in their name (there their files alone, known by their header):
 * writes the union of the files, each record once, into a new file and then removes the old ones. Killed at any point,
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
  const own = fileNameFor(author.trim() || 'someone', 'someone');
  const before = now() - quietMilliseconds;
  let total: Compaction = { files: 0, becameFiles: 0, records: 0, bytesBefore: 0, bytesAfter: 0 };
  const add = async (folder: string, closed: readonly ClosedFile[]): Promise<void> => {
    if (closed.length < 2) return;
    const done = await compactFolder(join(layout.preferences, folder), closed, author, { disk, now });
    total = {
      files: total.files + done.files,
      becameFiles: total.becameFiles + done.becameFiles,
      records: total.records + done.records,
      bytesBefore: total.bytesBefore + done.bytesBefore,
      bytesAfter: total.bytesAfter + done.bytesAfter,
    };
  };
  await add(own, await closedFiles(join(layout.preferences, own), before, disk));
  const folders = await readdir(layout.preferences).catch(() => []);
  for (const folder of folders.filter(name => isJudgeFolder(name) && name !== own).sort()) {
    const closed = await closedFiles(join(layout.preferences, folder), before, disk);
    await add(
      folder,
      closed.filter(file => file.author === author),
    );
  }
  return total;
}

async function compactFolder(
  folder: string,
  closed: readonly ClosedFile[],
  author: string,
  { disk, now }: { readonly disk: Disk; readonly now: () => number },
): Promise<Compaction> {
  const writer = randomName(16);
  const path = join(folder, `${writer}.jsonl`);
  const at = new Date(now()).toISOString();
  const header = { type: 'header', log: 'preferences', format: 1, writer, author, at };
  const log = await RecordLogWriter.create(path, header, disk);
  let records = 0;
  try {
    records = await writeUnion(closed, log);
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
    becameFiles: 1,
    records,
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
  /** Who wrote it. */
  readonly author: unknown;
}

/** Records that are written with one wait for the disk. */
const batch = 1000;

/** Each record once, known by 128 bits of a hash of its text. Returns how many. */
async function writeUnion(closed: readonly ClosedFile[], log: RecordLogWriter): Promise<number> {
  const written = new Set<string>();
  for (const { path, size } of closed) {
    let pending: unknown[] = [];
    let damage: number | undefined;
    const end = await scanRecords(path, {
      record({ value }) {
        if ((value as { type?: unknown } | null)?.type === 'header') return;
        const key = createHash('sha256').update(JSON.stringify(value)).digest('base64').slice(0, 22);
        if (written.has(key)) return;
        written.add(key);
        pending.push(value);
      },
      problem(line) {
        damage = line;
      },
      async pause() {
        if (pending.length < batch) return;
        const values = pending;
        pending = [];
        await log.append(values);
      },
    });
    if (pending.length > 0) await log.append(pending);
    if (damage !== undefined || end.end !== size) throw new Error(`${path} changed while it was compacted`);
  }
  return written.size;
}

/** Whole files of this format that nobody changed of late. */
async function closedFiles(folder: string, before: number, disk: Disk): Promise<ClosedFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files: ClosedFile[] = [];
  for (const name of names.filter(file => file.endsWith('.jsonl')).sort()) {
    const path = join(folder, name);
    if (((await stat(path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY) > before) continue;
    let header: { type?: unknown; log?: unknown; format?: unknown; author?: unknown } | undefined;
    let isWhole = true;
    const end = await scanRecords(path, {
      record({ line, value }) {
        if (line === 1) header = value as typeof header;
      },
      problem() {
        isWhole = false;
      },
    }).catch(() => undefined);
    const size = (await disk.identity(path))?.size;
    if (!end || !isWhole || size === undefined || end.end !== size) continue;
    if (header?.type === 'header' && header.log === 'preferences' && header.format === 1)
      files.push({ path, size, author: header.author });
  }
  return files;
}
