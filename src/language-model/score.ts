/** Log-likelihood of given texts: what each token of a continuation had for a probability. In the decoder's precision. */
import type { Generator } from './generate.ts';
import { KeyValueCache } from './keyValueCache.ts';

export interface ScoreItem {
  /** At least one token. */
  readonly prefix: ArrayLike<number>;
  readonly continuation: ArrayLike<number>;
}

export interface Scored {
  /** Nats, one for each token of the continuation. */
  readonly logProbs: readonly number[];
  /** Their sum. */
  readonly logLikelihood: number;
}

export interface ScoreContext {
  readonly signal?: AbortSignal;
  readonly useAdapter?: boolean;
}

/** Tokens run at once, and rows of the (N, V) logits among them. */
const TOKENS = 512;
const ROWS = 64;

/**
 * log p(continuation | prefix) of each item, in order. Items with one prefix share its run, the others are run together,
 * those of like length first. Throws the signal's reason when it is aborted.
 */
export async function score(
  { decoder, sampler }: Pick<Generator, 'decoder' | 'sampler'>,
  items: readonly ScoreItem[],
  context: ScoreContext = {},
): Promise<Scored[]> {
  for (const { prefix, continuation } of items) {
    const length = prefix.length + continuation.length;
    if (prefix.length === 0) throw new RangeError('a prefix needs at least one token');
    if (length > decoder.config.maxPositions)
      throw new RangeError(`${length} tokens do not fit into ${decoder.config.maxPositions}`);
  }
  const scorer = new Scorer({ decoder, sampler }, context);
  const logProbs = items.map((): number[] => []);
  const together: number[] = [];
  const sharing = Map.groupBy(items.keys(), i => Array.prototype.join.call(items[i]!.prefix, ','));
  for (const group of sharing.values()) {
    const asked = group.filter(i => items[i]!.continuation.length > 0);
    if (asked.length === 1 && fitsTogether(items[asked[0]!]!)) together.push(asked[0]!);
    else if (asked.length > 0) {
      await scorer.prefix(items[asked[0]!]!.prefix);
      for (const i of asked) logProbs[i] = await scorer.continuation(items[i]!);
    }
  }
  for (const part of parts(together, items)) {
    const scored = await scorer.together(part.map(i => items[i]!));
    part.forEach((i, at) => {
      logProbs[i] = scored[at]!;
    });
  }
  return logProbs.map(values => ({ logProbs: values, logLikelihood: values.reduce((a, b) => a + b, 0) }));
}

/** Tokens that have to be run: the last one predicts nothing that is asked for. */
const lengthOf = ({ prefix, continuation }: ScoreItem): number => prefix.length + continuation.length - 1;
const fitsTogether = (item: ScoreItem): boolean => lengthOf(item) <= TOKENS && item.continuation.length <= ROWS;

/** Items of like length, as many at once as the limits allow. */
function parts(indices: readonly number[], items: readonly ScoreItem[]): number[][] {
  const ordered = [...indices].sort((a, b) => lengthOf(items[a]!) - lengthOf(items[b]!) || a - b);
  const result: number[][] = [];
  let rows = 0;
  for (const i of ordered) {
    const { length } = items[i]!.continuation;
    const part = result.at(-1);
    // Ordered by length: this one is the longest of the part.
    if (part && (part.length + 1) * lengthOf(items[i]!) <= TOKENS && rows + length <= ROWS) part.push(i);
    else {
      result.push([i]);
      rows = 0;
    }
    rows += length;
  }
  return result;
}

class Scorer {
  readonly #decoder: Generator['decoder'];
  readonly #sampler: Generator['sampler'];
  readonly #context: ScoreContext;
  readonly #cache: KeyValueCache;

  constructor({ decoder, sampler }: Pick<Generator, 'decoder' | 'sampler'>, context: ScoreContext) {
    this.#decoder = decoder;
    this.#sampler = sampler;
    this.#context = context;
    this.#cache = new KeyValueCache(decoder.config);
  }

  /** Puts all but the last token of a prefix into the cache's first row. */
  async prefix(ids: ArrayLike<number>): Promise<void> {
    for (let from = 0; from < ids.length - 1; from += TOKENS) {
      const to = Math.min(ids.length - 1, from + TOKENS);
      await this.#run([slice(ids, from, to)], from, [0]);
    }
  }

  /** After `prefix` with this item's; may be called again and again: a continuation overwrites the one before. */
  async continuation({ prefix, continuation }: ScoreItem): Promise<number[]> {
    const start = prefix.length - 1;
    // The prefix's last token predicts the first one of the continuation.
    const ids = [prefix[start]!, ...slice(continuation, 0, continuation.length - 1)];
    const logProbs: number[] = [];
    for (let from = 0; from < ids.length; from += ROWS) {
      const part = ids.slice(from, from + ROWS);
      const logits = await this.#run([part], start + from, [...part.keys()]);
      const targets = slice(continuation, from, from + part.length);
      logProbs.push(...(await this.#sampler.targetLogProbs(logits, targets)));
    }
    return logProbs;
  }

  /** Whole texts from their start, padded on the right to the longest. */
  async together(items: readonly ScoreItem[]): Promise<number[][]> {
    const texts = items.map(({ prefix, continuation }) => [
      ...Array.from(prefix),
      ...slice(continuation, 0, continuation.length - 1),
    ]);
    const longest = Math.max(...texts.map(({ length }) => length));
    const rows = items.flatMap(({ prefix, continuation }, row) =>
      Array.from(continuation, (_, i) => row * longest + prefix.length - 1 + i),
    );
    const logits = await this.#run(texts, 0, rows);
    const targets = items.flatMap(({ continuation }) => Array.from(continuation));
    const all = await this.#sampler.targetLogProbs(logits, targets);
    let end = 0;
    return items.map(({ continuation: { length } }) => {
      end += length;
      return [...all.subarray(end - length, end)];
    });
  }

  /** Runs texts whose first token is at position `start` and returns the logits at `rows`. */
  async #run(texts: readonly (readonly number[])[], start: number, rows: readonly number[]): Promise<Float32Array> {
    this.#context.signal?.throwIfAborted();
    const time = Math.max(...texts.map(({ length }) => length));
    this.#cache.reserve(texts.length, start + time);
    const ids = new Int32Array(texts.length * time);
    texts.forEach((text, row) => {
      ids.set(text, row * time);
    });
    const { logits } = await this.#decoder.run({
      ids,
      batch: texts.length,
      time,
      lengths: Int32Array.from(texts, text => start + text.length),
      rows: Int32Array.from(rows),
      cache: this.#cache.view(0, texts.length),
      useAdapter: this.#context.useAdapter ?? true,
    });
    await new Promise(resolve => setImmediate(resolve));
    return logits;
  }
}

const slice = (ids: ArrayLike<number>, from: number, to: number): number[] => Array.from(ids).slice(from, to);
