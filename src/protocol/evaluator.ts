/**
 * The contract with the process that runs what users and model files can write (regular expressions, templates, reward
 * code): `src/worker/evaluatorMain.ts`, started by `src/jobs/evaluatorProcess.ts` without the environment, and killed when a
 * call outlives its time limit. Every request gets one reply, in order: a request is begun when the reply before it is sent.
 */
import * as v from 'valibot';
import { PackedRenderSchema } from './renderedPieces.ts';

export const EvaluatorRequestSchema = v.variant('method', [
  /** Sent once at the start: translations for the sentences of failures. */
  v.object({ id: v.number(), method: v.literal('configure'), bundle: v.record(v.string(), v.string()) }),
  /**
   * Renders jinja2 or mustache templates with stock whitespace, into pieces; `maxOutput` counts the characters of each. An item
   * names its template by its place in `templates`.
   */
  v.object({
    id: v.number(),
    method: v.literal('render'),
    templates: v.array(v.object({ format: v.picklist(['jinja2', 'mustache']), template: v.string() })),
    items: v.array(v.object({ template: v.number(), variables: v.record(v.string(), v.unknown()) })),
    maxOutput: v.number(),
  }),
  /** First match of each text: captures and index, or null. `last` takes the last match. */
  v.object({
    id: v.number(),
    method: v.literal('match'),
    pattern: v.string(),
    flags: v.string(),
    texts: v.array(v.string()),
    last: v.boolean(),
  }),
  /** Which texts are JSON that a JSON Schema allows; with no texts it only checks the schema. */
  v.object({ id: v.number(), method: v.literal('validate'), schema: v.unknown(), texts: v.array(v.string()) }),
  /** Only ever sent where code may run: calls `reward({prompt, answer})` of a module for each row. */
  v.object({
    id: v.number(),
    method: v.literal('reward'),
    file: v.string(),
    rows: v.array(v.object({ prompt: v.string(), answer: v.string() })),
  }),
]);
export type EvaluatorRequest = v.InferOutput<typeof EvaluatorRequestSchema>;

export const EvaluatorReplySchema = v.variant('type', [
  v.object({ type: v.literal('hello') }),
  v.object({ type: v.literal('reply'), id: v.number(), result: v.unknown() }),
  v.object({
    type: v.literal('failure'),
    id: v.number(),
    message: v.string(),
    /** 1-based line of the template or pattern, where known. */
    line: v.optional(v.number()),
  }),
]);
export type EvaluatorReply = v.InferOutput<typeof EvaluatorReplySchema>;

export const EvaluatorResultSchemas = {
  configure: v.object({}),
  render: PackedRenderSchema,
  match: v.object({
    matches: v.array(
      v.nullable(v.object({ index: v.number(), text: v.string(), groups: v.array(v.nullable(v.string())) })),
    ),
  }),
  validate: v.object({ valid: v.array(v.boolean()) }),
  reward: v.object({ rewards: v.array(v.number()) }),
} as const;
