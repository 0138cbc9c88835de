/** The contract of the data view: the host holds the journal and pages its items, the page shows a window of them. */
import * as v from 'valibot';
import { Outcomes } from '../core/preferences/browse/dataFilter.ts';
import { SortKeys } from '../core/preferences/browse/selection.ts';
import { JudgementKinds } from '../core/preferences/judgement.ts';
import { DataFilterSchema } from './dataFilter.ts';
import {
  ExportChoiceSchema,
  FiguresSchema,
  FindingSchema,
  PlanSchema,
  PreferenceResults,
  ReportSchema,
} from './preferenceFigures.ts';
import type { Contract } from './rpc.ts';

export type { DataFilter } from './dataFilter.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const none = v.object({});
const list = <S extends v.GenericSchema>(of: S) => v.pipe(v.array(of), v.readonly());
const names = list(v.string());
const kind = v.picklist(JudgementKinds);
const verdict = v.picklist(['ranked', 'all-bad', 'skipped']);

export const DataSortSchema = v.object({ by: v.picklist(SortKeys), descending: v.boolean() });
export type DataSort = v.InferOutput<typeof DataSortSchema>;

const counted = list(v.object({ name: v.string(), count }));
const FacetsSchema = v.object({
  items: count,
  judgements: count,
  pairs: count,
  sets: counted,
  models: counted,
  annotators: list(v.object({ name: v.string(), count, judge: v.boolean() })),
  flags: counted,
  kinds: list(v.object({ name: kind, count })),
  outcomes: list(v.object({ name: v.picklist(Outcomes), count })),
  guidelines: counted,
  splits: counted,
  repeats: count,
  first: v.nullable(v.number()),
  last: v.nullable(v.number()),
});

const DataStateSchema = v.object({
  /** Goes up with every change of the journal, the filter or the order; rows belong to one version. */
  version: count,
  /** Who looks: own judgements can be taken back. */
  author: v.string(),
  facets: FacetsSchema,
  filter: DataFilterSchema,
  sort: DataSortSchema,
  /** `train=0.9,test=0.1`, or empty. */
  splits: v.string(),
  /** Items found so far, their judgements that pass, and the pairs derived from those. */
  found: v.object({ items: count, judgements: count, pairs: count }),
  /** Of the items that are to be looked at, 0 to 1. */
  share: v.number(),
  /** What undo would take back, as a sentence. */
  undo: v.nullable(v.string()),
  /** Lines of the journal that could not be read, each a sentence with its place. */
  problems: names,
});
export type DataState = v.InferOutput<typeof DataStateSchema>;

const said = {
  verdict,
  kind,
  /** Answers by number, best group first. */
  groups: v.array(v.array(count)),
  /** Of accept or reject. */
  accepted: v.nullable(v.array(count)),
  count,
};
const SaidSchema = v.object(said);
export type Said = v.InferOutput<typeof SaidSchema>;

const DataRowSchema = v.object({
  id: v.string(),
  set: v.string(),
  prompt: v.string(),
  answers: count,
  said: v.array(SaidSchema),
  judgements: count,
  /** Null where fewer than two judged it. */
  agreed: v.nullable(v.boolean()),
  annotators: names,
  flags: names,
  note: v.nullable(v.string()),
  models: names,
  split: v.nullable(v.string()),
  guidelines: names,
  time: v.number(),
});
export type DataRow = v.InferOutput<typeof DataRowSchema>;

const DetailSchema = v.object({
  id: v.string(),
  set: v.string(),
  author: v.string(),
  at: v.string(),
  split: v.nullable(v.string()),
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  /** The best first; letters are given by number. */
  answers: v.array(
    v.object({
      number: count,
      text: v.string(),
      model: v.string(),
      source: v.nullable(v.string()),
      better: count,
      tied: count,
      worse: count,
      highlights: v.array(v.object({ start: count, end: count, comment: v.string(), annotator: v.string() })),
    }),
  ),
  judgements: v.array(
    v.object({
      ...said,
      id: v.string(),
      annotator: v.string(),
      own: v.boolean(),
      judge: v.boolean(),
      at: v.string(),
      /** −1 where a flag is of the item as a whole. */
      flags: v.array(v.object({ answer: v.pipe(v.number(), v.integer()), flag: v.string() })),
      note: v.nullable(v.string()),
      ratings: v.array(v.object({ answer: count, rating: v.number() })),
      skipReason: v.nullable(v.string()),
      guidelines: v.nullable(v.string()),
      milliseconds: v.number(),
      shown: v.array(count),
      repeat: v.boolean(),
      revises: v.boolean(),
      unblinded: v.boolean(),
    }),
  ),
  pairs: v.array(v.object({ chosen: count, rejected: count, count })),
  agreed: v.nullable(v.boolean()),
});
export type DataDetail = v.InferOutput<typeof DetailSchema>;
export type DetailJudgement = DataDetail['judgements'][number];

const Fixes = ['take-down', 'delete-older'] as const;
export type Fix = (typeof Fixes)[number];

const DataActions = ['open-ranking', 'import-answers', 'open-playground'] as const;
export type DataAction = (typeof DataActions)[number];

export const preferenceDataContract = {
  toHost: {
    /** Opens the journal; with what the page showed before a reload. */
    open: {
      params: v.object({ filter: v.nullable(DataFilterSchema), sort: v.nullable(DataSortSchema) }),
      result: DataStateSchema,
    },
    /** Shows other items; replies when the first of them are found, and tells of the rest as `state`. */
    show: { params: v.object({ filter: DataFilterSchema, sort: DataSortSchema }), result: DataStateSchema },
    /** Items from a place on, in the order shown; of the version that the reply names. */
    rows: {
      params: v.object({ from: count, count: v.pipe(count, v.maxValue(200)) }),
      result: v.object({ version: count, rows: v.array(DataRowSchema) }),
    },
    /** All of an item; null where it is gone. */
    detail: { params: v.object({ item: v.string() }), result: v.nullable(DetailSchema) },
    /** Splits by prompt, as the command line takes them; empty for none. Fails with a sentence. */
    setSplits: { params: v.object({ splits: v.pipe(v.string(), v.maxLength(500)) }), result: DataStateSchema },
    /** Takes back one's own judgement: a deletion record. */
    deleteJudgement: { params: v.object({ item: v.string(), judgement: v.string() }), result: DataStateSchema },
    undo: { params: none, result: DataStateSchema },
    /** The item and its standing judgements as JSON, on the clipboard. */
    copy: { params: v.object({ item: v.string() }), result: v.null() },
    /** Figures of what passes the filter, for charts; a newer question ends an older one. */
    figures: { params: none, result: FiguresSchema },
    /** What is wrong with all data; with a limit of tokens, where there is one. */
    check: { params: v.object({ maxTokens: v.nullable(count) }), result: ReportSchema },
    /** Prompts of items, for a list of findings; those that are gone are left out. */
    prompts: {
      params: v.object({ items: v.pipe(v.array(v.string()), v.maxLength(500)) }),
      result: v.record(v.string(), v.string()),
    },
    /** Takes items down, or of one's own contradictory judgements the older ones; undo puts it all back. */
    fix: {
      params: v.object({ findings: v.pipe(v.array(FindingSchema), v.maxLength(1000)), how: v.picklist(Fixes) }),
      result: DataStateSchema,
    },
    /** What an export would hold, and lack. */
    plan: { params: ExportChoiceSchema, result: PlanSchema },
    /** Asks where to, and writes; null where that was cancelled. */
    export: {
      params: v.object({ choice: ExportChoiceSchema, allowLeaks: v.boolean() }),
      result: v.nullable(PreferenceResults.export),
    },
    /** Opens what was exported here. */
    openExported: { params: v.object({ path: v.string() }), result: v.null() },
    /** Opens the item in the Ranking view, to judge it, or to judge it again. */
    judge: { params: v.object({ item: v.string() }), result: v.null() },
    act: { params: v.object({ action: v.picklist(DataActions) }) },
  },
  toWebview: {
    /** More was found, or the journal changed. */
    state: { params: DataStateSchema },
  },
} as const satisfies Contract;
