/**
 * Runs of the playground and the command line: `.tunesmith/runs/<id>/` with a description and an append-only log of what was asked,
 * the prompts, the cells and the conversations. In memory there is only where each record lies.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import type { Asked, KeptCell, KeptPrompt, KeptTurns } from '../core/runs/runRecord.ts';
import { type Disk, nodeDisk, randomName, replaceJsonFile } from './fileSystem.ts';
import { oldCell, oldMessages } from './oldRuns.ts';
import { checkHeader, type FileProblem, isReplaced, keepsBeingReplaced, RecordLogWriter } from './recordLog.ts';
import { RecordReader, type ScannedRecord, scanRecords } from './recordScan.ts';
import { ensureGitFiles, fileNameFor, readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

/** Format 1 kept less of a run, and whole generations in place of cells (oldRuns.ts). */
const Format = 2;

const RunSchema = v.object({
  format: v.picklist([1, Format]),
  id: v.string(),
  /** Name of the template. */
  name: v.string(),
  createdAt: v.string(),
  /** What was run (core/runs/runRecord.ts); of format 1, whatever its owner wrote. */
  specification: v.unknown(),
});
export type Run = v.InferOutput<typeof RunSchema>;

const RecordSchema = v.variant('type', [
  v.looseObject({ type: v.literal('cell'), key: v.string() }),
  v.looseObject({ type: v.literal('prompt'), id: v.string() }),
  v.looseObject({ type: v.literal('turns'), key: v.string() }),
  v.object({
    type: v.literal('asked'),
    columns: v.array(v.string()),
    rows: v.array(v.tuple([v.number(), v.number()])),
    repeats: v.union([v.number(), v.array(v.number())]),
  }),
]);

/** Where a record lies in the log, in bytes, without its line end. */
interface RecordPlace {
  readonly at: number;
  readonly length: number;
}

const LogName = 'generations';
const logFile = (layout: WorkspaceLayout, id: string): string => join(layout.runs, id, 'generations.jsonl');

interface Waiting {
  readonly record: object;
  readonly placed: (place: RecordPlace) => void;
}

export interface OpenOptions {
  /** Goes on with the run; one process at a time may. Without it the run is only read. */
  readonly write?: boolean;
  /** Called for each cell of the log in turn; of one key the last counts. */
  readonly onCell?: (cell: KeptCell) => void;
  readonly disk?: Disk;
}

/** One for all runs, so that many open ones hold no more blocks than one. */
const reader = new RecordReader();

export class RunStore {
  #run: Run;
  readonly #layout: WorkspaceLayout;
  readonly #disk: Disk;
  readonly #writer: RecordLogWriter | undefined;
  readonly #cells = new Map<string, RecordPlace>();
  readonly #prompts = new Map<string, RecordPlace>();
  readonly #turns = new Map<string, RecordPlace>();
  readonly #asked: Asked[] = [];
  #problems: readonly FileProblem[] = [];
  /** What was wrong when the run was opened, as a sentence. */
  #note: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  /** Records that go to the disk together once those before them are there. */
  #next: { readonly waiting: Waiting[]; readonly done: Promise<void> } | undefined;

  private constructor(layout: WorkspaceLayout, run: Run, writer: RecordLogWriter | undefined, disk: Disk) {
    this.#layout = layout;
    this.#run = run;
    this.#writer = writer;
    this.#disk = disk;
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
    const made: Run = { format: Format, id, createdAt, ...run };
    const writer = await RecordLogWriter.create(
      logFile(layout, id),
      { type: 'header', log: LogName, format: Format, at: createdAt },
      disk,
    );
    try {
      await replaceJsonFile(runFile(layout, id), made, disk);
    } catch (error) {
      await writer.close().catch(() => {});
      throw error;
    }
    return new RunStore(layout, made, writer, disk);
  }

  /** Rejects with a HumanError where there is no such run, or a newer version wrote it. */
  static async open(
    layout: WorkspaceLayout,
    id: string,
    { write = false, onCell, disk = nodeDisk }: OpenOptions = {},
  ): Promise<RunStore> {
    const run = await readRunFile(layout, id);
    if (!run) throw unreadable(layout, id);
    // First, because what was torn is cut off then.
    const writer = write ? await RecordLogWriter.resume(logFile(layout, id), disk) : undefined;
    const store = new RunStore(layout, run, writer, disk);
    try {
      await store.#index(onCell);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  get run(): Run {
    return this.#run;
  }

  get folder(): string {
    return join(this.#layout.runs, this.#run.id);
  }

  /** Keys of finished cells. */
  get keys(): ReadonlyMap<string, RecordPlace> {
    return this.#cells;
  }

  get asked(): readonly Asked[] {
    return this.#asked;
  }

  get problems(): readonly FileProblem[] {
    return this.#problems;
  }

  get note(): string | undefined {
    return this.#note;
  }

  hasPrompt(id: string): boolean {
    return this.#prompts.has(id);
  }

  /** Says anew what is run: a model was added. */
  async describe(specification: unknown): Promise<void> {
    const run = { ...this.#run, specification };
    await replaceJsonFile(runFile(this.#layout, run.id), run, this.#disk);
    this.#run = run;
  }

  /** Resolves when it is on the disk, as all of these do; what waits together goes there together. */
  async ask(asked: Asked): Promise<void> {
    this.#asked.push(asked);
    await this.#add({ type: 'asked', ...asked }, () => {});
  }

  /** A later cell with the same key takes the place of this one. Its prompt is written once, however many cells share it. */
  append(cell: KeptCell, prompt?: KeptPrompt): Promise<void> {
    if (prompt && !this.#prompts.has(prompt.id)) {
      // Known from now on: its record goes before any cell that comes later.
      this.#prompts.set(prompt.id, { at: 0, length: 0 });
      this.#add({ type: 'prompt', ...prompt }, place => this.#prompts.set(prompt.id, place)).catch(() =>
        this.#prompts.delete(prompt.id),
      );
    }
    return this.#add({ type: 'cell', at: new Date().toISOString(), ...cell }, place => this.#place(cell.key, place));
  }

  /** The whole conversation so far; it takes the place of what was said before. */
  say(turns: KeptTurns): Promise<void> {
    return this.#add({ type: 'turns', at: new Date().toISOString(), ...turns }, place =>
      this.#turns.set(turns.key, place),
    );
  }

  async cell(key: string): Promise<KeptCell | undefined> {
    const record = this.#read(this.#cells.get(key));
    return record === undefined ? undefined : cellOf(record);
  }

  /** What the cell is an answer to; undefined where it was not kept. */
  async prompt(key: string): Promise<Omit<KeptPrompt, 'id'> | undefined> {
    const record = this.#read(this.#cells.get(key));
    const old = oldMessages(record);
    if (old) return { messages: old, shots: [] };
    const id = record === undefined ? undefined : cellOf(record).prompt;
    const prompt = id === undefined ? undefined : this.#read(this.#prompts.get(id));
    if (prompt === undefined) return undefined;
    const { messages, shots } = prompt as KeptPrompt;
    return { messages, shots };
  }

  async turns(key: string): Promise<KeptTurns['turns']> {
    const record = this.#read(this.#turns.get(key));
    return (record as KeptTurns | undefined)?.turns ?? [];
  }

  /** Resolves when everything that waited is on the disk, or was refused. */
  async settled(): Promise<void> {
    while (this.#next) await this.#next.done.catch(() => {});
    await this.#queue;
  }

  async close(): Promise<void> {
    await this.settled();
    await this.#writer?.close();
  }

  #place(key: string, place: RecordPlace): void {
    this.#cells.set(key, place);
    // A conversation belongs to its answer: it ends with a new one.
    this.#turns.delete(key);
  }

  #read(place: RecordPlace | undefined): unknown {
    if (!place || place.length === 0) return undefined;
    return reader.read(logFile(this.#layout, this.#run.id), place.at, place.length);
  }

  #add(record: object, placed: Waiting['placed']): Promise<void> {
    if (!this.#next) {
      const waiting: Waiting[] = [];
      const done = this.#queue.then(() => {
        this.#next = undefined;
        return this.#write(waiting);
      });
      this.#queue = done.catch(() => {});
      this.#next = { waiting, done };
    }
    this.#next.waiting.push({ record, placed });
    return this.#next.done;
  }

  async #write(waiting: readonly Waiting[]): Promise<void> {
    const writer = this.#writer;
    if (!writer) throw new Error('this run was opened to be read');
    try {
      const { position, bytes } = await writer.append(waiting.map(({ record }) => record));
      let start = 0;
      for (const { placed } of waiting) {
        const end = bytes.indexOf(0x0a, start);
        placed({ at: position + start, length: end - start });
        start = end + 1;
      }
    } catch (error) {
      throw isReplaced(error) ? keepsBeingReplaced(writer.path) : error;
    }
  }

  async #index(onCell: OpenOptions['onCell']): Promise<void> {
    const file = logFile(this.#layout, this.#run.id);
    let wrong: FileProblem | undefined;
    const problems: FileProblem[] = [];
    const take = ({ value, line, offset: at, length }: ScannedRecord): void => {
      if (line === 1) wrong = checkHeader([{ line, value }], LogName, Format);
      const record = wrong ? undefined : v.safeParse(RecordSchema, value);
      if (!record?.success) return;
      const known = record.output;
      if (known.type === 'asked') {
        const { type: _, ...asked } = known;
        this.#asked.push(asked);
      } else if (known.type === 'prompt') this.#prompts.set(known.id, { at, length });
      else if (known.type === 'turns') this.#turns.set(known.key, { at, length });
      else {
        this.#place(known.key, { at, length });
        onCell?.(cellOf(known));
      }
    };
    const size = await stat(file).then(
      found => found.size,
      () => undefined,
    );
    if (size === undefined) return;
    const sink = { record: take, problem: (line: number, message: string) => problems.push({ file, line, message }) };
    const { end, loose } = await scanRecords(file, sink);
    if (wrong) throw new HumanError(wrong.message, { place: { file } });
    this.#problems = problems;
    this.#note = end < size && !loose ? tornSentence() : problems[0]?.message;
  }
}

/** What is said of a run whose last record was cut off. */
const tornSentence = (): string =>
  l10n.t('The last record was cut off when its writer was stopped; it counts as not written.');

const runFile = (layout: WorkspaceLayout, id: string): string => join(layout.runs, id, 'run.json');

/** Guarded by a checksum and written by this store, so its shape is believed. */
function cellOf(record: unknown): KeptCell {
  const old = oldCell(record);
  if (old) return old;
  const { type: _, at: __, ...cell } = record as KeptCell & { type: string; at: string };
  return cell;
}

const unreadable = (layout: WorkspaceLayout, id: string): HumanError =>
  new HumanError(l10n.t('This run cannot be read. Run the template again.'), {
    place: { file: join(layout.runs, id) },
  });

/** The description of a run; undefined where there is none that can be read. */
export async function readRunFile(layout: WorkspaceLayout, id: string): Promise<Run | undefined> {
  const run = v.safeParse(RunSchema, parseJson((await readTextFile(runFile(layout, id))) ?? ''));
  return run.success ? run.output : undefined;
}
