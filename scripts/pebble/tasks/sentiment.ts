/** Is a short review positive or negative? One opinion word decides, sometimes behind a "not". */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, capitalised, type Episode, expand, type Task, withArticles } from '../episode.ts';
import { negativeWords, positiveWords, reviewed } from '../lexicon.ts';

export const sentimentPrompt = (review: string): string => `Is this review positive or negative?\n\nReview: ${review}`;

const frames = [
  'the S was (really|very|quite|) W.',
  'what a W S!',
  'we found the S (really|very|) W.',
  'a (really|very|truly) W S.',
  'my friends said the S was W, and they were right.',
  'I must say that the S (is|was) W.',
  'the S seemed W to me.',
];
const negated = ['the S was not W.', 'I would not call the S W.', 'the S is not W at all.'];
const tails = {
  positive: ['I will come back.', 'I loved it.', 'Five stars.', 'I recommend it to everyone.'],
  negative: ['I will not come back.', 'I want my money back.', 'One star.', 'Never again.'],
};
const asides = ['I went on Monday.', 'We were four people.', 'It was my first time.', 'My sister came too.'];

function draw(rng: Rng): Episode {
  const positive = rng.int(2) === 0;
  const isNegated = rng.int(6) === 0;
  const word = rng.pick(positive !== isNegated ? positiveWords : negativeWords);
  const fill = (frame: string): string =>
    withArticles(capitalised(expand(frame, rng).replace('S', rng.pick(reviewed)).replace('W', word)));
  const label = positive ? 'positive' : 'negative';
  const sentences = [fill(rng.pick(isNegated ? negated : frames))];
  const more = rng.int(4);
  if (more === 0) sentences.push(rng.pick(tails[label]));
  if (more === 1) sentences.unshift(rng.pick(asides));
  if (more === 2) sentences.push(rng.pick(asides));
  const review = sentences.join(' ');
  return {
    task: 'sentiment',
    key: review,
    turns: [ask(sentimentPrompt(review)), answer(label)],
    fields: { review, answer: label },
  };
}

export const sentiment: Task = { name: 'sentiment', weight: 0.05, draw };
