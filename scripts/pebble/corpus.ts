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

/** Tasks whose every instance is a fact to be learned: nothing of theirs is held out. */
const closed = new Set<Task>([kindOf, arithmetic, repeat, reply]);

/** Example number `index` of the curriculum with this seed. */
export function trainingEpisode(rng: Rng, index: number): Episode {
  const own = rng.stream('episode', index);
  let at = own.next() * tasks.reduce((sum, task) => sum + task.weight, 0);
  const task =
    tasks.find(candidate => {
      at -= candidate.weight;
      return at < 0;
    }) ?? reply;
  return closed.has(task) ? task.draw(own) : drawFrom(task, own, 'train');
}
