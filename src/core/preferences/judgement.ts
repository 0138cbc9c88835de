/**
 * The preference journal's records: items to rank and judgements of them. Version 1 of the format.
 * Fields that this version does not know are kept as they are; all that came after the first records is optional.
 */
import * as v from 'valibot';

/** The type of a record without its unknown fields. */
type Known<E extends v.ObjectEntries> = v.InferOutput<v.ObjectSchema<E, undefined>>;

const answer = {
  /** Content hash of the text, short; judgements name answers by it. */
  id: v.string(),
  text: v.string(),
  /** Model id; hidden while ranking. */
  model: v.string(),
  seed: v.optional(v.number()),
  repeat: v.optional(v.number()),
  /** Where it came from: `job:<id>`, a file's name. */
  source: v.optional(v.string()),
};
const AnswerSchema = v.looseObject(answer);
export type Answer = Known<typeof answer>;

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
const item = {
  ...record,
  type: v.literal('item'),
  /** Name of the set (the template's name), for the list. */
  set: v.string(),
  messages: v.array(MessageSchema),
  answers: v.pipe(v.array(AnswerSchema), v.minLength(2)),
  /** Id of the training job whose gold it is: what people say of it measures that job, and is never learned from. */
  gold: v.optional(v.string()),
};
const ItemRecordSchema = v.looseObject(item);
export type ItemRecord = Omit<Known<typeof item>, 'answers'> & { answers: Answer[] };

/** How an item was asked about. Records without a kind are rankings. */
export const JudgementKinds = ['ranking', 'pairwise', 'best-worst', 'rating', 'accept-reject'] as const;
export type JudgementKind = (typeof JudgementKinds)[number];

const HighlightSchema = v.looseObject({
  /** Id of the answer. */
  answer: v.string(),
  /** Range in the answer's text, in UTF-16 code units, end exclusive. */
  start: v.number(),
  end: v.number(),
  comment: v.optional(v.string()),
});
export interface Highlight {
  answer: string;
  start: number;
  end: number;
  comment?: string | undefined;
}

/** Where items are looked up: a map, or files that are read when somebody asks. */
export interface ItemsById {
  get(id: string): ItemRecord | undefined;
}

/** What a model judge says of two answers: the one that stood first, the one that stood second, neither; or nothing that can be read. */
export const PairVerdicts = ['A', 'B', 'tie', 'unreadable'] as const;
export type PairVerdict = (typeof PairVerdicts)[number];

/** Two answers that a model judge was asked about in both orders. */
const askedPair = {
  /** Ids. */
  answers: v.tuple([v.string(), v.string()]),
  /** What it said when the first of the two stood first, and when the second did. */
  verdicts: v.tuple([v.picklist(PairVerdicts), v.picklist(PairVerdicts)]),
  /** Of verdicts by likelihood: log P(A) − log P(B) in each order, nats. */
  logOdds: v.optional(v.tuple([v.number(), v.number()])),
};
export type AskedPair = Known<typeof askedPair>;

/** What a model judge was, so that it can be told from others. The version of its rubric is the judgement's `guidelines`. */
const judgedBy = {
  model: v.string(),
  /** Content hash or revision of the model, where it can tell. */
  revision: v.optional(v.string()),
  /** Name of the template and the first 12 hex digits of the SHA-256 of its text. */
  template: v.string(),
  templateHash: v.string(),
  verdictsFrom: v.picklist(['text', 'likelihood']),
};
export type JudgedBy = Known<typeof judgedBy>;

/** One annotator's ranking of one item. A later record with `replaces` revises, one with type `deletion` takes back. */
const judgement = {
  ...record,
  type: v.literal('judgement'),
  item: v.string(),
  kind: v.optional(v.picklist(JudgementKinds)),
  /**
   * Answer ids, best group first; empty when skipped or all bad. In a ranking, a pair and a rating a group of several is a tie;
   * of best and worst the group between them, and in accept or reject each group, says nothing of its own order.
   */
  ranking: v.array(v.array(v.string())),
  /** The order in which the answers were shown; answers that are not in it were not asked about. */
  shown: v.array(v.string()),
  verdict: v.picklist(['ranked', 'all-bad', 'skipped']),
  /** All flags, of whichever answer. */
  flags: v.array(v.string()),
  /** Flags by the id of the answer that they are about. */
  flagged: v.optional(v.record(v.string(), v.array(v.string()))),
  note: v.optional(v.string()),
  highlights: v.optional(v.array(HighlightSchema)),
  /** Of a rating: each answer's number, and the ends of the scale as it was then. */
  ratings: v.optional(v.record(v.string(), v.number())),
  scale: v.optional(v.looseObject({ min: v.number(), max: v.number() })),
  /** Of accept or reject: the accepted ones; all others that were shown are rejected. */
  accepted: v.optional(v.array(v.string())),
  /** Why an item was skipped. */
  skipReason: v.optional(v.string()),
  /** Version of the guidelines that were beside it: the first 12 hex digits of the text's SHA-256. */
  guidelines: v.optional(v.string()),
  /** The item was shown once more, without saying so, to measure consistency: the judgement before. */
  repeatOf: v.optional(v.string()),
  /** Made again after the models of the answers were seen. */
  unblinded: v.optional(v.boolean()),
  /** From first sight to decision. */
  milliseconds: v.number(),
  replaces: v.optional(v.string()),
  /**
   * Of an adjudication: ids of the judgements that it settles. They stand beside it and keep saying what each person thought; what
   * is derived for training is taken from the adjudication alone.
   */
  adjudicates: v.optional(v.array(v.string())),
  /** People leave it out; a simulated or model judge names itself. */
  judge: v.optional(v.string()),
  judgedBy: v.optional(v.looseObject(judgedBy)),
  /** Of a model judge. Where they stand, they say what was compared; `ranking` sums them up. */
  pairs: v.optional(v.array(v.looseObject(askedPair))),
};
const JudgementRecordSchema = v.looseObject(judgement);
export type JudgementRecord = Omit<Known<typeof judgement>, 'highlights' | 'judgedBy' | 'pairs'> & {
  highlights?: Highlight[] | undefined;
  judgedBy?: JudgedBy | undefined;
  pairs?: AskedPair[] | undefined;
};

const deletion = { ...record, type: v.literal('deletion'), deletes: v.string() };
type DeletionRecord = Known<typeof deletion>;

export const JournalRecordSchema = v.variant('type', [
  ItemRecordSchema,
  JudgementRecordSchema,
  v.looseObject(deletion),
]);
export type JournalRecord = ItemRecord | JudgementRecord | DeletionRecord;

/** Derived from judgements, never stored as truth. A tie is one only where ties are asked for. */
export interface PreferencePair {
  readonly messages: readonly v.InferOutput<typeof MessageSchema>[];
  readonly chosen: string;
  readonly rejected: string;
  /** Judgement and item that it comes from. */
  readonly judgement: string;
  readonly item: string;
  /** By how much the reward of the chosen answer should be higher at least; where the data says so (TRL's `margin`). */
  readonly margin?: number;
  /** The two were said to be equally good, so that which of them is `chosen` means nothing. */
  readonly tie?: true;
}

/** Likewise, of a whole ranking: texts in groups, best first; those of one group are not compared. */
export interface PreferenceRanking {
  readonly messages: PreferencePair['messages'];
  readonly groups: readonly (readonly string[])[];
  readonly judgement: string;
  readonly item: string;
}
