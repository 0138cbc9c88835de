/** Tasks whose rule stands only in the examples: which label a kind of thing has, and how a word is to be dressed. */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, type Episode, type Task, type Turn } from '../episode.ts';
import { countables, kinds, labels, products } from '../lexicon.ts';

export const itemPrompt = (item: string): string => `Item: ${item}`;
export const wordPrompt = (word: string): string => `Word: ${word}`;
export const kindPrompt = (item: string): string => `What kind of thing is this?\n\nItem: ${item}`;

/** Labels for kinds: a label can be foreseen once its kind has been shown. */
function drawRouting(rng: Rng): Episode {
  const shown = rng.shuffled(Object.keys(kinds)).slice(0, 2 + rng.int(2));
  const names = rng.shuffled(labels);
  const codes = new Map(shown.map((kind, i) => [kind, names[i]!]));
  const shots = shown.length * (1 + rng.int(2)) + rng.int(2);
  const sequence = [
    ...rng.shuffled(shown),
    ...Array.from({ length: Math.max(0, shots - shown.length) }, () => rng.pick(shown)),
  ];
  const seen = new Set<string>();
  const used = new Set<string>();
  const turns: Turn[] = [];
  const item = (kind: string): string => {
    const word = rng.pick(kinds[kind]!.filter(candidate => !used.has(candidate)));
    used.add(word);
    return word;
  };
  for (const kind of sequence) {
    turns.push(ask(itemPrompt(item(kind))), { role: 'assistant', content: codes.get(kind)!, learn: seen.has(kind) });
    seen.add(kind);
  }
  const kind = rng.pick(shown);
  const query = item(kind);
  const label = codes.get(kind)!;
  turns.push(ask(itemPrompt(query)), answer(label));
  const key = turns.map(turn => turn.content).join('|');
  return { task: 'routing', key, turns, fields: { item: query, kind, answer: label, shots: sequence.length } };
}

export const routing: Task = { name: 'routing', weight: 0.13, draw: drawRouting };

/** The kind of a thing, named: teaches which words belong together. */
function drawKind(rng: Rng): Episode {
  const kind = rng.pick(Object.keys(kinds));
  const item = rng.pick(kinds[kind]!);
  return { task: 'kind', key: item, turns: [ask(kindPrompt(item)), answer(kind)], fields: { item, answer: kind } };
}

/** A closed list of facts with nothing unseen about it: it is learned whole and never graded. */
export const kindOf: Task = { name: 'kind', weight: 0.03, draw: drawKind };

const prefixes = ['', '', '[', '<', '(', '* ', '- ', '#', 'the ', 'my ', 'one ', '>> ', '= ', 'new '];
const suffixes = ['', '', ']', '>', ')', '!', '?', ' please', ' now', ' *', ' <<', ' (new)', ';', ' today'];

function drawStyle(rng: Rng): Episode {
  let prefix = '';
  let suffix = '';
  while (prefix + suffix === '') {
    prefix = rng.pick(prefixes);
    suffix = rng.pick(suffixes);
  }
  const vocabulary = [...products, ...countables, ...Object.values(kinds).flat()];
  const words = rng.shuffled(vocabulary).slice(0, 3 + rng.int(2));
  const turns = words.flatMap((word, i): Turn[] => [
    ask(wordPrompt(word)),
    { role: 'assistant', content: prefix + word + suffix, learn: i > 0 },
  ]);
  const word = words.at(-1)!;
  return {
    task: 'style',
    key: turns.map(turn => turn.content).join('|'),
    turns,
    fields: { word, answer: prefix + word + suffix, shots: words.length - 1 },
  };
}

export const style: Task = { name: 'style', weight: 0.05, draw: drawStyle };
