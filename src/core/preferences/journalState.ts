/** What a set of journal records says now: items that stand, and of each annotator's judgements the latest. */
import type { ItemRecord, JournalRecord, JudgementRecord } from './judgement.ts';

export interface JournalState {
  /** Not deleted, oldest first. */
  readonly items: readonly ItemRecord[];
  readonly itemById: ReadonlyMap<string, ItemRecord>;
  /** One per item, author and judge: the latest that is neither deleted nor replaced. Oldest first. */
  readonly judgements: readonly JudgementRecord[];
  /** Judgements of items that no record holds (their file is missing). */
  readonly orphans: readonly JudgementRecord[];
  /** Ids of records that were taken back. */
  readonly deleted: ReadonlySet<string>;
}

const byTime = <T extends { readonly at: string; readonly id: string }>(a: T, b: T): number =>
  a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

/** Whose place a judgement takes: a later one under the same key stands for it. */
export const judgementKey = (judgement: Pick<JudgementRecord, 'item' | 'author' | 'judge'>): string =>
  JSON.stringify([judgement.item, judgement.author, judgement.judge ?? '']);

/**
 * The state that a set of records describes; their order does not matter, and a record that comes twice counts once.
 * A deletion is final. Deleting a revision brings back the judgement that it replaced.
 */
export function journalState(records: Iterable<JournalRecord>): JournalState {
  const items = new Map<string, ItemRecord>();
  const judgements = new Map<string, JudgementRecord>();
  const deleted = new Set<string>();
  for (const record of records) {
    if (record.type === 'item') {
      if (!items.has(record.id)) items.set(record.id, record);
    } else if (record.type === 'judgement') {
      if (!judgements.has(record.id)) judgements.set(record.id, record);
    } else deleted.add(record.deletes);
  }

  const replaced = new Set<string>();
  for (const judgement of judgements.values()) {
    if (judgement.replaces !== undefined && !deleted.has(judgement.id)) replaced.add(judgement.replaces);
  }

  const latest = new Map<string, JudgementRecord>();
  for (const judgement of judgements.values()) {
    if (deleted.has(judgement.id) || deleted.has(judgement.item) || replaced.has(judgement.id)) continue;
    const key = judgementKey(judgement);
    const other = latest.get(key);
    if (!other || byTime(other, judgement) < 0) latest.set(key, judgement);
  }

  const standing = [...latest.values()].sort(byTime);
  const itemById = new Map<string, ItemRecord>();
  for (const item of [...items.values()].sort(byTime)) if (!deleted.has(item.id)) itemById.set(item.id, item);
  return {
    items: [...itemById.values()],
    itemById,
    judgements: standing.filter(judgement => itemById.has(judgement.item)),
    orphans: standing.filter(judgement => !itemById.has(judgement.item)),
    deleted,
  };
}
