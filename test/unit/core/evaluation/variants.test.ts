import assert from 'node:assert/strict';
import { expandAxes } from '../../../../src/core/evaluation/variants.ts';
import { axesOf } from '../../../../src/core/prompts/axesSettings.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

const template = parseTemplate(
  '---\nname: n\ninputs: {a: {}}\nmetadata: {tunesmith: {axes: {prefix: {none: "", header: "# Code"}, temperature: [0, 1]}}}\n---\nsystem:\nBe brief.\n\nuser:\n{{ a }}\n',
  'n.prompty',
);

describe('expandAxes', () => {
  it('crosses the axes of the template', () => {
    const variants = expandAxes(template);
    assert.deepEqual(
      variants.map(({ label }) => label),
      ['none · T 0', 'none · T 1', 'header · T 0', 'header · T 1'],
    );
    assert.equal(new Set(variants.map(({ key }) => key)).size, 4);
    assert.equal(variants[3]!.template.model.options.temperature, 1);
  });

  it('is the template itself where nothing is varied', () => {
    assert.deepEqual(
      expandAxes(template, {}).map(({ label, template: one }) => [label, one === template]),
      [['n', true]],
    );
  });

  it('puts persona, prefix and suffix around the prompt', async () => {
    const axes = axesOf([
      'persona=You are a baker.',
      'prefix=# Code',
      'suffix=Answer in one word.',
      'strategy=zero-shot-cot',
    ]);
    const [variant] = expandAxes(template, axes);
    const { prompt } = await renderPrompt(variant!.template, { values: { a: 'x' } }, renderInProcess);
    assert.deepEqual(
      prompt!.messages.map(({ content }) => content),
      ['You are a baker.\nBe brief.', '# Code\nx\nAnswer in one word.', "Let's think step by step."],
    );
    for (const { content, spans } of prompt!.messages)
      assert.equal(spans.map(({ start, end }) => content.slice(start, end)).join(''), content);
  });

  it('refuses shots without a bank and too many columns', () => {
    assert.throws(() => expandAxes(template, { shots: [0, 2] }), /names no example bank/);
    const many = Array.from({ length: 50 }, (_, i) => i / 10);
    assert.throws(
      () =>
        expandAxes(template, {
          temperature: many,
          shots: [0],
          trigger: many.map(i => ({ label: `${i}`, text: `${i}` })),
        }),
      /2500 variants/,
    );
  });

  it('says which axis of the command line is none', () => {
    assert.throws(() => axesOf(['colour=red']), /--axis must be name=value/);
    assert.throws(() => axesOf(['shots=x']), /“x” is no value of the axis “shots”/);
  });
});
