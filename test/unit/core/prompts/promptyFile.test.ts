import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseTemplate, toHumanError } from '../../../../src/core/prompts/promptyFile.ts';

describe('parseTemplate', () => {
  it('reads version 2', () => {
    const template = parseTemplate(
      `---
name: n
displayName: N
model:
  id: m
  provider: openai
  connection: {kind: key, endpoint: https://x.example}
  options: {temperature: 0, maxOutputTokens: 9, topP: 0.5, topK: 3, seed: 4, stopSequences: [a], frequencyPenalty: 1}
inputs:
  - {name: a, kind: string, required: true, description: d, example: e}
  - {name: b, default: 2, enumValues: [2, 3]}
outputs: {o: {kind: string}}
custom: {kept: [1]}
metadata:
  tunesmith:
    examples: {bank: b.jsonl, shots: 2, selection: random, seed: 5, answer: '{{ x }}'}
    reasoning: {strategy: zero-shot-cot, trigger: T, extract: E, answer: {rule: regex, pattern: '\\d'}}
    rows: r.csv
    expected: y
    grade: one-of
---
user:
{{ a }}{{ b }}`,
      'dir/x.prompty',
    );
    assert.deepEqual(template.model.options, {
      temperature: 0,
      maxOutputTokens: 9,
      topP: 0.5,
      topK: 3,
      seed: 4,
      stopSequences: ['a'],
    });
    assert.deepEqual(template.model.connection, { kind: 'key', endpoint: 'https://x.example' });
    assert.deepEqual(
      template.inputs.map(({ range, ...input }) => ({ ...input, text: template.text.slice(range.start, range.end) })),
      [
        {
          name: 'a',
          kind: 'string',
          required: true,
          description: 'd',
          example: 'e',
          default: undefined,
          enumValues: undefined,
          text: '{name: a, kind: string, required: true, description: d, example: e}',
        },
        {
          name: 'b',
          kind: 'integer',
          required: false,
          description: undefined,
          example: undefined,
          default: 2,
          enumValues: [2, 3],
          text: '{name: b, default: 2, enumValues: [2, 3]}',
        },
      ],
    );
    const { examples, ...tunesmith } = template.tunesmith;
    const { critique, revise, decompose, ...reasoning } = tunesmith.reasoning;
    for (const request of [critique, revise, decompose]) assert.ok(request.length > 10);
    const { answerRange } = reasoning;
    assert.match(template.text.slice(answerRange!.start, answerRange!.end), /^answer: \{rule: regex.*\}$/);
    assert.deepEqual(
      { ...tunesmith, reasoning },
      {
        reasoning: {
          strategy: 'zero-shot-cot',
          trigger: 'T',
          extract: 'E',
          samples: 5,
          of: 'few-shot-cot',
          answer: { rule: 'regex', pattern: '\\d', flags: '' },
          answerRange,
        },
        rows: 'r.csv',
        expected: 'y',
        grade: { rule: 'one-of', threshold: 0.5 },
        axes: {},
      },
    );
    assert.equal(examples?.bank, 'b.jsonl');
    assert.equal(examples?.answer, '{{ x }}');
    assert.deepEqual(template.frontMatter.custom, { kept: [1] });
    assert.equal(template.version, 2);
    assert.deepEqual(
      template.diagnostics.map(({ code }) => code),
      ['unsupported'],
    );
  });

  it('reads version 1 as version 2', () => {
    const template = parseTemplate(
      `---
name: n
model:
  api: chat
  configuration: {type: azure_openai, azure_deployment: gpt-35}
  parameters: {max_tokens: 9, stop: x, top_p: 0.5}
sample: {a: hello}
inputs: {a: {type: string}, c: {type: number, sample: 1}}
template: {type: mustache}
---
user:
{{a}}{{c}}`,
      'x.prompty',
    );
    assert.equal(template.version, 1);
    assert.equal(template.format, 'mustache');
    assert.equal(template.model.provider, 'azure_openai');
    assert.equal(template.model.id, 'gpt-35');
    assert.deepEqual(template.model.options, { maxOutputTokens: 9, topP: 0.5, stopSequences: ['x'] });
    assert.deepEqual(
      template.inputs.map(({ name, kind, default: value }) => [name, kind, value]),
      [
        ['a', 'string', 'hello'],
        ['c', 'float', 1],
      ],
    );
    assert.deepEqual(
      template.diagnostics.map(({ code }) => code),
      ['old-version'],
    );
  });

  const splits: readonly [text: string, name: string, body: string][] = [
    ['---\nname: test\n---\nHello world', 'test', 'Hello world'],
    ['Just a prompt', 'x', 'Just a prompt'],
    ['---\n---\nBody only', 'x', 'Body only'],
    ['  ---\nname: test\n---\nBody', 'test', 'Body'],
    ['\n+++\nname: test\n+++\nBody', 'test', 'Body'],
    ['\uFEFF---\r\nname: test\r\n---\r\nBody', 'test', 'Body'],
    ['---\nname: test\n--- \nBody\n---\nmore', 'test', 'Body\n---\nmore'],
    ['--- x\nname: test\n---\nBody', 'x', '--- x\nname: test\n---\nBody'],
  ];
  for (const [text, name, body] of splits) {
    it(`splits ${JSON.stringify(text)}`, () => {
      const template = parseTemplate(text, 'x.prompty');
      assert.equal(template.name, name);
      assert.equal(text.slice(template.bodyRange.start, template.bodyRange.end), body);
    });
  }

  const wrong: readonly [front: string, line: number, message: RegExp][] = [
    ['model: {options: {temperature: hot}}', 2, /“temperature” must be a number from 0 to 100/],
    ['model:\n  options:\n    maxOutputTokens: 1.5', 4, /a whole number of at least 1/],
    ['model: [1]', 2, /“model” must be a mapping/],
    ['inputs: {a: {kind: strin}}', 2, /must be one of string, integer/],
    ['inputs: [{kind: string}]', 2, /has no “name”/],
    ['template: handlebars', 2, /jinja2 or mustache, not “handlebars”/],
    ['metadata: {tunesmith: {grade: fuzzy}}', 2, /must be one of equal, numbers-equal/],
    ['metadata: {tunesmith: {examples: {shots: 2}}}', 2, /names no bank/],
    ['metadata: {tunesmith: {examples: {bank: /etc/passwd}}}', 2, /relative to the template/],
    ['metadata: {tunesmith: {rows: "https://x.example/r.csv"}}', 2, /relative to the template/],
    ['metadata: {tunesmith: {reasoning: {strategy: magic}}}', 2, /direct, few-shot-cot, zero-shot-cot/],
    ['metadata:\n  tunesmith:\n    reasoning:\n      answer: {rule: regex}', 5, /needs “pattern”/],
    ['- a\n- b', 2, /must be a mapping/],
    ['a: 1\na: 2', 3, /“a” appears twice/],
    ['a: "x', 3, /YAML is broken/],
    ['x: &x [1]\n<<: *nobody', 3, /YAML is broken/],
  ];
  for (const [front, line, message] of wrong) {
    it(`complains about ${JSON.stringify(front)}`, () => {
      const template = parseTemplate(`---\n${front}\n---\nuser:\nhi`, 'dir/x.prompty');
      const error = template.diagnostics.find(({ severity }) => severity === 'error');
      assert.ok(error);
      const human = toHumanError(template, error);
      assert.match(human.message, message);
      assert.match(human.describe(), new RegExp(`^dir/x\\.prompty:${line}: `));
    });
  }

  it('warns of variables that are not declared, at their place', () => {
    const template = parseTemplate('---\ninputs: {a: x}\n---\nuser:\n{{ a }} {{ bb }}', 'x.prompty');
    const [warning] = template.diagnostics;
    assert.equal(warning?.code, 'undeclared-variable');
    assert.equal(template.text.slice(warning.range.start, warning.range.end), 'bb');
  });

  it('survives aliases that multiply, and deep nesting', () => {
    const bomb = Array.from(
      { length: 30 },
      (_, i) => `a${i}: &a${i} [${i ? `*a${i - 1},*a${i - 1},*a${i - 1}` : '1'}]`,
    ).join('\n');
    const many = Array.from({ length: 6000 }, (_, i) => `a${i}: {}`).join('\n');
    for (const front of [
      bomb,
      `a: ${'['.repeat(20_000)}`,
      `a: ${'{a: '.repeat(5_000)}`,
      'a'.repeat(300_000),
      '? '.repeat(5000),
      many,
    ])
      assert.ok(parseTemplate(`---\n${front}\n---\nuser:\nhi`, 'x.prompty'));
  });

  it('never throws and keeps ranges inside the file', () => {
    const part = fc.constantFrom(
      '---\n',
      'inputs:',
      'model:',
      ' ',
      '\n',
      '  ',
      'a: ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '*a',
      '&a ',
      '!!binary x',
      '? ',
      '{{ x }}',
      'user:\n',
      'metadata:\n  tunesmith:\n',
      '    examples: ',
      '    reasoning: ',
      'template: mustache\n',
      '1e999',
      '\t',
      '\r\n',
      '|\n',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 25 }), parts => {
        const text = `---\n${parts.join('')}`;
        for (const { range } of parseTemplate(text, 'x.prompty').diagnostics) {
          assert.ok(
            range.start >= 0 && range.start <= range.end && range.end <= text.length + 1,
            JSON.stringify(range),
          );
        }
      }),
      { numRuns: 500 },
    );
  });
});
