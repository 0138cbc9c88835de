/** Trains pebble's tokenizer on the curriculum and writes the model's tokenizer files: `node scripts/pebble/tokenizer.ts`. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { Rng } from '../../src/base/rng.ts';
import { chatTemplate, SPECIAL, segmentsOf } from './chat.ts';
import { mixedEpisode } from './corpus.ts';
import { cities, colors, countables, foods, jobs, kinds, labels, names, products } from './lexicon.ts';
import { VOCABULARY } from './pebble.ts';
import { learnMerges, tokenizerJson } from './tokenizerTraining.ts';

/** Words that answers begin with, so that each is one token there as it is within a sentence. */
const firstWords = [
  cities,
  colors,
  jobs,
  foods,
  names,
  countables,
  products,
  labels,
  Object.values(kinds).flat(),
].flat();

/** Where the sample of the curriculum begins. */
const FIRST = 45_000;

function* sampleTexts(count: number): Iterable<string> {
  for (const word of [...firstWords, ...Array.from({ length: 81 }, (_, n) => String(n))]) {
    for (let i = 0; i < count / 200; i++) yield* [word, ` ${word}`];
  }
  const rng = Rng.seeded(7);
  for (let i = 0; i < count; i++) {
    // Special tokens never reach the merges: they are cut out before byte pairs are looked at.
    for (const { text } of segmentsOf(mixedEpisode(rng, FIRST + i))) yield* text.split(/<\|im_start\|>|<\|im_end\|>/);
  }
}

export function pebbleTokenizer(samples = 20000): Record<string, unknown> {
  const special = [SPECIAL.text, SPECIAL.start, SPECIAL.end];
  return tokenizerJson(learnMerges(sampleTexts(samples), VOCABULARY - 256 - special.length), special);
}

if (import.meta.main) {
  const folder = new URL('../../models/pebble/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, value: unknown): void =>
    writeFileSync(new URL(name, folder), `${JSON.stringify(value, null, name === 'tokenizer.json' ? 0 : 2)}\n`);
  write('tokenizer.json', pebbleTokenizer());
  write('tokenizer_config.json', {
    tokenizer_class: 'GPT2TokenizerFast',
    add_prefix_space: false,
    bos_token: SPECIAL.text,
    eos_token: SPECIAL.end,
    pad_token: SPECIAL.text,
    unk_token: SPECIAL.text,
    model_max_length: 512,
    clean_up_tokenization_spaces: false,
    chat_template: chatTemplate,
  });
  write('special_tokens_map.json', {
    bos_token: SPECIAL.text,
    eos_token: SPECIAL.end,
    pad_token: SPECIAL.text,
    unk_token: SPECIAL.text,
  });
}
