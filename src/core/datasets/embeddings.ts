/** Vectors of texts, kept by their content: the same text is never computed twice. */

/** A vector of length 1 for each text. */
export type EmbedTexts = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>;

/** Texts of one call, so that a big bank does not wait as one. */
const batchSize = 64;

/** Keeps what `embed` gave. Texts that were asked for twice at once are computed once. */
export function cachedEmbeddings(embed: EmbedTexts): EmbedTexts {
  const known = new Map<string, Promise<readonly number[]>>();
  return async texts => {
    const missing = [...new Set(texts)].filter(text => !known.has(text));
    for (let start = 0; start < missing.length; start += batchSize) {
      const batch = missing.slice(start, start + batchSize);
      const vectors = embed(batch);
      for (const [i, text] of batch.entries()) {
        const vector = vectors.then(all => all[i]!);
        known.set(text, vector);
        vector.catch(() => known.delete(text));
      }
      await vectors;
    }
    return Promise.all(texts.map(text => known.get(text)!));
  };
}
