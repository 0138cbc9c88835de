/** The contract of the playground: the template's text, what it means, what it would send, and the matrix of answers. */
import * as v from 'valibot';
import { AxisNames } from '../core/prompts/template.ts';
import {
  BoardChangeSchema,
  BoardSchema,
  CellKeySchema,
  CellSchema,
  ColumnSchema,
  DetailSchema,
  Filters,
  MarksSchema,
  RowInputSchema,
} from './playgroundCells.ts';
import { languageMethods } from './playgroundLanguage.ts';
import {
  OfferSchema,
  RowsSchema,
  RunForecastSchema,
  RunStateSchema,
  runMethods,
  ViewingSchema,
} from './playgroundRuns.ts';
import { scoreMethods } from './playgroundScores.ts';
import { sweepMethods } from './playgroundSweep.ts';
import {
  PreviewSchema,
  StrategySchema,
  TemplateChangeSchema,
  TemplateStateSchema,
  TextChoiceSchema,
} from './playgroundTemplate.ts';
import type { Contract } from './rpc.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const none = v.object({});
const ChangeSchema = v.array(v.union([v.pipe(v.number(), v.integer()), v.string()]));

/** The whole file at a version of the editor's document. */
export const DocumentSchema = v.object({
  version: count,
  text: v.string(),
  /** Where the prompt begins, after the front matter. */
  bodyStart: count,
});

export const ModelChoiceSchema = v.object({
  id: v.string(),
  label: v.string(),
  detail: v.string(),
  /** Depth below its base, for tuned models. */
  depth: count,
  /** False where temperature and seed are not honoured. */
  controlled: v.boolean(),
  /** What does not reach the model as it stands; null where all does. */
  note: v.nullable(v.string()),
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
  /** The template's axes make columns. */
  axes: v.optional(v.boolean(), true),
  /** Key of the variant that the others are compared with; the first where there is none of it. */
  baseline: v.optional(v.string(), ''),
  /** Each column once more with its examples in another order, up to this many orders. */
  orders: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8)), 1),
});

export type Setup = v.InferOutput<typeof SetupSchema>;

export const emptySetup: Setup = {
  models: [],
  variants: [{ kind: 'current' }],
  samples: 1,
  row: 0,
  probabilities: false,
  axes: true,
  baseline: '',
  orders: 1,
};

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
  offer: v.nullable(OfferSchema),
  viewing: v.nullable(ViewingSchema),
  /** A run that waits for a yes. */
  forecast: v.nullable(RunForecastSchema),
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
  'export-prompt',
  'search-prompt',
  'trust',
] as const;

export const playgroundContract = {
  toHost: {
    ready: { params: none, result: PlaygroundStateSchema },
    /** A change made on `version` of the whole file. False: others changed it meanwhile; rebase and send again. */
    edit: { params: v.object({ version: count, change: ChangeSchema }), result: v.boolean() },
    /** Sets a key of the front matter; null removes it. */
    set: {
      params: v.object({
        path: v.array(v.string()),
        value: v.union([
          v.string(),
          v.number(),
          v.array(v.string()),
          v.record(v.string(), v.union([v.string(), v.number()])),
          v.null(),
        ]),
      }),
      result: v.null(),
    },
    /** The values of an axis; none takes the axis away. An empty label is made of its text. */
    setAxis: {
      params: v.object({
        axis: v.picklist(AxisNames),
        values: v.pipe(v.array(TextChoiceSchema), v.maxLength(50)),
      }),
      result: v.null(),
    },
    setup: { params: SetupSchema, result: v.null() },
    retry: { params: CellKeySchema, result: v.null() },
    /** Score mode: how likely the candidates of these rows are. */
    score: { params: RowsSchema, result: v.null() },
    ...scoreMethods.toHost,
    ...sweepMethods.toHost,
    ...runMethods.toHost,
    ...languageMethods,
    /** The page shows these rows from now on: their cells, and what happens to them later comes as `cells`. */
    window: {
      params: v.object({ rows: v.pipe(v.array(count), v.maxLength(400)) }),
      result: v.object({ cells: v.array(CellSchema), inputs: v.array(RowInputSchema) }),
    },
    filter: { params: v.object({ filter: v.picklist(Filters) }), result: v.null() },
    mark: { params: v.object({ cell: CellKeySchema, marks: MarksSchema }), result: v.null() },
    /** Puts an answer into the template's example bank; the editor asks what it has to and says what was done. */
    capture: { params: CellKeySchema, result: v.null() },
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
    template: { params: TemplateChangeSchema },
    preview: { params: PreviewSchema },
    models: { params: v.array(ModelChoiceSchema) },
    setup: { params: SetupSchema },
    columns: { params: v.array(ColumnSchema) },
    board: { params: BoardChangeSchema },
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
    ...runMethods.toWebview,
    trust: { params: v.boolean() },
    ...scoreMethods.toWebview,
    ...sweepMethods.toWebview,
    /** Keys of the editor meant for the page: Ctrl+Enter, Stop. */
    command: { params: v.picklist(['run', 'stop', 'history', 'failed', 'changed', 'resume', 'sweep']) },
  },
} as const satisfies Contract;
