/** Log-likelihood of given texts: what each token of a continuation had for a probability. */
import type { Decoder } from './decoder.ts';
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

/** Tokens run at once: bounds the (N, V) arrays. */
const CHUNK = 64;

/** log p(continuation | prefix) of each item, in order. Throws the signal's reason when it is aborted. */
export async function score(
  decoder: Decoder,
  items: readonly ScoreItem[],
  context: ScoreContext = {},
): Promise<Scored[]> {
  const results: Scored[] = [];
  const cache = new KeyValueCache(decoder.config);
  for (const { prefix, continuation } of items) {
    const ids = [...Array.from(prefix), ...Array.from(continuation)];
    if (prefix.length === 0) throw new RangeError('a prefix needs at least one token');
    if (ids.length > decoder.config.maxPositions) {
      throw new RangeError(`${ids.length} tokens do not fit into ${decoder.config.maxPositions}`);
    }
    const logProbs: number[] = [];
    cache.reserve(1, ids.length);
    // The last token predicts nothing that is asked for.
    for (let from = 0; continuation.length > 0 && from < ids.length - 1; from += CHUNK) {
      context.signal?.throwIfAborted();
      const to = Math.min(ids.length - 1, from + CHUNK);
      const first = Math.max(from, prefix.length - 1);
      const count = Math.max(0, to - first);
      const outputs = await decoder.run({
        ids: Int32Array.from(ids.slice(from, to)),
        batch: 1,
        time: to - from,
        lengths: Int32Array.of(to),
        rows: Int32Array.from({ length: Math.max(1, count) }, (_, i) => (count === 0 ? 0 : first - from + i)),
        targets: Int32Array.from({ length: Math.max(1, count) }, (_, i) => (count === 0 ? 0 : ids[first + i + 1]!)),
        cache: cache.view(0, 1),
        useAdapter: context.useAdapter ?? true,
      });
      for (let i = 0; i < count; i++) logProbs.push(outputs.targetLogProbs[i]!);
      await new Promise(resolve => setImmediate(resolve));
    }
    results.push({ logProbs, logLikelihood: logProbs.reduce((a, b) => a + b, 0) });
  }
  return results;
}
