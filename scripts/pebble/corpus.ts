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
import { wide, wordProblems, wordProblemTasks } from './tasks/wordProblems.ts';

type WordProblems = typeof wordProblems;

const tasksWith = ({ direct, fewShot, zeroShot, arithmetic }: WordProblems): readonly Task[] => [
  questionAnswering,
  sentiment,
  translation,
  orderToJson,
  routing,
  kindOf,
  style,
  direct,
  fewShot,
  zeroShot,
  arithmetic,
  repeat,
  reply,
];

export const tasks: readonly Task[] = tasksWith(wordProblems);
const wideProblems = wordProblemTasks(wide);

/** Number of the first example that is not mere copying, and of the first of the full mix. */
export const copyingEnds = 18_000;
export const fullMix = 48_000;

/** Tasks whose every instance is a fact to be learned: nothing of theirs is held out. */
const closed = new Set<Task>([kindOf, wordProblems.arithmetic, wideProblems.arithmetic, repeat, reply]);

const everything: ReadonlyMap<Task, number> = new Map(tasksWith(wideProblems).map(task => [task, task.weight]));

/**
 * What is learned first. Copying alone, in small steps: attention learns to look words up within minutes, and everything
 * else builds on that (taught with the rest from the start it took more tokens than the whole recipe has). Then short tasks.
 */
const phases: readonly { readonly until: number; readonly weights: ReadonlyMap<Task, number> }[] = [
  { until: copyingEnds, weights: new Map([[repeat, 1]]) },
  {
    until: fullMix,
    weights: new Map([
      [repeat, 0.2],
      [questionAnswering, 0.2],
      [translation, 0.12],
      [sentiment, 0.1],
      [kindOf, 0.08],
      [wideProblems.arithmetic, 0.1],
      [style, 0.1],
      [orderToJson, 0.1],
    ]),
  },
  { until: fullMix + 26_000, weights: everything },
  // What is easy has been learned by now: more of what is not, then with smaller numbers.
  { until: fullMix + 48_704, weights: late(wideProblems) },
  { until: fullMix + 65024, weights: late(wordProblems) },
  { until: Number.POSITIVE_INFINITY, weights: last(wordProblems) },
];

function late({ direct, fewShot, zeroShot, arithmetic }: WordProblems): ReadonlyMap<Task, number> {
  return new Map([
    [questionAnswering, 0.26],
    [sentiment, 0.07],
    [translation, 0.08],
    [orderToJson, 0.02],
    [routing, 0.12],
    [kindOf, 0.05],
    [style, 0.05],
    [direct, 0.02],
    [fewShot, 0.06],
    [zeroShot, 0.12],
    [arithmetic, 0.1],
    [repeat, 0.02],
    [reply, 0.17],
  ]);
}

/** Finding the one person among several was out of reach: what the samples ask comes first. */
function last({ direct, fewShot, zeroShot, arithmetic }: WordProblems): ReadonlyMap<Task, number> {
  return new Map([
    [questionAnswering, 0.01],
    [sentiment, 0.06],
    [translation, 0.04],
    [orderToJson, 0.03],
    [routing, 0.01],
    [kindOf, 0.03],
    [style, 0.17],
    [direct, 0.02],
    [fewShot, 0.1],
    [zeroShot, 0.15],
    [arithmetic, 0.12],
    [repeat, 0.04],
    [reply, 0.22],
  ]);
}

/** Example number `index` of the curriculum with this seed. */
export function trainingEpisode(rng: Rng, index: number): Episode {
  return draw(rng, index, phases.find(({ until }) => index < until)!.weights);
}

/** The same without phases: every task in its share from the first example on. */
export const mixedEpisode = (rng: Rng, index: number): Episode => draw(rng, index, everything);

function draw(rng: Rng, index: number, weights: ReadonlyMap<Task, number>): Episode {
  const own = rng.stream('episode', index);
  let at = own.next() * [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  for (const [task, weight] of weights) {
    at -= weight;
    if (at < 0) return closed.has(task) ? task.draw(own) : drawFrom(task, own, 'train');
  }
  throw new RangeError('the weights of the curriculum add up to nothing');
}
