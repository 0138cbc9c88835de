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
  /** Place of each token among the vocabulary by its probability: 1 for what greedy decoding takes. */
  readonly ranks: readonly number[];
  /** The likeliest tokens in each place, best first, as many as were asked for. */
  readonly alternatives: readonly (readonly TokenLogProb[])[];
  /** Their sum. */
  readonly logLikelihood: number;
}

export interface TokenLogProb {
  readonly id: number;
  readonly logProb: number;
}

export interface ScoreContext {
  /** Likeliest tokens to tell in each place; default 0. */
  readonly alternatives?: number;
  readonly signal?: AbortSignal;
  readonly useAdapter?: boolean;
}

/** Tokens run at once, and rows of the (N, V) logits among them. */
const TOKENS = 512;
const ROWS = 64;
/** A prefix this short is cheaper to run again in a batch than once for texts that are then run one by one. */
const SHORT_PREFIX = 8;

/**
 * log p(continuation | prefix) of each item, in order. Items with one long prefix share its run, the others are run together,
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
  const scored = items.map((): ScoredToken[] => []);
  const together: number[] = [];
  const sharing = Map.groupBy(items.keys(), i => Array.prototype.join.call(items[i]!.prefix, ','));
  for (const group of sharing.values()) {
    const asked = group.filter(i => items[i]!.continuation.length > 0);
    const shares = asked.length > 1 && items[asked[0]!]!.prefix.length > SHORT_PREFIX;
    const inTurn = asked.filter(i => shares || !fitsTogether(items[i]!));
    if (!shares) together.push(...asked.filter(i => fitsTogether(items[i]!)));
    if (inTurn.length > 0) {
      await scorer.prefix(items[inTurn[0]!]!.prefix);
      for (const i of inTurn) scored[i] = await scorer.continuation(items[i]!);
    }
  }
  for (const part of parts(together, items)) {
    const tokens = await scorer.together(part.map(i => items[i]!));
    part.forEach((i, at) => {
      scored[i] = tokens[at]!;
    });
  }
  return scored.map(tokens => ({
    logProbs: tokens.map(({ logProb }) => logProb),
    ranks: tokens.map(({ rank }) => rank),
    alternatives: tokens.map(({ alternatives }) => alternatives),
    logLikelihood: tokens.reduce((sum, { logProb }) => sum + logProb, 0),
  }));
}

interface ScoredToken {
  readonly logProb: number;
  readonly rank: number;
  readonly alternatives: readonly TokenLogProb[];
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
  async continuation({ prefix, continuation }: ScoreItem): Promise<ScoredToken[]> {
    const start = prefix.length - 1;
    // The prefix's last token predicts the first one of the continuation.
    const ids = [prefix[start]!, ...slice(continuation, 0, continuation.length - 1)];
    const scored: ScoredToken[] = [];
    for (let from = 0; from < ids.length; from += ROWS) {
      const part = ids.slice(from, from + ROWS);
      const logits = await this.#run([part], start + from, [...part.keys()]);
      const targets = slice(continuation, from, from + part.length);
      scored.push(...(await this.#tokens(logits, targets)));
    }
    return scored;
  }

  /** Whole texts from their start, padded on the right to the longest. */
  async together(items: readonly ScoreItem[]): Promise<ScoredToken[][]> {
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
    const all = await this.#tokens(logits, targets);
    let end = 0;
    return items.map(({ continuation: { length } }) => {
      end += length;
      return all.slice(end - length, end);
    });
  }

  /** What each target had for a probability among logits (N, V), and which tokens had more. */
  async #tokens(logits: Float32Array, targets: readonly number[]): Promise<ScoredToken[]> {
    const logProbs = await this.#sampler.targetLogProbs(logits, targets);
    const vocabulary = logits.length / targets.length;
    return targets.map((target, row) => {
      const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
      const logProb = logProbs[row]!;
      // log Z of the row: what a logit has to lose to be a log-probability.
      const logZ = own[target]! - logProb;
      const alternatives = likeliest(own, this.#context.alternatives ?? 0).map(id => ({
        id,
        logProb: own[id]! - logZ,
      }));
      return { logProb, rank: rankOf(own, target), alternatives };
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

/** 1 + the number of tokens that are likelier, or as likely and earlier in the vocabulary: what greedy decoding takes has 1. */
function rankOf(logits: Float32Array, target: number): number {
  const own = logits[target]!;
  let rank = 1;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > own || (id < target && logits[id] === own)) rank++;
  return rank;
}

/** Ids of the `count` highest logits, best first. */
function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length && count > 0; id++) {
    if (best.length === count && logits[id]! <= logits[best[count - 1]!]!) continue;
    let at = best.length;
    while (at > 0 && logits[best[at - 1]!]! < logits[id]!) at--;
    best.splice(at, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}
