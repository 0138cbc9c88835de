/** Completion and hovers of the playground's prompt editor: the host answers with the language features of templates. */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Longer files are not sent for completion. */
export const longestText = 1 << 20;

/** A place of the whole file as the page has it, which may be ahead of the host's. */
const PlaceSchema = v.object({ text: v.pipe(v.string(), v.maxLength(longestText)), offset: count });

export const CompletionItemSchema = v.object({
  label: v.string(),
  kind: v.string(),
  /** In place of `start` to `end`; a snippet has `$1`, `${1:…}`, `$0`. */
  insert: v.string(),
  snippet: v.boolean(),
  start: count,
  end: count,
  detail: v.string(),
  /** Markdown. */
  doc: v.string(),
  filter: v.string(),
  /** There is more to choose then. */
  again: v.boolean(),
});
export type CompletionItem = v.InferOutput<typeof CompletionItemSchema>;

export const HoverSchema = v.nullable(v.object({ start: count, end: count, contents: v.array(v.string()) }));

export const languageMethods = {
  complete: { params: PlaceSchema, result: v.array(CompletionItemSchema) },
  /** `row`: the one whose values are shown. */
  hover: { params: v.object({ ...PlaceSchema.entries, row: count }), result: HoverSchema },
} as const;
