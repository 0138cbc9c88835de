/** From what a person decided on the screen to the fields of a judgement, and back when it is taken up again. */
import type { Highlight, JudgementKind, JudgementRecord } from './judgement.ts';

/**
 * One number for each answer in the order shown, by kind. Ranking and pair: its rank, best is 1, equal is a tie, gaps mean
 * nothing. Rating: the number given. Best and worst: 1, −1, and 0 for the others. Accept or reject: 1 or 0. Null: none yet.
 */
export type Values = readonly (number | null)[];

export interface Decision {
  readonly kind: JudgementKind;
  /** Ids of the answers in the order shown. */
  readonly shown: readonly string[];
  readonly values: Values;
  readonly verdict: JudgementRecord['verdict'];
  /** Ends of the scale of a rating. */
  readonly scale: { readonly min: number; readonly max: number };
}

type Decided = Pick<JudgementRecord, 'kind' | 'ranking' | 'shown' | 'verdict' | 'ratings' | 'scale' | 'accepted'>;

/** Undefined while something is missing or out of range. */
export function decided({ kind, shown, values, verdict, scale }: Decision): Decided | undefined {
  const head = { kind, shown: [...shown], verdict };
  if (verdict !== 'ranked') return { ...head, ranking: [] };
  if (values.length !== shown.length || new Set(shown).size !== shown.length) return undefined;
  const given = (wanted: number | null): string[] => shown.filter((_, i) => values[i] === wanted);
  switch (kind) {
    case 'ranking':
    case 'pairwise': {
      const ranking = inGroups(shown, values, (a, b) => a - b);
      return ranking && { ...head, ranking };
    }
    case 'rating': {
      const ranking = inGroups(shown, values, (a, b) => b - a);
      if (!ranking || values.some(value => value! < scale.min || value! > scale.max)) return undefined;
      const ratings = Object.fromEntries(shown.map((id, i) => [id, values[i]!]));
      return { ...head, ranking, ratings, scale: { min: scale.min, max: scale.max } };
    }
    case 'best-worst': {
      const [best, worst] = [given(1), given(-1)];
      if (best.length !== 1 || worst.length !== 1) return undefined;
      const others = shown.filter(id => id !== best[0] && id !== worst[0]);
      return { ...head, ranking: [best, others, worst].filter(group => group.length > 0) };
    }
    case 'accept-reject': {
      const [accepted, rejected] = [given(1), given(0)];
      if (accepted.length + rejected.length !== shown.length) return undefined;
      return { ...head, ranking: [accepted, rejected].filter(group => group.length > 0), accepted };
    }
  }
}

/** Equal values make a group; undefined while one is missing. */
function inGroups(
  shown: readonly string[],
  values: Values,
  order: (a: number, b: number) => number,
): string[][] | undefined {
  const groups = new Map<number, string[]>();
  for (const [position, id] of shown.entries()) {
    const value = values[position];
    if (value === null || value === undefined || !Number.isFinite(value)) return undefined;
    groups.set(value, [...(groups.get(value) ?? []), id]);
  }
  return [...groups].sort(([a], [b]) => order(a, b)).map(([, group]) => group);
}

/** The values that a judgement gave to the answers as they are shown now; all null where it was made in another way. */
export function valuesOf(
  judgement: Pick<JudgementRecord, 'kind' | 'ranking' | 'ratings' | 'accepted' | 'verdict'>,
  shown: readonly string[],
  kind: JudgementKind,
): (number | null)[] {
  const { kind: asked = 'ranking', ranking, ratings, accepted, verdict } = judgement;
  const rankedNow = kind === 'ranking' || kind === 'pairwise';
  const rankedThen = asked === 'ranking' || asked === 'pairwise';
  if (verdict !== 'ranked' || (kind !== asked && !(rankedNow && rankedThen))) return shown.map(() => null);
  if (kind === 'rating') return shown.map(id => ratings?.[id] ?? null);
  if (kind === 'accept-reject') return shown.map(id => (accepted ? Number(accepted.includes(id)) : null));
  if (kind === 'best-worst') {
    const [best, worst] = [ranking[0]?.[0], ranking.at(-1)?.[0]];
    return shown.map(id => (id === best ? 1 : id === worst ? -1 : 0));
  }
  const rank = new Map<string, number>();
  let place = 1;
  for (const group of ranking) {
    for (const id of group) rank.set(id, place);
    place += group.length;
  }
  return shown.map(id => rank.get(id) ?? null);
}

/** A highlight that lies within its answer; others are of another text. */
export const fits = ({ start, end }: Pick<Highlight, 'start' | 'end'>, text: string | undefined): text is string =>
  text !== undefined &&
  Number.isInteger(start) &&
  Number.isInteger(end) &&
  start >= 0 &&
  start < end &&
  end <= text.length;
