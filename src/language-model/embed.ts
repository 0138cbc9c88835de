/** Texts as vectors: hidden states after the last norm, averaged over the tokens, of length 1. For finding texts that are alike. */
import type { Decoder } from './decoder.ts';
import { KeyValueCache } from './keyValueCache.ts';
import type { ScoreContext } from './score.ts';

const TOKENS = 512;

/** One vector (hidden) for each text of at least one token, in order. Throws the signal's reason when it is aborted. */
export async function embed(
  decoder: Decoder,
  texts: readonly ArrayLike<number>[],
  context: ScoreContext = {},
): Promise<Float32Array[]> {
  const { hiddenSize, maxPositions } = decoder.config;
  for (const { length } of texts) {
    if (length === 0) throw new RangeError('a text needs at least one token');
    if (length > maxPositions) throw new RangeError(`${length} tokens do not fit into ${maxPositions}`);
  }
  const cache = new KeyValueCache(decoder.config);
  const vectors = texts.map(() => new Float32Array(hiddenSize));
  const order = [...texts.keys()].sort((a, b) => texts[a]!.length - texts[b]!.length || a - b);
  for (let done = 0; done < order.length; ) {
    const part = nextPart(order.slice(done), texts);
    done += part.length;
    const longest = texts[part.at(-1)!]!.length;
    cache.reserve(part.length, longest);
    // A text that is longer than one run is alone in its part.
    for (let from = 0; from < longest; from += TOKENS) {
      context.signal?.throwIfAborted();
      const time = Math.min(longest - from, TOKENS);
      const ids = new Int32Array(part.length * time);
      part.forEach((i, row) => {
        for (let t = 0; t < Math.min(time, texts[i]!.length - from); t++) ids[row * time + t] = texts[i]![from + t]!;
      });
      const { hidden } = await decoder.run({
        ids,
        batch: part.length,
        time,
        lengths: Int32Array.from(part, i => Math.min(texts[i]!.length, from + time)),
        rows: Int32Array.of(0),
        cache: cache.view(0, part.length),
        useAdapter: context.useAdapter ?? true,
      });
      part.forEach((i, row) => {
        const vector = vectors[i]!;
        for (let t = 0; t < Math.min(time, texts[i]!.length - from); t++) {
          const at = (row * time + t) * hiddenSize;
          for (let d = 0; d < hiddenSize; d++) vector[d]! += hidden[at + d]!;
        }
      });
      await new Promise(resolve => setImmediate(resolve));
    }
  }
  for (const vector of vectors) normalise(vector);
  return vectors;
}

/** The next texts of an order by length that are run together. */
function nextPart(order: readonly number[], texts: readonly ArrayLike<number>[]): readonly number[] {
  let count = 1;
  while (count < order.length && (count + 1) * texts[order[count]!]!.length <= TOKENS) count++;
  return order.slice(0, count);
}

/** Divides by the Euclidean length, which takes the number of tokens out as well. */
function normalise(vector: Float32Array): void {
  let sum = 0;
  for (const x of vector) sum += x * x;
  const length = Math.sqrt(sum) || 1;
  for (let d = 0; d < vector.length; d++) vector[d]! /= length;
}
