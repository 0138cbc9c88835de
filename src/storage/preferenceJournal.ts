/**
 * The preference journal of a workspace: everything that was put up for ranking and every judgement, in append-only files
 * `.tunesmith/preferences/<author>/<writer>.jsonl`. Each process writes a file of its own, the reader takes the union.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import * as v from 'valibot';
import type { Disposable } from '../base/disposable.ts';
import { Emitter } from '../base/event.ts';
import { l10n } from '../base/l10n.ts';
import { JournalState, judgementKey } from '../core/preferences/journalState.ts';
import {
  type Answer,
  type ItemRecord,
  type JournalRecord,
  JournalRecordSchema,
  type JudgementRecord,
  type PreferencePair,
} from '../core/preferences/judgement.ts';
import { derivePairs } from '../core/preferences/pairs.ts';
import { type Disk, nodeDisk, randomName } from './fileSystem.ts';
import {
  checkHeader,
  decodeRecords,
  type FileProblem,
  isReplaced,
  keepsBeingReplaced,
  RecordLogWriter,
} from './recordLog.ts';
import { ensureGitFiles, fileNameFor, type WorkspaceLayout } from './workspaceLayout.ts';

const JournalFormat = 1;
const LogName = 'preferences';

export interface JournalOptions {
  /** Who judges here: a name or an e-mail address. */
  readonly author: string;
  readonly disk?: Disk;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export type NewItem = Pick<ItemRecord, 'set' | 'messages'> & { readonly answers: readonly NewAnswer[] };
export type NewAnswer = Omit<Answer, 'id'>;
export type NewJudgement = Omit<JudgementRecord, 'format' | 'type' | 'id' | 'at' | 'author'> & {
  /** Simulated annotators and model judges sign with a name of their own. */
  readonly author?: string;
};

interface FileState {
  stamp: string;
  readonly records: JournalRecord[];
  readonly problems: readonly FileProblem[];
}

export class PreferenceJournal implements Disposable {
  readonly #layout: WorkspaceLayout;
  readonly #author: string;
  readonly #disk: Disk;
  readonly #now: () => number;
  readonly #changed = new Emitter<void>();
  readonly #files = new Map<string, FileState>();
  #writer: RecordLogWriter | undefined;
  #state: JournalState | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #lastTime = 0;

  /** Fires after this process wrote, and after `refresh` found something new. */
  readonly onDidChange = this.#changed.event;

  private constructor(layout: WorkspaceLayout, options: JournalOptions) {
    this.#layout = layout;
    this.#author = options.author.trim() || 'someone';
    this.#disk = options.disk ?? nodeDisk;
    this.#now = options.now ?? Date.now;
  }

  /** Reads what is there. Nothing is written before the first record. */
  static async open(layout: WorkspaceLayout, options: JournalOptions): Promise<PreferenceJournal> {
    const journal = new PreferenceJournal(layout, options);
    await journal.refresh();
    return journal;
  }

  get author(): string {
    return this.#author;
  }

  /** Damaged lines and files that could not be read; everything else was. */
  get problems(): readonly FileProblem[] {
    return [...this.#files.values()].flatMap(file => file.problems);
  }

  get state(): JournalState {
    this.#state ??= new JournalState([...this.#files.values()].flatMap(file => file.records));
    return this.#state;
  }

  /** Items that stand, oldest first; of one set, or all. */
  items(set?: string): readonly ItemRecord[] {
    return set === undefined ? this.state.items : this.state.items.filter(item => item.set === set);
  }

  /** The standing judgement of an item by this author (or another annotator). */
  judgementOf(item: string, by: { author?: string; judge?: string } = {}): JudgementRecord | undefined {
    return this.state.judgement(judgementKey({ item, author: by.author ?? this.#author, judge: by.judge }));
  }

  /** Pairs of all standing judgements. */
  pairs(): PreferencePair[] {
    return derivePairs(this.state.judgements, this.state.itemById);
  }

  /**
   * Puts items up for ranking; resolves when they are on the disk. Answers with equal texts become one, and items with fewer
   * than two different answers are left out. The same item put up again stays one.
   */
  async addItems(items: readonly NewItem[]): Promise<ItemRecord[]> {
    const made = items.flatMap(item => {
      const answers = new Map<string, Answer>();
      for (const answer of item.answers) {
        const id = shortHash(answer.text);
        if (!answers.has(id)) answers.set(id, { ...answer, id });
      }
      if (answers.size < 2) return [];
      const record: ItemRecord = {
        ...this.#stamp(itemId(item)),
        type: 'item',
        set: item.set,
        messages: [...item.messages],
        answers: [...answers.values()],
      };
      return [record];
    });
    const { items: standing, deleted } = this.state;
    const find = (id: string) => standing.find(item => item.id === id || item.id.startsWith(`${id}-`));
    const fresh = new Map<string, ItemRecord>();
    for (const item of made) {
      if (fresh.has(item.id) || find(item.id)) continue;
      // Taken down before and put up again: a deletion is final, so it gets another name.
      fresh.set(item.id, deleted.has(item.id) ? { ...item, id: `${item.id}-${randomName(6)}` } : item);
    }
    await this.#append([...fresh.values()]);
    return made.map(item => find(item.id) ?? fresh.get(item.id) ?? item);
  }

  /** Resolves when the judgement is on the disk; until then it does not count. */
  async addJudgement(judgement: NewJudgement): Promise<JudgementRecord> {
    const [record] = await this.addJudgements([judgement]);
    return record!;
  }

  /** Several judgements with one wait for the disk. */
  async addJudgements(judgements: readonly NewJudgement[]): Promise<JudgementRecord[]> {
    const records = judgements.map(
      (judgement): JudgementRecord => ({
        ...this.#stamp(randomName(16), judgement.author),
        type: 'judgement',
        item: judgement.item,
        ranking: judgement.ranking,
        shown: judgement.shown,
        verdict: judgement.verdict,
        flags: judgement.flags,
        note: judgement.note,
        milliseconds: judgement.milliseconds,
        replaces: judgement.replaces,
        judge: judgement.judge,
      }),
    );
    await this.#append(records);
    return records;
  }

  /** Takes back a judgement (undo) or takes down an item. Resolves when that is on the disk. */
  async delete(id: string): Promise<void> {
    await this.#append([{ ...this.#stamp(randomName(16)), type: 'deletion', deletes: id }]);
  }

  /** Reads files that are new or changed since: other windows' work, a checkout. */
  refresh(): Promise<void> {
    // In turn with writing: a file read while it grows would be without the record that is acknowledged meanwhile.
    return this.#inTurn(() => this.#refresh());
  }

  async #refresh(): Promise<void> {
    const seen = new Set<string>();
    let changed = false;
    for (const file of await journalFiles(this.#layout.preferences)) {
      seen.add(file);
      const stamp = await stampOf(file);
      if (stamp === undefined || this.#files.get(file)?.stamp === stamp) continue;
      this.#files.set(file, await readJournalFile(file, stamp));
      changed = true;
    }
    for (const file of [...this.#files.keys()]) {
      if (!seen.has(file)) changed = this.#files.delete(file) || changed;
    }
    if (!changed) return;
    this.#state = undefined;
    this.#changed.fire();
  }

  /** Waits for what is being written and closes this process's file. */
  async close(): Promise<void> {
    await this.#queue.catch(() => {});
    const writer = this.#writer;
    this.#writer = undefined;
    this.#changed.dispose();
    await writer?.close();
  }

  dispose(): void {
    void this.close();
  }

  #stamp(id: string, author = this.#author) {
    // Strictly rising, so that of two judgements in one millisecond the second is the later.
    this.#lastTime = Math.max(this.#now(), this.#lastTime + 1);
    return { format: 1 as const, id, at: new Date(this.#lastTime).toISOString(), author };
  }

  #append(records: readonly JournalRecord[]): Promise<void> {
    return records.length === 0 ? Promise.resolve() : this.#inTurn(() => this.#write(records));
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(action);
    this.#queue = done.catch(() => {});
    return done;
  }

  async #write(records: readonly JournalRecord[]): Promise<void> {
    // Validated on the way in too: what cannot be read back is not a saved judgement.
    for (const record of records) v.assert(JournalRecordSchema, record);
    for (let attempt = 0; ; attempt++) {
      this.#writer ??= await this.#newFile();
      try {
        await this.#writer.append(records);
        break;
      } catch (error) {
        if (!isReplaced(error)) throw error;
        const { path } = this.#writer;
        await this.#writer.close().catch(() => {});
        this.#writer = undefined;
        if (attempt === 3) throw keepsBeingReplaced(path);
      }
    }
    const { path } = this.#writer;
    const own = this.#files.get(path) ?? { stamp: '', records: [], problems: [] };
    own.records.push(...records);
    own.stamp = (await stampOf(path)) ?? '';
    this.#files.set(path, own);
    if (!records.every(record => this.#state?.add(record))) this.#state = undefined;
    this.#changed.fire();
  }

  /** A file with a name that no process ever used, so that windows and branches never append to one file. */
  async #newFile(): Promise<RecordLogWriter> {
    await ensureGitFiles(this.#layout, this.#disk);
    const writer = randomName(16);
    return RecordLogWriter.create(
      join(this.#layout.preferences, fileNameFor(this.#author, 'someone'), `${writer}.jsonl`),
      {
        type: 'header',
        log: LogName,
        format: JournalFormat,
        writer,
        author: this.#author,
        at: new Date(this.#now()).toISOString(),
      },
      this.#disk,
    );
  }
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** The same prompt and answers of the same set have the same id, whoever puts them up. */
const itemId = (item: NewItem): string =>
  'i' +
  createHash('sha256')
    .update(JSON.stringify([item.set, item.messages, item.answers.map(answer => shortHash(answer.text)).sort()]))
    .digest('hex')
    .slice(0, 20);

async function journalFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names
      .filter(name => name.endsWith('.jsonl') && name.split(sep).length === 2)
      .sort()
      .map(name => join(folder, name));
  } catch {
    return [];
  }
}

async function stampOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs].join(':');
  } catch {
    return undefined;
  }
}

async function readJournalFile(file: string, stamp: string): Promise<FileState> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const message = l10n.t('This file cannot be read ({0}). Check its permissions.', String((error as Error).message));
    return { stamp, records: [], problems: [{ file, line: 1, message }] };
  }
  const contents = decodeRecords(text, file);
  const wrong = checkHeader(contents.records, LogName, JournalFormat);
  if (wrong) return { stamp, records: [], problems: [{ ...wrong, file }] };

  const records: JournalRecord[] = [];
  const problems = [...contents.problems];
  for (const { line, value } of contents.records) {
    if ((value as { type?: unknown } | null)?.type === 'header') continue;
    const parsed = v.safeParse(JournalRecordSchema, value);
    if (parsed.success) records.push(parsed.output);
    else {
      const format = (value as { format?: unknown } | null)?.format;
      problems.push({
        file,
        line,
        message:
          typeof format === 'number' && format > JournalFormat
            ? l10n.t('This record was written by a newer version of Tunesmith. Update Tunesmith to read it.')
            : l10n.t('This record lacks something that every record has, and was passed over.'),
      });
    }
  }
  return { stamp, records, problems };
}
