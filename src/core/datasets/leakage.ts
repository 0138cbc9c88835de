/** The leakage guard: finds examples that are equal, or nearly, to rows that a template is tested on. */
import { words } from '../statistics/textStatistics.ts';
import { type ExampleBank, type Leak, questionText } from './bank.ts';
import type { DataRow } from './rows.ts';

/** Shorter texts are only compared for equality: a word more or less makes them another question. */
const fewestWords = 5;

/**
 * The bank with the examples that leak (by index), so that selection passes over them. Texts are compared by the fields that
 * are inputs of the template; `threshold` is the similarity from which two count as nearly equal.
 */
export function guardBank(
  bank: ExampleBank,
  rows: readonly DataRow[],
  inputs: readonly string[],
  threshold: number,
): ExampleBank {
  const index = new LeakIndex(
    rows.map(({ line, values }) => ({ line, text: questionText(values, inputs) })),
    threshold,
  );
  const leaks = new Map<number, Leak>();
  for (const [i, { values }] of bank.rows.entries()) {
    const leak = index.find(questionText(values, inputs));
    if (leak) leaks.set(i, leak);
  }
  return { ...bank, leaks };
}

/** What of a text is compared. */
export interface Wording {
  /** Its words. */
  readonly key: string;
  /** Words and pairs of neighbours; none of a text that is only compared for equality. */
  readonly shingles: ReadonlySet<string>;
  readonly numbers: string;
}

interface Entry extends Wording {
  readonly line: number;
}

export function wordingOf(text: string): Wording {
  const said = words(text.normalize('NFKC'));
  const shingles = said.length < fewestWords ? new Set<string>() : shinglesOf(said);
  return { key: said.join(' '), shingles, numbers: numbersOf(said) };
}

/** Jaccard similarity; 1 for the same words, 0 for none or where the numbers differ: the same words about others ask another question. */
export function similarityOf(a: Wording, b: Wording): number {
  if (a.key === b.key) return a.key === '' ? 0 : 1;
  if (a.numbers !== b.numbers || a.shingles.size === 0 || b.shingles.size === 0) return 0;
  return jaccard(a.shingles, b.shingles);
}

/** Test rows by what they say. */
export class LeakIndex {
  readonly #threshold: number;
  /** Lines of all rows that say the same, first to last. */
  readonly #equal = new Map<string, number[]>();
  readonly #entries: Entry[] = [];
  readonly #postings = new Map<string, number[]>();

  constructor(rows: readonly { readonly line: number; readonly text: string }[], threshold: number) {
    this.#threshold = threshold;
    for (const { line, text } of rows) {
      const wording = wordingOf(text);
      const { key, shingles } = wording;
      if (key === '') continue;
      const same = this.#equal.get(key);
      if (same) {
        same.push(line);
        continue;
      }
      this.#equal.set(key, [line]);
      if (shingles.size === 0 || threshold >= 1) continue;
      const place = this.#entries.push({ ...wording, line }) - 1;
      for (const shingle of shingles) {
        const list = this.#postings.get(shingle);
        if (list) list.push(place);
        else this.#postings.set(shingle, [place]);
      }
    }
  }

  /** The row that says the same as `text`: an equal one, else the nearest from the threshold on. */
  find(text: string): Leak | undefined {
    return this.#found(text).reduce<Leak | undefined>(
      (best, { line, similarity }) => (similarity > (best?.similarity ?? 0) ? { line, similarity } : best),
      undefined,
    );
  }

  /** Lines of all rows that say the same. */
  findAll(text: string): number[] {
    return this.#found(text).flatMap(({ key }) => this.#equal.get(key)!);
  }

  /** An equal row first. */
  #found(text: string): (Leak & { readonly key: string })[] {
    const own = wordingOf(text);
    const line = this.#equal.get(own.key)?.[0];
    const found = line === undefined ? [] : [{ line, similarity: 1, key: own.key }];
    if (own.shingles.size === 0) return found;
    for (const place of this.#candidates(own.shingles)) {
      const entry = this.#entries[place]!;
      if (entry.key === own.key) continue;
      const similarity = similarityOf(own, entry);
      if (similarity > 0 && similarity >= this.#threshold) found.push({ line: entry.line, similarity, key: entry.key });
    }
    return found;
  }

  /**
   * Two sets of similarity t share one of any |A| − ⌈t·|A|⌉ + 1 members of A: to look at the rarest of them is enough (the
   * prefix filter of Chaudhuri, Ganti & Kaushik 2006).
   */
  #candidates(shingles: ReadonlySet<string>): ReadonlySet<number> {
    const rarest = [...shingles]
      .map(shingle => this.#postings.get(shingle) ?? [])
      .sort((a, b) => a.length - b.length)
      .slice(0, shingles.size - Math.ceil(this.#threshold * shingles.size) + 1);
    return new Set(rarest.flat());
  }
}

/** Words and pairs of neighbours. */
function shinglesOf(said: readonly string[]): Set<string> {
  const shingles = new Set<string>(said);
  for (let i = 0; i + 1 < said.length; i++) shingles.add(`${said[i]} ${said[i + 1]}`);
  return shingles;
}

const numbersOf = (said: readonly string[]): string => said.filter(word => /\p{N}/u.test(word)).join(' ');

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const shingle of a) if (b.has(shingle)) shared++;
  return shared / (a.size + b.size - shared);
}
