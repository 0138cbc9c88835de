/** Writes the data files of `samples/`: banks, input rows and reviews, all disjoint from pebble's training: `node scripts/pebble/sampleData.ts`. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { Rng } from '../../src/base/rng.ts';
import { drawFrom, splitOf, type Task } from './episode.ts';
import { kinds } from './lexicon.ts';
import { orderToJson } from './tasks/order.ts';
import { drawReview, type Review, reviewSet } from './tasks/reviewReplies.ts';
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
