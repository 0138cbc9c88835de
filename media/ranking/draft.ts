/** The judgement being made: a value for each answer, focus, flags, note and highlights, changed only by pure functions. */
import type { RankingItem, ShownHighlight } from '../../src/protocol/ranking.ts';

export type Kind = RankingItem['kind'];

export interface Draft {
  readonly kind: Kind;
  /** By answer in the order shown; null has none yet. What a number means hangs on the kind (core/preferences/decision.ts). */
  readonly values: readonly (number | null)[];
  /** In a pair the other answer's rank follows from the one given; such a rank may be changed by a later one. */
  readonly derived: readonly boolean[];
  readonly focus: number;
  /** The answer ranked last: what `t` ties with. */
  readonly last: number | null;
  /** By answer. */
  readonly flags: readonly (readonly string[])[];
  readonly note: string;
  readonly highlights: readonly ShownHighlight[];
}

export function emptyDraft(answers: number, kind: Kind = 'ranking'): Draft {
  const none = Array.from({ length: answers }, () => null);
  return {
    kind,
    values: none,
    derived: none.map(() => false),
    focus: 0,
    last: null,
    flags: none.map(() => []),
    note: '',
    highlights: [],
  };
}

/** The draft that an item comes with: a judgement that was taken back, or nothing yet. */
export function draftFor(item: RankingItem): Draft {
  return { ...emptyDraft(item.answers.length, item.kind), ...item.draft };
}

export const isRanks = (kind: Kind): boolean => kind === 'ranking' || kind === 'pairwise';
/** Two answers of which one is chosen. */
export const isPair = (draft: Draft): boolean => isRanks(draft.kind) && draft.values.length === 2;

/** Whether there is any work in it that a person would miss. */
export const isTouched = (draft: Draft): boolean =>
  draft.values.some(value => value !== null) ||
  draft.note.trim() !== '' ||
  draft.highlights.length > 0 ||
  draft.flags.some(flags => flags.length > 0);

export function moveFocus(draft: Draft, by: number): Draft {
  const focus = Math.min(draft.values.length - 1, Math.max(0, draft.focus + by));
  return { ...draft, focus };
}

/** Gives the answer at `position` a rank and moves on to the next one without; with none left the focus stays. */
export function rank(draft: Draft, position: number, value: number): Draft {
  const count = draft.values.length;
  if (position < 0 || position >= count || value < 1 || value > count) return draft;
  const values = draft.values.with(position, value);
  const derived = draft.derived.with(position, false);
  if (count === 2) {
    const other = 1 - position;
    if (values[other] === null || derived[other]) {
      values[other] = 3 - value;
      derived[other] = true;
    }
  }
  return { ...draft, values, derived, last: position, focus: nextWithout(values, position) ?? position };
}

/** Of a pair the better one, whichever has the focus. */
export function choose(draft: Draft, position: number): Draft {
  if (position < 0 || position >= draft.values.length) return draft;
  const values = draft.values.map((_, i) => (i === position ? 1 : 2));
  return { ...draft, values, derived: values.map((_, i) => i !== position), last: position };
}

/** A rating, or accepted (1) or rejected (0): the focus moves on to the next answer without. */
export function give(draft: Draft, position: number, value: number): Draft {
  if (position < 0 || position >= draft.values.length) return draft;
  const values = draft.values.with(position, value);
  return { ...draft, values, last: position, focus: nextWithout(values, position) ?? position };
}

/** Marks the best (1) or the worst (−1); there is one of each, and the same again takes it back. */
export function extreme(draft: Draft, position: number, value: 1 | -1): Draft {
  if (position < 0 || position >= draft.values.length) return draft;
  const again = draft.values[position] === value;
  const values = draft.values.map((old, i) => (i === position ? (again ? null : value) : old === value ? null : old));
  return { ...draft, values, last: position };
}

/**
 * Ties the focused answer with the one before: the one ranked last, else the one above it. In a pair both become 1.
 * The focus moves on as after a rank.
 */
export function tie(draft: Draft): Draft {
  const { focus, values } = draft;
  if (!isRanks(draft.kind)) return draft;
  if (values.length === 2) return { ...draft, values: [1, 1], derived: [false, false], last: focus };
  let before = draft.last === null || draft.last === focus ? -1 : draft.last;
  if (before === -1) {
    for (let position = focus - 1; position >= 0 && before === -1; position--) {
      if (values[position] !== null) before = position;
    }
  }
  const value = values[before];
  if (value === null || value === undefined) return draft;
  return rank(draft, focus, value);
}

/**
 * Drops an answer on the order: onto the group at `group` (a tie), or before it (`group` may be one past the last). Ranks are
 * counted anew, a tie takes its places: 1, 2, 2, 4.
 */
export function drop(draft: Draft, position: number, group: number, how: 'onto' | 'before'): Draft {
  if (!isRanks(draft.kind)) return draft;
  const order = groups(draft).map(one => one.filter(other => other !== position));
  if (how === 'onto' && order[group]) order[group] = [...order[group], position].sort((a, b) => a - b);
  else order.splice(Math.min(group, order.length), 0, [position]);
  const values: (number | null)[] = draft.values.map(() => null);
  let place = 1;
  for (const one of order) {
    for (const other of one) values[other] = place;
    place += one.length;
  }
  return { ...draft, values, derived: values.map(() => false), last: position, focus: position };
}

export function isComplete(draft: Draft): boolean {
  if (draft.kind === 'best-worst') return draft.values.includes(1) && draft.values.includes(-1);
  return draft.values.every(value => value !== null);
}

/** Sets or takes back a flag of the focused answer. */
export function toggleFlag(draft: Draft, flag: string): Draft {
  const own = draft.flags[draft.focus] ?? [];
  const flags = own.includes(flag) ? own.filter(one => one !== flag) : [...own, flag];
  return { ...draft, flags: draft.flags.with(draft.focus, flags) };
}

/** Positions in groups, best first; those without a value are left out. */
export function groups(draft: Draft): readonly (readonly number[])[] {
  const byValue = new Map<number, number[]>();
  for (const [position, given] of draft.values.entries()) {
    const value = given ?? (draft.kind === 'best-worst' && isComplete(draft) ? 0 : null);
    if (value !== null) byValue.set(value, [...(byValue.get(value) ?? []), position]);
  }
  const upwards = isRanks(draft.kind) ? 1 : -1;
  return [...byValue.entries()].sort(([a], [b]) => upwards * (a - b)).map(([, group]) => group);
}

/** How many preference pairs and ties the values so far make. */
export function countPairs(draft: Draft): { readonly pairs: number; readonly ties: number } {
  const sizes = groups(draft).map(group => group.length);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const within = sizes.reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  const tied = isRanks(draft.kind) || draft.kind === 'rating';
  return { pairs: (all * (all - 1)) / 2 - within, ties: tied ? within : 0 };
}

/** Names of answers: A, B, C … */
export const letterOf = (position: number): string => String.fromCharCode(65 + position);

function nextWithout(values: readonly (number | null)[], from: number): number | undefined {
  for (let step = 1; step < values.length; step++) {
    const position = (from + step) % values.length;
    if (values[position] === null) return position;
  }
  return undefined;
}
