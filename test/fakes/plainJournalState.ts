/** The journal's state said plainly, with maps of whole records: what the state of numbers must equal. */
import type { ItemRecord, JournalRecord, JudgementRecord } from '../../src/core/preferences/judgement.ts';

const byTime = <T extends { readonly at: string; readonly id: string }>(a: T, b: T): number =>
  a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

/** Whose place a judgement takes: a later one under the same key stands for it. */
const judgementKey = ({ item, author, judge }: Pick<JudgementRecord, 'item' | 'author' | 'judge'>): string =>
  `${item}\n${author}\n${judge ?? ''}`;

/**
 * The state that a set of records describes; their order does not matter, and a record that comes twice counts once.
 * A deletion is final. Deleting a revision brings back the judgement that it replaced.
 */
export class PlainJournalState {
  /** Items not deleted, oldest first. */
  readonly itemById: ReadonlyMap<string, ItemRecord>;
  /** Ids of records that were taken back. */
  readonly deleted: ReadonlySet<string>;
  /** Judgements of items that no record holds (their file is missing). */
  readonly orphans: readonly JudgementRecord[];
  /** The same annotator judged the same item again without revising: the judgement before, and the one that stands now. */
  readonly repeats: readonly (readonly [before: JudgementRecord, after: JudgementRecord])[];
  readonly #items = new Map<string, ItemRecord>();
  /** By `judgementKey`, oldest first. */
  readonly #judgements = new Map<string, JudgementRecord>();
  readonly #replaced = new Set<string>();
  readonly #repeats: [JudgementRecord, JudgementRecord][] = [];

  constructor(records: Iterable<JournalRecord>) {
    const items = new Map<string, ItemRecord>();
    const judgements = new Map<string, JudgementRecord>();
    const deleted = new Set<string>();
    for (const record of records) {
      if (record.type === 'deletion') deleted.add(record.deletes);
      else if (record.type === 'item') {
        const other = items.get(record.id);
        if (!other || byTime(record, other) < 0) items.set(record.id, record);
      } else if (!judgements.has(record.id)) judgements.set(record.id, record);
    }
    this.deleted = deleted;

    for (const item of [...items.values()].sort(byTime)) {
      if (deleted.has(item.id)) continue;
      this.#items.set(item.id, item);
    }
    this.itemById = this.#items;

    const revision = (judgement: JudgementRecord | undefined) =>
      judgement?.replaces === undefined || deleted.has(judgement.id) ? undefined : judgement.replaces;
    /** Judgements that replace each other in a ring, as no program writes them: none of them replaces the next. */
    const inRing = (judgement: JudgementRecord): boolean => {
      const seen = new Set<string>();
      for (let id = revision(judgement); id !== undefined && !seen.has(id); id = revision(judgements.get(id))) {
        if (id === judgement.id) return true;
        seen.add(id);
      }
      return false;
    };
    const replaced = this.#replaced;
    for (const judgement of judgements.values()) {
      const id = revision(judgement);
      if (id !== undefined && !inRing(judgement)) replaced.add(id);
    }
    const latest = new Map<string, JudgementRecord>();
    const earlier: JudgementRecord[] = [];
    for (const judgement of judgements.values()) {
      if (deleted.has(judgement.id) || deleted.has(judgement.item) || replaced.has(judgement.id)) continue;
      const key = judgementKey(judgement);
      const other = latest.get(key);
      if (!other || byTime(other, judgement) < 0) latest.set(key, judgement);
      if (other) earlier.push(byTime(other, judgement) < 0 ? other : judgement);
    }
    for (const judgement of earlier.sort(byTime)) {
      if (judgement.verdict !== 'skipped') this.#repeats.push([judgement, latest.get(judgementKey(judgement))!]);
    }
    this.repeats = this.#repeats;
    const orphans: JudgementRecord[] = [];
    for (const judgement of [...latest.values()].sort(byTime)) {
      if (this.#items.has(judgement.item)) this.#judgements.set(judgementKey(judgement), judgement);
      else orphans.push(judgement);
    }
    this.orphans = orphans;
  }

  /** Not deleted, oldest first. */
  get items(): readonly ItemRecord[] {
    return [...this.#items.values()];
  }

  /** One per item, author and judge: the latest that is neither deleted nor replaced. Oldest first. */
  get judgements(): readonly JudgementRecord[] {
    return [...this.#judgements.values()];
  }
}
