/** The matrix of the playground: columns, cells with their marks, the rows in view, an opened cell. */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const ColumnSchema = v.object({
  id: v.string(),
  model: v.string(),
  modelLabel: v.string(),
  variant: count,
  /** Names the variant in `Setup.baseline`. */
  key: v.string(),
  /** The key without the order of the examples: columns that differ in that alone share it. */
  orderOf: v.string(),
  /** The other variants are compared with this one. */
  baseline: v.boolean(),
  /** `direct`, `few-shot CoT`, a file name. */
  label: v.string(),
  detail: v.string(),
  /** False where the model honours no temperature and seed. */
  controlled: v.boolean(),
  /** Share of right answers among the graded, with its Wilson 95 % interval. */
  score: v.nullable(v.object({ right: count, estimate: v.number(), low: v.number(), high: v.number(), n: count })),
  failed: count,
  /** Share right here minus share right in the baseline column, over answers that both have; null for the baseline. */
  paired: v.nullable(
    v.object({
      n: count,
      gained: count,
      lost: count,
      estimate: v.number(),
      low: v.number(),
      high: v.number(),
      midP: v.number(),
      /** `midP` after Holm's correction for all columns that are compared, and how many these are. */
      adjustedP: v.number(),
      comparisons: count,
    }),
  ),
});

export type Column = v.InferOutput<typeof ColumnSchema>;

/** What the user said of a cell. */
export const MarksSchema = v.object({ starred: v.boolean(), pinned: v.boolean(), note: v.string() });

export type Marks = v.InferOutput<typeof MarksSchema>;

export const CellSchema = v.object({
  column: v.string(),
  row: count,
  repeat: count,
  status: v.picklist(['waiting', 'running', 'done', 'failed', 'cancelled']),
  text: v.string(),
  /** The answer is an earlier one, from the response cache; times are those of then. */
  cached: v.boolean(),
  latencyMs: v.nullable(v.number()),
  firstTokenMs: v.nullable(v.number()),
  tokens: v.nullable(v.number()),
  /** US dollars, where the model has a price. */
  cost: v.nullable(v.number()),
  seed: v.nullable(v.number()),
  finishReason: v.nullable(v.string()),
  error: v.nullable(v.string()),
  /** What of the prompt was left out so that it fits, in a sentence. */
  warning: v.nullable(v.string()),
  /** Extracted answer and where it stands in the text; null without a rule or an expected answer. */
  answer: v.nullable(v.object({ text: v.string(), start: v.number(), end: v.number() })),
  /** Null when there is nothing to grade by. */
  right: v.nullable(v.boolean()),
  /** Of samples that voted: each answer and how many reached it, most first. */
  votes: v.array(v.object({ answer: v.string(), count })),
  /** What the model said on the way, where the strategy asks more than once: a name and the text. */
  stages: v.array(v.object({ name: v.string(), text: v.string() })),
  /** Null while nothing is marked. */
  marks: v.nullable(MarksSchema),
  /** Made by an earlier run, of another version of the template or its settings; it is not counted. */
  earlier: v.optional(v.boolean()),
});

export type Cell = v.InferOutput<typeof CellSchema>;

export const CellKeySchema = v.object({ column: v.string(), row: count, repeat: count });

export type CellKey = v.InferOutput<typeof CellKeySchema>;

export const Filters = ['all', 'starred', 'failed', 'wrong'] as const;

export type Filter = (typeof Filters)[number];

/** The matrix as a whole. The page holds only the cells of the rows that it shows. */
export const BoardSchema = v.object({
  filter: v.picklist(Filters),
  /** Rows that have answers and pass the filter: those with pinned answers first, then by number. */
  rows: v.array(count),
  cells: count,
  /** Rows with two or more finished answers. */
  rankable: count,
});

export type Board = v.InferOutput<typeof BoardSchema>;

/** Rows are null where they are those that the page has: thousands of them would go there some times a second. */
export const BoardChangeSchema = v.object({ ...BoardSchema.entries, rows: v.nullable(BoardSchema.entries.rows) });

/** A row of the matrix: its inputs in the template's order, and what is expected. */
export const RowInputSchema = v.object({ row: count, values: v.array(v.string()), expected: v.nullable(v.string()) });

export type RowInput = v.InferOutput<typeof RowInputSchema>;

/** More of a cell than the matrix shows. */
export const DetailSchema = v.object({
  /** What was sent; empty where it is not known any more. */
  prompt: v.array(v.object({ role: v.string(), content: v.string() })),
  /** Tokens of the answer with their probabilities; null where they were not asked for or the model gives none. */
  tokens: v.nullable(
    v.array(
      v.object({
        text: v.string(),
        logProb: v.number(),
        alternatives: v.array(v.object({ text: v.string(), logProb: v.number() })),
      }),
    ),
  ),
  /** How the conversation went on after the answer. */
  turns: v.array(v.object({ role: v.picklist(['user', 'assistant']), text: v.string() })),
  /** Why the last turn got no answer. */
  problem: v.nullable(v.string()),
  busy: v.boolean(),
});

export type Detail = v.InferOutput<typeof DetailSchema>;
