/** The contract of the Ranking view: what the host shows (never which model wrote an answer) and what a person decides. */
import * as v from 'valibot';
import type { Contract } from './rpc.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const RanksSchema = v.array(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))));

/** What is shown of an item. Its answers stand in the order of this author; nothing says which model wrote them. */
const RankingItemSchema = v.object({
  id: v.string(),
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  answers: v.array(v.object({ id: v.string(), text: v.string() })),
  /** After an undo: the judgement that was taken back, to be changed and saved again. */
  draft: v.nullable(v.object({ ranks: RanksSchema, flags: v.array(v.string()), note: v.string() })),
});
export type RankingItem = v.InferOutput<typeof RankingItemSchema>;

const RankingStateSchema = v.object({
  /** Counts up, so that an older state never replaces a newer one. */
  version: count,
  sets: v.array(v.object({ name: v.string(), judged: count, total: count })),
  /** Null when there is nothing to rank at all. */
  set: v.nullable(v.string()),
  /** Null when the set is done. */
  item: v.nullable(RankingItemSchema),
  /** Median milliseconds of the last judgements. */
  paceMs: v.nullable(v.number()),
  canUndo: v.boolean(),
  /** Lines of the journal that could not be read, each a sentence with its place. */
  problems: v.array(v.string()),
});
export type RankingState = v.InferOutput<typeof RankingStateSchema>;

const RankingDecisionSchema = v.object({
  item: v.string(),
  verdict: v.picklist(['ranked', 'all-bad', 'skipped']),
  /** Of the answers in the order shown. All must have one when the verdict is `ranked`. */
  ranks: RanksSchema,
  /** Ids of the answers in the order in which they stood on the screen. */
  shown: v.array(v.string()),
  flags: v.array(v.string()),
  note: v.string(),
  /** Visible time from first sight to decision. */
  milliseconds: v.pipe(v.number(), v.minValue(0)),
});
export type RankingDecision = v.InferOutput<typeof RankingDecisionSchema>;

const RankingActions = ['open-playground', 'open-in-editor', 'train-reward-model', 'export'] as const;

export const rankingContract = {
  toHost: {
    open: { params: v.object({ set: v.nullable(v.string()) }), result: RankingStateSchema },
    /** Replies after the judgement is on disk, with what comes next; fails with a sentence and nothing moves. */
    judge: { params: RankingDecisionSchema, result: RankingStateSchema },
    undo: { params: v.object({}), result: RankingStateSchema },
    chooseSet: { params: v.object({ set: v.string() }), result: RankingStateSchema },
    act: { params: v.object({ action: v.picklist(RankingActions) }) },
  },
  toWebview: {
    /** The journal changed elsewhere: new items, another window, a pull. */
    state: { params: RankingStateSchema },
    /** The title bar's Undo. */
    undo: { params: v.object({}) },
    /** The view came into sight or went out of it: time out of sight does not count. */
    visible: { params: v.object({ visible: v.boolean() }) },
  },
} as const satisfies Contract;
