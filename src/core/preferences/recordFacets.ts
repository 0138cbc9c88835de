/** What filters, orders and counts need of a record, packed into numbers, so that none of them reads a text. */
import { hash64 } from './hashTables.ts';
import { type ItemRecord, type JudgementKind, JudgementKinds, type JudgementRecord } from './judgement.ts';
import { pairOutcome } from './judgeVerdict.ts';
import { promptHash } from './splits.ts';

export const Verdicts = ['ranked', 'all-bad', 'skipped'] as const satisfies readonly JudgementRecord['verdict'][];

const tieBit = 1 << 5;
const repeatBit = 1 << 6;
const noteBit = 1 << 7;
const highlightBit = 1 << 8;
const plainBit = 1 << 9;

/** The columns `facets`, `says` and `pairs` of one record. */
export interface Facets {
  /**
   * Of a judgement: verdict, kind and the bits above; the upper half is a hash of the answers that it compares. Of an item: how
   * many answers it has.
   */
  readonly facets: number;
  /** Of a judgement a hash of what it says; of an item the hash of its prompt that decides the split. */
  readonly says: number;
  /** Preference pairs that are derived from a judgement, at most 65,535. */
  readonly pairs: number;
}

export const itemFacets = ({ messages, answers }: ItemRecord): Facets => ({
  facets: answers.length,
  says: promptHash(messages),
  pairs: 0,
});

export function judgementFacets(judgement: JudgementRecord): Facets {
  const { kind = 'ranking', verdict, ranking, shown, note, highlights, repeatOf } = judgement;
  const compares = kind !== 'best-worst' && kind !== 'accept-reject';
  // Of a judge that was asked pair by pair, the pairs say it.
  const outcomes = judgement.pairs?.map(pairOutcome);
  const tied = outcomes ? outcomes.includes(0.5) : ranking.some(group => group.length > 1);
  const isTie = verdict === 'ranked' && compares && tied;
  const groups = verdict === 'all-bad' ? [shown] : verdict === 'ranked' ? ranking : [];
  const compared = groups.flat();
  // Two such judgements of the same answers differ exactly when they say something else of two of them.
  const oneOrder = outcomes === undefined || outcomes.length === 1;
  const isPlain = verdict === 'all-bad' ? shown.length > 0 : compares && verdict === 'ranked' && oneOrder;
  const set = isPlain ? hash64([...compared].sort().join('\n'))[1] >>> 16 : 0;
  const says = isPlain ? hash64(groups.map(group => [...group].sort().join(' ')).join('\n'))[1] : 0;
  let pairs = 0;
  let before = 0;
  if (outcomes) pairs = outcomes.filter(outcome => outcome === 0 || outcome === 1).length;
  else if (verdict === 'ranked') {
    for (const { length } of ranking) {
      pairs += before * length;
      before += length;
    }
  }
  const facets =
    Verdicts.indexOf(verdict) |
    (JudgementKinds.indexOf(kind) << 2) |
    (isTie ? tieBit : 0) |
    (repeatOf === undefined ? 0 : repeatBit) |
    (note === undefined ? 0 : noteBit) |
    (highlights && highlights.length > 0 ? highlightBit : 0) |
    (isPlain ? plainBit : 0);
  return { facets: ((set << 16) | facets) >>> 0, says, pairs: Math.min(pairs, 0xffff) };
}

export const verdictOf = (facets: number): JudgementRecord['verdict'] => Verdicts[facets & 3] ?? 'ranked';
export const kindOf = (facets: number): JudgementKind => JudgementKinds[(facets >>> 2) & 7] ?? 'ranking';
export const hasTie = (facets: number): boolean => (facets & tieBit) !== 0;
export const isRepeat = (facets: number): boolean => (facets & repeatBit) !== 0;
export const hasNote = (facets: number): boolean => (facets & noteBit) !== 0;
export const hasHighlights = (facets: number): boolean => (facets & highlightBit) !== 0;
/** It puts all answers that it compares into one order: `says` tells it from another such judgement of the same `comparedSet`. */
export const isPlain = (facets: number): boolean => (facets & plainBit) !== 0;
export const comparedSet = (facets: number): number => facets >>> 16;
