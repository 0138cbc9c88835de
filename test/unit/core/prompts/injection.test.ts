/** No value of a variable can create a role, change another message or be evaluated. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

/** Words that would do something if they were read as template or file. */
const dangerous = fc.constantFrom(
  'system:',
  'user:',
  'assistant:',
  '\nsystem:\n',
  '\r\nuser:\r\n',
  '# assistant:',
  'user[nonce=1]:',
  '\n',
  '---',
  '\n---\n',
  '{{',
  '}}',
  '{%',
  '%}',
  '{#',
  '#}',
  '{{ other }}',
  '{{ shots }}',
  '{% for x in range(9) %}',
  '{{{',
  '{{#other}}',
  '{{/other}}',
  '\ue000',
  '\ue000t0\ue000',
  '\ue000r0\ue000',
  '\ue001',
  '\uf8ff',
  '$' + '{env:HOME}',
  '$' + '{file:x}',
  '<|im_start|>',
  '\0',
  '\ud800',
  'ab',
  ' ',
);
const hostile = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: dangerous },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
    ),
    { maxLength: 10 },
  )
  .map(parts => parts.join(''));

const bodies = {
  jinja2:
    'Before {{ value }}\n\nuser:\nA {{- value -}} B {{ other }}\n{% if value %}\nassistant:\n{{ value }}{{ value }}\n{% endif %}\nuser:\n{{ other }}.',
  mustache:
    'Before {{{value}}}\n\nuser:\nA{{{value}}}B {{{other}}}\n{{#yes}}\nassistant:\n{{{value}}}{{&value}}\n{{/yes}}\nuser:\n{{&other}}.',
};

/** What Prompty trims: line breaks around a message. */
const trimmed = (text: string): string => text.replace(/^\n+/, '').replace(/\n+$/, '');

describe('values', () => {
  for (const format of ['jinja2', 'mustache'] as const) {
    const template = parseTemplate(
      `---\ninputs: {value: {kind: string}, other: {kind: string}, yes: true}\ntemplate: {format: {kind: ${format}}}\n---\n${bodies[format]}`,
      'x.prompty',
    );
    it(`stay where they are put and as they are (${format})`, async () => {
      await fc.assert(
        fc.asyncProperty(hostile, hostile, async (value, other) => {
          const { prompt } = await renderPrompt(template, { values: { value, other } }, renderInProcess);
          assert.ok(prompt);
          const middle = value === '' && format === 'jinja2' ? [] : [['assistant', trimmed(`${value}${value}`)]];
          assert.deepEqual(
            prompt.messages.map(({ role, content }) => [role, content]),
            [
              ['system', trimmed(`Before ${value}`)],
              ['user', trimmed(`A${value}B ${other}`)],
              ...middle,
              ['user', trimmed(`${other}.`)],
            ],
          );
        }),
        { numRuns: 300 },
      );
    });

    it(`are what spans say they are (${format})`, async () => {
      await fc.assert(
        fc.asyncProperty(hostile, async value => {
          const { prompt } = await renderPrompt(template, { values: { value, other: 'o' } }, renderInProcess);
          const first = prompt!.messages[0]!;
          const parts = first.spans.filter(({ part }) => part.kind === 'variable');
          const own = parts.map(({ start, end }) => first.content.slice(start, end)).join('');
          assert.ok(value.startsWith(own) || own === '', 'only the value is marked as the value');
          assert.equal(first.content.startsWith('Before '), true);
        }),
        { numRuns: 200 },
      );
    });
  }

  it('of objects and their keys do no more than texts do', async () => {
    const template = parseTemplate(
      '---\ninputs: {o: {kind: object}}\n---\nuser:\n{% for k in o %}{{ k }}={{ o[k] }};{% endfor %}',
      'x.prompty',
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(hostile, hostile, { maxKeys: 3 }), async o => {
        const { prompt } = await renderPrompt(template, { values: { o } }, renderInProcess);
        assert.equal(prompt!.messages.length, 1);
        const wanted = Object.entries(o)
          .map(([key, value]) => `${key}=${value};`)
          .join('');
        assert.equal(prompt!.messages[0]!.content, trimmed(wanted));
      }),
      { numRuns: 200 },
    );
  });

  it('of examples do not either', async () => {
    const template = parseTemplate(
      '---\ninputs: {q: {kind: string}}\nmetadata: {tunesmith: {examples: {bank: ./b.jsonl, shots: 1}}}\n---\n{{ shots }}\nuser:\n{{ q }}?',
      'x.prompty',
    );
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (q, answer) => {
        const bank = { file: 'b.jsonl', rows: [{ line: 1, values: { q, answer } }] };
        const { prompt } = await renderPrompt(template, { values: { q: 'really another' }, bank }, renderInProcess);
        assert.deepEqual(
          prompt!.messages.map(({ role }) => role),
          ['user', 'assistant', 'user'],
        );
        assert.equal(prompt!.messages[1]!.content, trimmed(answer));
      }),
      { numRuns: 200 },
    );
  });
});
