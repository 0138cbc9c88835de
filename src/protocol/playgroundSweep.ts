/** Shot sweeps in the playground: accuracy against the number of worked examples, with bands and orders. */
import * as v from 'valibot';
import { MostSweptShots } from '../core/evaluation/sweepSettings.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What is to be swept. */
export const SweepWantedSchema = v.object({
  /** Numbers of examples. */
  shots: v.pipe(v.array(v.pipe(count, v.maxValue(MostSweptShots))), v.minLength(1), v.maxLength(50)),
  /** Orders of the same examples that are tried. */
  orders: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(20)),
  /** The first rows only; null: all. */
  rows: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
});
export type SweepWanted = v.InferOutput<typeof SweepWantedSchema>;

const IntervalSchema = v.object({ estimate: v.number(), low: v.number(), high: v.number(), n: count });

export const SweepPointSchema = v.object({
  shots: count,
  /** Mean share of right answers over the orders, with its 95 % band over rows. */
  accuracy: IntervalSchema,
  /** Of each order, the template's own first. */
  orders: v.array(IntervalSchema),
  /** Best order minus worst; null where there is one. */
  range: v.nullable(IntervalSchema),
  failed: count,
  /** Prompts of which examples were left out so that they fit. */
  cut: count,
  /** Of the template's own order against the fewest shots; null for these. */
  versus: v.nullable(v.object({ gained: count, lost: count, adjustedP: v.number() })),
});
export type SweepPoint = v.InferOutput<typeof SweepPointSchema>;

/** One model's. Without a point for a number of shots of which no answer is there yet. */
export const SweepCurveSchema = v.object({ model: v.string(), label: v.string(), points: v.array(SweepPointSchema) });
export type SweepCurve = v.InferOutput<typeof SweepCurveSchema>;

export const SweepStateSchema = v.object({
  running: v.boolean(),
  /** Cells: a row with a number of shots in an order, of a model. */
  done: count,
  total: count,
  failed: count,
  secondsLeft: v.nullable(v.number()),
  /** What is shown; null while nothing was swept. */
  shown: v.nullable(
    v.object({
      wanted: SweepWantedSchema,
      seed: v.number(),
      /** That were tested. */
      rows: count,
      /** Examples of the bank, and how many of them are never shown because they say what a row says. */
      bank: count,
      leaks: count,
      /** Requests that models were sent, and answers that the cache had. */
      calls: count,
      cached: count,
      curves: v.array(SweepCurveSchema),
      /** The run that it is kept in; null where there is no folder. */
      run: v.nullable(v.object({ id: v.string(), at: v.string() })),
      /** Template, rows or examples are others now. */
      outdated: v.boolean(),
    }),
  ),
});
export type SweepState = v.InferOutput<typeof SweepStateSchema>;

export const noSweep: SweepState = { running: false, done: 0, total: 0, failed: 0, secondsLeft: null, shown: null };

/** Methods of the playground's contract that are the sweep's own. */
export const sweepMethods = {
  toHost: {
    sweepState: { params: v.object({}), result: SweepStateSchema },
    /** `fresh`: what the cache knows is asked again. A big one waits for `confirm`. */
    sweep: { params: v.object({ wanted: SweepWantedSchema, fresh: v.boolean() }), result: v.null() },
  },
  toWebview: { sweep: { params: SweepStateSchema } },
} as const;
