/** The whole curriculum: every task with its share, and a stream of training examples that depends on the seed alone. */

import type { Rng } from '../../src/base/rng.ts';
import { drawFrom, type Episode, type Task } from './episode.ts';
import { kindOf, routing, style } from './tasks/examples.ts';
import { orderToJson } from './tasks/order.ts';
import { questionAnswering } from './tasks/questionAnswering.ts';
import { repeat } from './tasks/repeat.ts';
import { reply } from './tasks/reviewReplies.ts';
import { sentiment } from './tasks/sentiment.ts';
import { translation } from './tasks/translation.ts';
import { arithmetic, problemDirect, problemFewShot, problemZeroShot } from './tasks/wordProblems.ts';

export const tasks: readonly Task[] = [
  questionAnswering,
  sentiment,
  translation,
  orderToJson,
  routing,
  kindOf,
  style,
  problemDirect,
  problemFewShot,
  problemZeroShot,
  arithmetic,
  repeat,
  reply,
];

/** Number of the first example of the full mix. */
export const fullMix = 45_000;

/** Tasks whose every instance is a fact to be learned: nothing of theirs is held out. */
const closed = new Set<Task>([kindOf, arithmetic, repeat, reply]);

/**
 * The first examples are short and mostly ask to copy: attention learns to look words up there within minutes, and every
 * other task then has something to build on. Without them the same number of tokens taught next to nothing.
 */
const firstWeights = new Map<Task, number>([
  [repeat, 0.5],
  [questionAnswering, 0.12],
  [translation, 0.08],
  [sentiment, 0.08],
  [kindOf, 0.06],
  [arithmetic, 0.06],
  [style, 0.06],
  [orderToJson, 0.04],
]);

/** Example number `index` of the curriculum with this seed. */
export function trainingEpisode(rng: Rng, index: number): Episode {
  const own = rng.stream('episode', index);
  const weights = index < fullMix ? firstWeights : laterWeights;
  let at = own.next() * [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  for (const [task, weight] of weights) {
    at -= weight;
    if (at < 0) return closed.has(task) ? task.draw(own) : drawFrom(task, own, 'train');
  }
  throw new RangeError('the weights of the curriculum add up to nothing');
}

const laterWeights = new Map(tasks.map(task => [task, task.weight]));
