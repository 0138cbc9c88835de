/** The preference journal's records: items to rank and judgements of them. Version 1 of the format. */
import * as v from 'valibot';

const AnswerSchema = v.object({
  /** Content hash of the text, short; judgements name answers by it. */
  id: v.string(),
  text: v.string(),
  /** Model id; hidden while ranking. */
  model: v.string(),
  seed: v.optional(v.number()),
  repeat: v.optional(v.number()),
  source: v.optional(v.string()),
});
export type Answer = v.InferOutput<typeof AnswerSchema>;

const MessageSchema = v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() });

const record = {
  format: v.literal(1),
  /** Unique id of this record. */
  id: v.string(),
  /** ISO 8601, UTC. */
  at: v.string(),
  author: v.string(),
};

/** Something to rank: a prompt and two or more answers. It travels in the journal, so that a judgement never lacks its texts. */
export const ItemRecordSchema = v.object({
  ...record,
  type: v.literal('item'),
  /** Name of the set (the template's name), for the list. */
  set: v.string(),
  messages: v.array(MessageSchema),
  answers: v.pipe(v.array(AnswerSchema), v.minLength(2)),
});
export type ItemRecord = v.InferOutput<typeof ItemRecordSchema>;

/** One annotator's ranking of one item. A later record with `replaces` revises, one with type `deletion` takes back. */
export const JudgementRecordSchema = v.object({
  ...record,
  type: v.literal('judgement'),
  item: v.string(),
  /** Answer ids, best group first; a group of two or more is a tie. Empty when skipped. */
  ranking: v.array(v.array(v.string())),
  /** The order in which the answers were shown. */
  shown: v.array(v.string()),
  verdict: v.picklist(['ranked', 'all-bad', 'skipped']),
  flags: v.array(v.string()),
  note: v.optional(v.string()),
  /** From first sight to decision. */
  milliseconds: v.number(),
  replaces: v.optional(v.string()),
  /** People leave it out; a simulated or model judge names itself. */
  judge: v.optional(v.string()),
});
export type JudgementRecord = v.InferOutput<typeof JudgementRecordSchema>;

export const DeletionRecordSchema = v.object({ ...record, type: v.literal('deletion'), deletes: v.string() });
export type DeletionRecord = v.InferOutput<typeof DeletionRecordSchema>;

export const JournalRecordSchema = v.variant('type', [ItemRecordSchema, JudgementRecordSchema, DeletionRecordSchema]);
export type JournalRecord = v.InferOutput<typeof JournalRecordSchema>;

/** Derived from judgements, never stored as truth. A tie gives no pair. */
export interface PreferencePair {
  readonly messages: readonly v.InferOutput<typeof MessageSchema>[];
  readonly chosen: string;
  readonly rejected: string;
  /** Judgement and item that it comes from. */
  readonly judgement: string;
  readonly item: string;
}
