/**
 * What pebble can do, measured by real generation on unseen instances:
 *
 *     node scripts/pebble/evaluate.ts [--checkpoint NAME] [--count 200] [--json]
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Rng } from '../../src/base/rng.ts';
import { judgeReply } from '../../src/core/preferences/simulatedAnnotator.ts';
import { distinct, meanWords } from '../../src/core/statistics/textStatistics.ts';
import { parseModelConfig } from '../../src/language-model/config.ts';
import { createGenerator, type Generator } from '../../src/language-model/generate.ts';
import { openSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { segmentsOf } from './chat.ts';
import { checkpointFolder, loadCheckpoint } from './checkpoint.ts';
import { pebbleEncoder } from './encode.ts';
import { ask, drawFrom, type Episode, type Task, type Turn } from './episode.ts';
import type { Weights } from './modelFolder.ts';
import { pebbleConfig } from './pebble.ts';
import { routing, style } from './tasks/examples.ts';
import { orderToJson } from './tasks/order.ts';
import { questionAnswering } from './tasks/questionAnswering.ts';
import { replyPrompt } from './tasks/reviewReplies.ts';
import { sentiment } from './tasks/sentiment.ts';
import { translation } from './tasks/translation.ts';
import { EXTRACT, MARKER, problemPrompt, TRIGGER, wordProblems } from './tasks/wordProblems.ts';

const model = new URL('../../models/pebble/', import.meta.url);

export interface Evaluation {
  /** Share of right answers by task. */
  readonly accuracy: Readonly<Record<string, number>>;
  /** Replies sampled at temperature 1 to the held-out reviews. */
  readonly replies: {
    readonly names: number;
    readonly offers: number;
    readonly both: number;
    readonly words: number;
    readonly distinct2: number;
    readonly ended: number;
    readonly examples: readonly string[];
  };
}

/** Generates answers to conversations whose last turn is the user's, or the start of the assistant's. */
export type Answer = (
  conversations: readonly (readonly Turn[])[],
  options?: { temperature?: number; seed?: number },
) => Promise<{ readonly text: string; readonly ended: boolean }[]>;

export async function loadPebble(checkpoint?: string): Promise<{ answer: Answer; dispose(): Promise<void> }> {
  const generator = await createGenerator({
    config: parseModelConfig(pebbleConfig, 'config.json'),
    weights: checkpoint === undefined ? await publishedWeights() : checkpointWeights(checkpoint),
  });
  return { answer: answering(generator), dispose: () => generator.dispose() };
}

function checkpointWeights(name: string): Weights {
  const checkpoint = loadCheckpoint(checkpointFolder(name));
  if (!checkpoint) throw new Error(`there is no checkpoint ${name}`);
  return checkpoint.parameters;
}

async function publishedWeights(): Promise<Weights> {
  const bytes = readFileSync(new URL('model.safetensors', model));
  const file = await openSafetensors({
    path: 'models/pebble/model.safetensors',
    size: bytes.length,
    read: async (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
    close: async () => {},
  });
  const weights = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) weights.set(name, await file.read(name));
  return weights;
}

function answering(generator: Generator): Answer {
  const { encode, decode } = pebbleEncoder(model);
  return async (conversations, { temperature = 0, seed = 0 } = {}) => {
    const requests = conversations.map((turns, stream) => {
      const last = turns.at(-1)!;
      const open: Turn =
        last.role === 'assistant' ? { ...last, given: last.content } : { role: 'assistant', content: '' };
      const whole = [...(last.role === 'assistant' ? turns.slice(0, -1) : turns), open];
      const text = segmentsOf({ task: '', key: '', turns: whole, fields: {} })
        .map(segment => segment.text)
        .join('');
      const prompt = encode(text.replace(/<\|im_end\|>$/, ''));
      return {
        prompt,
        stream,
        options: { temperature, topK: 0, topP: 1, seed, maxNewTokens: 72, endIds: [pebbleConfig.eos_token_id] },
      };
    });
    const sequences = await generator.generate(requests);
    return sequences.map(({ tokens, finishReason }) => ({ text: decode(tokens), ended: finishReason === 'end' }));
  };
}

const lastNumber = (text: string): string | undefined => text.match(/\d+/g)?.at(-1);

/** Share of `count` unseen instances that are answered right. */
export async function accuracyOf(task: string, answer: Answer, count: number, wrong: string[] = []): Promise<number> {
  const rng = Rng.seeded(20).stream(task);
  const unseen = (own: Task): Episode[] => Array.from({ length: count }, () => drawFrom(own, rng, 'heldout'));
  const share = (
    episodes: readonly Episode[],
    texts: readonly string[],
    read = (text: string): string | undefined => text,
  ): number => {
    const right = texts.map((text, i) => read(text) === String(episodes[i]!.fields.answer));
    right.forEach((ok, i) => {
      if (!ok) wrong.push(`${episodes[i]!.turns.at(-2)!.content} → ${texts[i]} (${episodes[i]!.fields.answer})`);
    });
    return right.filter(Boolean).length / right.length;
  };
  const generated = async (conversations: readonly (readonly Turn[])[]): Promise<string[]> =>
    (await answer(conversations)).map(({ text }) => text);
  if (task === 'problem-zero-shot') {
    // The two stages of Kojima 2022: reason, then extract.
    const episodes = unseen(wordProblems.zeroShot);
    const begin = (episode: Episode, content: string): Turn[] => [
      ask(problemPrompt(String(episode.fields.problem))),
      { role: 'assistant', content },
    ];
    const reasons = await generated(episodes.map(episode => begin(episode, TRIGGER)));
    const texts = await generated(
      episodes.map((episode, i) => begin(episode, `${TRIGGER}${reasons[i]!.trimEnd()}\n${EXTRACT}`)),
    );
    return share(episodes, texts, lastNumber);
  }
  if (task === 'routing, 0 shots') {
    const episodes = unseen(routing);
    return share(episodes, await generated(episodes.map(({ turns }) => turns.slice(-2, -1))));
  }
  const own = [questionAnswering, sentiment, translation, orderToJson, routing, style].find(
    ({ name }) => name === task,
  );
  const problems = task === 'problem-few-shot' ? wordProblems.fewShot : wordProblems.direct;
  const episodes = unseen(own ?? problems);
  const texts = await generated(episodes.map(({ turns }) => turns.slice(0, -1)));
  const read = task === 'problem-few-shot' ? (text: string) => lastNumber(text.split(MARKER)[1] ?? '') : undefined;
  return share(episodes, texts, read);
}

export const gradedTasks = [
  'question-answering',
  'sentiment',
  'translation',
  'order',
  'routing',
  'routing, 0 shots',
  'style',
  'problem-direct',
  'problem-few-shot',
  'problem-zero-shot',
] as const;

export async function replyStatistics(answer: Answer, count: number, seed = 0): Promise<Evaluation['replies']> {
  const file = new URL('../../samples/data/reviews-heldout.jsonl', import.meta.url);
  const rows = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .slice(0, count)
    .map(line => JSON.parse(line) as { review: string; about: string });
  const replies = await answer(
    rows.map(({ review }) => [ask(replyPrompt(review))]),
    { temperature: 1, seed },
  );
  const verdicts = replies.map(({ text }, i) => judgeReply(rows[i]!.about, text));
  const rate = (test: (index: number) => boolean): number => rows.filter((_, i) => test(i)).length / rows.length;
  const texts = replies.map(({ text }) => text);
  return {
    names: rate(i => verdicts[i]!.names),
    offers: rate(i => verdicts[i]!.offers),
    both: rate(i => verdicts[i]!.names && verdicts[i]!.offers),
    words: meanWords(texts),
    distinct2: distinct(texts, 2),
    ended: rate(i => replies[i]!.ended),
    examples: texts.slice(0, 6).map((text, i) => `${rows[i]!.review} → ${text}`),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      checkpoint: { type: 'string' },
      count: { type: 'string', default: '200' },
      json: { type: 'boolean', default: false },
    },
  });
  const count = Number(values.count);
  const { answer, dispose } = await loadPebble(values.checkpoint);
  const accuracy: Record<string, number> = {};
  for (const task of gradedTasks) {
    const wrong: string[] = [];
    accuracy[task] = await accuracyOf(task, answer, count, wrong);
    if (!values.json)
      console.log(
        task.padEnd(20),
        `${(100 * accuracy[task]).toFixed(1)} %`,
        wrong.slice(0, 2).join('  |  ').replaceAll('\n', ' '),
      );
  }
  const replies = await replyStatistics(answer, Math.max(count, 240));
  if (values.json) console.log(JSON.stringify({ accuracy, replies }));
  else console.log(replies);
  await dispose();
}
