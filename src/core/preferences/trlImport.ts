/** Preference pairs and prompts from TRL's JSON Lines: standard, conversational, and with the prompt inside both answers. */
import { HumanError } from '../../base/errors.ts';
import { parseJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import type { Message, Prompt } from '../generation.ts';
import type { PreferencePair } from './judgement.ts';
import type { LabelledAnswer } from './labelled.ts';

type Conversation = string | readonly Message[];

/**
 * Rows `{prompt, chosen, rejected}` or `{chosen, rejected}`, each field a text or a list of messages. Without a prompt, the
 * messages (or, in a text, the dialogue up to the last "Assistant:") that both answers share are the prompt. A number
 * `margin` is kept, and `tie` where it is true (Tunesmith's own: TRL has no ties). Throws a HumanError with file and line. Source of the format: https://huggingface.co/docs/trl/dataset_formats#preference
 */
export function parseTrlPreferences(text: string, file: string): PreferencePair[] {
  return parseJsonLines(text, file).map(({ line, value }) => {
    const row = isRecord(value) ? value : {};
    const parts = trlParts(row);
    if ('wrong' in parts) throw new HumanError(parts.wrong, { place: { file, line } });
    const pair = { ...parts, judgement: `${file}:${line}`, item: `${file}:${line}` };
    const { margin } = row;
    if (row.tie === true) {
      if (margin === undefined || margin === null) return { ...pair, tie: true };
      throw new HumanError(l10n.t('A tie has no “margin”: leave one of the two out.'), { place: { file, line } });
    }
    if (margin === undefined || margin === null) return pair;
    if (typeof margin === 'number' && Number.isFinite(margin)) return { ...pair, margin };
    throw new HumanError(l10n.t('The “margin” of this row must be a number.'), { place: { file, line } });
  });
}

/** Prompt and answers of one row, or what is wrong with it. */
export function trlParts(row: Readonly<Record<string, unknown>>): Parts | { readonly wrong: string } {
  const chosen = conversation(row.chosen);
  if (chosen === undefined)
    return { wrong: l10n.t('This row has no “chosen” answer (a text, or a list of messages).') };
  const rejected = conversation(row.rejected);
  if (rejected === undefined)
    return { wrong: l10n.t('This row has no “rejected” answer (a text, or a list of messages).') };
  const hasPrompt = row.prompt !== undefined && row.prompt !== null;
  const given = hasPrompt ? conversation(row.prompt) : undefined;
  if (hasPrompt && given === undefined) return { wrong: badPrompt() };
  return (
    (given === undefined ? implicitPrompt(chosen, rejected) : explicitPrompt(given, chosen, rejected)) ?? {
      wrong: l10n.t('The two answers of this row have no prompt in common. Give it in a field “prompt”.'),
    }
  );
}

/** Rows `{prompt}`, a text or a list of messages; other fields are passed over. */
export function parseTrlPrompts(text: string, file: string): Prompt[] {
  return parseJsonLines(text, file).map(({ line, value }) => {
    const prompt = isRecord(value) ? conversation(value.prompt) : undefined;
    if (prompt === undefined || prompt.length === 0) throw new HumanError(badPrompt(), { place: { file, line } });
    return { kind: 'messages', messages: asMessages(prompt) };
  });
}

/**
 * Rows `{prompt, completion, label}` (label true or false), prompt and completion a text or a list of messages.
 * Source: https://huggingface.co/docs/trl/dataset_formats#unpaired-preference
 */
export function parseTrlLabelled(text: string, file: string): LabelledAnswer[] {
  return parseJsonLines(text, file).map(({ line, value }) => {
    const row = isRecord(value) ? value : {};
    const refuse = (wrong: string) => new HumanError(wrong, { place: { file, line } });
    const prompt = conversation(row.prompt);
    if (prompt === undefined || prompt.length === 0) throw refuse(badPrompt());
    const completion = conversation(row.completion);
    if (completion === undefined) {
      throw refuse(l10n.t('This row has no “completion” (a text, or a list of messages).'));
    }
    if (typeof row.label !== 'boolean') throw refuse(l10n.t('The “label” of this row must be true or false.'));
    return { messages: asMessages(prompt), completion: answerText(completion), label: row.label };
  });
}

const badPrompt = () =>
  l10n.t('This row needs a field “prompt” that is a text or a list of messages with role and content.');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function conversation(value: unknown): Conversation | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const messages: Message[] = [];
  for (const item of value) {
    if (!isRecord(item) || typeof item.content !== 'string') return undefined;
    const role = item.role;
    if (role !== 'system' && role !== 'user' && role !== 'assistant') return undefined;
    messages.push({ role, content: item.content });
  }
  return messages;
}

const asMessages = (prompt: Conversation): readonly Message[] =>
  typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;

export type Parts = Pick<PreferencePair, 'messages' | 'chosen' | 'rejected'>;

function explicitPrompt(prompt: Conversation, chosen: Conversation, rejected: Conversation): Parts {
  return { messages: asMessages(prompt), chosen: answerText(chosen), rejected: answerText(rejected) };
}

/** An answer as text; of a conversation, its last message by the assistant. */
const answerText = (answer: Conversation): string =>
  typeof answer === 'string' ? answer : (answer.findLast(message => message.role === 'assistant')?.content ?? '');

function implicitPrompt(chosen: Conversation, rejected: Conversation): Parts | undefined {
  if (typeof chosen === 'string' || typeof rejected === 'string') {
    if (typeof chosen !== 'string' || typeof rejected !== 'string') return undefined;
    return dialogue(chosen, rejected);
  }
  const messages = chosen.slice(0, -1);
  const shared = messages.every(
    (message, index) => rejected[index]?.role === message.role && rejected[index].content === message.content,
  );
  if (!shared || messages.length === 0 || rejected.length !== chosen.length) return undefined;
  return { messages, chosen: chosen.at(-1)!.content, rejected: rejected.at(-1)!.content };
}

/** "\n\nHuman: …\n\nAssistant: …", as Anthropic's HH-RLHF has it. */
function dialogue(chosen: string, rejected: string): Parts | undefined {
  const marker = '\n\nAssistant:';
  const end = chosen.lastIndexOf(marker);
  const prompt = end < 0 ? '' : chosen.slice(0, end + marker.length);
  if (prompt === '' || !rejected.startsWith(prompt)) return undefined;
  const messages = chosen
    .slice(0, end)
    .split(/\n\n(?=(?:Human|Assistant):)/)
    .filter(part => part.trim() !== '')
    .map((part): Message => {
      const assistant = part.trimStart().startsWith('Assistant:');
      return { role: assistant ? 'assistant' : 'user', content: part.replace(/^\s*(?:Human|Assistant): ?/, '') };
    });
  const withoutSpace = (answer: string) => answer.slice(prompt.length).replace(/^ /, '');
  return { messages, chosen: withoutSpace(chosen), rejected: withoutSpace(rejected) };
}
