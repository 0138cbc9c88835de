/** What is exchanged with other programs: a judged item in their words and in ours, and what a format cannot hold. */
import type { Message } from '../../generation.ts';
import { annotatorOf } from '../annotators.ts';
import type { Answer, ItemRecord, JudgementRecord } from '../judgement.ts';
import { decidedPairs } from '../pairs.ts';

/** One item and what somebody said of it, as a row of a foreign file tells it. */
export interface ReadRow {
  readonly messages: readonly Message[];
  readonly answers: readonly { readonly text: string; readonly model?: string; readonly source?: string }[];
  /** Numbers of answers, best group first. */
  readonly ranking: readonly (readonly number[])[];
  readonly verdict?: JudgementRecord['verdict'];
  readonly kind?: JudgementRecord['kind'];
  readonly annotator?: string;
  readonly judge?: string;
  readonly flags?: readonly string[];
  readonly note?: string;
  readonly milliseconds?: number;
  /** Answers (by number) in the order in which they were shown. */
  readonly shown?: readonly number[];
  /** What the row also had and the journal has no place for. */
  readonly lost?: readonly Loss[];
}

/** What a file or the journal cannot hold. `lossWords` (command line) says it in words. */
export type Loss =
  | 'ties'
  | 'all-bad'
  | 'skipped'
  | 'annotators'
  | 'models'
  | 'flags'
  | 'notes'
  | 'highlights'
  | 'times'
  | 'order shown'
  | 'rankings'
  | 'middle answers'
  | 'ratings'
  | 'both orders'
  | 'roles'
  | 'margins'
  | 'other fields'
  | 'lone answers'
  | 'multi-turn answers'
  | 'uncompared';

/** A judged item, as export gets it. */
export interface Judged {
  readonly item: ItemRecord;
  readonly judgement: JudgementRecord;
}

export interface WrittenRows {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** What the format cannot hold of this judgement. */
  readonly lost: readonly Loss[];
}

/** A reader says why a row is none of its own in one sentence. */
export type ReadResult = ReadRow | { readonly wrong: string };

export interface ExchangeFormat {
  /** Whether a row looks like one of this format. */
  looksLike(row: Readonly<Record<string, unknown>>): boolean;
  read(row: Readonly<Record<string, unknown>>): ReadResult;
  write(judged: Judged): WrittenRows;
}

export type JsonObject = Readonly<Record<string, unknown>>;
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Messages of a conversation; undefined where it is none. */
export function conversation(value: unknown): Message[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const messages: Message[] = [];
  for (const item of value) {
    if (!isObject(item) || typeof item.content !== 'string') return undefined;
    const role = item.role === 'developer' ? 'system' : item.role;
    if (role !== 'system' && role !== 'user' && role !== 'assistant') return undefined;
    messages.push({ role, content: item.content });
  }
  return messages;
}

export const asMessages = (prompt: string | readonly Message[]): readonly Message[] =>
  typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;

/** Fields that a format does not know. */
export const otherFields = (row: JsonObject, known: readonly string[]): Loss[] =>
  Object.keys(row).some(key => !known.includes(key) && row[key] !== null && row[key] !== undefined)
    ? ['other fields']
    : [];

/** The answers of each group that the item has. */
export const groupsOf = ({ item, judgement }: Judged): ItemRecord['answers'][] => {
  const byId = new Map(item.answers.map(answer => [answer.id, answer]));
  return judgement.ranking.map(group => group.flatMap(id => byId.get(id) ?? [])).filter(group => group.length > 0);
};

/** What all formats of mere pairs lose of a judgement. */
export function lostAsPairs(
  judged: Judged,
  kept: { readonly annotator?: boolean; readonly models?: boolean } = {},
): Loss[] {
  const { judgement, item } = judged;
  const lost: Loss[] = lostBesides(judgement);
  if (!kept.annotator) lost.push('annotators');
  if (!kept.models && item.answers.some(({ model }) => model !== importedModel)) lost.push('models');
  if (judgement.verdict === 'all-bad') lost.push('all-bad');
  if (judgement.verdict === 'skipped') lost.push('skipped');
  const groups = groupsOf(judged);
  if (judgement.verdict === 'ranked' && groups.some(group => group.length > 1)) {
    const compares = judgement.kind !== 'best-worst' && judgement.kind !== 'accept-reject';
    lost.push(compares ? 'ties' : 'uncompared');
  }
  if (groups.length > 2) lost.push('rankings');
  return lost;
}

/** Notes, flags and the like, which only Tunesmith's own rows keep. */
export function lostBesides({ flags, note, highlights, ratings, milliseconds, shown, pairs }: JudgementRecord): Loss[] {
  const lost: Loss[] = [];
  if (flags.length > 0) lost.push('flags');
  if (note !== undefined) lost.push('notes');
  if (highlights && highlights.length > 0) lost.push('highlights');
  if (ratings) lost.push('ratings');
  if (pairs) lost.push('both orders');
  if (milliseconds > 0) lost.push('times');
  if (shown.length > 0) lost.push('order shown');
  return lost;
}

/** Each answer over each that it was said to be better than. */
export const betterAndWorse = ({ judgement, item }: Judged): [Answer, Answer][] => decidedPairs(judgement, item);

/** The name of the model of answers whose file does not say. */
export const importedModel = 'imported';

/** Who signed a row of a foreign file. A model judge that Tunesmith wrote into it stays one, and becomes no person. */
export function signedBy(name: string | undefined): Pick<ReadRow, 'annotator' | 'judge'> {
  const [, annotator, judge] = /^(.*) \((.+ on .+ #[0-9a-f]{8})\)$/s.exec(name ?? '') ?? [];
  if (annotator !== undefined && judge !== undefined) return { annotator, judge };
  return name ? { annotator: name } : {};
}

export { annotatorOf };
