import assert from 'node:assert/strict';
import { renderJinja } from '../../../../src/core/prompts/jinja.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderRows } from '../../../../src/core/prompts/renderRows.ts';

const template = parseTemplate(
  '---\nname: t\ninputs: {n: {kind: float, required: true}}\n---\nuser:\n{{ n }}\n',
  't.prompty',
);

describe('renderRows', () => {
  it('gives outcomes in the order of the rows, whatever comes back first, and asks for many at once', async () => {
    let running = 0;
    let most = 0;
    const rows = Array.from({ length: 600 }, (_, n) => ({ n }));
    const outcomes = renderRows(template, rows, {}, async ({ template: text, variables }) => {
      most = Math.max(most, ++running);
      await new Promise(resolve => setTimeout(resolve, Number(variables.n) % 2));
      running--;
      return renderJinja(text, variables);
    });
    const said: string[] = [];
    for await (const { prompt } of outcomes) said.push(prompt!.messages[0]!.content);
    assert.deepEqual(
      said,
      rows.map(({ n }) => String(n)),
    );
    assert.equal(most, 256);
  });

  it('keeps each row’s own trouble', async () => {
    const bad = [];
    const render = renderRows(template, [{ n: 1 }, {}, { n: 3 }], {}, async request =>
      renderJinja(request.template, request.variables),
    );
    for await (const { prompt, diagnostics } of render) bad.push([prompt !== undefined, diagnostics.map(d => d.code)]);
    assert.deepEqual(bad, [
      [true, []],
      [false, ['missing-input']],
      [true, []],
    ]);
  });
});
