/** Who judges what in a team: from names and item ids alone, so that everybody computes the same without a server. */
import { hash64, stir } from './hashTables.ts';

/** How a set is shared. */
export interface Sharing {
  /** People who should judge each item. */
  readonly overlap: number;
  /** Among whom items are divided; empty: whoever comes first. */
  readonly annotators: readonly string[];
}

/** Of an item that a person has not judged: theirs to judge, left over from others' shares, or judged by enough people. */
export type Share = 'own' | 'beyond' | 'done';

/**
 * What one person's share is. Each annotator draws a number for each item from both hashes; the `overlap` highest have the
 * item (rendezvous hashing, Thaler & Ravishankar 1998). So shares are equal but for chance, whoever joins takes each item from one
 * other at most, and nobody else's share changes.
 */
export class Assignment {
  readonly #overlap: number;
  readonly #others: readonly Name[];
  readonly #own: Name | undefined;
  readonly #isDivided: boolean;

  constructor({ overlap, annotators }: Sharing, author: string) {
    const names = namesOf(annotators);
    this.#overlap = overlap;
    this.#isDivided = names.length > 0;
    this.#own = names.find(({ key }) => key === nameKey(author));
    this.#others = names.filter(name => name !== this.#own);
  }

  /** `high` and `low` are the hash of the item's id; `judgements` says how many people have judged it. */
  shareOf(high: number, low: number, judgements: number): Share {
    if (judgements >= this.#overlap) return 'done';
    if (!this.#isDivided) return 'own';
    const own = this.#own;
    if (!own) return 'beyond';
    const drawn = draw(own, high, low);
    let before = 0;
    for (const other of this.#others) {
      const theirs = draw(other, high, low);
      if ((theirs > drawn || (theirs === drawn && other.key < own.key)) && ++before === this.#overlap) return 'beyond';
    }
    return 'own';
  }
}

/** The annotators that an item is assigned to, as they are written in the list. */
export function assignedTo(item: string, { overlap, annotators }: Sharing): string[] {
  const [high, low] = hash64(item);
  return namesOf(annotators)
    .map(name => ({ name, drawn: draw(name, high, low) }))
    .sort((a, b) => b.drawn - a.drawn || (a.name.key < b.name.key ? -1 : 1))
    .slice(0, overlap)
    .map(({ name }) => name.written);
}

interface Name {
  readonly key: string;
  readonly written: string;
  readonly high: number;
  readonly low: number;
}

/** Spelling that does not show: case, spaces around, composed letters. */
const nameKey = (name: string): string => name.normalize('NFC').trim().toLowerCase();

function namesOf(annotators: readonly string[]): Name[] {
  const names = new Map<string, Name>();
  for (const written of annotators) {
    const key = nameKey(written);
    const [high, low] = hash64(key);
    if (!names.has(key)) names.set(key, { key, written, high, low });
  }
  return [...names.values()];
}

const draw = (name: Name, high: number, low: number): number =>
  stir(stir(low ^ name.low) ^ Math.imul(high ^ name.high, 0x9e3779b1));
