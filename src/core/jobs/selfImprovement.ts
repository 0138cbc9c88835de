/**
 * Self-improvement: a model reasons several times about each question, what agrees with the majority (Huang et al. 2022,
 * arXiv 2210.11610) or with the known answer (STaR, Zelikman et al. 2022, arXiv 2203.14465) is learned, and held-out questions
 * tell whether that helped. As in STaR every round tunes the base anew, on reasoning of the best model so far. Departures:
 * STaR's rationalisation (reasoning towards an answer that is given as a hint) is left out, and so are Huang's mixed formats.
 */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Instruction } from '../datasets/instruction.ts';
import { gradeAnswer, type MatchPattern } from '../evaluation/answers.ts';
import type { Ask } from '../evaluation/ask.ts';
import { pool } from '../evaluation/cellPool.ts';
import { type CellResult, runCells, samplingOf } from '../evaluation/runCells.ts';
import { counted } from '../evaluation/strategies/selfConsistency.ts';
import type { SamplingOptions } from '../generation.ts';
import type { RenderedPrompt, Template } from '../prompts/template.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import { comparePaired, type PairedComparison } from '../statistics/mcnemar.ts';

/** What counts as reasoning to learn from: that of the majority, or that which comes to the known answer. */
export const SelfImprovementModes = ['majority', 'known'] as const;
export type SelfImprovementMode = (typeof SelfImprovementModes)[number];

export interface Question {
  /** What the base is asked. */
  readonly prompt: RenderedPrompt;
  /** What is learned and what tuned models are asked: the same, or without its examples. */
  readonly bare: RenderedPrompt;
  readonly expected: unknown;
}

export interface SelfImprovementOptions {
  readonly template: Template;
  readonly mode: SelfImprovementMode;
  /** To reason about and learn from. `majority` looks at no expected answer of these but to tell how right the majority was. */
  readonly practice: readonly Question[];
  /** Tell after each round whether it helped. */
  readonly deciding: readonly Question[];
  /** Asked twice, in the end: of the base and of the best model. */
  readonly reporting: readonly Question[];
  readonly rounds: number;
  /** Reasoning sampled for each practice question. */
  readonly samples: number;
  /** Share of a question's samples that the majority's answer needs. */
  readonly agreement: number;
  /** Different reasoning kept of one question at most, so that easy ones do not drown the others. */
  readonly perQuestion: number;
  readonly temperature: number;
  readonly seed: number;
}

export interface SelfImprovementHost {
  /** Of the model in the folder `adapter`, else of the base. */
  ask(adapter: string | undefined): Promise<Ask>;
  /** Tunes the base. Resolves with the adapter's folder. */
  train(examples: readonly Instruction[], round: number): Promise<string>;
  readonly match: MatchPattern;
  readonly signal?: AbortSignal | undefined;
  progress(message: string): void;
  /** After each round. */
  onRound?(round: SelfImprovementRound): void;
}

export interface SelfImprovementRound {
  readonly round: number;
  /** Practice questions of which something was kept, and the examples that were learned. */
  readonly questions: number;
  readonly examples: number;
  /** Of the kept questions: how often the answer that was taken to be right is right. */
  readonly labelAccuracy: Interval;
  readonly accuracy: Interval;
  /** On the deciding questions, against the best model before. */
  readonly versusBest: PairedComparison;
  readonly helped: boolean;
  readonly adapter: string;
}

export interface SelfImprovementResult {
  /** Of the base, on the deciding questions. */
  readonly start: Interval;
  readonly rounds: readonly SelfImprovementRound[];
  readonly stopped: 'no-gain' | 'rounds' | 'nothing-to-learn';
  /** The round whose model is kept; 0 is the base. */
  readonly best: number;
  readonly adapter?: string;
  /** On questions that decided nothing; absent where the base stays the best. */
  readonly report?: { readonly before: Interval; readonly after: Interval; readonly versus: PairedComparison };
}

/** A gain that chance gives as often as this is none. */
const level = 0.05;

/** The rule that ends it: fewer questions lost than gained, and McNemar's mid-p below 5 %. */
export const helped = ({ gained, lost, midP }: PairedComparison): boolean => gained > lost && midP < level;

/** Rejects with a HumanError for a template whose reasoning cannot be learned. */
export function checkSelfImprovement({ file, tunesmith: { reasoning } }: Template): void {
  const { strategy } = reasoning;
  if (strategy === 'direct' || strategy === 'few-shot-cot' || strategy === 'zero-shot-cot') return;
  throw new HumanError(
    l10n.t(
      'Answers of the strategy “{0}” come from several requests and cannot be learned as one. Use direct, few-shot-cot or zero-shot-cot.',
      strategy,
    ),
    { place: { file } },
  );
}

export async function improve(
  options: SelfImprovementOptions,
  host: SelfImprovementHost,
): Promise<SelfImprovementResult> {
  checkSelfImprovement(options.template);
  host.progress(l10n.t('Asking the base {0} held-out questions', options.deciding.length));
  const first = await answer(options.deciding, undefined, options, host);
  let best: { round: number; adapter?: string; correct: readonly boolean[] } = { round: 0, correct: first };
  const rounds: SelfImprovementRound[] = [];
  let stopped: SelfImprovementResult['stopped'] = 'rounds';
  for (let round = 1; round <= options.rounds; round++) {
    host.progress(
      l10n.t('Round {0}: reasoning {1} times about {2} questions', round, options.samples, options.practice.length),
    );
    const learned = await reasoning(best.adapter, options, host);
    if (learned.examples.length === 0) {
      stopped = 'nothing-to-learn';
      break;
    }
    host.progress(
      l10n.t('Round {0}: learning {1} examples of {2} questions', round, learned.examples.length, learned.questions),
    );
    const adapter = await host.train(learned.examples, round);
    host.progress(l10n.t('Round {0}: asking {1} held-out questions', round, options.deciding.length));
    const correct = await answer(options.deciding, adapter, options, host);
    const versusBest = comparePaired(best.correct, correct);
    const done: SelfImprovementRound = {
      round,
      questions: learned.questions,
      examples: learned.examples.length,
      labelAccuracy: wilson(learned.right, learned.questions),
      accuracy: share(correct),
      versusBest,
      helped: helped(versusBest),
      adapter,
    };
    rounds.push(done);
    host.onRound?.(done);
    if (!done.helped) {
      stopped = 'no-gain';
      break;
    }
    best = { round, adapter, correct };
  }
  const result = { start: share(first), rounds, stopped, best: best.round };
  if (best.adapter === undefined) return result;
  host.progress(l10n.t('Comparing before and after on {0} questions that decided nothing', options.reporting.length));
  const before = await answer(options.reporting, undefined, options, host);
  const after = await answer(options.reporting, best.adapter, options, host);
  const report = { before: share(before), after: share(after), versus: comparePaired(before, after) };
  return { ...result, adapter: best.adapter, report };
}

const share = (correct: readonly boolean[]): Interval => wilson(correct.filter(Boolean).length, correct.length);

/** Each question once, with the template's own sampling. What the model cannot answer rejects: a gap would look like a mistake. */
async function answer(
  questions: readonly Question[],
  adapter: string | undefined,
  options: SelfImprovementOptions,
  host: SelfImprovementHost,
): Promise<boolean[]> {
  const sampling = samplingOf(options.template, { seed: options.seed });
  const correct = new Array<boolean>(questions.length);
  const ask = await host.ask(adapter);
  await pool(questions.entries(), async ([index, question]) => {
    const [result] = await cells(question, adapter, sampling, 1, ask, options, host);
    correct[index] = result!.correct ?? false;
  });
  return correct;
}

async function cells(
  question: Question,
  adapter: string | undefined,
  sampling: SamplingOptions,
  count: number,
  ask: Ask,
  { template }: SelfImprovementOptions,
  { match, signal }: SelfImprovementHost,
): Promise<CellResult[]> {
  signal?.throwIfAborted();
  const prompt = adapter === undefined ? question.prompt : question.bare;
  const { expected } = question;
  const asked = Array.from({ length: count }, (_, repeat) => ({ prompt, options: sampling, repeat, expected }));
  const context = { match, ...(signal && { signal }) };
  const results = await runCells(ask, template, template.tunesmith.reasoning.strategy, asked, context);
  signal?.throwIfAborted();
  for (const { failure, problem } of results) {
    if (problem) throw problem;
    if (failure !== undefined) throw failure;
  }
  return results;
}

interface Learned {
  readonly examples: readonly Instruction[];
  readonly questions: number;
  /** Questions whose kept answer is the expected one. */
  readonly right: number;
}

/** Samples reasoning about the practice questions and keeps what agrees. */
async function reasoning(
  adapter: string | undefined,
  options: SelfImprovementOptions,
  host: SelfImprovementHost,
): Promise<Learned> {
  const { template, practice, samples, temperature, seed } = options;
  const sampling = samplingOf(template, { seed, temperature });
  const kept = new Array<{ readonly texts: readonly string[]; readonly right: boolean } | undefined>(practice.length);
  const ask = await host.ask(adapter);
  await pool(
    practice.entries(),
    async ([index, question]) => {
      const results = await cells(question, adapter, sampling, samples, ask, options, host);
      const agreeing = options.mode === 'known' ? right(results) : await ofMajority(results, options, host.match);
      // What was cut off has no end to learn.
      const whole = agreeing.filter(({ generation }) => generation.finishReason !== 'length');
      const texts = [...new Set(whole.map(({ text }) => text.trim()))].slice(0, options.perQuestion);
      if (texts.length > 0) kept[index] = { texts, right: whole[0]!.correct ?? false };
    },
    16,
  );
  const found = [...kept.entries()].flatMap(([index, one]) => (one ? [{ ...one, question: practice[index]! }] : []));
  return {
    examples: found.flatMap(({ texts, question }) => texts.map(text => exampleOf(question.bare, text))),
    questions: found.length,
    right: found.filter(one => one.right).length,
  };
}

const right = (results: readonly CellResult[]): CellResult[] => results.filter(({ correct }) => correct);

/** Samples with the answer that most came to, where enough did and no other answer came as often. */
async function ofMajority(
  results: readonly CellResult[],
  { template, agreement, samples }: SelfImprovementOptions,
  match: MatchPattern,
): Promise<CellResult[]> {
  const [winner, next] = counted(results.map(({ answer: said }) => said));
  if (!winner || winner.count < agreement * samples || winner.count === next?.count) return [];
  const { grade } = template.tunesmith;
  const agrees = await Promise.all(results.map(({ answer: said }) => gradeAnswer(said, winner.answer, grade, match)));
  return results.filter((_, i) => agrees[i]);
}

/** An answer that was begun for the model is part of what is learned. */
function exampleOf({ messages, continueLast }: RenderedPrompt, text: string): Instruction {
  const plain = messages.map(({ role, content }) => ({ role, content }));
  if (!continueLast) return { messages: plain, completion: text };
  const begun = plain.at(-1)!.content.trim();
  return { messages: plain.slice(0, -1), completion: text.startsWith(begun) ? text : `${begun} ${text}` };
}
