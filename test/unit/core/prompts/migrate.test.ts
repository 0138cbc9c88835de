import assert from 'node:assert/strict';
import { applyChange, changeOf } from '../../../../src/base/textChange.ts';
import { migrateToV2 } from '../../../../src/core/prompts/migrate.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';

const migrate = (text: string): string => applyChange(text, changeOf(migrateToV2(text)));

/** The front matter becomes what is written here, is then version 2, and means what it meant before. */
function check(name: string, before: string, after: string, same = true): void {
  for (const eol of ['\n', '\r\n']) {
    it(`${name}${eol === '\n' ? '' : ', CRLF'}`, () => {
      const file = (yaml: string): string => `---\n${yaml}---\nuser:\n{{ q }}\n`.replaceAll('\n', eol);
      const old = file(before);
      const migrated = migrate(old);
      assert.equal(migrated, file(after));
      assert.deepEqual(migrateToV2(migrated), []);
      const [was, is] = [parseTemplate(old, 'x'), parseTemplate(migrated, 'x')];
      assert.equal(is.version, 2);
      assert.deepEqual(is.model.options, was.model.options);
      assert.equal(is.format, was.format);
      const plain = ({ inputs }: typeof is): unknown =>
        inputs.map(({ name, kind, default: value }) => ({ name, kind, value }));
      if (same) assert.deepEqual(plain(is), plain(was));
    });
  }
}

describe('migrateToV2', () => {
  check(
    'renames the keys of the model and keeps comments',
    `# my prompt
model:
  api: chat   # not completion
  configuration:
    type: azure_openai   # ours
    azure_endpoint: \${env:E}
    azure_deployment: gpt-x
    api_key: \${env:K}
  parameters:
    # how much
    max_tokens: 300
    temperature: 0.5
    top_p: 1
    stop: [a]
    presence_penalty: 1
`,
    `# my prompt
model:
  apiType: chat   # not completion
  provider: foundry
  id: gpt-x
  connection:
    kind: key   # ours
    endpoint: \${env:E}
    apiKey: \${env:K}
  options:
    # how much
    maxOutputTokens: 300
    temperature: 0.5
    topP: 1
    stopSequences: [a]
    presencePenalty: 1
`,
  );
  check(
    'moves inside flow maps',
    'model: {api: chat, configuration: {type: openai, name: m, api_key: k}, parameters: {max_tokens: 3}}\n',
    'model: {apiType: chat, provider: openai, id: m, connection: {kind: key, apiKey: k}, options: {maxOutputTokens: 3}}\n',
  );
  check(
    'writes kinds, defaults and enums of inputs',
    `inputs:
  q: {type: string, enum: [a, b]}   # the question
  n:
    type: number
    sample: 2.5
`,
    `inputs:
  q: {kind: string, enumValues: [a, b]}   # the question
  n:
    kind: float
    default: 2.5
`,
  );
  check(
    'makes inputs of samples alone',
    'sample:\n  q: Who?   # ask\n  k: 3\n',
    'inputs:\n  q: Who?   # ask\n  k: 3\n',
  );
  check(
    'gives declared inputs their samples and declares the others',
    `sample:   # to try it
  # the question
  q: Who?
  list: [1, 2]
  data:
    a: 1
  text: |
    two
    lines
inputs:
  q: {type: string}
  list:
    type: array
name: n
`,
    `# to try it
# the question
inputs:
  q: {kind: string, default: Who?}
  list:
    kind: array
    default: [1, 2]
  data: {kind: object, default: {a: 1}}
  text: "two\\nlines\\n"
name: n
`,
    false,
  );
  check(
    'appends to a list of inputs',
    'inputs:\n  - name: q\n    type: string\nsample:\n  q: "a: b"\n  k: 1\n',
    'inputs:\n  - name: q\n    kind: string\n    default: "a: b"\n  - {name: k, default: 1}\n',
  );
  check(
    'writes the template out',
    'template: mustache # m\n',
    'template: {format: {kind: mustache}, parser: {kind: prompty}} # m\n',
  );
  check(
    'renames inside template',
    'template:\n  type: jinja2\n  parser: prompty\n',
    'template:\n  format: {kind: jinja2}\n  parser: {kind: prompty}\n',
  );

  const untouched: readonly [name: string, text: string][] = [
    ['version 2', '---\nmodel: {id: m, options: {topP: 1}}\ninputs: {q: {kind: string}}\n---\nuser:\n{{ q }}'],
    ['broken YAML', '---\nmodel: {api: chat\n---\nuser:'],
    ['no front matter', 'user:\nmax_tokens: 3'],
    ['an unclosed front matter', '---\nsample: {a: 1}\n'],
    ['a sample in a file', '---\ninputs: {q: {kind: string}}\nsample: ' + '$' + '{file:s.json}\n---\nuser:'],
  ];
  for (const [name, text] of untouched) it(`leaves ${name} alone`, () => assert.deepEqual(migrateToV2(text), []));
});
