/** Formatting: what it changes, and that it never changes what a template says or renders. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse } from 'yaml';
import { format } from '../../../../src/core/language/formatting.ts';
import { lints } from '../../../../src/core/language/lints.ts';
import { templateDocument } from '../../../../src/core/language/templateDocument.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';
import { replaced } from './marked.ts';

const formatted = (text: string): string => replaced(text, format(templateDocument(text, 'x.prompty')));

describe('format', () => {
  const check = (text: string, expected: string): void => {
    assert.equal(formatted(text), expected);
    assert.equal(formatted(expected), expected, 'once is enough');
  };
  it('puts one blank line before roles and none after', () =>
    check(
      '---\nname: x\n---\n\n\nsystem:\n\n\nBe brief.\nuser:\nHi  \n\n\nassistant:',
      '---\nname: x\n---\nsystem:\nBe brief.\n\nuser:\nHi  \n\nassistant:\n',
    ));
  it('tidies the front matter and keeps comments and texts', () =>
    check(
      '---\n\nname:   x   # why  \n\n\nmodel:  \n  id:  "a  b"\ndescription: |\n  one  \n\n\n  two\ninputs: {}\n\n---\nuser:\nx\n',
      '---\nname: x   # why\n\nmodel:\n  id: "a  b"\ndescription: |\n  one  \n\n\n  two\ninputs: {}\n---\nuser:\nx\n',
    ));
  it('keeps Windows line ends', () =>
    check(
      '---\r\nname: x \r\n---\r\nsystem:\r\na\r\nuser:\r\nb',
      '---\r\nname: x\r\n---\r\nsystem:\r\na\r\n\r\nuser:\r\nb\r\n',
    ));
  it('leaves tags together with what they hold', () =>
    check('{% if a is defined %}\nuser:\nx\n{% endif %}\n', '{% if a is defined %}\nuser:\nx\n{% endif %}\n'));
  it('leaves what becomes a value', () => {
    const text = '{% set t %}a\nuser:\nb{% endset %}{{ t | length }}\n';
    check(text, text);
  });
  it('leaves broken templates alone', () => {
    for (const text of [
      '---\na: [\n---\nuser:\n\n\nx',
      'user:\n\n\n{{ x',
      'user:\n\n\n{% if a %}x',
      '---\nname:   x\n',
    ])
      check(text, text);
  });

  const chunk = fc.constantFrom(
    'user:',
    'system:',
    'assistant:',
    '# user :',
    '',
    '',
    ' ',
    'text',
    '  text  ',
    '{{ a }}',
    'b {{ a }} ',
    '{{ shots }}',
    '{# c\n\nuser:\n#}',
    '{%- if a %}\n\n\nuser:\n\n\nq\n\n{% endif %}',
    '{% if a -%}\nuser:\nq\n{%- endif -%}',
    '{% for x in xs %}\nassistant:\n\n{{ x }}\n\n\n{% endfor %}',
    '{% set t %}a\n\n\nuser:\n\n\nb{% endset %}{{ t }}{{ t | length }}',
  );
  const yamlChunk = fc.constantFrom(
    'name:   x',
    'description: |\n  a  \n\n\n  b',
    '',
    ' ',
    '# note  ',
    'tags:  [a,  b]  ',
    'model:\n  id:  m  \n\n\n  options:   {temperature:  1}',
    'x-own: "a  \n\n\n  b  "',
  );
  it('never changes what is said or rendered', async () => {
    let real = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(yamlChunk, { maxLength: 6 }),
        fc.array(chunk, { maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        async (head, body, eol) => {
          const text = ['---', ...head, '---', ...body].join('\n').replaceAll('\n', eol);
          const after = formatted(text);
          if (after === text) return;
          const [before, now] = [parseTemplate(text, 'x'), parseTemplate(after, 'x')];
          const yaml = ({ text: whole, frontMatterRange: { start, end } }: typeof before) => whole.slice(start, end);
          assert.deepEqual(parse(yaml(now)), parse(yaml(before)));
          assert.equal(yaml(now).split('#').length, yaml(before).split('#').length, 'comments stay');
          const values = { a: 'A\n', xs: ['1\n\n', ' 2'] };
          const render = async (template: typeof before) => {
            const { prompt, diagnostics } = await renderPrompt(template, { values }, renderInProcess);
            return (
              prompt?.messages.map(({ role, content }) => ({ role, content })) ?? diagnostics.map(({ code }) => code)
            );
          };
          const rendered = await render(before);
          assert.deepEqual(await render(now), rendered);
          assert.equal(formatted(after), after, 'once is enough');
          if (typeof rendered[0] === 'object') real++;
        },
      ),
      { numRuns: 400, seed: 4 },
    );
    assert.ok(real > 50, `${real} templates were rendered`);
  });
});

describe('a keystroke', () => {
  it('is checked within a frame, in a template of 500 lines', () => {
    const inputs = Array.from(
      { length: 40 },
      (_, i) => `  input${i}:\n    kind: string\n    example: value ${i}\n`,
    ).join('');
    const body = Array.from({ length: 370 }, (_, i) =>
      i % 20 === 0 ? 'user:' : `Line ${i} with {{ input${i % 40} | upper }} in it.`,
    ).join('\n');
    const text = `---\nname: long\ninputs:\n${inputs}metadata:\n  tunesmith:\n    examples: {bank: b.jsonl}\n---\n${body}\n`;
    const times: number[] = [];
    for (let run = 0; run < 30; run++) {
      const typed = `${text}${'x'.repeat(run)}`;
      const start = performance.now();
      const document = templateDocument(typed, 'x.prompty');
      lints(document, {});
      times.push(performance.now() - start);
    }
    const median = times.sort((a, b) => a - b)[15]!;
    if (process.env.TUNESMITH_FIGURES) process.stdout.write(`keystroke: ${median.toFixed(2)} ms\n`);
    // The budget is 16 ms on a quiet machine; a busy one gets four times that.
    assert.ok(median <= 64, `${median} ms`);
  });
});
