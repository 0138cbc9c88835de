/** The contract of the Ranking view: what the host shows (never which model wrote an answer) and what a person decides. */
import * as v from 'valibot';
import { JudgementKinds } from '../core/preferences/judgement.ts';
import { NextModes } from '../core/preferences/nextItems.ts';
import type { Contract } from './rpc.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const kind = v.picklist(JudgementKinds);
/** One number an answer in the order shown, null for none yet; core/preferences/decision.ts says what it means in each kind. */
const ValuesSchema = v.array(v.nullable(v.pipe(v.number(), v.integer())));
/** Flags of each answer in the order shown. */
const FlagsSchema = v.array(v.array(v.string()));
const HighlightSchema = v.object({
  /** Position of the answer. */
  answer: count,
  /** Range in the answer's text, UTF-16 code units. */
  start: count,
  end: count,
  comment: v.string(),
});
export type ShownHighlight = v.InferOutput<typeof HighlightSchema>;
const ChoiceSchema = v.object({ id: v.string(), label: v.string() });

/** What is shown of an item. Its answers stand in the order of this author; nothing says which model wrote them. */
const RankingItemSchema = v.object({
  id: v.string(),
  kind,
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  answers: v.array(v.object({ id: v.string(), text: v.string() })),
  /** After an undo: the judgement that was taken back, to be changed and saved again. */
  draft: v.nullable(
    v.object({
      values: ValuesSchema,
      flags: FlagsSchema,
      note: v.string(),
      highlights: v.array(HighlightSchema),
    }),
  ),
});
export type RankingItem = v.InferOutput<typeof RankingItemSchema>;

/** What a person said of the answers, in the order shown. Names are told here, where disagreements are settled; models are not. */
const SayingSchema = v.object({
  name: v.string(),
  kind,
  verdict: v.picklist(['ranked', 'all-bad', 'skipped']),
  values: ValuesSchema,
  note: v.string(),
  flags: v.array(v.string()),
});
export type ShownSaying = v.InferOutput<typeof SayingSchema>;

const RankingStateSchema = v.object({
  /** Counts up, so that an older state never replaces a newer one. */
  version: count,
  /** `beyond`: items of others' shares that are still to be judged. */
  sets: v.array(v.object({ name: v.string(), judged: count, total: count, beyond: count })),
  /** Null when there is nothing to rank at all. */
  set: v.nullable(v.string()),
  /** Null when the set is done. */
  item: v.nullable(RankingItemSchema),
  /** How the next item is chosen, the ways there are, and why it was this one. */
  mode: v.picklist(NextModes),
  modes: v.array(v.object({ id: v.picklist(NextModes), label: v.string() })),
  reason: v.nullable(v.string()),
  /** Disagreements are reviewed, and counted in `sets`. Null otherwise. */
  review: v.nullable(v.object({ said: v.array(SayingSchema) })),
  /** Disagreements that nobody has settled. */
  disputes: count,
  scale: v.object({ min: v.number(), max: v.number(), labels: v.record(v.string(), v.string()) }),
  flags: v.array(ChoiceSchema),
  skipReasons: v.array(ChoiceSchema),
  guidelines: v.nullable(
    v.object({
      path: v.string(),
      text: v.string(),
      version: v.string(),
      /** They are not those of the author's last judgement. */
      changed: v.boolean(),
    }),
  ),
  /** Median milliseconds of the last judgements. */
  paceMs: v.nullable(v.number()),
  /** Of pairs of answers compared twice, how many alike. Null before the first repeat. */
  consistency: v.nullable(v.object({ same: count, of: count })),
  /** Judges beside the author, in steps of several items: of pairs that both compared, how many alike. */
  judges: v.array(v.object({ judge: v.string(), items: count, same: count, of: count })),
  hint: v.nullable(v.string()),
  canUndo: v.boolean(),
  /** Whether the models of the item judged last may be asked for. */
  canReveal: v.boolean(),
  /** Who wrote the answers of the item judged last, in the order in which they were shown; null until asked for. */
  revealed: v.nullable(v.array(v.string())),
  /** Lines of the journal that could not be read, and what is wrong with the project's files, each a sentence with its place. */
  problems: v.array(v.string()),
});
export type RankingState = v.InferOutput<typeof RankingStateSchema>;

const RankingDecisionSchema = v.object({
  item: v.string(),
  verdict: v.picklist(['ranked', 'all-bad', 'skipped']),
  /** Ids of the answers in the order in which they stood on the screen. */
  shown: v.array(v.string()),
  /** All must have one when the verdict is `ranked`. */
  values: ValuesSchema,
  flags: FlagsSchema,
  note: v.pipe(v.string(), v.maxLength(10_000)),
  highlights: v.pipe(v.array(HighlightSchema), v.maxLength(200)),
  skipReason: v.nullable(v.string()),
  /** Version of the guidelines that were on the screen. */
  guidelines: v.nullable(v.string()),
  /** Visible time from first sight to decision. */
  milliseconds: v.pipe(v.number(), v.minValue(0)),
});
export type RankingDecision = v.InferOutput<typeof RankingDecisionSchema>;

const RankingActions = [
  'open-playground',
  'open-in-editor',
  'train-reward-model',
  'export',
  'edit-guidelines',
  'hints-off',
  'import-answers',
  'open-data',
] as const;
export type RankingAction = (typeof RankingActions)[number];

export const rankingContract = {
  toHost: {
    /** `item`: what was on the screen before a reload. */
    open: {
      params: v.object({ set: v.nullable(v.string()), item: v.nullable(v.string()), review: v.boolean() }),
      result: RankingStateSchema,
    },
    /** Replies after the judgement is on disk, with what comes next; fails with a sentence and nothing moves. */
    judge: { params: RankingDecisionSchema, result: RankingStateSchema },
    undo: { params: v.object({}), result: RankingStateSchema },
    /** Goes over to disagreements, or back. There, skipping leaves an item for later and writes nothing. */
    review: { params: v.object({ on: v.boolean() }), result: RankingStateSchema },
    /** Who wrote the answers of the item judged last. */
    reveal: { params: v.object({}), result: RankingStateSchema },
    /** `keep`: what is on the screen was worked on and stays. */
    chooseMode: { params: v.object({ mode: v.picklist(NextModes), keep: v.boolean() }), result: RankingStateSchema },
    chooseSet: { params: v.object({ set: v.string() }), result: RankingStateSchema },
    act: { params: v.object({ action: v.picklist(RankingActions) }) },
    /** The page's unsaved work, for the next page when this one was closed. */
    keep: { params: v.object({ saved: v.unknown() }) },
  },
  toWebview: {
    /** The journal changed elsewhere: new items, another window, a pull. */
    state: { params: RankingStateSchema },
    /** The command Review Disagreements. */
    review: { params: v.object({}) },
    /** The title bar's Undo. */
    undo: { params: v.object({}) },
    /** The view came into sight or went out of it: time out of sight does not count. */
    visible: { params: v.object({ visible: v.boolean() }) },
  },
} as const satisfies Contract;
