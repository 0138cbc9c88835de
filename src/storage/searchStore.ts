/** Prompt searches: `.tunesmith/runs/search-<template>-<hash>/` with a log of every evaluation, so that a stopped search goes on. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { reportMarkdown, type SearchReport } from '../core/search/report.ts';
import type { Found, RowResult, SearchMemory } from '../core/search/search.ts';
import { type Disk, nodeDisk, replaceFile, replaceJsonFile } from './fileSystem.ts';
import { checkHeader, decodeRecords, isReplaced, keepsBeingReplaced, RecordLogWriter } from './recordLog.ts';
import { ensureGitFiles, fileNameFor, readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

const LogName = 'search';

const FoundSchema = v.union([
  v.object({ type: v.literal('found'), key: v.string(), text: v.string() }),
  v.object({
    type: v.literal('found'),
    key: v.string(),
    result: v.object({ score: v.number(), answer: v.optional(v.string()) }),
  }),
]);

/** The memory of one search. One process at a time may have it open. */
export class SearchStore implements SearchMemory {
  /** Of the run; the same specification gives the same. */
  readonly id: string;
  readonly folder: string;
  /** Records that an earlier run of the same search left. */
  readonly known: number;
  readonly #texts = new Map<string, string>();
  readonly #results = new Map<string, RowResult>();
  readonly #writer: RecordLogWriter;
  readonly #disk: Disk;

  private constructor(id: string, folder: string, found: readonly Found[], writer: RecordLogWriter, disk: Disk) {
    this.id = id;
    this.folder = folder;
    this.known = found.length;
    this.#writer = writer;
    this.#disk = disk;
    this.#remember(found);
  }

  /** Begins a search, or goes on with one of the same specification; `fresh` forgets what that found. */
  static async open(
    layout: WorkspaceLayout,
    search: { readonly name: string; readonly specification: unknown },
    { fresh = false, disk = nodeDisk }: { readonly fresh?: boolean; readonly disk?: Disk } = {},
  ): Promise<SearchStore> {
    await ensureGitFiles(layout, disk);
    const hash = createHash('sha256').update(JSON.stringify(search.specification)).digest('hex').slice(0, 8);
    const id = `search-${fileNameFor(search.name, 'prompt')}-${hash}`;
    const folder = join(layout.runs, id);
    const log = join(folder, 'search.jsonl');
    if (fresh) await disk.remove(folder);
    const text = await readTextFile(log);
    if (text !== undefined) {
      const { records } = decodeRecords(text, log);
      if (checkHeader(records, LogName, 1)) throw new HumanError(newer(), { place: { file: log } });
      const found = records.flatMap(({ value }) => {
        const one = v.safeParse(FoundSchema, value);
        return one.success ? [one.output] : [];
      });
      return new SearchStore(id, folder, found, await RecordLogWriter.resume(log, disk), disk);
    }
    const createdAt = new Date().toISOString();
    const writer = await RecordLogWriter.create(log, { type: 'header', log: LogName, format: 1, at: createdAt }, disk);
    await replaceJsonFile(join(folder, 'run.json'), { format: 1, id, createdAt, ...search }, disk);
    return new SearchStore(id, folder, [], writer, disk);
  }

  text(key: string): string | undefined {
    return this.#texts.get(key);
  }

  result(key: string): RowResult | undefined {
    return this.#results.get(key);
  }

  async put(found: readonly Found[]): Promise<void> {
    if (found.length === 0) return;
    try {
      await this.#writer.append(found.map(one => ({ type: 'found', ...one })));
    } catch (error) {
      throw isReplaced(error) ? keepsBeingReplaced(this.#writer.path) : error;
    }
    this.#remember(found);
  }

  /** Writes `report.json` and `report.md`. Returns the path of the latter. */
  async report(report: SearchReport): Promise<string> {
    await replaceJsonFile(join(this.folder, 'report.json'), report, this.#disk);
    const path = join(this.folder, 'report.md');
    await replaceFile(path, reportMarkdown(report), this.#disk);
    return path;
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #remember(found: readonly Found[]): void {
    for (const one of found) {
      if ('text' in one) this.#texts.set(one.key, one.text);
      else this.#results.set(one.key, one.result);
    }
  }
}

const newer = (): string =>
  l10n.t('This search was written by a newer version of Tunesmith. Update Tunesmith, or begin anew.');
