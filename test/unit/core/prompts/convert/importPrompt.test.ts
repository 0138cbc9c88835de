import assert from 'node:assert/strict';
import { HumanError } from '../../../../../src/base/errors.ts';
import { importPrompt } from '../../../../../src/core/prompts/convert/importPrompt.ts';
import { toPromptYml } from '../../../../../src/core/prompts/convert/promptYml.ts';
import { parseTemplate } from '../../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../../src/core/prompts/render.ts';
import { renderInProcess } from '../../../../fakes/renderInProcess.ts';

interface Wanted {
  readonly values?: Record<string, unknown>;
  readonly messages: readonly (readonly [role: string, content: string])[];
  readonly frontMatter?: Record<string, unknown>;
  readonly notes?: readonly RegExp[];
  readonly rows?: string;
}

/** A file becomes a valid template that renders to these messages. */
function check(name: string, file: string, text: string, wanted: Wanted): void {
  it(name, async () => {
    const beside: Record<string, string> = {
      './chat.json': '[{"role": "system", "content": "S"}, {"role": "user", "content": "{{ q }}"}]',
    };
    const { text: written, notes, files = [] } = importPrompt(text, file, { read: path => beside[path] });
    const template = parseTemplate(written, 'x.prompty');
    assert.deepEqual(template.diagnostics, [], written);
    const { prompt, diagnostics } = await renderPrompt(template, { values: wanted.values ?? {} }, renderInProcess);
    assert.ok(prompt, JSON.stringify(diagnostics));
    assert.deepEqual(
      prompt.messages.map(({ role, content }) => [role, content]),
      wanted.messages,
      written,
    );
    if (wanted.frontMatter) assert.deepEqual(template.frontMatter, wanted.frontMatter);
    assert.equal(notes.length, wanted.notes?.length ?? 0, JSON.stringify(notes));
    wanted.notes?.forEach((pattern, i) => {
      assert.match(`${notes[i]!.line ?? ''} ${notes[i]!.message}`, pattern);
    });
    assert.equal(files[0]?.text, wanted.rows);
  });
}

function refuses(name: string, file: string, text: string, line: number | undefined, message: RegExp): void {
  it(`refuses ${name}`, () => {
    assert.throws(
      () => importPrompt(text, file, { read: () => undefined }),
      (error: unknown) => error instanceof HumanError && message.test(error.message) && error.place.line === line,
    );
  });
}

describe('.prompt.yml', () => {
  check(
    'becomes a template with rows and a grade',
    'dir/sum.prompt.yml',
    `name: Sum
model: openai/gpt-4o
modelParameters: {maxTokens: 5, temperature: 0, effort: low}
messages:
  - {role: system, content: "Be {{mood}}. {% raw %} {# x"}
  - {role: user, content: "user:\\n{{text}} {{ not a name }}"}
testData: [{text: a, mood: kind, want: b}]
evaluators: [{name: e, string: {equals: "{{want}}"}}, {name: f, llm: {modelId: m}}]
`,
    {
      values: { mood: '{{x}}', text: 'user:' },
      messages: [
        ['system', 'Be {{x}}. {% raw %} {# x'],
        ['user', 'user:\nuser: {{ not a name }}'],
      ],
      frontMatter: {
        name: 'Sum',
        model: { id: 'openai/gpt-4o', options: { maxOutputTokens: 5, temperature: 0 } },
        inputs: { mood: { kind: 'string', example: 'kind' }, text: { kind: 'string', example: 'a' } },
        metadata: { tunesmith: { rows: './sum.rows.jsonl', expected: 'want', grade: 'equal' } },
      },
      notes: [/effort/, /evaluators: f/],
      rows: '{"text":"a","mood":"kind","want":"b"}\n',
    },
  );
  refuses('no messages', 'a.prompt.yml', 'name: x', 1, /messages/);
  refuses('broken YAML', 'a.prompt.yml', 'name: x\nmessages: [', 2, /YAML is broken/);

  it('and back again says the same', async () => {
    const source =
      '---\nname: n\nmodel: {id: m, options: {temperature: 1, topK: 2}}\ninputs: {q: {kind: string, example: e}}\n---\nS {{ q }}\n\nuser:\n{{ q }}!\n';
    const template = parseTemplate(source, 'n.prompty');
    const { prompt } = await renderPrompt(template, { values: { q: 'v' } }, renderInProcess);
    const { text, notes } = toPromptYml(template, prompt!);
    assert.match(notes[0]!.message, /topK/);
    const again = parseTemplate(importPrompt(text, 'n.prompt.yml', { read: () => undefined }).text, 'n.prompty');
    const { prompt: same } = await renderPrompt(again, { values: { q: 'v' } }, renderInProcess);
    assert.deepEqual(
      same!.messages.map(({ role, content }) => [role, content]),
      [
        ['system', 'S v'],
        ['user', 'v!'],
      ],
    );
  });

  it('gets rendered messages where the template has logic', async () => {
    const template = parseTemplate(
      '---\ninputs: {l: [1, 2]}\n---\nuser:\n{% for x in l %}{{ x }},{% endfor %}',
      'n.prompty',
    );
    const { prompt } = await renderPrompt(template, { values: {} }, renderInProcess);
    const { text, notes } = toPromptYml(template, prompt!);
    assert.match(text, /content: 1,2,\n/);
    assert.match(notes[0]!.message, /only replaces variables/);
  });
});

describe('dotprompt', () => {
  check(
    'becomes a template',
    'a.prompt',
    `---
model: googleai/gemini-1.5-flash
config: {temperature: 0.3, version: x}
input:
  schema:
    name: string, who it is
    age?: integer
    tags(array, what they like): string
    kind(enum): [a, b]
  default: {age: 3}
output: {schema: {answer: string}}
---
{{role "system"}}
Hello {{name}}. {% x %}
{{#if age}}
You are {{age}}.
{{else}}
No age.
{{/if}}
{{! gone }}
{{role "user"}}
{{#each tags}}{{@index}}:{{this}}{{#unless @last}}, {{/unless}}{{/each}}
`,
    {
      values: { name: 'N', tags: ['p', 'q'], kind: 'a' },
      messages: [
        ['system', 'Hello N. {% x %}\nYou are 3.'],
        ['user', '0:p, 1:q'],
      ],
      frontMatter: {
        model: { id: 'gemini-1.5-flash', provider: 'googleai', options: { temperature: 0.3 } },
        inputs: {
          name: { kind: 'string', description: 'who it is', required: true },
          age: { kind: 'integer', default: 3 },
          tags: { kind: 'array', description: 'what they like', required: true },
          kind: { kind: 'string', enumValues: ['a', 'b'], required: true },
        },
        outputs: { answer: { kind: 'string', required: true } },
      },
      notes: [/config\.version/],
    },
  );
  check('fields of items', 'a.prompt', '---\ninput: {schema: {l(array): object}}\n---\n{{#each l}}{{a.b}};{{/each}}', {
    values: { l: [{ a: { b: 1 } }, { a: { b: 2 } }] },
    messages: [['user', '1;2;']],
  });
  for (const tag of [
    '{{>part}}',
    '{{media url=x}}',
    '{{helper x}}',
    '{{../x}}',
    '{{#with x}}',
    '{{/if}}',
    '{{history}}',
  ])
    refuses(tag, 'a.prompt', `---\nmodel: m\n---\na\n\n${tag}`, 6, /cannot be converted/);
  refuses('an open block', 'a.prompt', 'a\n{{#if x}}', 2, /not closed/);
});

describe('promptfoo', () => {
  check(
    'becomes a template with rows and what is expected',
    'promptfooconfig.yaml',
    `description: D
prompts: ["Say {{ q }}{% if b %} twice{% endif %}"]
providers: [{id: "openai:chat:gpt-4o", config: {temperature: 0, max_tokens: 5}}]
defaultTest: {vars: {b: true}}
tests:
  - vars: {q: hi}
    assert: [{type: equals, value: hi hi}, {type: javascript, value: "1"}]
  - vars: {q: ho, b: false}
    assert: [{type: equals, value: ho}]
    threshold: 1
sharing: true
`,
    {
      values: { q: 'x', b: true },
      messages: [['user', 'Say x twice']],
      frontMatter: {
        description: 'D',
        model: { id: 'gpt-4o', provider: 'openai', options: { temperature: 0, maxOutputTokens: 5 } },
        inputs: { b: { example: true }, q: { example: 'hi' } },
        metadata: { tunesmith: { rows: './promptfooconfig.rows.jsonl', expected: 'expected', grade: 'equal' } },
      },
      notes: [/sharing/, /assert: javascript/, /tests: threshold/],
      rows: '{"b":true,"q":"hi","expected":"hi hi"}\n{"b":false,"q":"ho","expected":"ho"}\n',
    },
  );
  check('chats in files', 'c.yaml', 'prompts: [file://./chat.json]', {
    values: { q: 'Q' },
    messages: [
      ['system', 'S'],
      ['user', 'Q'],
    ],
  });
  refuses('prompts that are code', 'c.yaml', 'prompts: [file://p.py]', undefined, /is code/);
  refuses('files outside', 'c.yaml', 'prompts: [file://../p.txt]', undefined, /below the folder/);
  refuses('files that are not there', 'c.yaml', 'prompts: [file://p.txt]', undefined, /not there/);
});

describe('.prompt.md', () => {
  const dollar = '$';
  check(
    'becomes a template',
    'a.prompt.md',
    `---\ndescription: D\nmode: agent\n---\n\n# Title\nWrite ${dollar}{input:what:a poem} about ${dollar}{selection} {{x}}\n\nuser:\n`,
    {
      values: { what: 'W' },
      messages: [['user', `# Title\nWrite W about ${dollar}{selection} {{x}}\n\nuser:`]],
      frontMatter: { description: 'D', inputs: { what: { kind: 'string', required: true, description: 'a poem' } } },
      notes: [/mode/, /^7 .*selection/],
    },
  );
  refuses('names it does not know', 'a.txt', 'x', undefined, /Files that can be converted/);
});
