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

/** Largest numbers of a problem. */
export interface Ranges {
  /** Factors: boxes, and things in each. */
  readonly factor: number;
  /** What is added to or taken from a product or a sum. */
  readonly change: number;
  /** The two numbers of a sum. */
  readonly addend: number;
}

/** What the samples ask: some three hundred facts, few enough to know by heart. */
export const small: Ranges = { factor: 6, change: 5, addend: 9 };
/** Four times as many facts; the vocabulary knows all of these numbers. */
export const wide: Ranges = { factor: 8, change: 9, addend: 20 };

/** One problem of two steps. */
export function drawProblem(rng: Rng, { factor, change: largest, addend }: Ranges = small): Problem {
  const name = rng.pick(names);
  const items = rng.pick(countables);
  const boxes = rng.pick(containers);
  const kind = rng.int(3);
  if (kind === 2) {
    const start = between(rng, 2, addend);
    const more = between(rng, 2, addend);
    const sum = start + more;
    const less = between(rng, 2, Math.min(largest, sum - 1));
    const problem = rng.pick([
      `${name} has ${start} ${items}, finds ${more} more and loses ${less}. How many ${items} are left?`,
      `${name} had ${start} ${items}. ${name} got ${more} more and then gave away ${less}. How many ${items} are left?`,
    ]);
    const reasoning = `${name} first has ${start} + ${more} = ${sum} ${items}. Then ${sum} - ${less} = ${sum - less}.`;
    return { key: `sum ${start} ${more} ${less}`, problem, reasoning, result: sum - less };
  }
  const count = between(rng, 2, factor);
  const each = between(rng, 2, factor);
  const product = count * each;
  const change = between(rng, 2, Math.min(largest, product - 1));
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

function drawDirect(rng: Rng, ranges: Ranges): Episode {
  const problem = drawProblem(rng, ranges);
  return {
    task: 'problem-direct',
    key: problem.key,
    turns: [ask(problemPrompt(problem.problem)), answer(String(problem.result))],
    fields: fields(problem),
  };
}

/** Worked examples first; they come from the training split even where the question is held out. */
function drawFewShot(rng: Rng, ranges: Ranges): Episode {
  const problem = drawProblem(rng, ranges);
  const turns: Turn[] = [];
  for (let shots = 1 + rng.int(3); shots > 0; ) {
    const example = drawProblem(rng, ranges);
    if (splitOf(problemKey(example.key)) !== 'train') continue;
    turns.push(ask(problemPrompt(example.problem)), { ...answer(workedAnswer(example)), learn: turns.length > 0 });
    shots--;
  }
  turns.push(ask(problemPrompt(problem.problem)), answer(workedAnswer(problem)));
  return { task: 'problem-few-shot', key: problem.key, turns, fields: fields(problem) };
}

/** First stage: the trigger is given, the reasoning is learned. Second stage: all is given but the answer. */
function drawZeroShot(rng: Rng, ranges: Ranges): Episode {
  const problem = drawProblem(rng, ranges);
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

/** Bare sums: every fact that the problems need. */
function drawArithmetic(rng: Rng, ranges: Ranges): Episode {
  const { factor, change, addend } = ranges;
  const product = factor * factor;
  const [operator, a, b] = rng.pick([
    ['*', between(rng, 2, factor), between(rng, 2, factor)],
    ['+', between(rng, 2, product), between(rng, 2, change)],
    ['+', between(rng, 2, addend), between(rng, 2, addend)],
    ['-', between(rng, change + 1, product), between(rng, 2, change)],
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

/** The tasks with numbers of some size. All problems share a name, so that an instance is held out of all or of none. */
export function wordProblemTasks(
  ranges: Ranges,
): Readonly<Record<'direct' | 'fewShot' | 'zeroShot' | 'arithmetic', Task>> {
  const task = (name: string, weight: number, draw: (rng: Rng, ranges: Ranges) => Episode): Task => ({
    name,
    weight,
    draw: rng => draw(rng, ranges),
  });
  return {
    direct: task('word-problem', 0.05, drawDirect),
    fewShot: task('word-problem', 0.09, drawFewShot),
    zeroShot: task('word-problem', 0.09, drawZeroShot),
    /** A closed list of facts, learned whole and never graded. */
    arithmetic: task('arithmetic', 0.05, drawArithmetic),
  };
}

export const wordProblems = wordProblemTasks(small);
