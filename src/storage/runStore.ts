/** Runs of the playground and the command line: `.tunesmith/runs/<id>/` with a description and an append-only log of generations. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import type { Generation } from '../core/generation.ts';
import { type Disk, nodeDisk, randomName, replaceJsonFile } from './fileSystem.ts';
import {
  checkHeader,
  decodeRecords,
  type FileProblem,
  isReplaced,
  keepsBeingReplaced,
  RecordLogWriter,
} from './recordLog.ts';
import { ensureGitFiles, fileNameFor, readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

const RunSchema = v.object({
  format: v.literal(1),
  id: v.string(),
  /** Name of the template. */
  name: v.string(),
  createdAt: v.string(),
  /** What was run: templates with their hashes, models, options, rows. Its owner knows its shape. */
  specification: v.unknown(),
});
export type Run = v.InferOutput<typeof RunSchema>;

const CellSchema = v.object({
  type: v.literal('cell'),
  /** Which cell of the matrix: variant, model, row, repeat, as its owner writes them. */
  key: v.string(),
  at: v.string(),
  generation: v.optional(v.unknown()),
  error: v.optional(v.string()),
});

/** A finished cell: what was generated, or what the provider said went wrong. */
export interface Cell {
  readonly key: string;
  readonly generation?: Generation;
  readonly error?: string;
}

const LogName = 'generations';
const logFile = (layout: WorkspaceLayout, id: string): string => join(layout.runs, id, 'generations.jsonl');

/** An open run: cells are appended as they finish, and an interrupted run goes on where it stopped. */
export class RunStore {
  readonly run: Run;
  readonly #cells: Map<string, Cell>;
  readonly #writer: RecordLogWriter;
  #queue: Promise<unknown> = Promise.resolve();
  /** Cells that go to the disk together once those before them are there. */
  #next: { readonly cells: Cell[]; readonly done: Promise<void> } | undefined;

  private constructor(run: Run, cells: Map<string, Cell>, writer: RecordLogWriter) {
    this.run = run;
    this.#cells = cells;
    this.#writer = writer;
  }

  static async create(
    layout: WorkspaceLayout,
    run: { readonly name: string; readonly specification: unknown },
    disk: Disk = nodeDisk,
  ): Promise<RunStore> {
    await ensureGitFiles(layout, disk);
    const createdAt = new Date().toISOString();
    const time = createdAt.slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
    const id = `${time}-${fileNameFor(run.name, 'run')}-${randomName(4)}`;
    const made: Run = { format: 1, id, createdAt, ...run };
    const writer = await RecordLogWriter.create(
      logFile(layout, id),
      { type: 'header', log: LogName, format: 1, at: createdAt },
      disk,
    );
    try {
      await replaceJsonFile(join(layout.runs, id, 'run.json'), made, disk);
    } catch (error) {
      await writer.close().catch(() => {});
      throw error;
    }
    return new RunStore(made, new Map(), writer);
  }

  /** Goes on with a run. One process at a time may. */
  static async resume(layout: WorkspaceLayout, id: string, disk: Disk = nodeDisk): Promise<RunStore> {
    const { run, cells } = await readRun(layout, id);
    const writer = await RecordLogWriter.resume(logFile(layout, id), disk);
    return new RunStore(run, new Map(cells.map(cell => [cell.key, cell])), writer);
  }

  /** Finished cells by key. */
  get cells(): ReadonlyMap<string, Cell> {
    return this.#cells;
  }

  /** Resolves when the cell is on the disk; cells that wait together go there together. A later cell with the same key takes its place. */
  append(cell: Cell): Promise<void> {
    if (!this.#next) {
      const cells: Cell[] = [];
      const done = this.#queue.then(() => {
        this.#next = undefined;
        return this.#write(cells);
      });
      this.#queue = done.catch(() => {});
      this.#next = { cells, done };
    }
    this.#next.cells.push(cell);
    return this.#next.done;
  }

  async #write(cells: readonly Cell[]): Promise<void> {
    const at = new Date().toISOString();
    try {
      await this.#writer.append(cells.map(cell => ({ type: 'cell', at, ...cell })));
    } catch (error) {
      throw isReplaced(error) ? keepsBeingReplaced(this.#writer.path) : error;
    }
    for (const cell of cells) this.#cells.set(cell.key, cell);
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#writer.close();
  }
}

/** A run and its finished cells, the latest of each key. */
export async function readRun(
  layout: WorkspaceLayout,
  id: string,
): Promise<{ readonly run: Run; readonly cells: Cell[]; readonly problems: readonly FileProblem[] }> {
  const folder = join(layout.runs, id);
  const run = v.safeParse(RunSchema, parseJson((await readTextFile(join(folder, 'run.json'))) ?? ''));
  if (!run.success) {
    throw new HumanError(l10n.t('This run cannot be read. Run the template again.'), { place: { file: folder } });
  }
  const file = logFile(layout, id);
  const { records, problems } = decodeRecords((await readTextFile(file)) ?? '', file);
  const wrong = checkHeader(records, LogName, 1);
  if (wrong) return { run: run.output, cells: [], problems: [{ ...wrong, file }] };
  const cells = new Map<string, Cell>();
  for (const { value } of records) {
    const cell = v.safeParse(CellSchema, value);
    if (!cell.success) continue;
    const { key, generation, error } = cell.output;
    // Written by this store and guarded by a checksum, so the generation is one.
    cells.set(key, { key, generation: generation as Generation | undefined, error });
  }
  return { run: run.output, cells: [...cells.values()], problems };
}

/** All runs, newest first. */
export async function listRuns(layout: WorkspaceLayout): Promise<Run[]> {
  const names = await readdir(layout.runs).catch(() => [] as string[]);
  const runs: Run[] = [];
  for (const name of names.sort().reverse()) {
    const run = v.safeParse(RunSchema, parseJson((await readTextFile(join(layout.runs, name, 'run.json'))) ?? ''));
    if (run.success) runs.push(run.output);
  }
  return runs;
}
