/** Runs of the playground: what is asked, how far it is, what it would take, and those of before. */
import * as v from 'valibot';
import { RunKinds } from '../core/runs/runRecord.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const none = v.object({});

/** Rows to run or send: one, the first n, or all. */
export const RowsSchema = v.variant('kind', [
  v.object({ kind: v.literal('row'), row: count }),
  v.object({ kind: v.literal('first'), count: count }),
  v.object({ kind: v.literal('all') }),
]);

export type Rows = v.InferOutput<typeof RowsSchema>;

export const RunStateSchema = v.object({
  running: v.boolean(),
  done: count,
  total: count,
  failed: count,
  secondsLeft: v.nullable(v.number()),
});

export type RunState = v.InferOutput<typeof RunStateSchema>;

/** A run that is not finished: what is there of it, and what else would be asked. */
export const OfferSchema = v.object({
  id: v.string(),
  done: count,
  total: count,
  /** The editor was closed or stopped in its midst; else the user stopped it. */
  interrupted: v.boolean(),
  /** What was wrong with what was kept. */
  note: v.nullable(v.string()),
});

export type Offer = v.InferOutput<typeof OfferSchema>;

/** A past run, or the differences of two, that the matrix shows in place of the answers of now. Nothing can be run in it. */
export const ViewingSchema = v.object({
  kind: v.picklist(['run', 'diff']),
  /** Of the run, or of the earlier and the later one. */
  runs: v.array(v.string()),
  title: v.string(),
  detail: v.string(),
});

export type Viewing = v.InferOutput<typeof ViewingSchema>;

/** One line of the timeline. */
export const RunSummarySchema = v.object({
  id: v.string(),
  /** ISO 8601, UTC. */
  at: v.string(),
  by: v.picklist(['playground', 'command line']),
  kind: v.picklist(RunKinds),
  status: v.picklist(['running', 'done', 'stopped', 'interrupted']),
  /** Versions of the template's text, counted from 1; null for runs that did not keep it. */
  version: v.nullable(count),
  /** Against the run before, in short phrases. */
  changes: v.array(v.string()),
  models: v.array(v.string()),
  /** Cells; null for runs that did not keep how many. */
  counts: v.nullable(v.object({ total: count, done: count, failed: count, graded: count, right: count })),
  starred: v.boolean(),
  note: v.string(),
  /** New answers go into this one. */
  current: v.boolean(),
  /** Something is missing of it, and can be asked for. */
  resumable: v.boolean(),
});

export type RunSummary = v.InferOutput<typeof RunSummarySchema>;

const RunIdSchema = v.object({ id: v.string() });

const TwoRunsSchema = v.object({ before: v.string(), after: v.string() });

const between = v.object({ expected: v.number(), most: v.number() });

/** What a run will ask of its models; calls, tokens, money and time are of what is not in the cache. */
export const RunForecastSchema = v.object({
  cells: count,
  cached: count,
  /** Every cell was looked at, not some of them. */
  exact: v.boolean(),
  calls: count,
  promptTokens: v.number(),
  completionTokens: between,
  /** Tokens of prompts were counted, not estimated. */
  counted: v.boolean(),
  /** US dollars; null where a model has no price. */
  cost: v.nullable(between),
  /** Null where the speed of a model is not known. */
  seconds: v.nullable(v.number()),
});

export type RunForecast = v.InferOutput<typeof RunForecastSchema>;

/** Methods of the playground's contract that are about runs. */
export const runMethods = {
  toHost: {
    run: { params: RowsSchema, result: v.null() },
    /** As `run`, asking every model anew. */
    runFresh: { params: RowsSchema, result: v.null() },
    /** Whether to begin the run whose forecast is shown. */
    confirm: { params: v.object({ run: v.boolean() }), result: v.null() },
    /** Goes on with a run that was interrupted (null: the current one): only what is missing is asked. */
    resume: { params: v.object({ id: v.nullable(v.string()) }), result: v.null() },
    /** Asks again what failed, or what would be asked differently now. How many cells that are. */
    runSome: { params: v.object({ which: v.picklist(['failed', 'changed']) }), result: count },
    /** All runs of this template, newest first. */
    runs: { params: none, result: v.array(RunSummarySchema) },
    /** Shows a run in its own mode, or its answers in the matrix. */
    viewRun: { params: v.object({ id: v.string(), answers: v.boolean() }), result: v.null() },
    /** Shows the outputs that differ, side by side. */
    viewDiff: { params: TwoRunsSchema, result: v.null() },
    viewCurrent: { params: none, result: v.null() },
    /** Opens the editor's own diff of two runs' templates and settings. */
    diffRuns: { params: TwoRunsSchema, result: v.null() },
    /** Puts the run's template text and rows back into the editor. */
    restoreRun: { params: RunIdSchema, result: v.null() },
    markRun: { params: v.object({ id: v.string(), starred: v.boolean(), note: v.string() }), result: v.null() },
    deleteRun: { params: RunIdSchema, result: v.null() },
  },
  toWebview: {
    run: { params: RunStateSchema },
    offer: { params: v.nullable(OfferSchema) },
    viewing: { params: v.nullable(ViewingSchema) },
    /** The list of runs is another now. */
    runsChanged: { params: none },
    /** A run is big: it waits for `confirm`. Null: it waits no more. */
    forecast: { params: v.nullable(RunForecastSchema) },
  },
} as const;
