/** The contract of the playground: the template's text, what it means, what it would send, and the matrix of answers. */
import * as v from 'valibot';
import { Selections, Strategies } from '../core/prompts/template.ts';
import type { Contract } from './rpc.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const none = v.object({});
const RangeSchema = v.object({ start: count, end: count });
const ChangeSchema = v.array(v.union([v.pipe(v.number(), v.integer()), v.string()]));

/** The whole file at a version of the editor's document. */
export const DocumentSchema = v.object({
  version: count,
  text: v.string(),
  /** Where the prompt begins, after the front matter. */
  bodyStart: count,
});

export const StrategySchema = v.picklist(Strategies);
export type Strategy = v.InferOutput<typeof StrategySchema>;

export const DiagnosticSchema = v.object({
  severity: v.picklist(['error', 'warning', 'information']),
  message: v.string(),
  range: RangeSchema,
  /** Shown where the place is another file: `banks/x.jsonl:3`. */
  place: v.nullable(v.string()),
});

const SamplingSchema = v.object({
  temperature: v.number(),
  topP: v.number(),
  topK: v.number(),
  maxOutputTokens: v.number(),
  seed: v.number(),
  stopSequences: v.array(v.string()),
});

/** What the template says. */
export const TemplateStateSchema = v.object({
  name: v.string(),
  fileName: v.string(),
  folder: v.string(),
  strategy: StrategySchema,
  sampling: SamplingSchema,
  inputs: v.array(v.object({ name: v.string(), kind: v.string(), description: v.string(), required: v.boolean() })),
  /** Columns are the inputs in order; the first row is the template's own defaults where there is no file of rows. */
  rows: v.object({
    file: v.nullable(v.string()),
    values: v.array(v.array(v.string())),
    expected: v.nullable(v.array(v.string())),
    total: count,
  }),
  examples: v.nullable(
    v.object({
      bank: v.string(),
      total: count,
      shots: count,
      selection: v.picklist(Selections),
      seed: v.number(),
    }),
  ),
  /** How the short answer is read from what a model wrote, and when it counts as right. */
  answer: v.object({ rule: v.string(), detail: v.string(), grade: v.string(), threshold: v.number() }),
  /** Settings of the strategies, as they count: defaults where the template says nothing. */
  reasoning: v.object({
    trigger: v.string(),
    /** Known ones, to choose from. */
    triggers: v.array(v.string()),
    samples: count,
    of: v.string(),
    critique: v.string(),
    revise: v.string(),
    decompose: v.string(),
  }),
  roles: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), range: RangeSchema })),
  /** Where the body names a variable. */
  variables: v.array(v.object({ name: v.string(), range: RangeSchema })),
  diagnostics: v.array(DiagnosticSchema),
  /** What the template wants and may not have yet, each with what allowing it means. */
  approvals: v.array(v.object({ id: v.string(), message: v.string() })),
});
export type TemplateState = v.InferOutput<typeof TemplateStateSchema>;

/** The selected row rendered for the first model, with token counts where its tokenizer is at hand. */
export const PreviewSchema = v.object({
  row: count,
  model: v.string(),
  contextLength: v.nullable(count),
  /** Tokens by part; null when not countable. */
  tokens: v.nullable(v.object({ system: count, shots: count, input: count, reserved: count })),
  /** Tokens of each role's section of the body, in the order of `roles`; −1 where not countable. */
  sections: v.array(v.pipe(v.number(), v.integer())),
  shots: v.array(v.object({ user: v.string(), assistant: v.string() })),
  error: v.nullable(v.string()),
});
export type Preview = v.InferOutput<typeof PreviewSchema>;

export const ModelChoiceSchema = v.object({
  id: v.string(),
  label: v.string(),
  detail: v.string(),
  /** Depth below its base, for tuned models. */
  depth: count,
});
export type ModelChoice = v.InferOutput<typeof ModelChoiceSchema>;

export const VariantSchema = v.variant('kind', [
  v.object({ kind: v.literal('current') }),
  v.object({ kind: v.literal('strategy'), strategy: StrategySchema }),
  v.object({ kind: v.literal('template'), file: v.string() }),
]);
export type Variant = v.InferOutput<typeof VariantSchema>;

/** What is compared: it lives with the panel, not in the template. */
export const SetupSchema = v.object({
  /** Ids of models, one at least. */
  models: v.array(v.string()),
  /** One or two; the first is `current`. */
  variants: v.array(VariantSchema),
  samples: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)),
  row: count,
  /** Ask for the probabilities of tokens, of models that give them. */
  probabilities: v.optional(v.boolean(), false),
});
export type Setup = v.InferOutput<typeof SetupSchema>;

export const ColumnSchema = v.object({
  id: v.string(),
  model: v.string(),
  modelLabel: v.string(),
  variant: count,
  /** `direct`, `few-shot CoT`, a file name. */
  label: v.string(),
  detail: v.string(),
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

export const RunStateSchema = v.object({
  running: v.boolean(),
  done: count,
  total: count,
  failed: count,
  secondsLeft: v.nullable(v.number()),
});
export type RunState = v.InferOutput<typeof RunStateSchema>;

export const PlaygroundStateSchema = v.object({
  /** Of the template; null while none is open. */
  uri: v.nullable(v.string()),
  document: v.nullable(DocumentSchema),
  template: v.nullable(TemplateStateSchema),
  /** Null until it was made; it then comes by itself. */
  preview: v.nullable(PreviewSchema),
  setup: SetupSchema,
  columns: v.array(ColumnSchema),
  board: BoardSchema,
  run: RunStateSchema,
  models: v.array(ModelChoiceSchema),
  /** Templates to choose from when the panel has none. */
  templates: v.array(v.object({ uri: v.string(), name: v.string(), detail: v.string() })),
  trusted: v.boolean(),
});
export type PlaygroundState = v.InferOutput<typeof PlaygroundStateSchema>;

export const PlaygroundActions = [
  'open-text',
  'show-log',
  'add-model',
  'download-model',
  'new-template',
  'open-samples',
  'open-ranking',
  'open-rows',
  'open-bank',
  'choose-variant-template',
  'trust',
] as const;

/** Rows to run or send: one, the first n, or all. */
const RowsSchema = v.variant('kind', [
  v.object({ kind: v.literal('row'), row: count }),
  v.object({ kind: v.literal('first'), count: count }),
  v.object({ kind: v.literal('all') }),
]);
export type Rows = v.InferOutput<typeof RowsSchema>;

export const playgroundContract = {
  toHost: {
    ready: { params: none, result: PlaygroundStateSchema },
    /** A change made on `version` of the whole file. False: others changed it meanwhile; rebase and send again. */
    edit: { params: v.object({ version: count, change: ChangeSchema }), result: v.boolean() },
    /** Sets a key of the front matter; null removes it. */
    set: {
      params: v.object({
        path: v.array(v.string()),
        value: v.union([v.string(), v.number(), v.array(v.string()), v.null()]),
      }),
      result: v.null(),
    },
    setup: { params: SetupSchema, result: v.null() },
    run: { params: RowsSchema, result: v.null() },
    /** As `run`, asking every model anew. */
    runFresh: { params: RowsSchema, result: v.null() },
    retry: { params: CellKeySchema, result: v.null() },
    /** The page shows these rows from now on: their cells, and what happens to them later comes as `cells`. */
    window: {
      params: v.object({ rows: v.pipe(v.array(count), v.maxLength(400)) }),
      result: v.object({ cells: v.array(CellSchema), inputs: v.array(RowInputSchema) }),
    },
    filter: { params: v.object({ filter: v.picklist(Filters) }), result: v.null() },
    mark: { params: v.object({ cell: CellKeySchema, marks: MarksSchema }), result: v.null() },
    /** Opens the editor's own diff of two answers. */
    diff: { params: v.object({ left: CellKeySchema, right: CellKeySchema }), result: v.null() },
    /** Opens a cell; while it is open, changes come as `detail`. */
    detail: { params: CellKeySchema, result: DetailSchema },
    /** Goes on with the conversation of a cell; the answer comes as `detail`. */
    say: { params: v.object({ cell: CellKeySchema, text: v.string() }), result: v.null() },
    stop: { params: none, result: v.null() },
    /** How many items were put up for ranking. */
    sendToRanking: { params: RowsSchema, result: count },
    openTemplate: { params: v.object({ uri: v.string() }), result: v.null() },
    approve: { params: v.object({ id: v.string() }), result: v.null() },
    act: { params: v.object({ action: v.picklist(PlaygroundActions) }), result: v.null() },
    copy: { params: v.object({ text: v.string() }), result: v.null() },
  },
  toWebview: {
    /** Everything is new: ask for the state again. */
    restart: { params: none },
    /** The whole file anew. */
    document: { params: DocumentSchema },
    /** What happened between `version − 1` as this page knows it and `version`; `own` when it is this page's edit. */
    changed: { params: v.object({ version: count, change: ChangeSchema, bodyStart: count, own: v.boolean() }) },
    template: { params: TemplateStateSchema },
    preview: { params: PreviewSchema },
    models: { params: v.array(ModelChoiceSchema) },
    setup: { params: SetupSchema },
    columns: { params: v.array(ColumnSchema) },
    board: { params: BoardSchema },
    detail: { params: v.object({ cell: CellKeySchema, detail: DetailSchema }) },
    /** Cells of the rows that are shown, as they now are; `append` gives new text of one that streams. */
    cells: {
      params: v.object({
        cells: v.array(CellSchema),
        append: v.array(
          v.object({
            column: v.string(),
            row: count,
            repeat: count,
            text: v.string(),
            latencyMs: v.number(),
            tokens: count,
          }),
        ),
        /** All cells are gone before these; the page asks for its rows again. */
        clear: v.boolean(),
      }),
    },
    run: { params: RunStateSchema },
    trust: { params: v.boolean() },
    /** Keys of the editor meant for the page: Ctrl+Enter, Stop. */
    command: { params: v.picklist(['run', 'stop']) },
  },
} as const satisfies Contract;
