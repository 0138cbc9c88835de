/** How long rendering 10,000 rows takes: with the engine in this process, and through the process that can be stopped. */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { RenderTemplate } from '../../../src/core/prompts/pieces.ts';
import { parseTemplate } from '../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../src/core/prompts/render.ts';
import type { Template } from '../../../src/core/prompts/template.ts';
import { Evaluator } from '../../../src/jobs/evaluatorProcess.ts';
import { renderInProcess } from '../../fakes/renderInProcess.ts';

const body = `You help {{ customer.name }} of {{ customer.town }}.
{% for item in items %}- {{ item.name }}: {{ item.price }}{% if not loop.last %}
{% endif %}{% endfor %}

user:
{{ question }} {{ note | default('No note.') | trim }}
`;

export const benchTemplate = (): Template =>
  parseTemplate(
    `---
inputs: {customer: {kind: object}, items: {kind: array}, question: {kind: string, required: true}, note: {kind: string}}
---
${body}`,
    'bench.prompty',
  );

export const benchRow = (row: number): Record<string, unknown> => ({
  customer: { name: `Ann ${row}`, town: 'Basel' },
  items: [
    { name: 'pen', price: row },
    { name: 'book', price: 12.5 },
  ],
  question: `What does order ${row} cost? `.repeat(8),
  note: 'Be short.',
});

/** Milliseconds for `rows` prompts; what is rendered is looked at. */
export async function renderMs(render: RenderTemplate, rows = 10_000): Promise<number> {
  const template = benchTemplate();
  const start = performance.now();
  // As a run does: many rows wait together.
  const prompts = await Promise.all(
    Array.from({ length: rows }, (_, row) => renderPrompt(template, { values: benchRow(row) }, render)),
  );
  const milliseconds = performance.now() - start;
  for (const [row, { prompt }] of prompts.entries())
    if (!prompt?.messages[0]?.content.startsWith(`You help Ann ${row} of`)) throw new Error(`row ${row} is wrong`);
  return milliseconds;
}

/** Through the evaluator process, once it is up, as the editor and the command line render. */
export async function evaluatorRenderMs(root: string, rows = 10_000): Promise<number> {
  const evaluator = new Evaluator({ root });
  try {
    await evaluator.warm();
    await renderMs(evaluator.render, 100);
    return await renderMs(evaluator.render, rows);
  } finally {
    evaluator.dispose();
  }
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../../..');
  await renderMs(renderInProcess, 500);
  console.log(`in process: ${Math.round(await renderMs(renderInProcess))} ms`);
  console.log(`evaluator process: ${Math.round(await evaluatorRenderMs(root))} ms`);
}
