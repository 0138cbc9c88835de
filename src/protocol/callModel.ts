/**
 * How a job asks a model that only its starter has (a provider's, with a key; the editor's): files in the job's folder, so that either
 * side may go away and come back. Keys never get there: the job names a model, and whoever answers knows how to reach it.
 *
 *   questions.jsonl   ModelQuestion lines, appended by the job
 *   answers.jsonl     ModelAnswer lines, appended by whoever answers; the first answer to a question stands, so that a job that is
 *                     resumed sees what it saw before
 *   answerer.json     ModelAnswerer, replaced every few seconds by the process that answers; gone or stale, nobody does
 */
import * as v from 'valibot';
import { PromptSchema, SamplingSchema } from './inference.ts';

export const ModelQuestionSchema = v.object({
  /** SHA-256 of everything else. */
  id: v.string(),
  /** The registry's name of it. */
  model: v.string(),
  prompt: PromptSchema,
  options: SamplingSchema,
  repeat: v.number(),
});
export type ModelQuestion = v.InferOutput<typeof ModelQuestionSchema>;

/** `error` is one sentence for a person; a resumed job asks again. */
export const ModelAnswerSchema = v.union([
  v.object({ id: v.string(), text: v.string() }),
  v.object({ id: v.string(), error: v.string() }),
]);
export type ModelAnswer = v.InferOutput<typeof ModelAnswerSchema>;

export const ModelAnswererSchema = v.object({
  format: v.literal(1),
  pid: v.number(),
  processStartedAt: v.optional(v.string()),
  at: v.string(),
});
export type ModelAnswerer = v.InferOutput<typeof ModelAnswererSchema>;

/** Seconds between two writings of `answerer.json`, and after which a silent one counts as gone. */
export const AnswererSeconds = 2;
export const AnswererGoneSeconds = 15;
