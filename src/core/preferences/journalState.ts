/** What a set of journal records says now: items that stand, and of each annotator's judgements the latest. */
import type { Share, Sharing } from './assignment.ts';
import { hash64 } from './hashTables.ts';
import { type JudgedRows, judgedRows, placeIn } from './judgedRows.ts';
import type { ItemRecord, ItemsById, JournalRecord, JudgementRecord } from './judgement.ts';
import { isOpenTo, openRows, progressOf, type SetProgress, type SharingOf } from './openItems.ts';
import { adjudicator, RecordTable } from './recordTable.ts';
import { noRow, Standing, type StandingSnapshot } from './standing.ts';

/** An annotator's place: a later judgement under the same key stands for it. */
export type JudgementKey = Pick<JudgementRecord, 'item' | 'author' | 'judge'>;

/** A record that is read when somebody needs it; its key stays the same whatever else comes and goes. */
export interface Held<T> {
  readonly key: string;
  read(): T | undefined;
}

/** An item that a person has not judged. */
export interface OpenItem extends Held<ItemRecord> {
  readonly share: Exclude<Share, 'done'>;
}

/** An item that several people judged. */
export interface SharedItem {
  readonly item: Held<ItemRecord>;
  readonly judgements: readonly Held<JudgementRecord>[];
  readonly adjudication: Held<JudgementRecord> | undefined;
}

/** A judgement that stands. */
export interface HeldJudgement extends Held<JudgementRecord> {
  readonly item: Held<ItemRecord>;
  readonly isSkipped: boolean;
  readonly isOwn: boolean;
}

/** Records by their row; undefined where the file changed since. */
export type ReadRecord = (row: number) => JournalRecord | undefined;

/** Bytes of items that are kept in memory once read. */
const keptBytes = 16 << 20;

/**
 * The state that a set of records describes; standing.ts says what that is.
 * Only numbers are held; texts are read when somebody asks for a record. A million judgements take about 100 MB.
 */
export class JournalState {
  readonly #table: RecordTable;
  readonly #standing: Standing;
  readonly #read: ReadRecord;
  readonly #itemCache = new Map<string, ItemRecord>();
  #cachedBytes = 0;
  readonly #lists = new Map<string, { readonly at: number; readonly value: unknown }>();

  private constructor(table: RecordTable, standing: Standing, read: ReadRecord) {
    this.#table = table;
    this.#standing = standing;
    this.#read = read;
  }

  /** The state of these records, held in memory. */
  static of(records: Iterable<JournalRecord>): JournalState {
    const table = new RecordTable();
    const list: JournalRecord[] = [];
    for (const record of records) {
      table.add(record, { file: 0, offset: 0, length: 0 });
      list.push(record);
    }
    return JournalState.over(table, row => list[row]);
  }

  /** The state of a table's records. Rows added later are taken in by `catchUp`; after any other change make another state. */
  static over(table: RecordTable, read: ReadRecord): JournalState {
    return new JournalState(table, new Standing(table), read);
  }

  /** The same, where what stood at the table's first rows is known; undefined where what came since asks for `over`. */
  static from(snapshot: StandingSnapshot, table: RecordTable, read: ReadRecord): JournalState | undefined {
    const state = new JournalState(table, new Standing(table, snapshot), read);
    return state.catchUp() ? state : undefined;
  }

  /** Takes in rows that were added to the table where that is simple; false where the state must be made anew. */
  catchUp(): boolean {
    return this.#standing.catchUp();
  }

  /** From which `from` makes this state again. */
  snapshot(): StandingSnapshot {
    return this.#standing.snapshot();
  }

  /** Items not deleted. */
  readonly itemById: ItemsById & { has(id: string): boolean } = {
    get: id => this.#item(id),
    has: id => this.#standing.itemRow(id) !== noRow,
  };

  /** Ids of records that were taken back. */
  readonly deleted = { has: (id: string): boolean => this.#standing.isDeletedId(id) };

  get itemCount(): number {
    return this.#standing.itemCount;
  }

  get judgementCount(): number {
    return this.#standing.judgementCount;
  }

  /** Names of the sets that items were put up in. */
  get sets(): readonly string[] {
    return this.#table.names.sets;
  }

  /** Judges that are no persons, each with the author in whose name it ran, whether or not a judgement of theirs stands. */
  get judges(): readonly Required<Pick<JudgementRecord, 'author' | 'judge'>>[] {
    return this.#table.names.annotators.flatMap(([author, judge]) =>
      judge === undefined || judge === adjudicator ? [] : [{ author, judge }],
    );
  }

  /** Not deleted, oldest first; each is read as it is asked for. */
  *eachItem(set?: string): Generator<ItemRecord> {
    const number = set === undefined ? noRow : this.#table.setNumber(set);
    if (set !== undefined && number === noRow) return;
    for (let i = 0; i < this.#standing.itemCount; i++) {
      const row = this.#standing.itemAt(i);
      if (number !== noRow && this.#table.columns.aboutLow[row] !== number) continue;
      const record = this.#read(row);
      if (record?.type === 'item') yield record;
    }
  }

  /**
   * One per item, author and judge: the latest that is neither deleted nor replaced; no adjudications. Oldest first; read as they
   * are asked for.
   */
  *eachJudgement(): Generator<JudgementRecord> {
    yield* this.#each(row => this.#standing.stands(row) && !this.#table.isAdjudication(row));
  }

  /** What training data is derived from: `eachJudgement`, but where an item was adjudicated, the adjudication alone. */
  *eachDecisive(): Generator<JudgementRecord> {
    const { columns } = this.#table;
    const isSettled = this.#table.adjudicators.length > 0;
    yield* this.#each(row => {
      if (!this.#standing.stands(row) || !isSettled) return this.#standing.stands(row);
      const by = this.#standing.adjudicationOf(columns.aboutHigh[row]!, columns.aboutLow[row]!);
      return by === noRow || by === row;
    });
  }

  /** The adjudication that stands of an item: of several people's the latest. */
  adjudication(item: string): JudgementRecord | undefined {
    const row = this.#standing.adjudicationOf(...hash64(item));
    const record = row === noRow ? undefined : this.#read(row);
    return record?.type === 'judgement' ? record : undefined;
  }

  /** Items that several people judged, skipped ones left out, with their judgements and the adjudication if there is one. */
  *sharedItems(): Generator<SharedItem> {
    const { people, columns } = this.#table;
    for (let i = 0; i < this.#standing.itemCount; i++) {
      const row = this.#standing.itemAt(i);
      if (this.#standing.peopleOf(row) < 2) continue;
      const [high, low] = [columns.idHigh[row]!, columns.idLow[row]!];
      const judgements = people.flatMap(who => {
        const standing = this.#standing.judgementBy(high, low, who);
        return standing === noRow || this.#table.isSkipped(standing) ? [] : [this.#held(standing, 'judgement')];
      });
      const by = this.#standing.adjudicationOf(high, low);
      yield {
        item: this.#held(row, 'item'),
        judgements,
        adjudication: by === noRow ? undefined : this.#held(by, 'judgement'),
      };
    }
  }

  /** `eachItem` as a list: all texts are in memory then. */
  get items(): readonly ItemRecord[] {
    return this.#list('items', () => [...this.eachItem()]);
  }

  /** `eachJudgement` as a list. */
  get judgements(): readonly JudgementRecord[] {
    return this.#list('judgements', () => [...this.eachJudgement()]);
  }

  /** Judgements of items that no record holds (their file is missing). */
  get orphans(): readonly JudgementRecord[] {
    return this.#list('orphans', () => [...this.#each(row => this.#standing.isOrphan(row))]);
  }

  /** The same annotator judged the same item again without revising: the judgement before, and the one that stands now. */
  get repeats(): readonly (readonly [before: JudgementRecord, after: JudgementRecord])[] {
    return this.#list('repeats', () => {
      const pairs: [JudgementRecord, JudgementRecord][] = [];
      for (let i = 0; i < this.#standing.everJudged; i++) {
        const row = this.#standing.judgementAt(i);
        if (this.#standing.stands(row) || this.#standing.isOrphan(row)) continue;
        if (this.#table.isSkipped(row) || !this.#standing.counts(row)) continue;
        if (this.#table.isAdjudication(row)) continue;
        const standing = this.#standing.standingOf(row);
        const [before, after] = [this.#read(row), standing === noRow ? undefined : this.#read(standing)];
        if (before?.type === 'judgement' && after?.type === 'judgement') pairs.push([before, after]);
      }
      return pairs;
    });
  }

  /** The standing judgement of an annotator. */
  judgement(key: JudgementKey): JudgementRecord | undefined {
    const who = this.#table.annotatorNumber(key);
    const row = this.#standing.judgementBy(...hash64(key.item), who);
    const record = row === noRow || !this.#standing.stands(row) ? undefined : this.#read(row);
    return record?.type === 'judgement' ? record : undefined;
  }

  /** Whether a judgement with this id was ever made, standing or not. */
  hasJudgement(id: string): boolean {
    return this.#standing.hasJudgement(id);
  }

  /** The id under which an item stands that was put up as `id`, perhaps taken down and put up again. */
  standingId(id: string): string | undefined {
    if (this.itemById.has(id)) return id;
    for (const other of this.#table.idsOf(id)) if (this.itemById.has(other)) return other;
    return undefined;
  }

  /** Sets in order of first appearance with how many of their rankable items the author judged. */
  progress(author: string, sharingOf: SharingOf = () => undefined): readonly SetProgress[] {
    const shared = this.#table.names.sets.map(set => sharingOf(set));
    return this.#list(`progress ${JSON.stringify([author, shared])}`, () =>
      progressOf(this.#table, this.#standing, author, shared),
    );
  }

  /** Items that the author has not judged, oldest first: of one set or all. */
  *openItems(author: string, set?: string, sharingOf: SharingOf = () => undefined): Generator<OpenItem> {
    for (const { row, share } of openRows(this.#table, this.#standing, author, set, sharingOf))
      yield { ...this.#held(row, 'item'), share };
  }

  /** Whether the author has not judged the item and too few others have. */
  isOpen(id: string, author: string, sharing?: Sharing): boolean {
    return isOpenTo(this.#table, this.#standing, this.#standing.itemRow(id), author, sharing);
  }

  /** The first item that is open to the author: of their share, else of what others left. */
  nextItem(author: string, set: string, sharing?: Sharing): ItemRecord | undefined {
    let left: OpenItem | undefined;
    for (const item of this.openItems(author, set, () => sharing)) {
      if (item.share === 'own') {
        const record = item.read();
        if (record) return record;
      } else left ??= item;
    }
    return left?.read();
  }

  /** People's judgements that stand, newest first: the newest `most`, and the author's own beyond these. */
  *newestJudgements(author: string, most: number): Generator<HeldJudgement> {
    const who = this.#table.annotatorNumber({ author });
    const { columns } = this.#table;
    let given = 0;
    for (let i = this.#standing.everJudged - 1; i >= 0; i--) {
      const row = this.#standing.judgementAt(i);
      const isOwn = columns.who[row] === who;
      if (!this.#standing.stands(row) || !this.#table.isPerson(row) || (given >= most && !isOwn)) continue;
      given++;
      const item = this.#standing.itemOf(row);
      yield {
        ...this.#held(row, 'judgement'),
        item: this.#held(item, 'item'),
        isSkipped: this.#table.isSkipped(row),
        isOwn,
      };
    }
  }

  /** This author's own judgements of a set that stand, newest first; or, of an adjudicator, the adjudications. */
  *ownJudgements(
    author: string,
    set: string,
    as: 'annotator' | 'adjudicator' = 'annotator',
  ): Generator<JudgementRecord> {
    const who = as === 'annotator' ? this.#table.annotatorNumber({ author }) : this.#table.adjudicatorNumber(author);
    const number = this.#table.setNumber(set);
    const { columns } = this.#table;
    for (let i = this.#standing.everJudged - 1; i >= 0 && who >= 0; i--) {
      const row = this.#standing.judgementAt(i);
      if (columns.who[row] !== who || !this.#standing.stands(row)) continue;
      const item = this.#standing.itemOf(row);
      if (columns.aboutLow[item] !== number) continue;
      const record = this.#read(row);
      if (record?.type === 'judgement') yield record;
    }
  }

  /** When the newest item was put up and in which set. */
  get newestItem(): { readonly time: number; readonly set: string } | undefined {
    if (this.#standing.itemCount === 0) return undefined;
    const row = this.#standing.itemAt(this.#standing.itemCount - 1);
    const { columns } = this.#table;
    return { time: columns.time[row]!, set: this.#table.setName(columns.aboutLow[row]!) };
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#standing.changes;
  }

  /** Columns for queries; their rows are those of `judgedRows`. */
  get table(): RecordTable {
    return this.#table;
  }

  /** Undefined where the file changed since. */
  record(row: number): JournalRecord | undefined {
    return this.#read(row);
  }

  /** An item's place in `judgedRows`. */
  placeOf(id: string): number | undefined {
    const row = this.#standing.itemRow(id);
    return row === noRow ? undefined : placeIn(this.judgedRows.items, row, this.#table);
  }

  get judgedRows(): JudgedRows {
    return this.#list('rows', () => judgedRows(this.#table, this.#standing));
  }

  #held<T extends 'item' | 'judgement'>(row: number, type: T): Held<Extract<JournalRecord, { type: T }>> {
    const { idHigh, idLow } = this.#table.columns;
    return {
      key: `${idHigh[row]}.${idLow[row]}`,
      read: () => {
        const record = this.#read(row);
        return record?.type === type ? (record as Extract<JournalRecord, { type: T }>) : undefined;
      },
    };
  }

  *#each(counts: (row: number) => boolean): Generator<JudgementRecord> {
    for (let i = 0; i < this.#standing.everJudged; i++) {
      const row = this.#standing.judgementAt(i);
      if (!counts(row)) continue;
      const record = this.#read(row);
      if (record?.type === 'judgement') yield record;
    }
  }

  #item(id: string): ItemRecord | undefined {
    const cached = this.#itemCache.get(id);
    if (cached && this.#standing.itemRow(id) !== noRow) return cached;
    const row = this.#standing.itemRow(id);
    const record = row === noRow ? undefined : this.#read(row);
    if (record?.type !== 'item' || record.id !== id) return undefined;
    this.#cachedBytes += this.#table.columns.length[row]!;
    if (this.#cachedBytes > keptBytes) {
      this.#itemCache.clear();
      this.#cachedBytes = this.#table.columns.length[row]!;
    }
    this.#itemCache.set(id, record);
    return record;
  }

  #list<T>(name: string, make: () => T): T {
    const known = this.#lists.get(name);
    if (known?.at === this.#standing.changes) return known.value as T;
    const value = make();
    this.#lists.set(name, { at: this.#standing.changes, value });
    return value;
  }
}
