/**
 * The derived index of the preference journal: which records there are and where they stand, so that opening a million of them
 * does not read a million lines. Disposable: whatever is wrong with it, it is left aside and made anew from the journals.
 */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as v from 'valibot';
import { parseJson } from '../base/jsonLines.ts';
import {
  type ColumnName,
  ColumnNames,
  type Columns,
  columnBytes,
  Kinds,
  RecordTable,
} from '../core/preferences/recordTable.ts';
import {
  type SnapshotArrayName,
  type SnapshotArrays,
  type StandingSnapshot,
  snapshotArrays,
} from '../core/preferences/standing.ts';
import { type Disk, randomName, replaceFile } from './fileSystem.ts';
import type { FileProblem } from './recordLog.ts';
import type { ScanEnd } from './recordScan.ts';
import type { WorkspaceLayout } from './workspaceLayout.ts';

/** One more whenever columns or their meaning change: an index of another number is made anew. */
const IndexFormat = 4;
const magic = 'TSJINDEX';
const pieceBytes = 4 << 20;
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** Milliseconds. A file that changed so shortly before the index was written may have changed after it at the same clock tick. */
const clockTick = 2000;

/** What is known of one journal file. */
export interface IndexedFile extends ScanEnd {
  /** `<author>/<writer>.jsonl` */
  readonly name: string;
  /** Device, inode, size and times: when it is the same, so is the file. Empty: look at the content. */
  readonly stamp: string;
  readonly problems: readonly FileProblem[];
}

/** Numbered as the table's rows name them; undefined where a file is gone. */
export type IndexedFiles = readonly (IndexedFile | undefined)[];

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const arrayNames = Object.keys(snapshotArrays) as SnapshotArrayName[];
/** One for each row of the table. */
const perRow: readonly SnapshotArrayName[] = ['previous', 'stands', 'people'];

const HeaderSchema = v.object({
  format: v.literal(IndexFormat),
  savedAt: v.number(),
  rows: count,
  files: v.array(
    v.nullable(
      v.object({
        name: v.string(),
        stamp: v.string(),
        end: count,
        lines: v.number(),
        crc: v.number(),
        loose: v.boolean(),
        problems: v.array(v.object({ file: v.string(), line: v.number(), message: v.string() })),
      }),
    ),
  ),
  names: v.object({
    annotators: v.array(v.union([v.tuple([v.string()]), v.tuple([v.string(), v.string()])])),
    sets: v.array(v.string()),
    again: v.array(v.string()),
    flags: v.array(v.array(v.string())),
    models: v.array(v.array(v.string())),
    guidelines: v.array(v.string()),
  }),
  standing: v.object({
    hasRings: v.boolean(),
    orphanCount: count,
    judgementCount: count,
    lengths: v.object(v.entriesFromList(arrayNames, count)),
  }),
});

/** Its own `.gitignore` keeps the folder out of every commit, also in workspaces that are older than it. */
export const indexFolder = (layout: WorkspaceLayout): string => join(layout.tunesmith, 'index');
const indexFile = (layout: WorkspaceLayout): string => join(indexFolder(layout), 'preferences.bin');

export interface IndexContent {
  readonly files: (IndexedFile | undefined)[];
  readonly table: RecordTable;
  /** What stands of the table's rows. */
  readonly snapshot: StandingSnapshot;
}

/** Undefined where there is none, or one that is torn, damaged, foreign or of another version. Never throws. */
export async function loadIndex(layout: WorkspaceLayout): Promise<IndexContent | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(indexFile(layout), 'r');
    return await readIndex(handle);
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

async function readIndex(handle: FileHandle): ReturnType<typeof loadIndex> {
  const { size } = await handle.stat();
  const lead = Buffer.alloc(16);
  await readFully(handle, lead, 0);
  const headerBytes = lead.readUInt32LE(8);
  if (lead.toString('latin1', 0, 8) !== magic || !isLittleEndian || headerBytes > size) return undefined;
  const headerText = Buffer.allocUnsafe(headerBytes);
  await readFully(handle, headerText, 16);
  let crc = crc32(headerText, crc32(lead));
  const header = v.safeParse(HeaderSchema, parseJson(headerText.toString('utf8')));
  if (!header.success) return undefined;
  const { rows, names, savedAt, standing } = header.output;
  const { lengths } = standing;
  const bytes =
    ColumnNames.reduce((sum, name) => sum + columnBytes(name) * rows, 0) +
    arrayNames.reduce((sum, name) => sum + snapshotArrays[name].BYTES_PER_ELEMENT * lengths[name], 0);
  if (size !== 16 + headerBytes + bytes + 4 || perRow.some(name => lengths[name] !== rows)) return undefined;

  const table = RecordTable.withNames(names, rows);
  const capacity = table.columns.kind.length;
  const arrays = Object.fromEntries(
    arrayNames.map(name => [name, new snapshotArrays[name](perRow.includes(name) ? capacity : lengths[name])]),
  ) as unknown as SnapshotArrays;
  const parts = [
    ...ColumnNames.map(name => bytesOf(table.columns[name], rows)),
    ...arrayNames.map(name => bytesOf(arrays[name], lengths[name])),
  ];
  const pieces = parts.flatMap(part =>
    Array.from({ length: Math.ceil(part.length / pieceBytes) }, (_, i) =>
      part.subarray(i * pieceBytes, (i + 1) * pieceBytes),
    ),
  );
  let position = 16 + headerBytes;
  const next = (piece: Buffer | undefined): Promise<void> => {
    const at = position;
    position += piece?.length ?? 0;
    return piece ? readFully(handle, piece, at) : Promise.resolve();
  };
  // One piece is read while the one before is checked.
  let reading = next(pieces[0]);
  for (const [i, piece] of pieces.entries()) {
    await reading;
    reading = next(pieces[i + 1]);
    crc = crc32(piece, crc);
  }
  await reading;
  const tail = Buffer.alloc(4);
  await readFully(handle, tail, position);
  if (tail.readUInt32LE(0) !== crc) return undefined;
  const files = header.output.files.map(file => (file ? distrustRecent(file, savedAt) : undefined));
  const snapshot: StandingSnapshot = { rows, ...standing, arrays };
  return isSound(table, files) && isSoundSnapshot(snapshot) ? { files, table, snapshot } : undefined;
}

const bytesOf = (array: Columns[ColumnName] | SnapshotArrays[SnapshotArrayName], count: number): Buffer =>
  Buffer.from(array.buffer as ArrayBuffer, array.byteOffset, array.BYTES_PER_ELEMENT * count);

/** Bad input never reaches further than here: every number that the columns hold means something. */
function isSound(table: RecordTable, files: IndexedFiles): boolean {
  const { kind, file, offset, length, aboutLow, who, marks, guidelines } = table.columns;
  const names = table.names;
  for (let row = 0; row < table.count; row++) {
    const own = files[file[row]!];
    const type = table.kind(row);
    if (!own || kind[row]! > 6 || type > Kinds.deletion) return false;
    // A last record without its line end stands behind the end.
    if (!own.loose && !(offset[row]! + length[row]! <= own.end)) return false;
    if (type === Kinds.item && (aboutLow[row]! >= names.sets.length || marks[row]! >= names.models.length))
      return false;
    if (type !== Kinds.judgement) continue;
    if (who[row]! >= names.annotators.length || marks[row]! >= names.flags.length) return false;
    if (guidelines[row]! >= names.guidelines.length) return false;
  }
  return true;
}

/** All rows are there, tables have room for a search to end, and no chain of judgements goes round. */
function isSoundSnapshot({ rows, arrays }: StandingSnapshot): boolean {
  const { items, judgements, chains, previous, itemOrder, judgementOrder, deleted, replaced } = arrays;
  if (![items, judgements, chains].every(table => isTable(table.subarray(0, table.length / 2), 1))) return false;
  if (!isTable(deleted, 3) || !isTable(replaced, 3)) return false;
  const areRows = (list: Uint32Array, most: number): boolean => {
    for (let i = 0; i < list.length; i++) if (list[i]! > most) return false;
    return true;
  };
  if (!areRows(itemOrder, rows - 1) || !areRows(judgementOrder, rows - 1)) return false;
  if (!areRows(items.subarray(0, items.length / 2), rows)) return false;
  if (!areRows(judgements.subarray(0, judgements.length / 2), rows)) return false;
  // Each row has one at most that leads to it, and the first of a chain none: so a walk from there ends.
  const isLed = new Uint8Array(rows + 1);
  for (const list of [previous.subarray(0, rows), chains.subarray(0, chains.length / 2)]) {
    for (let i = 0; i < list.length; i++) {
      const row = list[i]!;
      if (row === 0) continue;
      if (row > rows || isLed[row] === 1) return false;
      isLed[row] = 1;
    }
  }
  return true;
}

/** A power of two of slots of `width` words each, and a free one. */
function isTable(slots: Uint32Array, width: number): boolean {
  const size = slots.length / width;
  if (size < 16 || !Number.isInteger(Math.log2(size))) return false;
  for (let at = 0; at < slots.length; at += width)
    if (slots[at] === 0 && (width === 1 || slots[at + 1] === 0)) return true;
  return false;
}

/** As git does it with its own index: a file that was written at about the same time is looked at. */
function distrustRecent(file: IndexedFile, savedAt: number): IndexedFile {
  const changed = Math.max(...file.stamp.split(':').slice(3).map(Number)) / 1e6;
  return changed < savedAt - clockTick ? file : { ...file, stamp: '' };
}

async function readFully(handle: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error('the index is too short');
    done += bytesRead;
  }
}

/**
 * Puts the index in the place of the one before. Nothing waits for the disk here: an index that a power cut tears is found out
 * by its checksum. `isCurrent` turns false when rows were taken out of the table meanwhile: then nothing is kept.
 */
export async function saveIndex(
  layout: WorkspaceLayout,
  { files, table, snapshot }: IndexContent,
  disk: Disk,
  isCurrent: () => boolean,
): Promise<void> {
  const folder = indexFolder(layout);
  // All of this is taken down before the first await: from there on records come in.
  const rows = table.count;
  const { columns, names } = table;
  const savedAt = Date.now();
  const { arrays, hasRings, orphanCount, judgementCount } = snapshot;
  if (snapshot.rows !== rows) return;
  const lengths = Object.fromEntries(arrayNames.map(name => [name, arrays[name].length]));
  const standing = { hasRings, orphanCount, judgementCount, lengths };
  const text = Buffer.from(JSON.stringify({ format: IndexFormat, savedAt, rows, files, names, standing }));
  const lead = Buffer.alloc(16);
  lead.write(magic, 'latin1');
  lead.writeUInt32LE(text.length, 8);

  await disk.makeFolder(folder);
  await removeLeftovers(folder, disk);
  const ignore = join(folder, '.gitignore');
  // Whole or not at all: git may look at any moment, and would keep what an empty one lets through.
  if (!(await disk.identity(ignore))) await replaceFile(ignore, '*\n', disk);
  const temporary = join(folder, `.${randomName(12)}.tmp`);
  try {
    let crc = crc32(text, crc32(lead));
    await writeUnsynced(temporary, pieces(), disk);
    function* pieces(): Generator<Uint8Array> {
      yield lead;
      yield text;
      const parts = [
        ...ColumnNames.map(name => bytesOf(columns[name], rows)),
        ...arrayNames.map(name => bytesOf(arrays[name], arrays[name].length)),
      ];
      for (const view of parts) {
        for (let at = 0; at < view.length; at += pieceBytes) {
          if (!isCurrent()) throw new StaleIndex();
          const piece = view.subarray(at, at + pieceBytes);
          crc = crc32(piece, crc);
          yield piece;
        }
      }
      const tail = Buffer.alloc(4);
      tail.writeUInt32LE(crc, 0);
      yield tail;
    }
    if (isCurrent()) await disk.rename(temporary, indexFile(layout));
    else await disk.remove(temporary);
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    if (!(error instanceof StaleIndex)) throw error;
  }
}

class StaleIndex extends Error {}

async function writeUnsynced(path: string, pieces: Iterable<Uint8Array>, disk: Disk): Promise<void> {
  const file = await disk.create(path);
  try {
    let position = 0;
    for (const piece of pieces) {
      await file.write(piece, position);
      position += piece.length;
    }
  } finally {
    await file.close();
  }
}

/** Of writers that were killed long ago. */
async function removeLeftovers(folder: string, disk: Disk): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.tmp')) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < Date.now() - 3_600_000) await disk.remove(path);
  }
}
