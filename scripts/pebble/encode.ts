/** Episodes as token ids with learning weights. */

import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import type { Rng } from '../../src/base/rng.ts';
import type { SftExample } from '../../src/training/sft.ts';
import { segmentsOf } from './chat.ts';
import type { Episode } from './episode.ts';

export type Encode = (text: string) => number[];

export function pebbleEncoder(folder: URL): { encode: Encode; decode(ids: readonly number[]): string } {
  const json = (name: string): Record<string, unknown> => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
  const tokenizer = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  return {
    encode: text => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: ids => tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
  };
}

/** Share of the prompts' tokens that are learned too, and how much each of them counts: enough to shape the embeddings. */
const PROMPT_SHARE = 0.1;
const PROMPT_WEIGHT = 0.3;

export function encodeEpisode(episode: Episode, encode: Encode, rng: Rng): SftExample {
  const ids: number[] = [];
  const weights: number[] = [];
  for (const { text, learn } of segmentsOf(episode)) {
    for (const id of encode(text)) {
      ids.push(id);
      weights.push(learn ? 1 : rng.next() < PROMPT_SHARE ? PROMPT_WEIGHT : 0);
    }
  }
  // A long reply would outweigh twenty short answers; between equal weight for tokens and for episodes lies the square root.
  const learned = weights.filter(weight => weight === 1).length;
  const weight = Math.sqrt(8 / learned);
  return { ids, weights: weights.map(own => (own === 1 ? weight : own)) };
}
