/** Renders a template for many rows: several at a time, so that the process which runs templates gets them in batches. */
import type { Values } from './inputValues.ts';
import type { RenderTemplate } from './pieces.ts';
import { type RenderOptions, type RenderOutcome, renderPrompt } from './render.ts';
import type { Template } from './template.ts';

/** Rows that are rendered at once: two batches of the evaluator, one under way and one waiting. */
const AtOnce = 256;

/** Outcomes in the order of the rows. Whoever stops listening costs at most one block more. Rejects as `renderPrompt` does. */
export async function* renderRows(
  template: Template,
  rows: readonly Values[],
  options: Omit<RenderOptions, 'values'>,
  renderTemplate: RenderTemplate,
): AsyncGenerator<RenderOutcome> {
  for (let start = 0; start < rows.length; start += AtOnce) {
    const block = rows.slice(start, start + AtOnce);
    yield* await Promise.all(block.map(values => renderPrompt(template, { ...options, values }, renderTemplate)));
  }
}
