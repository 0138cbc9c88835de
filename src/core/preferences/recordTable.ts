/** The journal's records as columns of numbers, a row each: what stands is computed from these, texts stay in the files. */
import { hash64 } from './hashTables.ts';
import type { JournalRecord, JudgementRecord } from './judgement.ts';
import { itemFacets, judgementFacets } from './recordFacets.ts';

export const Kinds = { item: 0, judgement: 1, deletion: 2 } as const;
const kindMask = 3;
/** Stands in the place of a judge's name for whoever settles a disagreement. */
export const adjudicator = 'adjudication';
/** Of an item: it has two answers that differ. Of a judgement: it was skipped. */
const flagBit = 4;

const columnTypes = {
  /** One of `Kinds`, and the flag. */
  kind: Uint8Array,
  /** Number of the file that the record stands in. */
  file: Uint32Array,
  /** Of the line in its file, bytes. */
  offset: Float64Array,
  length: Uint32Array,
  /** Milliseconds since 1970; 0 where the record has no readable time. */
  time: Float64Array,
  idHigh: Uint32Array,
  idLow: Uint32Array,
  /** Of a judgement its item, of a deletion what it deletes (hashes); of an item the number of its set (low word). */
  aboutHigh: Uint32Array,
  aboutLow: Uint32Array,
  /** The judgement that a judgement revises; both zero for none. */
  replacesHigh: Uint32Array,
  replacesLow: Uint32Array,
  /** Number of the annotator. */
  who: Uint32Array,
  /** recordFacets.ts says what these three hold. */
  facets: Uint32Array,
  says: Uint32Array,
  pairs: Uint16Array,
  /** Of a judgement the number of its list of flags, of an item that of its list of models. */
  marks: Uint32Array,
  /** Of a judgement the number of its version of the guidelines. */
  guidelines: Uint32Array,
} as const;

export type ColumnName = keyof typeof columnTypes;
export type Columns = { -readonly [K in ColumnName]: InstanceType<(typeof columnTypes)[K]> };
export const ColumnNames = Object.keys(columnTypes) as ColumnName[];
export const columnBytes = (name: ColumnName): number => columnTypes[name].BYTES_PER_ELEMENT;

/** What the columns name by number. */
export interface TableNames {
  readonly annotators: readonly (readonly [author: string, judge?: string])[];
  readonly sets: readonly string[];
  /** Items that were taken down and put up again carry their first id and a suffix. */
  readonly again: readonly string[];
  /** Lists of flags, sorted; the first is empty. */
  readonly flags: readonly (readonly string[])[];
  /** Lists of the models that wrote an item's answers, sorted. */
  readonly models: readonly (readonly string[])[];
  /** Versions; the first is empty and stands for none. */
  readonly guidelines: readonly string[];
}

/** Where a record stands. */
export interface RecordPlace {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

export class RecordTable {
  columns: Columns;
  #count = 0;
  readonly #annotators = new Map<string, number>();
  readonly #sets = new Map<string, number>();
  /** By the first id, all ids that it came back under. */
  readonly #again = new Map<string, Set<string>>();
  readonly #annotatorList: (readonly [author: string, judge?: string])[] = [];
  readonly #setList: string[] = [];
  readonly #flags = new NumberedLists([[]]);
  readonly #models = new NumberedLists();
  readonly #guidelines = new NumberedLists([['']]);

  constructor(capacity = 0) {
    this.columns = makeColumns(capacity);
  }

  get count(): number {
    return this.#count;
  }

  get names(): TableNames {
    const again = [...this.#again.values()].flatMap(ids => [...ids]);
    return {
      annotators: this.#annotatorList,
      sets: this.#setList,
      again,
      flags: this.#flags.lists,
      models: this.#models.lists,
      guidelines: this.#guidelines.lists.map(([version]) => version!),
    };
  }

  /** For a reader of columns: makes room for `count` rows, which the caller fills. */
  static withNames(names: TableNames, count: number): RecordTable {
    const table = new RecordTable(count + 1024 + (count >> 4));
    for (const [author, judge] of names.annotators) table.#annotator(author, judge);
    for (const set of names.sets) table.#set(set);
    for (const id of names.again) table.#remember(id);
    for (const list of names.flags) table.#flags.number(list);
    for (const list of names.models) table.#models.number(list);
    for (const version of names.guidelines) table.#guidelines.number([version]);
    table.#count = count;
    return table;
  }

  /** The new row's number. */
  add(record: JournalRecord, place: RecordPlace): number {
    const row = this.#count;
    if (row === this.columns.kind.length) this.#grow();
    const { columns } = this;
    columns.file[row] = place.file;
    columns.offset[row] = place.offset;
    columns.length[row] = place.length;
    columns.time[row] = timeOf(record.at);
    [columns.idHigh[row], columns.idLow[row]] = hash64(record.id);
    columns.who[row] = 0;
    columns.replacesHigh[row] = 0;
    columns.replacesLow[row] = 0;
    columns.marks[row] = 0;
    columns.guidelines[row] = 0;
    const facets =
      record.type === 'item' ? itemFacets(record) : record.type === 'judgement' ? judgementFacets(record) : undefined;
    columns.facets[row] = facets?.facets ?? 0;
    columns.says[row] = facets?.says ?? 0;
    columns.pairs[row] = facets?.pairs ?? 0;
    switch (record.type) {
      case 'item': {
        const rankable = record.answers.some(({ id }) => id !== record.answers[0]!.id);
        columns.kind[row] = Kinds.item | (rankable ? flagBit : 0);
        columns.aboutHigh[row] = 0;
        columns.aboutLow[row] = this.#set(record.set);
        columns.marks[row] = this.#models.number(record.answers.map(({ model }) => model));
        this.#remember(record.id);
        break;
      }
      case 'judgement':
        columns.kind[row] = Kinds.judgement | (record.verdict === 'skipped' ? flagBit : 0);
        [columns.aboutHigh[row], columns.aboutLow[row]] = hash64(record.item);
        if (record.replaces !== undefined)
          [columns.replacesHigh[row], columns.replacesLow[row]] = hash64(record.replaces);
        columns.who[row] = this.#annotator(record.author, record.adjudicates ? adjudicator : record.judge);
        columns.marks[row] = this.#flags.number(record.flags);
        columns.guidelines[row] = this.#guidelines.number([record.guidelines ?? '']);
        break;
      case 'deletion':
        columns.kind[row] = Kinds.deletion;
        [columns.aboutHigh[row], columns.aboutLow[row]] = hash64(record.deletes);
    }
    this.#count = row + 1;
    return row;
  }

  /** Takes over the rows of another table; its file numbers stay. */
  append(other: RecordTable): void {
    const from = this.#count;
    const needed = from + other.#count;
    if (needed > this.columns.kind.length) this.#grow(needed);
    const { columns } = this;
    for (const name of ColumnNames) columns[name].set(other.columns[name].subarray(0, other.#count) as never, from);
    const annotators = other.#annotatorList.map(([author, judge]) => this.#annotator(author, judge));
    const sets = other.#setList.map(name => this.#set(name));
    for (const ids of other.#again.values()) for (const id of ids) this.#remember(id);
    const [flags, models, guidelines] = [
      other.#flags.lists.map(list => this.#flags.number(list)),
      other.#models.lists.map(list => this.#models.number(list)),
      other.#guidelines.lists.map(list => this.#guidelines.number(list)),
    ];
    for (let row = from; row < needed; row++) {
      const kind = columns.kind[row]! & kindMask;
      if (kind === Kinds.judgement) {
        columns.who[row] = annotators[columns.who[row]!]!;
        columns.marks[row] = flags[columns.marks[row]!]!;
        columns.guidelines[row] = guidelines[columns.guidelines[row]!]!;
      } else if (kind === Kinds.item) {
        columns.aboutLow[row] = sets[columns.aboutLow[row]!]!;
        columns.marks[row] = models[columns.marks[row]!]!;
      }
    }
    this.#count = needed;
  }

  kind(row: number): number {
    return this.columns.kind[row]! & kindMask;
  }

  isRankable(row: number): boolean {
    return (this.columns.kind[row]! & flagBit) !== 0;
  }

  isSkipped(row: number): boolean {
    return (this.columns.kind[row]! & flagBit) !== 0;
  }

  /** Of a judgement: a person made it. */
  isPerson(row: number): boolean {
    return this.#annotatorList[this.columns.who[row]!]?.length === 1;
  }

  /** Earlier; of two at one time the one with the smaller id's hash. */
  readonly isBefore = (a: number, b: number): boolean => {
    const { time, idHigh, idLow } = this.columns;
    if (time[a] !== time[b]) return time[a]! < time[b]!;
    return idHigh[a] !== idHigh[b] ? idHigh[a]! < idHigh[b]! : idLow[a]! < idLow[b]!;
  };

  /** Takes out all rows of the files; the rows that follow get other numbers. */
  dropFiles(files: ReadonlySet<number>): void {
    if (files.size === 0) return;
    const { columns } = this;
    let to = 0;
    for (let row = 0; row < this.#count; row++) {
      if (files.has(columns.file[row]!)) continue;
      if (to !== row) for (const name of ColumnNames) columns[name][to] = columns[name][row]!;
      to++;
    }
    this.#count = to;
  }

  /** An annotator's number, or -1. */
  annotatorNumber({ author, judge }: Pick<JudgementRecord, 'author' | 'judge'>): number {
    return this.#annotators.get(annotatorKey(author, judge)) ?? -1;
  }

  /** The number of a person as somebody who settles disagreements, or -1: their own judgements stand beside. */
  adjudicatorNumber(author: string): number {
    return this.#annotators.get(annotatorKey(author, adjudicator)) ?? -1;
  }

  /** Numbers of all who settled disagreements. */
  get adjudicators(): readonly number[] {
    return this.#annotatorList.flatMap(([, judge], number) => (judge === adjudicator ? [number] : []));
  }

  /** Numbers of all people. */
  get people(): readonly number[] {
    return this.#annotatorList.flatMap(({ length }, number) => (length === 1 ? [number] : []));
  }

  /** Of a judgement: it settles a disagreement. */
  isAdjudication(row: number): boolean {
    return this.#annotatorList[this.columns.who[row]!]?.[1] === adjudicator;
  }

  setNumber(set: string): number {
    return this.#sets.get(set) ?? -1;
  }

  setName(number: number): string {
    return this.#setList[number] ?? '';
  }

  /** All ids that an item taken down came back under. */
  idsOf(first: string): Iterable<string> {
    return this.#again.get(first) ?? [];
  }

  #annotator(author: string, judge: string | undefined): number {
    const key = annotatorKey(author, judge);
    const known = this.#annotators.get(key);
    if (known !== undefined) return known;
    this.#annotators.set(key, this.#annotatorList.length);
    return this.#annotatorList.push(judge === undefined ? [author] : [author, judge]) - 1;
  }

  #set(name: string): number {
    const known = this.#sets.get(name);
    if (known !== undefined) return known;
    this.#sets.set(name, this.#setList.length);
    return this.#setList.push(name) - 1;
  }

  #remember(id: string): void {
    const dash = id.indexOf('-');
    if (dash <= 0) return;
    const first = id.slice(0, dash);
    const ids = this.#again.get(first);
    if (ids) ids.add(id);
    else this.#again.set(first, new Set([id]));
  }

  #grow(needed = this.#count + (this.#count >> 2)): void {
    const larger = makeColumns(needed + 1024);
    for (const name of ColumnNames) larger[name].set(this.columns[name] as never);
    this.columns = larger;
  }
}

/** Lists of names, each once and by number; the order within a list does not count. */
class NumberedLists {
  readonly lists: (readonly string[])[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(first: readonly (readonly string[])[] = []) {
    for (const list of first) this.number(list);
  }

  number(names: readonly string[]): number {
    const list = names.length > 1 ? [...new Set(names)].sort() : names;
    const key = list.length === 1 ? `=${list[0]}` : JSON.stringify(list);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.lists.length);
    return this.lists.push([...list]) - 1;
  }
}

const makeColumns = (capacity: number): Columns =>
  Object.fromEntries(ColumnNames.map(name => [name, new columnTypes[name](capacity)])) as unknown as Columns;

const annotatorKey = (author: string, judge: string | undefined): string =>
  judge === undefined ? `a${author}` : `j${JSON.stringify([author, judge])}`;

function timeOf(at: string): number {
  const time = Date.parse(at);
  return Number.isFinite(time) ? time : 0;
}
