/** Structured output: an order in words becomes one line of JSON. */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, type Episode, expand, type Task } from '../episode.ts';
import { colors, countables, names } from '../lexicon.ts';

export const orderPrompt = (order: string): string => `Write the order as JSON.\n\nOrder: ${order}`;

const frames = [
  '(Please send|I would like|We need|I want to buy) C K I for N.',
  'N (wants|needs|ordered|would like) C K I.',
  '(Hello,|Hi,|Good day,) (I take|please send me) C K I. My name is N.',
];

function draw(rng: Rng): Episode {
  const name = rng.pick(names);
  const item = rng.pick(countables);
  const color = rng.pick(colors);
  const count = 2 + rng.int(28);
  const slots: Readonly<Record<string, string>> = { C: String(count), K: color, I: item, N: name };
  // "I" is also a pronoun: only the slot after the colour is meant.
  const order = expand(rng.pick(frames), rng)
    .replace('C K I', 'C K @')
    .replace(/\b[CKN]\b|@/g, slot => slots[slot === '@' ? 'I' : slot]!);
  const json = JSON.stringify({ name, item, color, count }).replaceAll(':', ': ').replaceAll(',', ', ');
  return {
    task: 'order',
    key: order,
    turns: [ask(orderPrompt(order)), answer(json)],
    fields: { order, answer: json },
  };
}

export const orderToJson: Task = { name: 'order', weight: 0.05, draw };
