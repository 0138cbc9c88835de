/** The score mode of the playground: how likely models find the candidates of each row, and who wins by which figure. */
import * as v from 'valibot';
import { softmax } from '../core/evaluation/score.ts';
import {
  type ScoreMeasure,
  ScoreMeasures,
  type ScoreMethod,
  ScoreMethods,
  ScoreTasks,
} from '../core/prompts/template.ts';

export type { ScoreMeasure, ScoreMethod };

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What a template says of scoring. */
export const ScoreSettingsSchema = v.object({
  task: v.picklist(ScoreTasks),
  by: v.picklist(ScoreMeasures),
  method: v.picklist(ScoreMethods),
  /** Candidates stand inside the text, so that it can be scored in part or in full. */
  inside: v.boolean(),
});
export type ScoreSettings = v.InferOutput<typeof ScoreSettingsSchema>;

/** Nats: log p of a text, and its means over tokens and characters. */
const FiguresSchema = v.object({ total: v.number(), 'per-token': v.number(), 'per-character': v.number() });
export type Figures = v.InferOutput<typeof FiguresSchema>;

export const ScoreCellSchema = v.object({
  /** A model in a variant of the template. */
  column: v.string(),
  row: count,
  /** Null: it was scored. */
  error: v.nullable(v.string()),
  /** For a reader: what stands before the scored text, with a gap (___) where candidates stand inside it. */
  context: v.string(),
  candidates: v.array(
    v.object({
      text: v.string(),
      /** Of the text after the prompt or after the candidate; and of the whole text, where candidates stand inside it. */
      partial: FiguresSchema,
      full: v.nullable(FiguresSchema),
      /** Last word: the least likely of its tokens has this place in the vocabulary. */
      rank: v.nullable(count),
    }),
  ),
  expected: v.nullable(count),
  /** Last word: greedy decoding writes it. */
  greedy: v.nullable(v.boolean()),
});
export type ScoreCell = v.InferOutput<typeof ScoreCellSchema>;

const AccuracySchema = v.object({ right: count, n: count, estimate: v.number(), low: v.number(), high: v.number() });

/** What all scored rows of one column say together. */
const SummarySchema = v.object({
  column: v.string(),
  /** Of the model. */
  label: v.string(),
  /** Of the variant; empty where there is one. */
  variant: v.string(),
  failed: count,
  /** Candidates: how often each way of scoring is right, with Wilson’s 95 % interval. */
  ways: v.array(
    v.object({ method: v.picklist(ScoreMethods), by: v.picklist(ScoreMeasures), accuracy: AccuracySchema }),
  ),
  /** Last words. */
  words: v.nullable(
    v.object({ accuracy: v.nullable(AccuracySchema), perplexity: v.number(), medianRank: v.nullable(v.number()) }),
  ),
});
export type ScoreColumnSummary = v.InferOutput<typeof SummarySchema>;

export const ScoreStateSchema = v.object({
  running: v.boolean(),
  /** Pairs of a row and a column. */
  done: count,
  total: count,
  failed: count,
  /** Goes up when a row was scored: the page asks for the rows that it shows. */
  version: count,
  /** Rows that have scores, in order. */
  rows: v.array(count),
  columns: v.array(SummarySchema),
  /** The run that they are kept in; null where there is no folder. */
  run: v.nullable(v.object({ id: v.string(), at: v.string() })),
  /** Template, rows or examples are others now. */
  outdated: v.boolean(),
});
export type ScoreState = v.InferOutput<typeof ScoreStateSchema>;

export const noScores: ScoreState = {
  running: false,
  done: 0,
  total: 0,
  failed: 0,
  version: 0,
  rows: [],
  columns: [],
  run: null,
  outdated: false,
};

const TokenSchema = v.object({
  text: v.string(),
  logProb: v.number(),
  alternatives: v.array(v.object({ text: v.string(), logProb: v.number() })),
});

/** The tokens that a row's figures are sums over, for each candidate. */
export const ScoreTokensSchema = v.array(
  v.object({ text: v.string(), partial: v.array(TokenSchema), full: v.nullable(v.array(TokenSchema)) }),
);
export type ScoreTokens = v.InferOutput<typeof ScoreTokensSchema>;

/** Methods of the playground's contract that are score mode's own. */
export const scoreMethods = {
  toHost: {
    scoreState: { params: v.object({}), result: ScoreStateSchema },
    scoreCells: {
      params: v.object({ rows: v.pipe(v.array(count), v.maxLength(200)) }),
      result: v.array(ScoreCellSchema),
    },
    scoreTokens: { params: v.object({ column: v.string(), row: count }), result: ScoreTokensSchema },
  },
  toWebview: { scores: { params: ScoreStateSchema } },
} as const;

export interface Decided {
  /** The deciding figure of each candidate, nats. */
  readonly scores: readonly number[];
  /** Their softmax. */
  readonly shares: readonly number[];
  /** The first of the highest. */
  readonly best: number;
  /** Null where nothing is expected. */
  readonly right: boolean | null;
}

/** Who wins in a row by a figure of the scored part. */
export function decide({ candidates, expected, greedy }: ScoreCell, by: ScoreMeasure, method: ScoreMethod): Decided {
  const scores = candidates.map(({ partial, full }) => (method === 'full' && full ? full : partial)[by]);
  const best = scores.indexOf(Math.max(...scores));
  return {
    scores,
    shares: softmax(scores),
    best,
    right: candidates.length === 1 ? greedy : expected === null ? null : best === expected,
  };
}
