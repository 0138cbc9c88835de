import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { schemaText, shippedText } from '../../../../scripts/schema.ts';
import { applyChange, changeOf } from '../../../../src/base/textChange.ts';
import { frontMatterSchema, type KeySpec } from '../../../../src/core/language/schema.ts';
import { migrateToV2 } from '../../../../src/core/prompts/migrate.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { type JsonSchema, promptySchema } from '../../../../src/core/prompts/promptySchema.ts';

const root = join(import.meta.dirname, '../../../..');
const validate = new Ajv({ strict: false, allErrors: true }).compile(promptySchema);

describe('promptySchema', () => {
  it('is what ships (npm run schema writes it)', () => assert.equal(shippedText(), schemaText));

  for (const folder of ['samples/templates', 'test/golden/prompts']) {
    for (const file of readdirSync(join(root, folder)).filter(name => name.endsWith('.prompty'))) {
      it(`takes ${folder}/${file}`, () => {
        const text = readFileSync(join(root, folder, file), 'utf8');
        const { frontMatter } = parseTemplate(applyChange(text, changeOf(migrateToV2(text))), file);
        assert.ok(validate(frontMatter), JSON.stringify(validate.errors));
      });
    }
  }

  const right = [
    '',
    'model: m\ninputs: {a: 1, b: text, c: [1], d: {kind: thread}}',
    'inputs: [{name: a, kind: float, default: 2}]\nunknown: {kept: 1}',
    'tools: [{name: f, kind: function, parameters: [{name: p, kind: string}]}, {name: g, kind: anything}]',
    'template: {format: {kind: mustache}, parser: {kind: prompty}}',
    'metadata: {authors: [x], tunesmith: {grade: {rule: rouge-l, threshold: 0.3}, reasoning: {answer: {rule: regex, pattern: x}}}}',
  ];
  for (const yaml of right)
    it(`takes ${JSON.stringify(yaml)}`, () => {
      assert.ok(validate(parse(yaml) ?? {}), JSON.stringify(validate.errors));
      assert.deepEqual(errorsOf(yaml), []);
    });

  /** What the schema refuses, the reader reports as well. */
  const wrong = [
    'model: {options: {temperature: hot}}',
    'model: {options: {maxOutputTokens: 0}}',
    'model: {options: {topP: 2}}',
    'inputs: {a: {kind: strng}}',
    'inputs: [{kind: string}]',
    'template: {format: {kind: erb}}',
    'metadata: {tunesmith: {examples: {shots: 3}}}',
    'metadata: {tunesmith: {examples: {bank: /etc/passwd}}}',
    'metadata: {tunesmith: {rows: "https://x.example/rows.jsonl"}}',
    'metadata: {tunesmith: {reasoning: {strategy: think}}}',
    'metadata: {tunesmith: {reasoning: {samples: 1.5}}}',
    'metadata: {tunesmith: {axes: {shots: [-1]}}}',
    'metadata: {tunesmith: {examples: {bank: b.jsonl, selection: best}}}',
    'metadata: {tunesmith: {grade: {rule: rouge-l, threshold: 3}}}',
  ];
  for (const yaml of wrong)
    it(`refuses ${yaml}`, () => {
      assert.ok(!validate(parse(yaml)));
      assert.notDeepEqual(errorsOf(yaml), []);
    });
});

const errorsOf = (yaml: string): readonly string[] =>
  parseTemplate(`---\n${yaml}\n---\nuser:\nx`, 'x')
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ message }) => message);

/** The file's schema and what the editor completes and explains are two lists of the same keys. */
describe('the keys of the front matter', () => {
  /** Paths of the JSON Schema's keys; what has any name is `*`. */
  function* schemaKeys(schema: JsonSchema, path: readonly string[] = []): Generator<string> {
    for (const [key, below] of Object.entries(schema.properties ?? {})) {
      yield [...path, key].join('.');
      yield* schemaKeys(below, [...path, key]);
    }
    for (const one of schema.anyOf ?? []) yield* schemaKeys(one, path);
  }
  function* offeredKeys(spec: KeySpec, path: readonly string[] = []): Generator<string> {
    for (const [key, below] of Object.entries(spec.keys ?? {})) {
      if (below.old) continue;
      yield [...path, key].join('.');
      yield* offeredKeys(below, [...path, key]);
    }
  }
  const settings = (keys: Iterable<string>): string[] =>
    [...new Set(keys)].filter(key => key.startsWith('metadata.tunesmith')).sort();

  it('of Tunesmith’s own settings are the same in both', () =>
    assert.deepEqual(settings(offeredKeys(frontMatterSchema())), settings(schemaKeys(promptySchema))));

  it('that the schema has are explained by the editor, apart from those of tools', () => {
    const explained = new Set(offeredKeys(frontMatterSchema()));
    const unknown = [...new Set(schemaKeys(promptySchema))].filter(key => !explained.has(key));
    assert.deepEqual(unknown, []);
  });
});
