/** A ranking session as pure functions of the journal: which item is next, in which order its answers are shown, undo, pace. */
import { Rng } from '../../base/rng.ts';
import type { Answer, ItemRecord, JudgementRecord } from './judgement.ts';

/** A person's ranks of the answers as they were shown, best is 1; equal ranks are a tie, gaps mean nothing. */
export type Ranks = readonly (number | null)[];

export interface SetProgress {
  readonly name: string;
  readonly judged: number;
  readonly total: number;
}

/** Flags that a judgement may carry, by the id that is stored. */
export const JudgementFlags = ['invented-fact', 'unsafe', 'wrong-language'] as const;
export type JudgementFlag = (typeof JudgementFlags)[number];

/** Answers with different texts, in the item's order: the same text twice cannot be told apart, so it is shown once. */
function distinctAnswers(item: ItemRecord): readonly Answer[] {
  const seen = new Set<string>();
  return item.answers.filter(answer => {
    if (seen.has(answer.id)) return false;
    seen.add(answer.id);
    return true;
  });
}

/** An item with one distinct answer teaches nothing and is never shown. */
export const isRankable = (item: ItemRecord): boolean => distinctAnswers(item).length >= 2;

/** The answers in the order in which this author sees them: shuffled, and the same after a reload. */
export function shownAnswers(item: ItemRecord, author: string): readonly Answer[] {
  return Rng.seeded(0).stream('ranking', item.id, author).shuffled(distinctAnswers(item));
}

/** A person's own judgements: those of a simulated or model judge are somebody else's, also under the same name. */
const isOwn = (judgement: JudgementRecord, author: string): boolean =>
  judgement.author === author && judgement.judge === undefined;

const judgedItems = (judgements: readonly JudgementRecord[], author: string): Set<string> =>
  new Set(judgements.filter(judgement => isOwn(judgement, author)).map(judgement => judgement.item));

/** Sets in order of first appearance, with this author's progress. `judgements` are the current ones (no deleted, no replaced). */
export function setProgress(
  items: readonly ItemRecord[],
  judgements: readonly JudgementRecord[],
  author: string,
): readonly SetProgress[] {
  const judged = judgedItems(judgements, author);
  const sets = new Map<string, { name: string; judged: number; total: number }>();
  for (const item of items) {
    if (!isRankable(item)) continue;
    const progress = sets.get(item.set) ?? { name: item.set, judged: 0, total: 0 };
    progress.total++;
    if (judged.has(item.id)) progress.judged++;
    sets.set(item.set, progress);
  }
  return [...sets.values()];
}

/** The set to open with: the wanted one if it exists, else the newest with work left, else the newest. */
export function chooseSet(sets: readonly SetProgress[], wanted: string | undefined): string | undefined {
  if (sets.some(set => set.name === wanted)) return wanted;
  return (sets.findLast(set => set.judged < set.total) ?? sets.at(-1))?.name;
}

/** The next item of the set: the pinned one while it is open (undo brings an item back), else the first without a judgement. */
export function nextItem(
  items: readonly ItemRecord[],
  judgements: readonly JudgementRecord[],
  author: string,
  set: string,
  pinned?: string,
): ItemRecord | undefined {
  const judged = judgedItems(judgements, author);
  const open = items.filter(item => item.set === set && isRankable(item) && !judged.has(item.id));
  return open.find(item => item.id === pinned) ?? open[0];
}

/** What undo takes back, newest first: this author's current judgements of the set. It survives a reload. */
export function undoStack(
  items: readonly ItemRecord[],
  judgements: readonly JudgementRecord[],
  author: string,
  set: string,
): readonly JudgementRecord[] {
  const ofSet = new Set(items.filter(item => item.set === set).map(item => item.id));
  return judgements
    .map((judgement, index) => ({ judgement, index }))
    .filter(({ judgement }) => isOwn(judgement, author) && ofSet.has(judgement.item))
    .sort((a, b) => b.judgement.at.localeCompare(a.judgement.at) || b.index - a.index)
    .map(({ judgement }) => judgement);
}

/** Median time of the last judgements, milliseconds; skips say nothing about pace. `stack` is newest first. */
export function medianPace(stack: readonly JudgementRecord[], last = 20): number | undefined {
  const times = stack
    .filter(judgement => judgement.verdict !== 'skipped')
    .slice(0, last)
    .map(judgement => judgement.milliseconds)
    .sort((a, b) => a - b);
  if (times.length === 0) return undefined;
  const middle = times.length >> 1;
  return times.length % 2 === 1 ? times[middle] : (times[middle - 1]! + times[middle]!) / 2;
}

/** Ranks → ordered groups of answer ids, best first. Undefined while an answer has no rank. */
export function rankingOf(shown: readonly string[], ranks: Ranks): string[][] | undefined {
  if (ranks.length !== shown.length) return undefined;
  const groups = new Map<number, string[]>();
  for (const [position, id] of shown.entries()) {
    const rank = ranks[position];
    if (rank === null || rank === undefined) return undefined;
    groups.set(rank, [...(groups.get(rank) ?? []), id]);
  }
  return [...groups.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Ordered groups → ranks of the shown answers (1, 2, 2, 4: a tie takes its places), for a judgement that is taken up again. */
export function ranksOf(shown: readonly string[], ranking: readonly (readonly string[])[]): (number | null)[] {
  const rank = new Map<string, number>();
  let place = 1;
  for (const group of ranking) {
    for (const id of group) rank.set(id, place);
    place += group.length;
  }
  return shown.map(id => rank.get(id) ?? null);
}
