/** Examples to imitate, from the layouts in which instruction data is shared: TRL, chat messages, Alpaca, ShareGPT, Super-NaturalInstructions. */
import { HumanError } from '../../base/errors.ts';
import { parseJson, parseJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import type { Message } from '../generation.ts';
import type { Instruction } from './instruction.ts';
import { isNaturalTask, naturalInstructions } from './naturalInstructions.ts';

/**
 * One example a line, in any of these layouts, which may stand side by side:
 * - TRL: `{prompt, completion}`, each a text or a list of messages, and `{messages}`, whose last message is the answer
 *   (https://huggingface.co/docs/trl/dataset_formats)
 * - Alpaca: `{instruction, input?, output}` (https://github.com/tatsu-lab/stanford_alpaca)
 * - ShareGPT: `{conversations: [{from, value}]}` with from `system`, `human` or `user`, and `gpt` or `assistant`; the last one is the answer
 *
 * Any of them may name its `task`. A file may also be one JSON value: a list of such rows (as Alpaca's own file is), or a task of
 * Super-NaturalInstructions. Throws a HumanError with file and line.
 */
export function parseInstructions(text: string, file: string): Instruction[] {
  const whole = /^[\s\uFEFF]*[[{]/.test(text) ? parseJson(text.replace(/^\uFEFF/, '')) : undefined;
  if (isNaturalTask(whole)) return naturalInstructions(whole, taskOfFile(file), file);
  const rows = Array.isArray(whole)
    ? whole.map((value, index) => ({ line: undefined, row: index + 1, value: value as unknown }))
    : parseJsonLines(text, file).map(({ line, value }) => ({ line, row: 0, value }));
  return rows.map(({ line, row, value }) => {
    const instruction = isRecord(value) ? instructionOf(value) : undefined;
    if (instruction && instruction.messages.length > 0 && instruction.completion.trim() !== '')
      return withTask(instruction, (value as Readonly<Record<string, unknown>>).task);
    const message = instruction
      ? l10n.t('This row has no prompt, or an empty answer.')
      : l10n.t(
          'This row is no example: it needs “prompt” and “completion”, or “messages” that end with the assistant’s, or “instruction” and “output”, or “conversations”.',
        );
    throw line === undefined
      ? new HumanError(l10n.t('Row {0} of the list: {1}', row, message), { place: { file } })
      : new HumanError(message, { place: { file, line } });
  });
}

/** The examples of several files. Where there is more than one, rows that name no task are of the task of their file's name. */
export const joinFiles = (
  files: readonly { readonly file: string; readonly rows: readonly Instruction[] }[],
): Instruction[] =>
  files.flatMap(({ file, rows }) =>
    files.length === 1 ? rows : rows.map(row => (row.task === undefined ? { ...row, task: taskOfFile(file) } : row)),
  );

/** `data/task1_sum.jsonl` → `task1_sum`. */
const taskOfFile = (file: string): string => taskName(file.replace(/^.*[/\\]/, '').replace(/\.jsonl?$/i, '')) || 'data';

/** Names have no blanks, so that they can be listed in settings. */
const taskName = (text: string): string => text.trim().replace(/[\s,]+/g, '_');

const withTask = (instruction: Instruction, task: unknown): Instruction =>
  typeof task === 'string' && task.trim() !== '' ? { ...instruction, task: taskName(task) } : instruction;

function instructionOf(row: Readonly<Record<string, unknown>>): Instruction | undefined {
  if (row.completion !== undefined) {
    const prompt = messagesOf(row.prompt, 'user');
    const answer =
      typeof row.completion === 'string'
        ? [{ role: 'assistant', content: row.completion }]
        : messagesOf(row.completion, 'assistant');
    return prompt && answer?.length === 1 && answer[0]!.role === 'assistant'
      ? { messages: prompt, completion: answer[0]!.content }
      : undefined;
  }
  if (row.messages !== undefined) return answered(messagesOf(row.messages, 'user'));
  if (row.conversations !== undefined) return answered(fromShareGpt(row.conversations));
  const { instruction, input, output } = row;
  if (typeof instruction !== 'string' || typeof output !== 'string') return undefined;
  const content = typeof input === 'string' && input.trim() !== '' ? `${instruction}\n\n${input}` : instruction;
  return { messages: content.trim() === '' ? [] : [{ role: 'user', content }], completion: output };
}

/** A conversation whose last message is the answer. */
function answered(messages: readonly Message[] | undefined): Instruction | undefined {
  const last = messages?.at(-1);
  return messages && last?.role === 'assistant'
    ? { messages: messages.slice(0, -1), completion: last.content }
    : undefined;
}

/** A list of messages, or a text as one message. */
function messagesOf(value: unknown, role: Message['role']): Message[] | undefined {
  if (typeof value === 'string') return value.trim() === '' ? [] : [{ role, content: value }];
  if (!Array.isArray(value)) return undefined;
  const messages: Message[] = [];
  for (const item of value) {
    if (!isRecord(item) || typeof item.content !== 'string') return undefined;
    if (item.role !== 'system' && item.role !== 'user' && item.role !== 'assistant') return undefined;
    messages.push({ role: item.role, content: item.content });
  }
  return messages;
}

const shareGptRoles: Readonly<Record<string, Message['role']>> = {
  system: 'system',
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
};

function fromShareGpt(value: unknown): Message[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const messages: Message[] = [];
  for (const item of value) {
    if (!isRecord(item) || typeof item.value !== 'string' || typeof item.from !== 'string') return undefined;
    const role = shareGptRoles[item.from];
    if (!role) return undefined;
    messages.push({ role, content: item.value });
  }
  return messages;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
