/** What is computed of all preference data in a process of its own: figures of charts, findings, exports. One request a process. */
import * as v from 'valibot';
import { exchangeFormatNames } from '../core/preferences/exchange/formatNames.ts';
import { FindingKinds } from '../core/preferences/findings.ts';
import { DataFilterSchema } from './dataFilter.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Null where there is no such figure. */
const figure = v.nullable(v.number());
const list = <S extends v.GenericSchema>(of: S) => v.pipe(v.array(of), v.readonly());
const IntervalSchema = v.object({ estimate: figure, low: figure, high: figure, n: count });
export type ShownInterval = v.InferOutput<typeof IntervalSchema>;

const BoardSchema = v.object({
  ratings: list(v.object({ player: v.string(), rating: IntervalSchema, games: count, winRate: figure })),
  connected: v.boolean(),
  /** What one standard deviation of extra length is worth. */
  lengthEffect: v.optional(IntervalSchema),
  games: count,
  ties: count,
  winRates: list(list(figure)),
});
export type ShownBoard = v.InferOutput<typeof BoardSchema>;

/** `Figures` of core, where what is no number is null. */
export const FiguresSchema = v.object({
  judgements: count,
  used: count,
  timeline: v.object({
    unit: v.picklist(['hour', 'day', 'week', 'month']),
    starts: list(v.number()),
    series: list(v.object({ annotator: v.nullable(v.string()), counts: list(count) })),
  }),
  lengths: v.object({
    edges: list(v.number()),
    chosen: list(count),
    rejected: list(count),
    medianChosen: figure,
    medianRejected: figure,
    longerWins: IntervalSchema,
  }),
  agreement: v.object({ units: count, raw: figure, alpha: IntervalSchema }),
  between: v.object({
    annotators: list(v.string()),
    cells: list(list(v.nullable(v.object({ units: count, raw: figure, kappa: figure })))),
  }),
  annotators: list(
    v.object({
      annotator: v.string(),
      judgements: count,
      skipped: count,
      firstShownWins: IntervalSchema,
      longerWins: IntervalSchema,
      consistency: IntervalSchema,
    }),
  ),
  board: BoardSchema,
  boardOfEqualLength: BoardSchema,
});
export type ShownFigures = v.InferOutput<typeof FiguresSchema>;

const LengthSchema = v.object({ count, mean: v.number(), median: v.number(), p95: v.number(), longest: v.number() });
export const FindingSchema = v.object({ kind: v.picklist(FindingKinds), items: list(v.string()), detail: v.string() });
export type ShownFinding = v.InferOutput<typeof FindingSchema>;
export const ReportSchema = v.object({
  items: count,
  judgements: count,
  findings: list(FindingSchema),
  counts: v.record(v.string(), count),
  lengths: v.object({ prompts: LengthSchema, answers: LengthSchema }),
  nearSkipped: v.boolean(),
});
export type ShownReport = v.InferOutput<typeof ReportSchema>;

export const ExportChoiceSchema = v.object({
  format: v.picklist(exchangeFormatNames),
  /** Null for all. */
  set: v.nullable(v.string()),
  /** Whether judgements of judges count: left out, beside those of people, or alone. */
  judges: v.picklist(['exclude', 'include', 'only']),
  /** As the command line takes them; empty for one file. */
  splits: v.pipe(v.string(), v.maxLength(500)),
  redact: v.boolean(),
});
export type ExportChoice = v.InferOutput<typeof ExportChoiceSchema>;

const lost = v.record(v.string(), count);
export const PlanSchema = v.object({ judgements: count, rows: v.record(v.string(), count), lost });
export type ShownPlan = v.InferOutput<typeof PlanSchema>;
export const ExportedSchema = v.object({
  files: list(v.object({ path: v.string(), split: v.optional(v.string()), rows: count, sha256: v.string() })),
  datasheet: v.string(),
  judgements: count,
  lost,
});
export type ShownExport = v.InferOutput<typeof ExportedSchema>;

const common = {
  /** The workspace's folder. */
  root: v.string(),
  /** Translations (base/l10n.ts). */
  bundle: v.record(v.string(), v.string()),
};
export const PreferenceRequestSchema = v.variant('method', [
  v.object({ ...common, method: v.literal('figures'), filter: DataFilterSchema, splits: v.string() }),
  v.object({ ...common, method: v.literal('check'), splits: v.string(), maxTokens: v.nullable(count) }),
  v.object({ ...common, method: v.literal('plan'), choice: ExportChoiceSchema }),
  v.object({
    ...common,
    method: v.literal('export'),
    choice: ExportChoiceSchema,
    path: v.string(),
    /** Writes also what an export refuses. */
    allowLeaks: v.boolean(),
  }),
]);
export type PreferenceRequest = v.InferOutput<typeof PreferenceRequestSchema>;

export const PreferenceResults = {
  figures: FiguresSchema,
  check: ReportSchema,
  plan: PlanSchema,
  /** Or why nothing was written. */
  export: v.union([ExportedSchema, v.object({ leak: v.picklist(['split-leaks', 'secrets']), count })]),
} as const;
export type PreferenceResult<M extends keyof typeof PreferenceResults> = v.InferOutput<(typeof PreferenceResults)[M]>;

export const PreferenceReplySchema = v.variant('type', [
  v.object({ type: v.literal('result'), result: v.unknown() }),
  v.object({ type: v.literal('failure'), message: v.string(), human: v.boolean() }),
]);
export type PreferenceReply = v.InferOutput<typeof PreferenceReplySchema>;
