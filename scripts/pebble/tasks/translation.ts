/** English to French, word by word but for gender and the place of the adjective. */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, type Episode, type Task, withArticles } from '../episode.ts';
import { adjectives, nouns, verbs } from '../lexicon.ts';

export const translationPrompt = (english: string): string => `Translate to French: ${english}`;

function draw(rng: Rng): Episode {
  const noun = rng.pick(nouns);
  const verb = rng.pick(verbs);
  const adjective = rng.int(4) === 0 ? undefined : rng.pick(adjectives);
  const definite = rng.int(2) === 0;
  const article = definite ? (noun.feminine ? 'la' : 'le') : noun.feminine ? 'une' : 'un';
  const join = (parts: readonly (string | undefined)[]): string => parts.filter(part => part !== undefined).join(' ');
  const english = withArticles(join([definite ? 'the' : 'a', adjective?.english, noun.english, verb.english]));
  const french = join([
    article,
    noun.french,
    adjective && (noun.feminine ? adjective.feminine : adjective.masculine),
    verb.french,
  ]);
  return {
    task: 'translation',
    key: english,
    turns: [ask(translationPrompt(english)), answer(french)],
    fields: { english, answer: french },
  };
}

export const translation: Task = { name: 'translation', weight: 0.07, draw };
