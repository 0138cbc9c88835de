/** Writes the data files of `samples/`: banks, input rows and reviews, all disjoint from pebble's training: `node scripts/pebble/sampleData.ts`. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { Rng } from '../../src/base/rng.ts';
import { compareReplies } from '../../src/core/preferences/simulatedAnnotator.ts';
import { drawFrom, splitOf, type Task } from './episode.ts';
import { kinds } from './lexicon.ts';
import { orderToJson } from './tasks/order.ts';
import { drawReply, drawReview, type Review, replyPrompt, reviewSet } from './tasks/reviewReplies.ts';
import { sentiment } from './tasks/sentiment.ts';
import { translation } from './tasks/translation.ts';
import { drawProblem, problemKey } from './tasks/wordProblems.ts';

type Row = Readonly<Record<string, string | number>>;

const ROWS = 40;
const rng = Rng.seeded(2024);

function unseen(task: Task, count = ROWS): Row[] {
  const own = rng.stream(task.name);
  const rows = new Map<string, Row>();
  while (rows.size < count) {
    const episode = drawFrom(task, own, 'heldout');
    rows.set(episode.key, episode.fields);
  }
  return [...rows.values()];
}

function problems(split: 'train' | 'heldout', count: number): Row[] {
  const own = rng.stream('problems', split);
  const rows = new Map<string, Row>();
  while (rows.size < count) {
    const { key, problem, reasoning, result } = drawProblem(own);
    // A bank shows each of the three shapes of problem in turn.
    if (split === 'train' && !key.startsWith(['less', 'more', 'sum'][rows.size % 3]!)) continue;
    if (splitOf(problemKey(key)) !== split) continue;
    rows.set(key, split === 'train' ? { problem, reasoning, answer: result } : { problem, answer: result });
  }
  return [...rows.values()];
}

function reviews(set: 'prompts' | 'heldout', count: number): Row[] {
  const own = rng.stream('reviews', set);
  const rows = new Map<string, Review>();
  while (rows.size < count) {
    const review = drawReview(own);
    if (reviewSet(review) === set) rows.set(review.review, review);
  }
  return [...rows.values()].map(review => ({ ...review }));
}

function itemRows(): Row[] {
  const all = Object.entries(kinds).flatMap(([kind, items]) => items.map(item => ({ item, answer: kind })));
  return rng.stream('items').shuffled(all).slice(0, ROWS);
}

function styleRows(): { bank: Row[]; rows: Row[] } {
  const own = rng.stream('style');
  const items = own.shuffled(Object.values(kinds).flat());
  const row = (word: string): Row => ({ word, answer: `* ${word} (new)` });
  return { bank: items.slice(0, 6).map(row), rows: items.slice(6, 6 + ROWS).map(row) };
}

/** Tasks that pebble knows, asked for in words that it does not; replies name the product and offer something. */
function instructionRows(): Row[] {
  const ask = (task: string, rows: readonly Row[], prompt: (row: Row) => string): Row[] =>
    rows.map(row => ({ task, prompt: prompt(row), completion: String(row.answer) }));
  const own = rng.stream('instructions');
  const replies = reviews('prompts', ROWS).map(row => {
    const review = row as unknown as Review;
    return { review: review.review, answer: drawReply(review, own, true, true) };
  });
  return [
    ...ask(
      'feeling',
      unseen(sentiment),
      ({ review }) => `How does the writer feel, positive or negative?\n\n${review}`,
    ),
    ...ask('french', unseen(translation), ({ english }) => `How do you say this in French?\n\n${english}`),
    ...ask('kind', itemRows(), ({ item }) => `Name the kind of this thing.\n\n${item}`),
    ...ask('json', unseen(orderToJson), ({ order }) => `Turn this message into JSON.\n\n${order}`),
    ...ask('star', styleRows().rows, ({ word }) => `Mark this word as new.\n\n${word}`),
    ...ask('reply', replies, ({ review }) => `Answer this customer.\n\n${review}`),
  ];
}

/** Replies to each review, compared by the simulated annotator of `tunesmith loop`, noise included. */
function preferenceRows(count: number): Row[] {
  const own = rng.stream('preferences');
  return reviews('prompts', count).flatMap(row => {
    const review = row as unknown as Review;
    const replies = Array.from({ length: 3 }, () => drawReply(review, own));
    return compareReplies(review.about, replies, own).map(({ chosen, rejected }) => ({
      prompt: replyPrompt(review.review),
      chosen: replies[chosen]!,
      rejected: replies[rejected]!,
    }));
  });
}

export function sampleFiles(): Map<string, Row[]> {
  const style = styleRows();
  return new Map([
    ['data/sentiments.jsonl', unseen(sentiment)],
    ['data/translations.jsonl', unseen(translation)],
    ['data/orders.jsonl', unseen(orderToJson)],
    ['data/problems.jsonl', problems('heldout', ROWS)],
    ['data/items.jsonl', itemRows()],
    ['data/words.jsonl', style.rows],
    ['data/reviews-train.jsonl', reviews('prompts', 480)],
    ['data/reviews-heldout.jsonl', reviews('heldout', 320)],
    [
      'data/review-prompts.jsonl',
      reviews('prompts', 160).map(({ review, about }) => ({ prompt: replyPrompt(String(review)), about: about! })),
    ],
    ['data/preferences.jsonl', preferenceRows(160)],
    ['data/instructions.jsonl', instructionRows()],
    ['banks/problems.jsonl', problems('train', 9)],
    ['banks/words.jsonl', style.bank],
  ]);
}

if (import.meta.main) {
  const folder = new URL('../../samples/', import.meta.url);
  for (const [name, rows] of sampleFiles()) {
    const file = new URL(name, folder);
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, rows.map(row => `${JSON.stringify(row)}\n`).join(''));
  }
}
