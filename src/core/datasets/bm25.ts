/** BM25 (Robertson & Zaragoza 2009) with the inverse document frequency of Lucene, which is never negative. */
import { words } from '../statistics/textStatistics.ts';

/** Lucene's defaults: how soon repeated words stop to count, and how much long texts are held back. */
const k1 = 1.2;
const b = 0.75;

interface Posting {
  readonly text: number;
  /** Saturated frequency: tf / (tf + k1·(1 − b + b·length / mean length)). */
  readonly weight: number;
}

export class Bm25 {
  readonly #size: number;
  readonly #postings = new Map<string, Posting[]>();
  /** Each text's weighted terms, of length 1. */
  readonly #vectors: readonly ReadonlyMap<string, number>[];

  constructor(texts: readonly string[]) {
    this.#size = texts.length;
    const documents = texts.map(text => frequencies(words(text)));
    const lengths = documents.map(document => sum(document.values()));
    const mean = sum(lengths) / Math.max(1, texts.length) || 1;
    for (const [text, document] of documents.entries()) {
      const norm = k1 * (1 - b + (b * lengths[text]!) / mean);
      for (const [term, count] of document) {
        const weight = count / (count + norm);
        const list = this.#postings.get(term);
        if (list) list.push({ text, weight });
        else this.#postings.set(term, [{ text, weight }]);
      }
    }
    const vectors = documents.map(() => new Map<string, number>());
    for (const [term, postings] of this.#postings)
      for (const { text, weight } of postings) vectors[text]!.set(term, weight * this.#idf(postings.length));
    this.#vectors = vectors.map(unit);
  }

  /** One score for each text, in their order; a word that stands in the query twice counts twice. */
  scores(query: string): Float64Array {
    const scores = new Float64Array(this.#size);
    for (const [term, count] of frequencies(words(query))) {
      const postings = this.#postings.get(term);
      if (!postings) continue;
      const factor = count * this.#idf(postings.length);
      for (const { text, weight } of postings) scores[text]! += factor * weight;
    }
    return scores;
  }

  /** How alike two of the texts are: cosine of their weighted terms, 0 … 1. */
  between(one: number, other: number): number {
    const [a, c] = [this.#vectors[one]!, this.#vectors[other]!];
    const [small, large] = a.size < c.size ? [a, c] : [c, a];
    let product = 0;
    for (const [term, weight] of small) product += weight * (large.get(term) ?? 0);
    return product;
  }

  #idf(documents: number): number {
    return Math.log(1 + (this.#size - documents + 0.5) / (documents + 0.5));
  }
}

function frequencies(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

function unit(vector: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const length = Math.sqrt(sum([...vector.values()].map(weight => weight * weight)));
  return length === 0 ? vector : new Map([...vector].map(([term, weight]) => [term, weight / length]));
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
