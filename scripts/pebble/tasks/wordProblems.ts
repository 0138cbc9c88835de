/** Small arithmetic in words, answered at once, after worked examples, or after "Let's think step by step." */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, type Episode, splitOf, type Task, type Turn } from '../episode.ts';
import { containers, countables, names } from '../lexicon.ts';

export const problemPrompt = (problem: string): string => `Problem: ${problem}`;
export const TRIGGER = "Let's think step by step.";
export const EXTRACT = 'Therefore, the answer is';
export const MARKER = 'The answer is';

export interface Problem {
  readonly key: string;
  readonly problem: string;
  readonly reasoning: string;
  readonly result: number;
}

const between = (rng: Rng, low: number, high: number): number => low + rng.int(high - low + 1);

/** One problem of two steps. Numbers stay below 75, so that every fact can be met in training. */
export function drawProblem(rng: Rng): Problem {
  const name = rng.pick(names);
  const items = rng.pick(countables);
  const boxes = rng.pick(containers);
  const kind = rng.int(3);
  if (kind === 2) {
    const start = between(rng, 2, 20);
    const more = between(rng, 2, 20);
    const sum = start + more;
    const less = between(rng, 2, Math.min(9, sum - 1));
    const problem = rng.pick([
      `${name} has ${start} ${items}, finds ${more} more and loses ${less}. How many ${items} are left?`,
      `${name} had ${start} ${items}. ${name} got ${more} more and then gave away ${less}. How many ${items} are left?`,
    ]);
    const reasoning = `${name} first has ${start} + ${more} = ${sum} ${items}. Then ${sum} - ${less} = ${sum - less}.`;
    return { key: `sum ${start} ${more} ${less}`, problem, reasoning, result: sum - less };
  }
  const count = between(rng, 2, 8);
  const each = between(rng, 2, 8);
  const product = count * each;
  const change = between(rng, 2, Math.min(9, product - 1));
  const first = `${count} ${boxes} with ${each} ${items} are ${count} * ${each} = ${product} ${items}.`;
  if (kind === 0) {
    const problem = rng.pick([
      `${name} has ${count} ${boxes} with ${each} ${items} each and gives away ${change} ${items}. How many ${items} are left?`,
      `There are ${count} ${boxes} with ${each} ${items} each. ${name} takes ${change} ${items}. How many ${items} are left?`,
    ]);
    const reasoning = `${first} Then ${product} - ${change} = ${product - change}.`;
    return { key: `less ${count} ${each} ${change}`, problem, reasoning, result: product - change };
  }
  const problem = rng.pick([
    `${name} has ${change} ${items} and buys ${count} ${boxes} with ${each} ${items} each. How many ${items} are there now?`,
    `${name} fills ${count} ${boxes} with ${each} ${items} each and finds ${change} more. How many ${items} are there now?`,
  ]);
  const reasoning = `${first} Then ${product} + ${change} = ${product + change}.`;
  return { key: `more ${count} ${each} ${change}`, problem, reasoning, result: product + change };
}

const fields = (problem: Problem) => ({
  problem: problem.problem,
  reasoning: problem.reasoning,
  answer: problem.result,
});

export const problemKey = (key: string): string => `word-problem:${key}`;

export const workedAnswer = (problem: Problem): string => `${problem.reasoning} ${MARKER} ${problem.result}.`;

function drawDirect(rng: Rng): Episode {
  const problem = drawProblem(rng);
  return {
    task: 'problem-direct',
    key: problem.key,
    turns: [ask(problemPrompt(problem.problem)), answer(String(problem.result))],
    fields: fields(problem),
  };
}

/** Worked examples first; they come from the training split even where the question is held out. */
function drawFewShot(rng: Rng): Episode {
  const problem = drawProblem(rng);
  const turns: Turn[] = [];
  for (let shots = 1 + rng.int(3); shots > 0; ) {
    const example = drawProblem(rng);
    if (splitOf(problemKey(example.key)) !== 'train') continue;
    turns.push(ask(problemPrompt(example.problem)), { ...answer(workedAnswer(example)), learn: turns.length > 0 });
    shots--;
  }
  turns.push(ask(problemPrompt(problem.problem)), answer(workedAnswer(problem)));
  return { task: 'problem-few-shot', key: problem.key, turns, fields: fields(problem) };
}

/** First stage: the trigger is given, the reasoning is learned. Second stage: all is given but the answer. */
function drawZeroShot(rng: Rng): Episode {
  const problem = drawProblem(rng);
  const reasoning = `${TRIGGER} ${problem.reasoning}`;
  const extraction = `${reasoning}${rng.pick(['\n', ' ', '\n\n'])}${EXTRACT}`;
  const turn =
    rng.int(4) > 0
      ? { content: reasoning, given: TRIGGER }
      : { content: `${extraction} ${problem.result}.`, given: extraction };
  return {
    task: 'problem-zero-shot',
    key: problem.key,
    turns: [ask(problemPrompt(problem.problem)), { role: 'assistant', ...turn }],
    fields: fields(problem),
  };
}

const graded = { name: 'word-problem' };
export const problemDirect: Task = { ...graded, weight: 0.05, draw: drawDirect };
export const problemFewShot: Task = { ...graded, weight: 0.09, draw: drawFewShot };
export const problemZeroShot: Task = { ...graded, weight: 0.09, draw: drawZeroShot };

/** Bare sums: every fact that the problems need. */
function drawArithmetic(rng: Rng): Episode {
  const [operator, a, b] = rng.pick([
    ['*', between(rng, 2, 8), between(rng, 2, 8)],
    ['+', between(rng, 2, 64), between(rng, 2, 9)],
    ['+', between(rng, 2, 20), between(rng, 2, 20)],
    ['-', between(rng, 10, 64), between(rng, 2, 9)],
  ] as const);
  const result = operator === '*' ? a * b : operator === '+' ? a + b : a - b;
  const text = `${a} ${operator} ${b} =`;
  return {
    task: 'arithmetic',
    key: text,
    turns: [ask(text), answer(String(result))],
    fields: { text, answer: result },
  };
}

/** A closed list of facts, learned whole and never graded. */
export const arithmetic: Task = { name: 'arithmetic', weight: 0.05, draw: drawArithmetic };
