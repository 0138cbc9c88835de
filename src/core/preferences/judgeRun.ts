/** Asks a judge about items: each two answers in both orders. What cannot be read is counted and never guessed. */
import { type Clock, systemClock } from '../../base/clock.ts';
import { isAbort } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { MatchPattern } from '../evaluation/answers.ts';
import type { Ask } from '../evaluation/ask.ts';
import { matchUntilRefused, pool } from '../evaluation/cellPool.ts';
import { runCells, samplingOf } from '../evaluation/runCells.ts';
import { afterPrompt } from '../evaluation/scoreTexts.ts';
import type { RenderedPrompt } from '../prompts/template.ts';
import type { Judge } from './judge.ts';
import type { Answer, AskedPair, ItemRecord, JudgementRecord } from './judgement.ts';
import {
  fromLogOdds,
  isFlip,
  type LikelihoodVerdict,
  pairOutcome,
  rankingOfPairs,
  verdictOf,
  verdictOfTokens,
} from './judgeVerdict.ts';

/** The project's guidelines for an item, as they are shown to the judge. */
export interface Rubric {
  readonly text: string;
  readonly version: string;
}

export interface JudgeTask {
  readonly item: ItemRecord;
  readonly rubric?: Rubric | undefined;
  /** This judge's judgement by an earlier rubric. */
  readonly replaces?: string | undefined;
}

/** The fields of a judgement that is to be written. */
export type JudgeJudgement = Omit<JudgementRecord, 'format' | 'type' | 'id' | 'at' | 'author'>;

export interface JudgeCounts {
  readonly total: number;
  /** Items that were judged, and the pairs of answers in them. */
  readonly judged: number;
  readonly pairs: number;
  /** Of the pairs: both orders called them equal. */
  readonly ties: number;
  /** Of the pairs: the orders said different things, which counts as a tie. */
  readonly flips: number;
  /** Of the pairs: a verdict could not be read, so that they say nothing. */
  readonly unreadable: number;
  /** Items of which the model gave nothing. */
  readonly failed: number;
}

export interface JudgeContext {
  readonly ask: Ask;
  readonly match: MatchPattern;
  readonly signal?: AbortSignal | undefined;
  /** Resolves when the judgement is on the disk. */
  readonly save: (judgement: JudgeJudgement) => Promise<unknown>;
  readonly clock?: Clock;
  readonly onProgress?: ((counts: JudgeCounts) => void) | undefined;
}

/** Items of which the model gave nothing, one after the other, after which no more are asked about. */
const FailuresInRow = 8;
/** Likeliest tokens that are asked for in each place: the other letter is among them, or nearly impossible. */
const Alternatives = 5;

/** Each two different answers, by their ids: whatever their order in the item, it is asked in both. */
export function pairsToAsk({ answers }: ItemRecord): [Answer, Answer][] {
  const distinct = [...new Map(answers.map(answer => [answer.id, answer])).values()];
  distinct.sort((a, b) => (a.id < b.id ? -1 : 1));
  return distinct.flatMap((a, i) => distinct.slice(i + 1).map((b): [Answer, Answer] => [a, b]));
}

/** What renders each question of the tasks, both orders of each pair, for a forecast. */
export const questionsOf = ({ prompts }: Judge, tasks: readonly JudgeTask[]): (() => Promise<RenderedPrompt>)[] =>
  tasks.flatMap(({ item, rubric }) =>
    pairsToAsk(item).flatMap(([a, b]) => [
      () => prompts.render(item, a, b, rubric?.text ?? ''),
      () => prompts.render(item, b, a, rubric?.text ?? ''),
    ]),
  );

/**
 * Resolves when every item was asked about or the signal was aborted; with the first failure of the model, where there was one.
 * Judged items are saved as they come; one that was cut short is not. The judgements are the same in whatever order and however
 * many at once they are made. Rejects for what no item can mend (a bad pattern, a full disk).
 */
export async function runJudge(
  judge: Judge,
  tasks: readonly JudgeTask[],
  context: JudgeContext,
): Promise<JudgeCounts & { readonly failure?: unknown }> {
  const counts = { total: tasks.length, judged: 0, pairs: 0, ties: 0, flips: 0, unreadable: 0, failed: 0 };
  const match = matchUntilRefused(context.match);
  let failure: unknown;
  let inRow = 0;
  const work = async (task: JudgeTask): Promise<void> => {
    if (context.signal?.aborted || inRow >= FailuresInRow) return;
    const began = await asked(judge, task, { ...context, match });
    if (began === 'cancelled') return;
    if ('failure' in began) {
      failure ??= began.failure;
      inRow++;
      counts.failed++;
    } else {
      inRow = 0;
      await context.save(judgementOf(judge, task, began));
      counts.judged++;
      counts.pairs += began.pairs.length;
      counts.flips += began.pairs.filter(isFlip).length;
      counts.unreadable += began.pairs.filter(pair => pairOutcome(pair) === undefined).length;
      counts.ties += began.pairs.filter(pair => pairOutcome(pair) === 0.5 && !isFlip(pair)).length;
    }
    context.onProgress?.({ ...counts });
  };
  // A model that scores takes whole items as its batches.
  await pool(tasks, work, judge.reading === 'scores' ? 2 : 32);
  return { ...counts, ...(failure === undefined ? {} : { failure }) };
}

interface Asked {
  readonly pairs: readonly AskedPair[];
  readonly milliseconds: number;
}

async function asked(
  judge: Judge,
  { item, rubric }: JudgeTask,
  context: JudgeContext,
): Promise<Asked | { readonly failure: unknown } | 'cancelled'> {
  const pairs = pairsToAsk(item);
  try {
    const prompts = await Promise.all(
      pairs.flatMap(([a, b]) => [
        judge.prompts.render(item, a, b, rubric?.text ?? ''),
        judge.prompts.render(item, b, a, rubric?.text ?? ''),
      ]),
    );
    const said = await (judge.reading === 'scores'
      ? scored(judge, prompts, context)
      : written(judge, prompts, context));
    if (!Array.isArray(said)) return said as { failure: unknown } | 'cancelled';
    return {
      pairs: pairs.map(([a, b], i) => askedPair(a, b, said[2 * i]!, said[2 * i + 1]!)),
      milliseconds: sumOf(said),
    };
  } catch (error) {
    if (context.signal?.aborted && (isAbort(error) || error === context.signal.reason)) return 'cancelled';
    throw error;
  }
}

interface Said extends LikelihoodVerdict {
  readonly milliseconds: number;
}

const sumOf = (said: readonly Said[]): number =>
  Math.round(said.reduce((sum, { milliseconds }) => sum + milliseconds, 0));

function askedPair(a: Answer, b: Answer, first: Said, second: Said): AskedPair {
  const logOdds =
    first.logOdds !== undefined &&
    second.logOdds !== undefined &&
    ([first.logOdds, second.logOdds] as [number, number]);
  return { answers: [a.id, b.id], verdicts: [first.verdict, second.verdict], ...(logOdds && { logOdds }) };
}

/** The judge writes, and its words or the probabilities of its letters say which. */
async function written(
  { prompts: { template }, reading }: Judge,
  prompts: readonly RenderedPrompt[],
  { ask, match, signal }: JudgeContext,
): Promise<Said[] | { readonly failure: unknown } | 'cancelled'> {
  const { strategy, answer: rule } = template.tunesmith.reasoning;
  const marker = rule.rule === 'after-marker' ? rule.marker : undefined;
  const options = samplingOf(template);
  const logProbs = reading === 'tokens' ? { logProbs: { alternatives: Alternatives } } : {};
  const cells = prompts.map(prompt => ({ prompt, options, repeat: 0, ...logProbs }));
  let results: Awaited<ReturnType<typeof runCells>>;
  try {
    results = await runCells(ask, template, strategy, cells, { match, ...(signal && { signal }) });
  } catch (failure) {
    return { failure };
  }
  const said: Said[] = [];
  for (const { generation, stages, answer, failure, problem } of results) {
    if (problem) throw problem;
    if (failure !== undefined) return { failure };
    if (generation.finishReason === 'cancelled') return 'cancelled';
    const milliseconds = stages.reduce((sum, stage) => sum + stage.generation.latencyMs, 0);
    const { tokens } = generation;
    const verdict = reading === 'tokens' && tokens ? verdictOfTokens(tokens, marker) : { verdict: verdictOf(answer) };
    said.push({ ...verdict, milliseconds });
  }
  return said;
}

/** The judge writes nothing: which of the two letters is the likelier next word, after the marker where there is one. */
async function scored(
  { prompts: { template }, generator }: Judge,
  prompts: readonly RenderedPrompt[],
  { signal, clock = systemClock }: JudgeContext,
): Promise<Said[] | { readonly failure: unknown }> {
  const rule = template.tunesmith.reasoning.answer;
  const requests = prompts.flatMap(prompt => {
    const begun = rule.rule === 'after-marker' ? begunWith(prompt, rule.marker) : prompt;
    return [afterPrompt(begun, 'A', 'chat'), afterPrompt(begun, 'B', 'chat')];
  });
  const began = clock.now();
  try {
    const scores = await generator.score!(requests, signal ? { signal } : {});
    const milliseconds = (clock.now() - began) / prompts.length;
    return prompts.map((_, i) => ({
      ...fromLogOdds(scores[2 * i]!.logLikelihood - scores[2 * i + 1]!.logLikelihood),
      milliseconds,
    }));
  } catch (failure) {
    if (signal?.aborted) throw failure;
    return { failure };
  }
}

/** The prompt with the start of the answer that leads up to the verdict. */
function begunWith(prompt: RenderedPrompt, marker: string): RenderedPrompt {
  const last = prompt.continueLast ? prompt.messages.at(-1) : undefined;
  if (last?.content.trimEnd().endsWith(marker)) return prompt;
  const content = last ? `${last.content.trimEnd()}\n${marker} ` : `${marker} `;
  const messages = last ? prompt.messages.slice(0, -1) : prompt.messages;
  return { ...prompt, messages: [...messages, { role: 'assistant', content, spans: [] }], continueLast: true };
}

function judgementOf(
  judge: Judge,
  { item, rubric, replaces }: JudgeTask,
  { pairs, milliseconds }: Asked,
): JudgeJudgement {
  const shown = [...new Set(item.answers.map(({ id }) => id))].sort();
  const ranking = rankingOfPairs(shown, pairs);
  const isRead = ranking.length > 0;
  return {
    item: item.id,
    kind: shown.length === 2 ? 'pairwise' : 'ranking',
    ranking,
    shown,
    verdict: isRead ? 'ranked' : 'skipped',
    ...(isRead ? {} : { skipReason: 'unreadable' }),
    flags: [],
    ...(rubric && { guidelines: rubric.version }),
    milliseconds,
    ...(replaces !== undefined && { replaces }),
    judge: judge.id,
    judgedBy: judge.judgedBy,
    pairs: [...pairs],
  };
}

/** What a run came to, in a sentence. */
export function countsText({ judged, total, pairs, ties, flips, unreadable, failed }: JudgeCounts): string {
  const parts = [
    l10n.t(
      '{0} of {1} items judged: {2} pairs in both orders, {3} ties, {4} flips (counted as ties)',
      judged,
      total,
      pairs,
      ties,
      flips,
    ),
    ...(unreadable > 0 ? [l10n.t('{0} without a readable verdict', unreadable)] : []),
    ...(failed > 0 ? [l10n.t('{0} items failed', failed)] : []),
  ];
  return `${parts.join('; ')}.`;
}
