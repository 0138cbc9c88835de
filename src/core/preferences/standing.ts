/** Which records of a table stand: of the items those not deleted, of each annotator's judgements of an item the latest. */
import { Counts64, hash64, RowOrder, RowTable, sortedByTime } from './hashTables.ts';
import { Kinds, type RecordTable } from './recordTable.ts';

export const noRow = -1;

/** What a table's first `rows` rows say, as it is kept beside them; the arrays belong to whoever has it. */
export interface StandingSnapshot {
  readonly rows: number;
  readonly hasRings: boolean;
  readonly orphanCount: number;
  readonly judgementCount: number;
  readonly arrays: SnapshotArrays;
}

export const snapshotArrays = {
  items: Uint32Array,
  judgements: Uint32Array,
  chains: Uint32Array,
  previous: Uint32Array,
  stands: Uint8Array,
  people: Uint16Array,
  itemOrder: Uint32Array,
  judgementOrder: Uint32Array,
  deleted: Uint32Array,
  replaced: Uint32Array,
} as const;
export type SnapshotArrayName = keyof typeof snapshotArrays;
export type SnapshotArrays = {
  readonly [K in SnapshotArrayName]: ReturnType<InstanceType<(typeof snapshotArrays)[K]>['slice']>;
};

/**
 * The order of records does not matter, and a record that comes twice counts once. A deletion is final. Deleting a revision brings
 * back the judgement that it replaced. Of two records at one millisecond, the order is that of their ids' hashes, the same
 * everywhere. Works on rows alone: it reads no text.
 */
export class Standing {
  readonly #table: RecordTable;
  readonly #deleted: Counts64;
  readonly #items: RowTable;
  readonly #judgements: RowTable;
  /** How many judgements revise the one with this id. */
  readonly #replaced: Counts64;
  /** By item and annotator the judgement that came last; `#previous` links to the one before, as row + 1. */
  readonly #chains: RowTable;
  #previous: Uint32Array;
  /** 1: the judgement stands. 2: it would, but no record holds its item. */
  #stands: Uint8Array;
  /** Of an item's row: how many people's judgements of it stand, skipped ones left out. */
  #people: Uint16Array;
  #hasRings = false;
  #orphanCount = 0;
  #judgementCount = 0;
  readonly #itemOrder: RowOrder;
  readonly #judgementOrder: RowOrder;
  /** Rows that were taken in. */
  #rows: number;
  #changes = 0;

  /** Of all rows of the table, found out anew or, of a snapshot's rows, taken over: its arrays are used up. */
  constructor(table: RecordTable, snapshot?: StandingSnapshot) {
    this.#table = table;
    const byId = (row: number, word: 0 | 1 | 2): number =>
      word === 0 ? table.columns.idHigh[row]! : word === 1 ? table.columns.idLow[row]! : 0;
    const byKey = (row: number, word: 0 | 1 | 2): number =>
      word === 0 ? table.columns.aboutHigh[row]! : word === 1 ? table.columns.aboutLow[row]! : table.columns.who[row]!;
    if (snapshot) {
      const { arrays } = snapshot;
      this.#deleted = new Counts64(arrays.deleted);
      this.#replaced = new Counts64(arrays.replaced);
      this.#items = new RowTable(byId, arrays.items);
      this.#judgements = new RowTable(byId, arrays.judgements);
      this.#chains = new RowTable(byKey, arrays.chains);
      this.#previous = arrays.previous;
      this.#stands = arrays.stands;
      this.#people = arrays.people;
      this.#itemOrder = new RowOrder(arrays.itemOrder, table.isBefore);
      this.#judgementOrder = new RowOrder(arrays.judgementOrder, table.isBefore);
      this.#hasRings = snapshot.hasRings;
      this.#orphanCount = snapshot.orphanCount;
      this.#judgementCount = snapshot.judgementCount;
      this.#rows = snapshot.rows;
      return;
    }
    const rows: number[] = [0, 0, 0];
    for (let row = 0; row < table.count; row++) rows[table.kind(row)]!++;
    const capacity = table.columns.kind.length;
    this.#deleted = new Counts64();
    this.#replaced = new Counts64();
    this.#items = new RowTable(byId, rows[Kinds.item]);
    this.#judgements = new RowTable(byId, rows[Kinds.judgement]);
    this.#chains = new RowTable(byKey, rows[Kinds.judgement]);
    this.#previous = new Uint32Array(capacity);
    this.#stands = new Uint8Array(capacity);
    this.#people = new Uint16Array(capacity);
    this.#rows = table.count;

    const [items, judgements] = this.#inOrder(rows[Kinds.item]!, rows[Kinds.judgement]!);
    this.#itemOrder = new RowOrder(
      items.filter(row => !this.isDeleted(row) && this.#items.setIfAbsent(row)),
      table.isBefore,
    );
    const first = judgements.filter(row => this.#judgements.setIfAbsent(row));
    this.#judgementOrder = new RowOrder(first, table.isBefore);
    this.#countRevisions(first);
    for (const row of first) this.#standLast(row);
  }

  /** A copy of what is known now. */
  snapshot(): StandingSnapshot {
    return {
      rows: this.#rows,
      hasRings: this.#hasRings,
      orphanCount: this.#orphanCount,
      judgementCount: this.#judgementCount,
      arrays: {
        items: this.#items.content(),
        judgements: this.#judgements.content(),
        chains: this.#chains.content(),
        previous: this.#previous.slice(0, this.#rows),
        stands: this.#stands.slice(0, this.#rows),
        people: this.#people.slice(0, this.#rows),
        itemOrder: this.#itemOrder.rows(),
        judgementOrder: this.#judgementOrder.rows(),
        deleted: this.#deleted.slots(),
        replaced: this.#replaced.slots(),
      },
    };
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#changes;
  }

  /** Items that stand, oldest first by place. */
  get itemCount(): number {
    return this.#itemOrder.length;
  }

  itemAt(place: number): number {
    return this.#itemOrder.at(place);
  }

  get judgementCount(): number {
    return this.#judgementCount;
  }

  /** All judgements, standing or not, oldest first by place; each once. */
  get everJudged(): number {
    return this.#judgementOrder.length;
  }

  judgementAt(place: number): number {
    return this.#judgementOrder.at(place);
  }

  itemRow(id: string): number {
    return this.#items.get(...hash64(id), 0);
  }

  /** The item of a judgement, deleted or not; `noRow` where no record holds it. */
  itemOf(judgement: number): number {
    const { aboutHigh, aboutLow } = this.#table.columns;
    return this.#items.get(aboutHigh[judgement]!, aboutLow[judgement]!, 0);
  }

  hasJudgement(id: string): boolean {
    return this.#judgements.get(...hash64(id), 0) !== noRow;
  }

  /** A record with this id was taken back. */
  isDeletedId(id: string): boolean {
    return this.#deleted.get(...hash64(id)) > 0;
  }

  isDeleted(row: number): boolean {
    const { idHigh, idLow } = this.#table.columns;
    return !this.#deleted.isEmpty && this.#deleted.get(idHigh[row]!, idLow[row]!) > 0;
  }

  stands(judgement: number): boolean {
    return this.#stands[judgement] === 1;
  }

  /** It would stand, but no record holds its item. */
  isOrphan(judgement: number): boolean {
    return this.#stands[judgement] === 2;
  }

  /** How many people's judgements of an item stand, skipped ones left out. */
  peopleOf(item: number): number {
    return this.#people[item]!;
  }

  /** The standing judgement of an item (by the hash of its id) by this annotator. */
  judgementBy(high: number, low: number, who: number): number {
    const head = who < 0 ? noRow : this.#chains.get(high, low, who);
    return head === noRow ? noRow : this.#standingFrom(head);
  }

  isJudged(item: number, who: number): boolean {
    const { idHigh, idLow } = this.#table.columns;
    return this.judgementBy(idHigh[item]!, idLow[item]!, who) !== noRow;
  }

  /** What stands in the place of this judgement. */
  standingOf(judgement: number): number {
    return this.#standingFrom(this.#chainHead(judgement));
  }

  /** Of several people's adjudications of an item the latest. */
  adjudicationOf(high: number, low: number): number {
    let latest = noRow;
    for (const who of this.#table.adjudicators) {
      const row = this.judgementBy(high, low, who);
      if (row !== noRow && (latest === noRow || this.#table.isBefore(latest, row))) latest = row;
    }
    return latest;
  }

  /** Neither taken back nor replaced, and its item was not taken down. */
  counts(judgement: number): boolean {
    const { idHigh, idLow, aboutHigh, aboutLow } = this.#table.columns;
    return (
      !this.isDeleted(judgement) &&
      (this.#deleted.isEmpty || this.#deleted.get(aboutHigh[judgement]!, aboutLow[judgement]!) === 0) &&
      (this.#replaced.isEmpty || this.#replaced.get(idHigh[judgement]!, idLow[judgement]!) === 0)
    );
  }

  /** Takes in what was added to the table since, where that is simple; false where all must be found out anew. */
  catchUp(): boolean {
    this.#makeRoom();
    const items: number[] = [];
    const judgements: number[] = [];
    for (; this.#rows < this.#table.count; this.#rows++) {
      this.#changes++;
      const row = this.#rows;
      const kind = this.#table.kind(row);
      const { aboutHigh, aboutLow } = this.#table.columns;
      const isDone =
        kind === Kinds.deletion
          ? this.#addDeletion(aboutHigh[row]!, aboutLow[row]!)
          : kind === Kinds.item
            ? this.#addItem(row, items)
            : this.#addJudgement(row, judgements);
      if (!isDone) return false;
    }
    this.#itemOrder.insert(items);
    this.#judgementOrder.insert(judgements);
    return true;
  }

  #addItem(row: number, added: number[]): boolean {
    const { idHigh, idLow } = this.#table.columns;
    const same = this.#items.get(idHigh[row]!, idLow[row]!, 0);
    // A copy of a record says nothing new, unless it is the elder.
    if (same !== noRow) return !this.#table.isBefore(row, same);
    if (this.isDeleted(row)) return true;
    // Judgements may wait for it.
    if (this.#orphanCount > 0) return false;
    this.#items.set(row);
    added.push(row);
    return true;
  }

  #addJudgement(row: number, added: number[]): boolean {
    const { idHigh, idLow, replacesHigh, replacesLow } = this.#table.columns;
    const same = this.#judgements.get(idHigh[row]!, idLow[row]!, 0);
    if (same !== noRow) return !this.#table.isBefore(row, same);
    const [high, low] = [replacesHigh[row]!, replacesLow[row]!];
    const itself = high === idHigh[row] && low === idLow[row];
    const isRevised = this.#replaced.get(idHigh[row]!, idLow[row]!) > 0;
    // It may close a ring.
    if (this.#hasRings || (this.#replaces(row) && (itself || isRevised))) return false;
    this.#judgements.set(row);
    added.push(row);
    this.#link(row);
    if (this.#replaces(row) && !this.isDeleted(row) && this.#replaced.add(high, low) === 1) {
      const revised = this.#judgements.get(high, low, 0);
      if (revised !== noRow) this.#restand(revised);
    }
    this.#restand(row);
    return true;
  }

  #addDeletion(high: number, low: number): boolean {
    if (this.#deleted.add(high, low) > 1) return true;
    // Of an item, all judgements fall; that is rare.
    if (this.#items.get(high, low, 0) !== noRow || this.#hasRings) return false;
    const row = this.#judgements.get(high, low, 0);
    if (row === noRow) return this.#orphanCount === 0;
    this.#restand(row);
    if (!this.#replaces(row)) return true;
    const { columns } = this.#table;
    const [h, l] = [columns.replacesHigh[row]!, columns.replacesLow[row]!];
    if (this.#replaced.add(h, l, -1) > 0) return true;
    const revised = this.#judgements.get(h, l, 0);
    if (revised !== noRow) this.#restand(revised);
    return true;
  }

  /** Rows of items and of judgements, oldest first; deletions are taken note of. */
  #inOrder(items: number, judgements: number): readonly [Uint32Array, Uint32Array] {
    const table = this.#table;
    const { columns } = table;
    const rows = [new Uint32Array(items), new Uint32Array(judgements)] as const;
    const counts = [0, 0];
    for (let row = 0; row < table.count; row++) {
      const kind = table.kind(row);
      if (kind === Kinds.deletion) this.#deleted.add(columns.aboutHigh[row]!, columns.aboutLow[row]!);
      else if (kind === Kinds.item || kind === Kinds.judgement) rows[kind][counts[kind]!++] = row;
    }
    return [sortedByTime(rows[0], columns.time, table.isBefore), sortedByTime(rows[1], columns.time, table.isBefore)];
  }

  /**
   * Judgements that replace each other in a ring, as no program writes them, replace nothing. Each revises at most one other, so
   * one walk with marks finds all rings.
   */
  #countRevisions(rows: Uint32Array): void {
    const { columns } = this.#table;
    const revising = rows.filter(row => this.#replaces(row) && !this.isDeleted(row));
    if (revising.length === 0) return;
    const next = (row: number): number =>
      this.#replaces(row) && !this.isDeleted(row)
        ? this.#judgements.get(columns.replacesHigh[row]!, columns.replacesLow[row]!, 0)
        : noRow;
    const walkOf = new Map<number, number>();
    const inRing = new Set<number>();
    for (const start of revising) {
      let row = start;
      for (; row !== noRow && !walkOf.has(row); row = next(row)) walkOf.set(row, start);
      if (row === noRow || walkOf.get(row) !== start) continue;
      for (let at = row; !inRing.has(at); at = next(at)) inRing.add(at);
    }
    this.#hasRings = inRing.size > 0;
    for (const row of revising)
      if (!inRing.has(row)) this.#replaced.add(columns.replacesHigh[row]!, columns.replacesLow[row]!);
  }

  /** Links a row that is the latest so far of its item and annotator, and lets it stand if it counts. */
  #standLast(row: number): void {
    this.#link(row);
    if (!this.counts(row)) return;
    for (let at = this.#previous[row]! - 1; at !== noRow; at = this.#previous[at]! - 1) {
      if (this.#stands[at] === 0) continue;
      this.#fall(at);
      break;
    }
    this.#stand(row);
  }

  /** Finds anew which judgement stands of those with this row's item and annotator. */
  #restand(row: number): void {
    let latest = noRow;
    for (let at = this.#chainHead(row); at !== noRow; at = this.#previous[at]! - 1) {
      this.#fall(at);
      if (this.counts(at) && (latest === noRow || this.#table.isBefore(latest, at))) latest = at;
    }
    if (latest !== noRow) this.#stand(latest);
  }

  #stand(row: number): void {
    const item = this.itemOf(row);
    this.#stands[row] = item === noRow ? 2 : 1;
    if (item === noRow) this.#orphanCount++;
    else {
      this.#judgementCount++;
      if (this.#countsAsPerson(row)) this.#people[item]!++;
    }
  }

  #fall(row: number): void {
    if (this.#stands[row] === 2) this.#orphanCount--;
    if (this.#stands[row] === 1) {
      this.#judgementCount--;
      const item = this.itemOf(row);
      if (item !== noRow && this.#countsAsPerson(row)) this.#people[item]!--;
    }
    this.#stands[row] = 0;
  }

  #countsAsPerson(row: number): boolean {
    return !this.#table.isSkipped(row) && this.#table.isPerson(row);
  }

  #link(row: number): void {
    this.#previous[row] = this.#chains.set(row) + 1;
  }

  #chainHead(row: number): number {
    const { aboutHigh, aboutLow, who } = this.#table.columns;
    return this.#chains.get(aboutHigh[row]!, aboutLow[row]!, who[row]!);
  }

  #standingFrom(head: number): number {
    for (let at = head; at !== noRow; at = this.#previous[at]! - 1) if (this.#stands[at] !== 0) return at;
    return noRow;
  }

  #replaces(row: number): boolean {
    const { replacesHigh, replacesLow } = this.#table.columns;
    return replacesHigh[row] !== 0 || replacesLow[row] !== 0;
  }

  #makeRoom(): void {
    const rows = this.#table.columns.kind.length;
    if (this.#stands.length >= rows) return;
    const [previous, stands, people] = [this.#previous, this.#stands, this.#people];
    this.#previous = new Uint32Array(rows);
    this.#previous.set(previous);
    this.#stands = new Uint8Array(rows);
    this.#stands.set(stands);
    this.#people = new Uint16Array(rows);
    this.#people.set(people);
  }
}
