/** Copying words: the skill that questions, orders and examples are made of, in its densest form. */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, type Episode, type Task } from '../episode.ts';
import { belongings, cities, colors, countables, foods, jobs, kinds, names, products } from '../lexicon.ts';

const vocabulary = [
  belongings,
  cities,
  colors,
  countables,
  foods,
  jobs,
  names,
  products,
  Object.values(kinds).flat(),
].flat();

function draw(rng: Rng): Episode {
  const words = Array.from({ length: 2 + rng.int(9) }, () =>
    rng.int(8) === 0 ? String(rng.int(81)) : rng.pick(vocabulary),
  );
  const text = words.join(' ');
  return { task: 'repeat', key: text, turns: [ask(`Repeat: ${text}`), answer(text)], fields: { text, answer: text } };
}

/** Practice only: no sample asks for it. */
export const repeat: Task = { name: 'repeat', weight: 0.04, draw };
