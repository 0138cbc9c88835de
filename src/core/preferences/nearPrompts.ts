/** Prompts that say nearly the same, among so many that each cannot be compared with each other. */
import { Rng } from '../../base/rng.ts';
import { similarityOf, type Wording, wordingOf } from '../datasets/leakage.ts';
import { hash64, stir } from './hashTables.ts';

/** Hashes a band. More of them give fewer pairs to look at in vain; fewer give fewer bands for the same recall. */
const bandRows = 4;
/** Of two prompts that are exactly as similar as the threshold asks; more similar ones are found more surely. */
const recall = 0.995;
const fewestBands = 2;
const mostBands = 64;
/** Of prompts that share a band, each is compared with so many that come next: a template filled in a million times has no end else. */
const neighbours = 16;
/** As places and bands are packed into 53 bits. */
export const mostNearPrompts = 2 ** 21;

/**
 * MinHash (Broder 1997) with banding (Indyk & Motwani 1998) over words and pairs of words: pairs that share a band are candidates,
 * and each candidate is compared by its words, so that none is told in error. Of pairs with Jaccard similarity s it finds
 * 1 − (1 − s⁴)ᵇ; the number of bands b is such that this is 99.5 % at the threshold, as long as that is 0.54 or more (64 bands are
 * the most). Of more than 17 prompts that share a band, pairs further apart than 16 may not be told.
 * The hashes are fixed: the same prompts give the same pairs. Memory: 4 bytes a band and prompt (11 bands at 0.8), and no texts.
 */
export class NearPrompts {
  readonly #threshold: number;
  readonly #factors: Uint32Array;
  readonly #terms: Uint32Array;
  readonly #bands: Uint32Array[];
  #count = 0;

  constructor(threshold: number) {
    this.#threshold = threshold;
    const needed = Math.ceil(Math.log(1 - recall) / Math.log(1 - Math.min(0.999, threshold ** bandRows)));
    const bands = Math.min(mostBands, Math.max(fewestBands, needed));
    const rng = Rng.seeded(0).stream('near prompts');
    this.#factors = Uint32Array.from({ length: bands * bandRows }, () => rng.int(2 ** 31) * 2 + 1);
    this.#terms = Uint32Array.from({ length: bands * bandRows }, () => rng.int(2 ** 32));
    this.#bands = Array.from({ length: bands }, () => new Uint32Array(1024));
  }

  get count(): number {
    return this.#count;
  }

  /** Prompts are numbered from 0 as they come. At most `mostNearPrompts`. */
  add(text: string): void {
    const place = this.#count++;
    if (place === this.#bands[0]!.length) {
      for (const [i, band] of this.#bands.entries()) {
        this.#bands[i] = new Uint32Array(2 * band.length);
        this.#bands[i]!.set(band);
      }
    }
    const { key, shingles, numbers } = wordingOf(text);
    // Other numbers make another question, and short ones are only compared for equality.
    const own = hash64(shingles.size === 0 ? key : numbers)[1];
    const [factors, terms] = [this.#factors, this.#terms];
    const least = new Uint32Array(factors.length).fill(0xffffffff);
    for (const shingle of shingles) {
      const [high, low] = hash64(shingle);
      for (let i = 0; i < least.length; i++) {
        let hash = Math.imul(low ^ terms[i]!, factors[i]!);
        hash = (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + high) >>> 0;
        if (hash < least[i]!) least[i] = hash;
      }
    }
    for (const [b, band] of this.#bands.entries()) {
      let mixed = own;
      for (let i = 0; i < bandRows; i++) mixed = stir((mixed ^ least[b * bandRows + i]!) + b);
      band[place] = mixed;
    }
  }

  /** Pairs of numbers, the smaller first, each once. `read` gives the text of a number again. */
  *pairs(read: (place: number) => string | undefined): Generator<readonly [number, number]> {
    for (let b = 0; b < this.#bands.length; b++) {
      const band = this.#bands[b]!;
      const sorted = new Float64Array(this.#count);
      for (let place = 0; place < sorted.length; place++) sorted[place] = band[place]! * mostNearPrompts + place;
      sorted.sort();
      const placeAt = (i: number): number => sorted[i]! % mostNearPrompts;
      for (let start = 0; start < sorted.length; ) {
        let end = start + 1;
        while (end < sorted.length && band[placeAt(end)] === band[placeAt(start)]) end++;
        if (end - start > 1)
          yield* this.#pairsIn(
            Array.from({ length: end - start }, (_, i) => placeAt(start + i)),
            b,
            read,
          );
        start = end;
      }
    }
  }

  /** Of prompts that share a band, those that were not compared in a band before. */
  *#pairsIn(
    places: readonly number[],
    b: number,
    read: (place: number) => string | undefined,
  ): Generator<readonly [number, number]> {
    const wordings = new Map<number, Wording>();
    const wording = (i: number): Wording => {
      const known = wordings.get(i);
      if (known) return known;
      const made = wordingOf(read(places[i]!) ?? '');
      wordings.set(i, made);
      return made;
    };
    for (let i = 0; i < places.length; i++) {
      for (let j = i + 1; j < Math.min(places.length, i + 1 + neighbours); j++) {
        const [one, other] = [places[i]!, places[j]!];
        if (this.#bands.slice(0, b).some(band => band[one] === band[other])) continue;
        if (similarityOf(wording(i), wording(j)) >= this.#threshold) yield [one, other];
      }
      wordings.delete(i);
    }
  }
}
