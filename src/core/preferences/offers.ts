/** Items as they stand on a screen, or stood there a moment ago: what a decision about them is a decision about. */
import { fits, valuesOf } from './decision.ts';
import type { Disagreement } from './disagreements.ts';
import type { Answer, ItemRecord, JudgementKind, JudgementRecord } from './judgement.ts';
import type { ScreenItem } from './rankingScreen.ts';

export interface Offer {
  readonly kind: JudgementKind;
  readonly answers: readonly Answer[];
  readonly repeatOf?: string | undefined;
  readonly revises?: JudgementRecord | undefined;
  /** What is to be settled. */
  readonly dispute?: Disagreement | undefined;
  /** Who judges has seen the models before. */
  readonly seen?: boolean | undefined;
}

const kept = 20;

export class Offers {
  readonly #offers = new Map<string, Offer>();

  get(item: string): Offer | undefined {
    return this.#offers.get(item);
  }

  /** What may be seen of an item: no model, no seed, no order but the shuffled one. */
  make(item: ItemRecord, offer: Offer): ScreenItem {
    this.#offers.delete(item.id);
    this.#offers.set(item.id, offer);
    if (this.#offers.size > kept) this.#offers.delete(this.#offers.keys().next().value!);
    const { kind, answers, revises } = offer;
    return {
      id: item.id,
      kind,
      messages: item.messages,
      answers: answers.map(({ id, text }) => ({ id, text })),
      draft: revises ? draftOf(revises, answers, kind) : null,
    };
  }

  forget(item: string): void {
    this.#offers.delete(item);
  }
}

function draftOf(before: JudgementRecord, answers: readonly Answer[], kind: JudgementKind): ScreenItem['draft'] {
  const ids = answers.map(({ id }) => id);
  return {
    values: valuesOf(before, ids, kind),
    flags: ids.map(id => before.flagged?.[id] ?? (before.flagged || id !== ids[0] ? [] : before.flags)),
    note: before.note ?? '',
    highlights: (before.highlights ?? []).flatMap(({ answer, start, end, comment = '' }) => {
      const position = ids.indexOf(answer);
      return fits({ start, end }, answers[position]?.text) ? [{ answer: position, start, end, comment }] : [];
    }),
  };
}
