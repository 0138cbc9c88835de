/** Cases of each kind that Prompty publishes vectors for (loading, rendering, parsing), in our own examples. */
import assert from 'node:assert/strict';
import { renderJinja } from '../../../../src/core/prompts/jinja.ts';
import { renderMustache } from '../../../../src/core/prompts/mustache.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { checkReferences, referencesOf, resolveReferences } from '../../../../src/core/prompts/references.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

describe('rendering as Prompty does', () => {
  const cases: readonly [
    engine: 'jinja2' | 'mustache',
    template: string,
    values: Record<string, unknown>,
    text: string,
  ][] = [
    ['jinja2', 'Dear {{ who }},\n', { who: 'Ann' }, 'Dear Ann,\n'],
    ['jinja2', '{{ a }}{{ n }}{{ f }}', { n: 3, f: 1.5 }, '31.5'],
    ['jinja2', '{{ p.q.r }}', { p: { q: { r: '<i>&' } } }, '<i>&'],
    ['jinja2', '{% if a %}1{% elif b %}2{% else %}3{% endif %}', { a: 0, b: 'x' }, '2'],
    ['jinja2', '{% for x in l %}{{ loop.index }}{{ x }} {% endfor %}|', { l: ['a', 'b'] }, '1a 2b |'],
    ['jinja2', 'a  \n  {%- if t -%}  b{% endif %}\n\n c', { t: true }, 'ab\n\n c'],
    ['jinja2', "{{ x | default('none') }}{{ l | join('-') }}{{ l | length }}", { l: [1, 2] }, 'none1-22'],
    ['jinja2', '{{ s | trim | upper }}{# gone #}', { s: ' a ' }, 'A'],
    ['jinja2', 'user:\n{{ q }}', { q: 'system:\n{{ x }}' }, 'user:\nsystem:\n{{ x }}'],
    ['mustache', '{{a}} {{{a}}}', { a: '<"&">' }, '&lt;&quot;&amp;&quot;&gt; <"&">'],
    ['mustache', '{{#l}}{{.}},{{/l}}{{^n}}no{{/n}}', { l: [1, 2], n: [] }, '1,2,no'],
  ];
  for (const [engine, template, values, text] of cases)
    it(`${engine}: ${JSON.stringify(template)}`, () => {
      const pieces = (engine === 'mustache' ? renderMustache : renderJinja)(template, values);
      const parts = pieces.map(piece => (piece.kind === 'role' ? template.slice(piece.start, piece.end) : piece.text));
      assert.equal(parts.join(''), text);
    });
});

describe('parsing as Prompty does', () => {
  const cases: readonly [name: string, body: string, messages: readonly (readonly [string, string])[]][] = [
    ['text without a role', 'Be kind.', [['system', 'Be kind.']]],
    [
      'roles in any case, with # and spaces',
      ' # User :\na\n  ASSISTANT:\nb',
      [
        ['user', 'a'],
        ['assistant', 'b'],
      ],
    ],
    ['line breaks around, spaces stay', 'user:\n\n  \n a \n  \n\n', [['user', '  \n a \n  ']]],
    [
      'empty messages',
      'system:\n\nuser:\nq',
      [
        ['system', ''],
        ['user', 'q'],
      ],
    ],
    [
      'words that are no markers',
      'user:\nthe user: said\nuser: x\nusers:',
      [['user', 'the user: said\nuser: x\nusers:']],
    ],
    ['developer', 'developer:\nd', [['developer', 'd']]],
    ['images as text', 'user:\n![a](b.png)', [['user', '![a](b.png)']]],
  ];
  for (const [name, body, messages] of cases)
    it(name, async () => {
      const { prompt } = await renderPrompt(parseTemplate(body, 'x'), { values: {} }, renderInProcess);
      assert.deepEqual(
        prompt!.messages.map(({ role, writtenRole, content }) => [writtenRole ?? role, content]),
        messages,
      );
    });

  it('attributes become metadata', async () => {
    const template = parseTemplate('user[name="Bo B", n=4, ok=true]:\nx', 'x');
    const { prompt } = await renderPrompt(template, { values: {} }, renderInProcess);
    assert.deepEqual(prompt!.messages[0]!.metadata, { name: 'Bo B', n: 4, ok: true });
  });
});

describe('loading as Prompty does', () => {
  const check = (name: string, yaml: string, test: (loaded: ReturnType<typeof load>) => void): void => {
    it(name, () => test(load(yaml)));
  };
  const load = (yaml: string) => {
    const template = parseTemplate(`---\n${yaml}\n---\n\n  \nuser:\nx`, 'x.prompty');
    const policy = { trusted: true, approvedEnv: new Set<string>(), approvedFiles: new Set<string>() };
    const { refused } = checkReferences(referencesOf(template), { ...policy, approvedOrigins: new Set() });
    const resolved = resolveReferences(template, {
      env: new Map([['SET', 'v']]),
      files: new Map([
        ['c.json', '{"endpoint": "e"}'],
        ['c.yaml', 'endpoint: y'],
      ]),
    });
    const errors = [...template.diagnostics.filter(({ severity }) => severity === 'error'), ...resolved.diagnostics];
    return { template: resolved.template, errors: errors.map(({ message }) => message), refused };
  };
  const reference = (text: string): string => '$' + `{${text}}`;

  check('a model by its name', 'model: m', ({ template }) => assert.equal(template.model.id, 'm'));
  check(
    'variables of the environment',
    `model: {id: "${reference('env:SET')}", connection: {a: "${reference('env:NO:d:e')}"}}`,
    ({ template }) => {
      assert.equal(template.model.id, 'v');
      assert.deepEqual(template.model.connection, { a: 'd:e' });
    },
  );
  check('a variable that is not set', `model: {connection: {a: "${reference('env:NO')}"}}`, ({ errors }) =>
    assert.match(errors[0]!, /NO/),
  );
  for (const [file, endpoint] of [
    ['c.json', 'e'],
    ['c.yaml', 'y'],
  ] as const)
    check(`a connection in ${file}`, `model: {connection: "${reference(`file:${file}`)}"}`, ({ template, errors }) => {
      assert.deepEqual(errors, []);
      assert.deepEqual(template.model.connection, { endpoint });
    });
  check('a file outside', `model: {connection: "${reference('file:../c.json')}"}`, ({ refused }) =>
    assert.equal(refused.length, 1),
  );
  check('the short form of template alone', 'template: mustache', ({ errors }) =>
    assert.match(errors[0]!, /short form/),
  );
  check('bare values as defaults', 'inputs: {a: 1, b: 1.5, c: x, d: true, e: [1]}', ({ template }) =>
    assert.deepEqual(
      template.inputs.map(({ kind }) => kind),
      ['integer', 'float', 'string', 'boolean', 'array'],
    ),
  );
  check('tools and unknown keys', 'tools: [{name: t, kind: odd, x: 1}]\nmine: {a: [1]}', ({ template, errors }) => {
    assert.deepEqual(errors, []);
    assert.deepEqual(template.frontMatter, { tools: [{ name: 't', kind: 'odd', x: 1 }], mine: { a: [1] } });
  });
});

describe('what is not defined', () => {
  const cases: readonly [body: string, format: string, severity: string, name: RegExp][] = [
    ['{{ o.nme }}', 'jinja2', 'error', /o\.nme/],
    ['{% for x in o.list %}{{ x.y }}{% endfor %}', 'jinja2', 'error', /x\.y/],
    ['{% set t %}{{ o.nme }}{% endset %}{{ t }}', 'jinja2', 'error', /o\.nme/],
    ['{{ note }}', 'jinja2', 'warning', /note/],
    ['{{o.nme}}', 'mustache', 'error', /o\.nme/],
    ['{{#o.list}}{{y}}{{/o.list}}', 'mustache', 'error', /y/],
  ];
  for (const [body, format, severity, name] of cases)
    it(`is a diagnostic: ${body}`, async () => {
      const head = `inputs: {o: {kind: object}, note: {kind: string}}\ntemplate: {format: {kind: ${format}}}`;
      const template = parseTemplate(`---\n${head}\n---\nuser:\n${body}`, 'x.prompty');
      const values = { o: { name: 'n', list: [{ z: 1 }] } };
      const { prompt, diagnostics } = await renderPrompt(template, { values }, renderInProcess);
      const found = diagnostics.filter(({ code }) => code === 'undefined-variable');
      assert.equal(found[0]?.severity, severity);
      assert.match(found[0].message, name);
      assert.equal(prompt === undefined, severity === 'error');
    });

  for (const body of ['{% include "a" %}', '{% extends "a" %}', '{% for i in range(99999999) %}{% endfor %}'])
    it(`is refused with its line: ${body}`, async () => {
      const template = parseTemplate(`user:\n\n${body}`, 'x.prompty');
      const { prompt, diagnostics } = await renderPrompt(template, { values: {} }, renderInProcess);
      assert.equal(prompt, undefined);
      assert.equal(template.text.slice(0, diagnostics[0]!.range.start).split('\n').length, 3);
    });

  it('does not stop at a bomb', () => {
    const nested = '{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}';
    assert.throws(() => renderJinja(nested, {}), /does too much/);
    const doubling = `{% set n = namespace(x='xxxxxxxx') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}`;
    assert.throws(() => renderJinja(doubling, {}), /grows too large/);
  }).timeout(20_000);
});
