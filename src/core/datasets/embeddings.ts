/** Vectors of texts, kept by their content: the same text is never computed twice. */

import type { Template } from '../prompts/template.ts';
import type { TextGenerator } from '../textGenerator.ts';

/** A vector of length 1 for each text. */
export type EmbedTexts = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>;

/** Texts of one call, so that a big bank does not wait as one. */
const batchSize = 64;

/**
 * Vectors for a template that compares examples by them; undefined where it does not, or its model gives none. `kept` holds what
 * earlier calls made, by model.
 */
export async function embedderOf(
  { tunesmith: { examples } }: Template,
  modelOf: (id: string) => Promise<TextGenerator>,
  kept: Map<string, EmbedTexts> = new Map(),
): Promise<EmbedTexts | undefined> {
  if (examples?.similarity !== 'embedding' || examples.shots === 0) return undefined;
  const known = kept.get(examples.embeddingModel);
  if (known) return known;
  const model = await modelOf(examples.embeddingModel);
  if (!model.embed) return undefined;
  const embed = cachedEmbeddings(texts => model.embed!(texts));
  kept.set(examples.embeddingModel, embed);
  return embed;
}

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
