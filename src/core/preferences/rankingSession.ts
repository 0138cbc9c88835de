/** A ranking session as pure functions of the journal: which item is next, in which order its answers are shown, undo, pace. */
import { Rng } from '../../base/rng.ts';
import type { Answer, JudgementKind, JudgementRecord } from './judgement.ts';
import type { SetProgress } from './openItems.ts';

/** A person's ranks of the answers as they were shown, best is 1; equal ranks are a tie, gaps mean nothing. */
export type Ranks = readonly (number | null)[];

interface Shuffled<A> {
  readonly id: string;
  readonly answers: readonly A[];
}

/** Answers with different texts, in the item's order: the same text twice cannot be told apart, so it is shown once. */
function distinctAnswers<A extends Pick<Answer, 'id'>>(item: Shuffled<A>): readonly A[] {
  const seen = new Set<string>();
  return item.answers.filter(answer => {
    if (seen.has(answer.id)) return false;
    seen.add(answer.id);
    return true;
  });
}

export interface Showing {
  /** Of a pair two answers are shown, whichever the shuffle puts first. */
  readonly kind?: JudgementKind;
  /** An item that comes once more is shuffled anew. */
  readonly again?: boolean;
  /** A judgement that is taken up again: in the order in which its answers stood. */
  readonly as?: readonly string[] | undefined;
}

/** The answers in the order in which this author sees them: shuffled, and the same after a reload. */
export function shownAnswers<A extends Pick<Answer, 'id'>>(
  item: Shuffled<A>,
  author: string,
  showing: Showing = {},
): readonly A[] {
  const distinct = distinctAnswers(item);
  const as = showing.as?.flatMap(id => distinct.filter(answer => answer.id === id));
  if (as && as.length >= 2 && as.length === showing.as?.length) return as;
  const rng = Rng.seeded(0).stream('ranking', item.id, author, ...(showing.again ? ['again'] : []));
  const shuffled = rng.shuffled(distinct);
  return showing.kind === 'pairwise' ? shuffled.slice(0, 2) : shuffled;
}

/** The set to open with: the wanted one if it exists, else the newest with work left, else the newest. */
export function chooseSet(sets: readonly SetProgress[], wanted: string | undefined): string | undefined {
  if (sets.some(set => set.name === wanted)) return wanted;
  return (sets.findLast(set => set.judged < set.total) ?? sets.at(-1))?.name;
}

/** Median time of the last judgements, milliseconds; skips say nothing about pace. Newest first; no more are read than needed. */
export function medianPace(newestFirst: Iterable<JudgementRecord>, last = 20): number | undefined {
  const times: number[] = [];
  for (const { verdict, milliseconds } of newestFirst) {
    if (verdict !== 'skipped') times.push(milliseconds);
    if (times.length === last) break;
  }
  times.sort((a, b) => a - b);
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
