/** Examples to imitate, from the layouts in which instruction data is shared: TRL, chat messages, Alpaca, ShareGPT. */
import { HumanError } from '../../base/errors.ts';
import { parseJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import type { Message } from '../generation.ts';

/** What was asked, and the answer to learn. */
export interface Instruction {
  readonly messages: readonly Message[];
  readonly completion: string;
}

/**
 * One example a line, in any of these layouts, which may stand side by side:
 * - TRL: `{prompt, completion}`, each a text or a list of messages, and `{messages}`, whose last message is the answer
 *   (https://huggingface.co/docs/trl/dataset_formats)
 * - Alpaca: `{instruction, input?, output}` (https://github.com/tatsu-lab/stanford_alpaca)
 * - ShareGPT: `{conversations: [{from, value}]}` with from `system`, `human` or `user`, and `gpt` or `assistant`; the last one is the answer
 *
 * Throws a HumanError with file and line.
 */
export function parseInstructions(text: string, file: string): Instruction[] {
  return parseJsonLines(text, file).map(({ line, value }) => {
    const instruction = isRecord(value) ? instructionOf(value) : undefined;
    if (instruction && instruction.messages.length > 0 && instruction.completion.trim() !== '') return instruction;
    throw new HumanError(
      instruction
        ? l10n.t('This row has no prompt, or an empty answer.')
        : l10n.t(
            'This row is no example: it needs “prompt” and “completion”, or “messages” that end with the assistant’s, or “instruction” and “output”, or “conversations”.',
          ),
      { place: { file, line } },
    );
  });
}

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
