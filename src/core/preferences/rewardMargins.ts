/** What a reward model is unsure of: items whose shown answers it scores nearly alike (margin sampling, Lewis & Gale 1994). */
import { hash64 } from './hashTables.ts';
import type { JournalState, OpenItem } from './journalState.ts';
import type { ItemRecord } from './judgement.ts';
import type { SharingOf } from './openItems.ts';

/** So many items a reward model reads before the next is chosen: a small model needs seconds for them, a big one minutes. */
export const mostScored = 256;

/** Rewards by item and answer; an answer that could not be scored is missing. */
export type Rewards = ReadonlyMap<string, ReadonlyMap<string, number>>;

interface Margin {
  /** Distance of the two rewards, at least 0. */
  readonly margin: number;
  readonly answers: readonly [string, string];
}

/** The two answers whose rewards are closest; undefined where not two of them have one. */
export function smallestMargin(
  answers: readonly { readonly id: string }[],
  rewards: ReadonlyMap<string, number> | undefined,
): Margin | undefined {
  const scored = answers
    .flatMap(({ id }) => {
      const reward = rewards?.get(id);
      return reward === undefined ? [] : [{ id, reward }];
    })
    .sort((a, b) => a.reward - b.reward);
  let smallest: Margin | undefined;
  for (const [i, { id, reward }] of scored.entries()) {
    const next = scored[i + 1];
    if (next && (smallest === undefined || next.reward - reward < smallest.margin))
      smallest = { margin: next.reward - reward, answers: [id, next.id] };
  }
  return smallest;
}

/**
 * Items that this author has not judged, in a fixed shuffled order, one's own share first: those of which a reward model is
 * asked, at most `most`. Yields after each that is read.
 */
export function* itemsToScore(
  state: JournalState,
  { author, set, sharingOf }: { author: string; set?: string | undefined; sharingOf?: SharingOf | undefined },
  most: number,
): Generator<void, ItemRecord[]> {
  const open: { readonly one: OpenItem; readonly place: number }[] = [];
  for (const one of state.openItems(author, set, sharingOf)) {
    open.push({ one, place: hash64(`${author}\n${one.key}`)[0] });
    if (open.length % 1000 === 0) yield;
  }
  open.sort((a, b) => Number(a.one.share === 'beyond') - Number(b.one.share === 'beyond') || a.place - b.place);
  const items: ItemRecord[] = [];
  for (const { one } of open) {
    if (items.length === most) break;
    const item = one.read();
    if (item) items.push(item);
    yield;
  }
  return items;
}
