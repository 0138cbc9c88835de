/** The judgement being made: ranks, focus, ties, flags and note, changed only by pure functions. */

export interface Draft {
  /** Rank of each answer in the order shown, best is 1; null has none yet. */
  readonly ranks: readonly (number | null)[];
  /** In a pair the other answer's rank follows from the one given; such a rank may be changed by a later one. */
  readonly derived: readonly boolean[];
  readonly focus: number;
  /** The answer ranked last: what `t` ties with. */
  readonly last: number | null;
  readonly flags: readonly string[];
  readonly note: string;
}

export function emptyDraft(answers: number): Draft {
  const none = Array.from({ length: answers }, () => null);
  return { ranks: none, derived: none.map(() => false), focus: 0, last: null, flags: [], note: '' };
}

export function draftOf(ranks: readonly (number | null)[], flags: readonly string[], note: string): Draft {
  return { ...emptyDraft(ranks.length), ranks, flags, note };
}

export function moveFocus(draft: Draft, by: number): Draft {
  const focus = Math.min(draft.ranks.length - 1, Math.max(0, draft.focus + by));
  return { ...draft, focus };
}

/** Gives the answer at `position` a rank and moves on to the next one without; with none left the focus stays. */
export function rank(draft: Draft, position: number, value: number): Draft {
  const count = draft.ranks.length;
  if (position < 0 || position >= count || value < 1 || value > count) return draft;
  const ranks = draft.ranks.with(position, value);
  const derived = draft.derived.with(position, false);
  if (count === 2) {
    const other = 1 - position;
    if (ranks[other] === null || derived[other]) {
      ranks[other] = 3 - value;
      derived[other] = true;
    }
  }
  return { ...draft, ranks, derived, last: position, focus: nextUnranked(ranks, position) ?? position };
}

/** Takes the rank of one answer back. */
export function unrank(draft: Draft, position: number): Draft {
  return { ...draft, ranks: draft.ranks.with(position, null), derived: draft.derived.with(position, false) };
}

/**
 * Ties the focused answer with the one before: the one ranked last, else the one above it. In a pair both become 1.
 * The focus moves on as after a rank.
 */
export function tie(draft: Draft): Draft {
  const { focus, ranks } = draft;
  if (ranks.length === 2) return { ...draft, ranks: [1, 1], derived: [false, false], last: focus };
  let before = draft.last === null || draft.last === focus ? -1 : draft.last;
  if (before === -1) {
    for (let position = focus - 1; position >= 0 && before === -1; position--) {
      if (ranks[position] !== null) before = position;
    }
  }
  const value = ranks[before];
  if (value === null || value === undefined) return draft;
  return rank(draft, focus, value);
}

export const isComplete = (draft: Draft): boolean => draft.ranks.every(value => value !== null);

export function toggleFlag(draft: Draft, flag: string): Draft {
  const flags = draft.flags.includes(flag) ? draft.flags.filter(one => one !== flag) : [...draft.flags, flag];
  return { ...draft, flags };
}

/** Positions in groups, best first; those without a rank are left out. */
export function groups(draft: Draft): readonly (readonly number[])[] {
  const byRank = new Map<number, number[]>();
  for (const [position, value] of draft.ranks.entries()) {
    if (value !== null) byRank.set(value, [...(byRank.get(value) ?? []), position]);
  }
  return [...byRank.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** How many preference pairs and ties the ranks so far make. */
export function countPairs(draft: Draft): { readonly pairs: number; readonly ties: number } {
  let pairs = 0;
  let ties = 0;
  for (let i = 0; i < draft.ranks.length; i++) {
    for (let j = i + 1; j < draft.ranks.length; j++) {
      const [a, b] = [draft.ranks[i], draft.ranks[j]];
      if (a === null || b === null) continue;
      if (a === b) ties++;
      else pairs++;
    }
  }
  return { pairs, ties };
}

/** Names of answers: A, B, C … */
export const letterOf = (position: number): string => String.fromCharCode(65 + position);

function nextUnranked(ranks: readonly (number | null)[], from: number): number | undefined {
  for (let step = 1; step < ranks.length; step++) {
    const position = (from + step) % ranks.length;
    if (ranks[position] === null) return position;
  }
  return undefined;
}
