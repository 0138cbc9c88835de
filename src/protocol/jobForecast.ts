/** What `jobMain <job folder> --forecast` prints: one line of JSON, before any weight is read and without touching the folder. */
import * as v from 'valibot';

const size = v.pipe(v.number(), v.minValue(0), v.finite());

export const JobForecastSchema = v.union([
  v.object({
    /** As `JobEstimate`: bytes, steps, least and most seconds. */
    estimate: v.object({ memory: size, available: size, steps: size, seconds: v.tuple([size, size]) }),
    /** What the job would say of its data: rows left out, and why. */
    warnings: v.array(v.string()),
  }),
  v.object({
    /** Why the job would be refused. `human`: a sentence to show as it is, else a bug. */
    refusal: v.object({ message: v.string(), human: v.boolean(), stack: v.optional(v.string()) }),
  }),
]);
export type JobForecast = v.InferOutput<typeof JobForecastSchema>;
