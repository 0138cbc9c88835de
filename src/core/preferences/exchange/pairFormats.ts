/** Formats whose rows are pairs: TRL in its three shapes, OpenAI, HH-RLHF, flat tables (CSV, Parquet); and TRL's unpaired rows. */
import { l10n } from '../../../base/l10n.ts';
import type { Message } from '../../generation.ts';
import { type Parts, trlParts } from '../trlImport.ts';
import {
  annotatorOf,
  asMessages,
  betterAndWorse,
  conversation,
  type ExchangeFormat,
  groupsOf,
  importedModel,
  isObject,
  type JsonObject,
  type Judged,
  type Loss,
  lostAsPairs,
  otherFields,
  type ReadResult,
  type ReadRow,
  signedBy,
  text,
} from './exchange.ts';

const pairKnown = ['prompt', 'chosen', 'rejected', 'margin'];

function readTrl(row: JsonObject): ReadResult {
  const parts = trlParts(row);
  if ('wrong' in parts) return parts;
  const lost: Loss[] = otherFields(row, pairKnown);
  if (typeof row.margin === 'number') lost.push('margins');
  if ([row.chosen, row.rejected].some(answer => Array.isArray(answer) && row.prompt !== undefined && answer.length > 1))
    lost.push('multi-turn answers');
  return pair(parts, lost);
}

const pair = (parts: Parts, lost: readonly Loss[] = [], more: Partial<ReadRow> = {}): ReadRow => ({
  messages: parts.messages,
  answers: [{ text: parts.chosen }, { text: parts.rejected }],
  ranking: [[0], [1]],
  ...(lost.length > 0 ? { lost } : {}),
  ...more,
});

const assistant = (content: string): [Message] => [{ role: 'assistant', content }];

/** A prompt that is one text: a single message of the user. */
const onlyText = ({ item: { messages } }: Judged): string | undefined =>
  messages.length === 1 && messages[0]!.role === 'user' ? messages[0]!.content : undefined;

/** TRL, conversational: all messages are kept. Source of the shapes: https://huggingface.co/docs/trl/dataset_formats */
export const trl: ExchangeFormat = {
  looksLike: row => row.chosen !== undefined && row.rejected !== undefined,
  read: readTrl,
  write: judged => ({
    rows: [...betterAndWorse(judged)].map(([chosen, rejected]) => ({
      prompt: judged.item.messages,
      chosen: assistant(chosen.text),
      rejected: assistant(rejected.text),
    })),
    lost: lostAsPairs(judged),
  }),
};

/** TRL, standard: the prompt is one text. */
export const trlStandard: ExchangeFormat = {
  ...trl,
  write: judged => {
    const prompt = onlyText(judged);
    const lost = lostAsPairs(judged);
    if (prompt === undefined) return { rows: [], lost: [...lost, 'roles'] };
    const rows = [...betterAndWorse(judged)].map(([chosen, rejected]) => ({
      prompt,
      chosen: chosen.text,
      rejected: rejected.text,
    }));
    return { rows, lost };
  },
};

/** TRL with the prompt inside both answers. */
export const trlImplicit: ExchangeFormat = {
  ...trl,
  write: judged => ({
    rows: [...betterAndWorse(judged)].map(([chosen, rejected]) => ({
      chosen: [...judged.item.messages, ...assistant(chosen.text)],
      rejected: [...judged.item.messages, ...assistant(rejected.text)],
    })),
    lost: lostAsPairs(judged),
  }),
};

/** Dialogues as text, as Anthropic's HH-RLHF has them: two roles, no system message. */
export const hh: ExchangeFormat = {
  looksLike: row => row.prompt === undefined && /^\s*Human:/.test(text(row.chosen) ?? ''),
  read: readTrl,
  write: judged => {
    const { messages } = judged.item;
    const lost = lostAsPairs(judged);
    // A line that looks like the beginning of a turn would be one on the way back.
    const fits = messages.every(({ role, content }) => role !== 'system' && !/\n\n(Human|Assistant):/.test(content));
    const endsWithUser = messages.at(-1)?.role === 'user';
    if (!fits || !endsWithUser) return { rows: [], lost: [...lost, 'roles'] };
    const dialogue = messages
      .map(({ role, content }) => `\n\n${role === 'user' ? 'Human' : 'Assistant'}: ${content}`)
      .join('');
    const turn = (answer: string) => `${dialogue}\n\nAssistant: ${answer}`;
    const pairs = [...betterAndWorse(judged)];
    const rows = pairs
      .filter(both => both.every(answer => !answer.text.includes('\n\nAssistant:')))
      .map(([chosen, rejected]) => ({ chosen: turn(chosen.text), rejected: turn(rejected.text) }));
    return { rows, lost: rows.length < pairs.length ? [...lost, 'roles'] : lost };
  },
};

/** OpenAI's preference files for tuning. */
export const openai: ExchangeFormat = {
  looksLike: row => isObject(row.input) && row.preferred_output !== undefined,
  read: row => {
    const input = isObject(row.input) ? row.input : {};
    const messages = conversation(input.messages);
    const [chosen, rejected] = [conversation(row.preferred_output), conversation(row.non_preferred_output)];
    if (!messages || !chosen?.length || !rejected?.length)
      return { wrong: l10n.t('This row needs “input.messages”, “preferred_output” and “non_preferred_output”.') };
    const lost: Loss[] = [
      ...otherFields(row, ['input', 'preferred_output', 'non_preferred_output']),
      ...otherFields({ ...input, parallel_tool_calls: undefined }, ['messages', ...emptyList(input, 'tools')]),
    ];
    if (chosen.length > 1 || rejected.length > 1) lost.push('multi-turn answers');
    return pair({ messages, chosen: chosen.at(-1)!.content, rejected: rejected.at(-1)!.content }, [...new Set(lost)]);
  },
  write: judged => ({
    rows: [...betterAndWorse(judged)].map(([chosen, rejected]) => ({
      input: { messages: judged.item.messages, tools: [], parallel_tool_calls: true },
      preferred_output: assistant(chosen.text),
      non_preferred_output: assistant(rejected.text),
    })),
    lost: lostAsPairs(judged),
  }),
};

const emptyList = (row: JsonObject, name: string): string[] =>
  Array.isArray(row[name]) && row[name].length === 0 ? [name] : [];

export const flatColumns = ['prompt', 'chosen', 'rejected', 'chosen_model', 'rejected_model', 'annotator'] as const;

/** A row of a table (CSV, Parquet): a prompt of several messages stands in its cell as JSON. */
export const flat: ExchangeFormat = {
  looksLike: row => typeof row.chosen === 'string' && typeof row.rejected === 'string' && row.prompt !== undefined,
  read: row => {
    const prompt = typeof row.prompt === 'string' ? cellMessages(row.prompt) : row.prompt;
    const parts = trlParts({ ...row, prompt });
    if ('wrong' in parts) return parts;
    const [a, b] = [text(row.chosen_model), text(row.rejected_model)];
    const annotator = text(row.annotator);
    return pair(parts, otherFields(row, [...flatColumns, 'margin']), {
      answers: [
        { text: parts.chosen, ...(a ? { model: a } : {}) },
        { text: parts.rejected, ...(b ? { model: b } : {}) },
      ],
      ...signedBy(annotator),
    });
  },
  write: judged => ({
    rows: [...betterAndWorse(judged)].map(([chosen, rejected]) => ({
      prompt: flatPrompt(judged),
      chosen: chosen.text,
      rejected: rejected.text,
      chosen_model: chosen.model === importedModel ? '' : chosen.model,
      rejected_model: rejected.model === importedModel ? '' : rejected.model,
      annotator: annotatorOf(judged.judgement),
    })),
    lost: lostAsPairs(judged, { annotator: true, models: true }),
  }),
};

/** One message of the user as its text, unless that could be taken for a list of messages. */
function flatPrompt(judged: Judged): string {
  const only = onlyText(judged);
  return only === undefined || typeof cellMessages(only) !== 'string' ? JSON.stringify(judged.item.messages) : only;
}

function cellMessages(cell: string): string | Message[] {
  if (!cell.startsWith('[{')) return cell;
  try {
    return conversation(JSON.parse(cell)) ?? cell;
  } catch {
    return cell;
  }
}

/**
 * TRL's unpaired preferences, as KTO takes them: one answer a row, desirable or not. Answers of one prompt that follow each other
 * become one item; a lone answer has nothing that it could be compared with.
 */
export const kto: ExchangeFormat = {
  looksLike: row => row.completion !== undefined && row.label !== undefined,
  read: row => {
    const prompt = typeof row.prompt === 'string' ? row.prompt : conversation(row.prompt);
    const completion =
      typeof row.completion === 'string' ? row.completion : conversation(row.completion)?.at(-1)?.content;
    const label = row.label === 1 ? true : row.label === 0 ? false : row.label;
    if (prompt === undefined || completion === undefined || typeof label !== 'boolean')
      return { wrong: l10n.t('This row needs “prompt”, “completion” and a “label” that is true or false.') };
    return {
      messages: asMessages(prompt),
      answers: [{ text: completion }],
      ranking: label ? [[0], []] : [[], [0]],
      kind: 'accept-reject',
      lost: otherFields(row, ['prompt', 'completion', 'label']),
    };
  },
  write: judged => {
    const { item, judgement } = judged;
    const groups = groupsOf(judged);
    const accepted = judgement.kind === 'accept-reject' ? new Set(judgement.accepted ?? []) : undefined;
    const labels = new Map<string, boolean>();
    if (judgement.verdict === 'all-bad') for (const id of judgement.shown) labels.set(id, false);
    else if (accepted) for (const id of judgement.shown) labels.set(id, accepted.has(id));
    else if (judgement.verdict === 'ranked' && groups.length > 1) {
      for (const { id } of groups[0]!) labels.set(id, true);
      for (const { id } of groups.at(-1)!) labels.set(id, false);
    }
    const rows = item.answers.flatMap(answer => {
      const label = labels.get(answer.id);
      return label === undefined ? [] : [{ prompt: item.messages, completion: assistant(answer.text), label }];
    });
    const lost = lostAsPairs(judged).filter(loss => loss !== 'all-bad' && (loss !== 'ties' || !accepted));
    if (judgement.verdict === 'ranked' && rows.length < groups.flat().length) lost.push('middle answers');
    return { rows, lost };
  },
};

/** One item of KTO rows that follow each other with the same prompt. */
export function joinUnpaired(rows: readonly ReadRow[]): ReadRow {
  const answers = rows.map(row => row.answers[0]!);
  const good = rows.flatMap((row, i) => (row.ranking[0]!.length > 0 ? [i] : []));
  const bad = rows.flatMap((row, i) => (row.ranking[0]!.length > 0 ? [] : [i]));
  const verdict = good.length === 0 ? ('all-bad' as const) : ('ranked' as const);
  const ranking = good.length === 0 ? [] : [good, bad].filter(group => group.length > 0);
  return { messages: rows[0]!.messages, answers, ranking, verdict, kind: 'accept-reject' };
}
