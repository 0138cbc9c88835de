/**
 * The preference journal of a workspace: everything that was put up for ranking and every judgement, in append-only files
 * `.tunesmith/preferences/<author>/<writer>.jsonl`. Each process writes a file of its own, the reader takes the union.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Disposable } from '../base/disposable.ts';
import { Emitter } from '../base/event.ts';
import type { JournalState } from '../core/preferences/journalState.ts';
import { type JudgeFilter, trainingPairs, trainingRankings } from '../core/preferences/judgeChoice.ts';
import {
  type Answer,
  type ItemRecord,
  type JournalRecord,
  JournalRecordSchema,
  type JudgementRecord,
  type PreferencePair,
  type PreferenceRanking,
} from '../core/preferences/judgement.ts';
import { type Disk, nodeDisk, randomName } from './fileSystem.ts';
import { JournalFiles, JournalFormat, JournalLog } from './journalFiles.ts';
import { type AppendedBytes, type FileProblem, isReplaced, keepsBeingReplaced, RecordLogWriter } from './recordLog.ts';
import { ensureGitFiles, fileNameFor, type WorkspaceLayout } from './workspaceLayout.ts';

export interface JournalOptions {
  /** Who judges here: a name or an e-mail address. */
  readonly author: string;
  readonly disk?: Disk;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** So many records make an index worth its file; for tests. */
  readonly indexFrom?: number;
}

export type NewItem = Pick<ItemRecord, 'set' | 'messages' | 'gold'> & { readonly answers: readonly NewAnswer[] };
export type NewAnswer = Omit<Answer, 'id'>;
export type NewJudgement = Omit<JudgementRecord, 'format' | 'type' | 'id' | 'at' | 'author'> & {
  /** Simulated annotators and model judges sign with a name of their own. */
  readonly author?: string;
  /** Of what is imported: the same row again is the same record. A random one when left out. */
  readonly id?: string;
};

export class PreferenceJournal implements Disposable {
  readonly #layout: WorkspaceLayout;
  readonly #author: string;
  readonly #disk: Disk;
  readonly #now: () => number;
  readonly #changed = new Emitter<void>();
  readonly #files: JournalFiles;
  /** By folder: one for the author, one for each judge that ran in their name. */
  readonly #writers = new Map<string, RecordLogWriter>();
  #state: JournalState | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #lastTime = 0;

  /** Fires after this process wrote, and after `refresh` found something new. */
  readonly onDidChange = this.#changed.event;

  private constructor(layout: WorkspaceLayout, options: JournalOptions) {
    this.#layout = layout;
    this.#author = options.author.trim() || 'someone';
    this.#disk = options.disk ?? nodeDisk;
    this.#files = new JournalFiles(layout, this.#disk, options.indexFrom);
    this.#now = options.now ?? Date.now;
  }

  /** Reads what is there. Nothing is written before the first record. */
  static async open(layout: WorkspaceLayout, options: JournalOptions): Promise<PreferenceJournal> {
    const journal = new PreferenceJournal(layout, options);
    await journal.#files.load();
    await journal.refresh();
    await journal.#files.saveIndex(() => journal.state);
    return journal;
  }

  get author(): string {
    return this.#author;
  }

  /** Damaged lines and files that could not be read; everything else was. */
  get problems(): readonly FileProblem[] {
    return this.#files.problems;
  }

  get state(): JournalState {
    this.#state ??= this.#files.makeState();
    return this.#state;
  }

  /** Items that stand, oldest first; of one set, or all. */
  items(set?: string): readonly ItemRecord[] {
    return set === undefined ? this.state.items : [...this.state.eachItem(set)];
  }

  /** Items whose prompts may be trained on: not those whose answers measure a job. */
  promptItems(): readonly ItemRecord[] {
    return this.items().filter(({ gold }) => gold === undefined);
  }

  /** The standing judgement of an item by this author (or another annotator). */
  judgementOf(item: string, by: { author?: string; judge?: string } = {}): JudgementRecord | undefined {
    return this.state.judgement({ item, author: by.author ?? this.#author, judge: by.judge });
  }

  /** Pairs of standing judgements to train on; those of judges only where the filter says so. */
  pairs(filter?: JudgeFilter, options?: { readonly ties?: boolean }): PreferencePair[] {
    return trainingPairs(this.state, filter, options);
  }

  /** Likewise whole rankings. */
  rankings(filter?: JudgeFilter): PreferenceRanking[] {
    return trainingRankings(this.state, filter);
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
        ...(item.gold === undefined ? {} : { gold: item.gold }),
      };
      return [record];
    });
    const { deleted } = this.state;
    const fresh = new Map<string, ItemRecord>();
    for (const item of made) {
      if (fresh.has(item.id) || this.state.standingId(item.id) !== undefined) continue;
      // Taken down before and put up again: a deletion is final, so it gets another name.
      fresh.set(item.id, deleted.has(item.id) ? { ...item, id: `${item.id}-${randomName(6)}` } : item);
    }
    await this.#append([...fresh.values()]);
    return made.map(item => {
      const added = fresh.get(item.id);
      if (added) return added;
      const standing = this.state.standingId(item.id);
      return (standing === undefined ? undefined : this.state.itemById.get(standing)) ?? item;
    });
  }

  /** Resolves when the judgement is on the disk; until then it does not count. */
  async addJudgement(judgement: NewJudgement): Promise<JudgementRecord> {
    const [record] = await this.addJudgements([judgement]);
    return record!;
  }

  /** Several judgements with one wait for the disk. `folder`: a journal of their own beside the author's, as model judges have it. */
  async addJudgements(
    judgements: readonly NewJudgement[],
    { folder }: { readonly folder?: string } = {},
  ): Promise<JudgementRecord[]> {
    const records = judgements.map(
      ({ author, id, ...judgement }): JudgementRecord => ({
        ...this.#stamp(id ?? randomName(16), author),
        type: 'judgement',
        ...judgement,
      }),
    );
    await this.#append(records, folder);
    return records;
  }

  /** Takes back judgements (undo) or takes down items. Resolves when that is on the disk. */
  async delete(...ids: readonly string[]): Promise<void> {
    await this.#append(ids.map(deletes => ({ ...this.#stamp(randomName(16)), type: 'deletion', deletes })));
  }

  /**
   * Puts back what was taken down, with its authors and times. A deletion is final, so all of it gets new ids; judgements of an
   * item that is put back follow it.
   */
  async restore(items: readonly ItemRecord[], judgements: readonly JudgementRecord[]): Promise<void> {
    const itemIds = new Map(items.map(({ id }) => [id, `${id.replace(/-.*/, '')}-${randomName(6)}`]));
    const ids = new Map(judgements.map(({ id }) => [id, randomName(16)]));
    const renamed = (id: string): string => ids.get(id) ?? id;
    await this.#append([
      ...items.map(item => ({ ...item, id: itemIds.get(item.id)! })),
      ...judgements.map(judgement => ({
        ...judgement,
        id: ids.get(judgement.id)!,
        item: itemIds.get(judgement.item) ?? judgement.item,
        ...(judgement.repeatOf !== undefined && { repeatOf: renamed(judgement.repeatOf) }),
        ...(judgement.replaces !== undefined && { replaces: renamed(judgement.replaces) }),
        ...(judgement.adjudicates && { adjudicates: judgement.adjudicates.map(renamed) }),
      })),
    ]);
  }

  /** Reads files that are new or changed since: other windows' work, a checkout. */
  refresh(): Promise<void> {
    // In turn with writing: a file read while it grows would be without the record that is acknowledged meanwhile.
    return this.#inTurn(() => this.#refresh());
  }

  async #refresh(): Promise<void> {
    const found = await this.#files.refresh();
    if (found === 'nothing') return;
    if (found === 'replaced' || !this.#state?.catchUp()) this.#state = undefined;
    this.#changed.fire();
    void this.#files.saveIndex(() => this.state);
  }

  /** Waits for what is being written and closes this process's file. */
  async close(): Promise<void> {
    await this.#queue.catch(() => {});
    const writers = [...this.#writers.values()];
    this.#writers.clear();
    this.#changed.dispose();
    for (const writer of writers) await writer.close();
    await this.#files.saveIndex(() => this.state);
  }

  dispose(): void {
    void this.close();
  }

  #stamp(id: string, author = this.#author) {
    // Strictly rising, so that of two judgements in one millisecond the second is the later.
    this.#lastTime = Math.max(this.#now(), this.#lastTime + 1);
    return { format: 1 as const, id, at: new Date(this.#lastTime).toISOString(), author };
  }

  #append(records: readonly JournalRecord[], folder?: string): Promise<void> {
    return records.length === 0 ? Promise.resolve() : this.#inTurn(() => this.#write(records, folder ?? this.#author));
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(action);
    this.#queue = done.catch(() => {});
    return done;
  }

  async #write(records: readonly JournalRecord[], folder: string): Promise<void> {
    // Validated on the way in too: what cannot be read back is not a saved judgement.
    for (const record of records) v.assert(JournalRecordSchema, record);
    let appended: AppendedBytes;
    let writer: RecordLogWriter;
    for (let attempt = 0; ; attempt++) {
      writer = this.#writers.get(folder) ?? (await this.#newFile(folder));
      this.#writers.set(folder, writer);
      try {
        appended = await writer.append(records);
        break;
      } catch (error) {
        if (!isReplaced(error)) throw error;
        await writer.close().catch(() => {});
        this.#writers.delete(folder);
        if (attempt === 3) throw keepsBeingReplaced(writer.path);
      }
    }
    await this.#files.appended(writer.path, records, appended);
    if (!this.#state?.catchUp()) this.#state = undefined;
    this.#changed.fire();
    void this.#files.saveIndex(() => this.state);
  }

  /** A file with a name that no process ever used, so that windows and branches never append to one file. */
  async #newFile(folder: string): Promise<RecordLogWriter> {
    await ensureGitFiles(this.#layout, this.#disk);
    const writer = randomName(16);
    return RecordLogWriter.create(
      join(this.#layout.preferences, fileNameFor(folder, 'someone'), `${writer}.jsonl`),
      {
        type: 'header',
        log: JournalLog,
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
    .update(
      JSON.stringify([
        item.set,
        item.messages,
        item.answers.map(answer => shortHash(answer.text)).sort(),
        ...(item.gold === undefined ? [] : [item.gold]),
      ]),
    )
    .digest('hex')
    .slice(0, 20);
