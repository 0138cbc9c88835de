/** Items of which two people said opposite things, what each of them said, and whether somebody has settled it. */
import { annotatorOf } from './annotators.ts';
import { comparisonsOf } from './comparisons.ts';
import type { Held, JournalState, SharedItem } from './journalState.ts';
import type { ItemRecord, JudgementRecord } from './judgement.ts';

export interface Disagreement {
  readonly item: string;
  readonly set: string;
  /** People's judgements, by name. */
  readonly judgements: readonly JudgementRecord[];
  /**
   * Mean difference of two people over everything that both said something of: 1 opposite, ½ a tie against a decision, 0 the same.
   * Above 0, at most 1.
   */
  readonly severity: number;
  /** The adjudication that stands, if it knew all these judgements. */
  readonly settledBy: JudgementRecord | undefined;
}

/**
 * What people say of an item, where two of them said opposite things of two answers, or one accepted an answer that another
 * rejected. A tie against a decision is none by itself, but counts for the severity.
 */
export function disagreementOf(
  item: ItemRecord,
  judgements: readonly JudgementRecord[],
  adjudication?: JudgementRecord,
): Disagreement | undefined {
  const said = judgements.map(judgement => sayings(judgement, item));
  let differences = 0;
  let shared = 0;
  let opposite = false;
  for (const [i, one] of said.entries()) {
    for (const other of said.slice(i + 1)) {
      for (const [about, value] of one) {
        const theirs = other.get(about);
        if (theirs === undefined) continue;
        shared++;
        differences += Math.abs(value - theirs);
        if (Math.abs(value - theirs) === 1) opposite = true;
      }
    }
  }
  if (!opposite) return undefined;
  const known = new Set(adjudication?.adjudicates);
  return {
    item: item.id,
    set: item.set,
    judgements: judgements.toSorted((a, b) => (annotatorOf(a) < annotatorOf(b) ? -1 : 1)),
    severity: differences / shared,
    settledBy: judgements.every(({ id }) => known.has(id)) ? adjudication : undefined,
  };
}

/** By what it is about (two answers, or one that is accepted or not), 1, ½ or 0. */
function sayings(judgement: JudgementRecord, item: ItemRecord): Map<string, number> {
  const said = new Map<string, number>();
  for (const { first, second, outcome } of comparisonsOf([judgement], { get: () => item }))
    said.set(`${first.id}\n${second.id}`, outcome);
  if (judgement.kind === 'accept-reject') {
    const accepted = new Set(judgement.verdict === 'ranked' ? judgement.accepted : []);
    for (const id of judgement.shown) said.set(id, Number(accepted.has(id)));
  }
  return said;
}

/** Disagreements of a journal; what was read of an item is remembered until somebody judges it again. */
export class Disagreements {
  readonly #known = new Map<string, { readonly of: string; readonly found: Disagreement | undefined }>();

  /** The most severe first, settled ones last; equal ones in the order in which items were put up. */
  list(state: JournalState, set?: string): Disagreement[] {
    const work = this.listing(state, set);
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
    }
  }

  /** `list`, with a rest after each item. */
  *listing(state: JournalState, set?: string): Generator<void, Disagreement[]> {
    const found: Disagreement[] = [];
    for (const shared of state.sharedItems()) {
      const one = this.#of(shared);
      if (one && (set === undefined || one.set === set)) found.push(one);
      yield;
    }
    const isSettled = ({ settledBy }: Disagreement): number => Number(settledBy !== undefined);
    return found.sort((a, b) => isSettled(a) - isSettled(b) || b.severity - a.severity);
  }

  #of({ item, judgements, adjudication }: SharedItem): Disagreement | undefined {
    const of = [...judgements.map(({ key }) => key), '', adjudication?.key].join(' ');
    const known = this.#known.get(item.key);
    if (known?.of === of) return known.found;
    const record = item.read();
    const read = judgements.flatMap((held: Held<JudgementRecord>) => held.read() ?? []);
    const found = record && disagreementOf(record, read, adjudication?.read());
    this.#known.set(item.key, { of, found });
    return found;
  }
}
