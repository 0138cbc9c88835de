/** Answers from elsewhere as items to rank: JSON Lines with several answers a row, one answer a row, or one file a model; a job's samples. */
import { HumanError } from '../../base/errors.ts';
import { parseJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import type { Message } from '../generation.ts';
import type { Answer } from './judgement.ts';

type SourcedAnswer = Omit<Answer, 'id'>;

/** An item without its set. */
export interface SourcedItem {
  readonly messages: Message[];
  readonly answers: SourcedAnswer[];
}

export interface Sourced {
  /** In order of first appearance. */
  readonly items: SourcedItem[];
  /** Prompts with one answer, or with answers that are all the same: nothing to compare. */
  readonly alone: number;
}

export interface AnswerFile {
  /** Shown in errors; without its ending it names the model of answers that name none. */
  readonly name: string;
  readonly text: string;
}

/**
 * Joins the answers to each prompt over all rows and files. A row has a prompt (`prompt`, `messages`, `instruction` with `input`,
 * or `question`; a text or a list of messages) and either `answers`, `responses` or `completions` (texts, or objects with a text
 * and a `model`), or one `answer`, `response`, `completion` or `output` with a `model`, or `chosen` and `rejected`.
 * Throws a HumanError with file and line.
 */
export function answersFromFiles(files: readonly AnswerFile[]): Sourced {
  const byPrompt = new Map<string, SourcedItem>();
  for (const { name, text } of files) {
    const model = name.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '');
    for (const { line, value } of parseJsonLines(text, name)) {
      const refuse = (message: string): never => {
        throw new HumanError(message, { place: { file: name, line } });
      };
      const row = isRecord(value) ? value : {};
      const messages =
        promptOf(row) ??
        refuse(l10n.t('This row needs a field “prompt” that is a text or a list of messages with role and content.'));
      const answers = answersOf(row, model);
      if (answers.length === 0)
        refuse(
          l10n.t('This row has no answer: give “answers” (a list), “answer” (a text), or “chosen” and “rejected”.'),
        );
      add(
        byPrompt,
        messages,
        answers.map(answer => ({ ...answer, source: name })),
      );
    }
  }
  return rankable([...byPrompt.values()]);
}

/** What a job said to its fixed prompts before training and last, as two answers to compare. */
export function answersOfJob(
  job: string,
  samples: readonly { readonly step: number; readonly samples: readonly { prompt: string; answer: string }[] }[],
): Sourced {
  const byPrompt = new Map<string, SourcedItem>();
  const steps = samples.toSorted((a, b) => a.step - b.step);
  for (const moment of new Set([steps.at(0), steps.at(-1)])) {
    for (const { prompt, answer } of moment?.samples ?? [])
      add(
        byPrompt,
        [{ role: 'user', content: prompt }],
        [{ text: answer, model: `${job}@${moment!.step}`, source: `job:${job}` }],
      );
  }
  return rankable([...byPrompt.values()]);
}

function add(byPrompt: Map<string, SourcedItem>, messages: Message[], answers: readonly SourcedAnswer[]): void {
  const key = JSON.stringify(messages.map(({ role, content }) => [role, content]));
  const item = byPrompt.get(key);
  if (item) item.answers.push(...answers);
  else byPrompt.set(key, { messages, answers: [...answers] });
}

/** Those with two answers that differ, and how many have none. */
export function rankable(all: readonly SourcedItem[]): Sourced {
  const items = all.filter(({ answers }) => new Set(answers.map(({ text }) => text)).size >= 2);
  return { items, alone: all.length - items.length };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function promptOf(row: Record<string, unknown>): Message[] | undefined {
  const { instruction, input } = row;
  const joined =
    typeof instruction === 'string' && typeof input === 'string' && input.trim() !== ''
      ? `${instruction}\n\n${input}`
      : instruction;
  return asMessages(row.prompt ?? row.messages ?? joined ?? row.question);
}

function asMessages(value: unknown): Message[] | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : [{ role: 'user', content: value }];
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const messages: Message[] = [];
  for (const one of value) {
    if (!isRecord(one) || typeof one.content !== 'string') return undefined;
    const { role, content } = one;
    if (role !== 'system' && role !== 'user' && role !== 'assistant') return undefined;
    messages.push({ role, content });
  }
  return messages;
}

function answersOf(row: Record<string, unknown>, fallback: string): SourcedAnswer[] {
  const named = typeof row.model === 'string' && row.model !== '' ? row.model : fallback;
  const list = [row.answers, row.responses, row.completions].find(Array.isArray) as unknown[] | undefined;
  const one = row.answer ?? row.response ?? row.completion ?? row.output;
  const given = list ?? (one === undefined ? [row.chosen, row.rejected] : [one]);
  return given.flatMap(value => {
    const text = textOf(value);
    if (text === undefined || text.trim() === '') return [];
    const model = isRecord(value) && typeof value.model === 'string' ? value.model : named;
    return [{ text, model }];
  });
}

/** A text, an object with one, or of a conversation the last message by the assistant. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const last = value.findLast(message => isRecord(message) && message.role === 'assistant');
    return isRecord(last) ? textOf(last.content) : undefined;
  }
  if (!isRecord(value)) return undefined;
  return textOf(value.text ?? value.content ?? value.answer ?? value.response ?? value.completion);
}
