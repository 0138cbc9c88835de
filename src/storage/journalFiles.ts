/** The files of a preference journal and the table of their records: read as streams, opened by the index, read on as they grow. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import * as v from 'valibot';
import { l10n } from '../base/l10n.ts';
import { JournalState } from '../core/preferences/journalState.ts';
import { type JournalRecord, JournalRecordSchema } from '../core/preferences/judgement.ts';
import { RecordTable } from '../core/preferences/recordTable.ts';
import type { StandingSnapshot } from '../core/preferences/standing.ts';
import type { Disk } from './fileSystem.ts';
import { type IndexedFile, loadIndex, saveIndex } from './journalIndex.ts';
import { type AppendedBytes, checkHeader, type FileProblem } from './recordLog.ts';
import { prefixChecksum, RecordReader, type ScanEnd, scanRecords, scanStart } from './recordScan.ts';
import type { WorkspaceLayout } from './workspaceLayout.ts';

export const JournalFormat = 1;
export const JournalLog = 'preferences';

/** Of one file, so that a file that is damaged all through fills no memory. */
const mostProblems = 200;
/** Fewer records are read faster than an index pays. */
const fewestForIndex = 5000;
/** The index is written anew when this share of its records came since. */
const newShare = 0.02;

/** `added`: rows came at the end of the table; `replaced`: others went or changed their number too, or very many came. */
export type Found = 'nothing' | 'added' | 'replaced';

export class JournalFiles {
  readonly #layout: WorkspaceLayout;
  readonly #disk: Disk;
  readonly #reader = new RecordReader();
  /** By number; a hole where a file is gone. */
  #files: (IndexedFile | undefined)[] = [];
  #numbers = new Map<string, number>();
  #table = new RecordTable();
  /** What stood when the index was written, until a state is made of it. */
  #snapshot: StandingSnapshot | undefined;
  /** Rows that the index on the disk has. */
  #indexed = 0;
  /** Grows when rows were taken out of the table. */
  #generation = 0;
  #saving: Promise<void> | undefined;

  readonly #indexFrom: number;

  constructor(layout: WorkspaceLayout, disk: Disk, indexFrom = fewestForIndex) {
    this.#indexFrom = indexFrom;
    this.#layout = layout;
    this.#disk = disk;
  }

  /** Takes what the index knows. Follow it by `refresh`, which finds out whether it is still so. */
  async load(): Promise<void> {
    const index = await loadIndex(this.#layout);
    if (!index) return;
    this.#files = index.files;
    this.#table = index.table;
    this.#snapshot = index.snapshot;
    this.#indexed = index.table.count;
    index.files.forEach((file, number) => {
      if (file) this.#numbers.set(file.name, number);
    });
  }

  /** Damaged lines and files that could not be read; everything else was. */
  get problems(): readonly FileProblem[] {
    return this.#files.flatMap(file =>
      file ? file.problems.map(problem => ({ ...problem, file: this.#path(file.name) })) : [],
    );
  }

  makeState(): JournalState {
    const read = (row: number) => this.#record(row);
    const snapshot = this.#snapshot;
    this.#snapshot = undefined;
    return (snapshot && JournalState.from(snapshot, this.#table, read)) ?? JournalState.over(this.#table, read);
  }

  /** Reads files that are new, longer or changed. What is there changes at once, at the end: nobody sees half of it. */
  async refresh(): Promise<Found> {
    const names = await journalFiles(this.#layout.preferences);
    const there = new Set(names);
    const gone = new Set([...this.#numbers.keys()].filter(name => !there.has(name)));
    const dropped = new Set([...gone].map(name => this.#numbers.get(name)!));
    const scans: FileScan[] = [];
    const unchanged: (readonly [number, string])[] = [];
    let next = this.#files.length;
    for (const name of names) {
      const number = this.#numbers.get(name);
      const known = number === undefined ? undefined : this.#files[number];
      const stamp = await stampOf(this.#path(name));
      if (stamp === undefined || (known && known.stamp === stamp)) continue;
      const from = known && (await this.#isPrefix(known)) ? known : undefined;
      if (from && from.end === Number(stamp.split(':')[2])) {
        unchanged.push([number!, stamp]);
        continue;
      }
      if (known && !from) dropped.add(number!);
      scans.push(await scanFile(this.#path(name), name, number ?? next++, stamp, from));
    }
    for (const [number, stamp] of unchanged) this.#files[number] = { ...this.#files[number]!, stamp };
    return this.#apply(gone, dropped, scans);
  }

  #apply(gone: ReadonlySet<string>, dropped: ReadonlySet<number>, scans: readonly FileScan[]): Found {
    if (dropped.size === 0 && scans.length === 0) return 'nothing';
    if (dropped.size > 0) {
      this.#generation++;
      this.#snapshot = undefined;
      this.#table.dropFiles(dropped);
      for (const number of dropped) this.#reader.forget(this.#path(this.#files[number]!.name));
    }
    for (const name of gone) {
      this.#files[this.#numbers.get(name)!] = undefined;
      this.#numbers.delete(name);
    }
    const before = this.#table.count;
    for (const { file, number, table } of scans) {
      this.#files[number] = file;
      this.#numbers.set(file.name, number);
      if (this.#table.count === 0) this.#table = table;
      else this.#table.append(table);
    }
    // So many are quicker sorted anew.
    if (before === 0 || dropped.size > 0 || this.#table.count - before > 20_000) return 'replaced';
    return 'added';
  }

  /** Takes in what this process wrote. */
  async appended(path: string, records: readonly JournalRecord[], written: AppendedBytes): Promise<void> {
    const stamp = (await stampOf(path)) ?? '';
    const name = nameOf(this.#layout, path);
    let number = this.#numbers.get(name);
    if (number === undefined) {
      // The header stands before.
      const start = written.position;
      const crc = (await prefixChecksum(path, start)) ?? 0;
      number = this.#files.push({ name, stamp: '', problems: [], end: start, lines: 1, crc, loose: false }) - 1;
      this.#numbers.set(name, number);
    }
    const file = this.#files[number]!;
    let offset = written.position;
    for (const record of records) {
      const length = written.bytes.indexOf(0x0a, offset - written.position) + written.position - offset;
      this.#table.add(record, { file: number, offset, length });
      offset += length + 1;
    }
    const { end, lines, crc } = file;
    // Read by somebody else's refresh meanwhile, or not: then it is read anew.
    const follows = end === written.position;
    this.#files[number] = {
      ...file,
      stamp: follows ? stamp : '',
      end: follows ? end + written.bytes.length : end,
      lines: follows ? lines + records.length : lines,
      crc: follows ? crc32(written.bytes, crc) : crc,
    };
  }

  /** Writes the index when enough is new since the last one. One that cannot be written is done without. `state` is of all rows. */
  saveIndex(state: () => JournalState): Promise<void> {
    const { count } = this.#table;
    const fresh = Math.abs(count - this.#indexed);
    if (this.#saving || count < this.#indexFrom || fresh < Math.max(this.#indexFrom, newShare * count))
      return this.#saving ?? Promise.resolve();
    const generation = this.#generation;
    this.#indexed = count;
    const isCurrent = () => this.#generation === generation;
    const content = { files: this.#files, table: this.#table, snapshot: state().snapshot() };
    this.#saving = saveIndex(this.#layout, content, this.#disk, isCurrent)
      .catch(() => {})
      .finally(() => {
        this.#saving = undefined;
      });
    return this.#saving;
  }

  #record(row: number): JournalRecord | undefined {
    const { file, offset, length } = this.#table.columns;
    const { name } = this.#files[file[row]!]!;
    const value = this.#reader.read(this.#path(name), offset[row]!, length[row]!);
    return value === undefined ? undefined : (value as JournalRecord);
  }

  /** The file begins with what was read of it, so that only what follows needs to be read. */
  async #isPrefix(file: IndexedFile): Promise<boolean> {
    if (file.loose || file.problems.some(({ line }) => line === 1)) return false;
    return (await prefixChecksum(this.#path(file.name), file.end)) === file.crc;
  }

  #path(name: string): string {
    return join(this.#layout.preferences, ...name.split('/'));
  }
}

interface FileScan {
  readonly number: number;
  readonly file: IndexedFile;
  readonly table: RecordTable;
}

async function scanFile(
  path: string,
  name: string,
  number: number,
  stamp: string,
  from: IndexedFile | undefined,
): Promise<FileScan> {
  const sink = new FileSink(number, from?.problems ?? []);
  let end: ScanEnd = from ?? scanStart;
  try {
    end = await scanRecords(path, sink, end);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    const message = l10n.t('This file cannot be read ({0}). Check its permissions.', String((error as Error).message));
    sink.refuse(message);
  }
  const { lines, crc, loose } = end;
  return {
    number,
    file: { name, stamp, end: end.end, lines, crc, loose, problems: sink.problems },
    table: sink.table,
  };
}

class FileSink {
  table = new RecordTable();
  problems: FileProblem[];
  readonly #number: number;
  #refused = false;

  constructor(number: number, problems: readonly FileProblem[]) {
    this.#number = number;
    this.problems = [...problems];
  }

  /** Nothing of the file counts. */
  refuse(message: string): void {
    this.#refused = true;
    this.table = new RecordTable();
    this.problems = [{ file: '', line: 1, message }];
  }

  record({ line, value, offset, length }: { line: number; value: unknown; offset: number; length: number }): void {
    if (this.#refused) return;
    if (line === 1) {
      const wrong = checkHeader([{ line, value }], JournalLog, JournalFormat);
      if (wrong) {
        this.refuse(wrong.message);
        return;
      }
    }
    if ((value as { type?: unknown } | null)?.type === 'header') return;
    if (v.is(JournalRecordSchema, value)) {
      this.table.add(value, { file: this.#number, offset, length });
      return;
    }
    const format = (value as { format?: unknown } | null)?.format;
    this.problem(
      line,
      typeof format === 'number' && format > JournalFormat
        ? l10n.t('This record was written by a newer version of Tunesmith. Update Tunesmith to read it.')
        : l10n.t('This record lacks something that every record has, and was passed over.'),
    );
  }

  problem(line: number, message: string): void {
    if (this.#refused || this.problems.length > mostProblems) return;
    const more = l10n.t('More lines of this file were passed over.');
    this.problems.push({ file: '', line, message: this.problems.length === mostProblems ? more : message });
  }
}

async function journalFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names
      .filter(name => name.endsWith('.jsonl') && name.split(sep).length === 2)
      .map(name => name.split(sep).join('/'))
      .sort();
  } catch {
    return [];
  }
}

const nameOf = (layout: WorkspaceLayout, path: string): string =>
  `${basename(dirname(relative(layout.preferences, path)))}/${basename(path)}`;

/** Device, inode, size, and when content and identity changed last. */
async function stampOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch {
    return undefined;
  }
}
