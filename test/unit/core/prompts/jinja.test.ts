import assert from 'node:assert/strict';
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import fc from 'fast-check';
import { renderJinja } from '../../../../src/core/prompts/jinja.ts';
import { jinjaVariables, scanJinja } from '../../../../src/core/prompts/jinjaScanner.ts';
import { assertLinear } from '../../../fakes/growth.ts';

const textOf = (template: string, variables = {}): string =>
  renderJinja(template, variables)
    .map(piece => (piece.kind === 'role' ? template.slice(piece.start, piece.end) : piece.text))
    .join('');

const parts = fc.constantFrom(
  'a',
  ' ',
  '\n',
  '  \n',
  '{{ x }}',
  '{{- x }}',
  '{{ x -}}',
  '{{-x-}}',
  '{% if x %}',
  '{%- if y -%}',
  '{% else %}',
  '{%- else -%}',
  '{% endif %}',
  '{%- endif %}',
  '{# c #}',
  '{#- c -#}',
  '{% for i in [1, 2] %}',
  '{% endfor %}',
  '{%- endfor -%}',
  '{{ "}}" }}',
  "{{ '{%' }}",
  '{{ {"a": {"b": 1}}["a"] }}',
  '{% set z = x %}',
  '{% set w %}',
  '{% endset %}',
  '{{ w }}',
  '{{ w|length }}',
  '{',
  '}',
  '%}',
  '#}',
);

describe('renderJinja', () => {
  it('gives the same text as the library with stock whitespace, or fails where it fails', () => {
    let rendered = 0;
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), pieces => {
        const template = pieces.join('');
        let wanted: string;
        try {
          const environment = new Environment();
          environment.set('x', 'X');
          environment.set('y', true);
          const output: { value?: unknown } = new Interpreter(environment).run(parse(tokenize(`${template}\n`, {})));
          wanted = String(output.value);
        } catch {
          assert.throws(() => renderJinja(template, { x: 'X', y: true }));
          return;
        }
        rendered++;
        assert.equal(textOf(template, { x: 'X', y: true }), wanted);
      }),
      { numRuns: 1000, seed: 7 },
    );
    assert.ok(rendered > 150);
  });

  it('knows where each piece comes from', () => {
    const template = 'user:\n\nDear {{ name|upper }},\n{%- for x in xs %}\n  {{ x.a }}\n{%- endfor %} end';
    for (const piece of renderJinja(template, { name: 'Bo', xs: [{ a: 1 }, { a: 2 }] })) {
      if (piece.kind === 'text') assert.equal(template.slice(piece.start, piece.start + piece.text.length), piece.text);
      if (piece.kind === 'value') assert.match(template.slice(piece.start, piece.end), /^\{\{.*\}\}$/);
      if (piece.kind === 'role') assert.equal(template.slice(piece.start, piece.end), 'user:');
    }
  });

  it('makes roles in loops, and none beside a tag or in the middle of a line', () => {
    const roles = (template: string) =>
      renderJinja(template, { xs: [1, 2], x: '' }).flatMap(piece => (piece.kind === 'role' ? [piece.role] : []));
    assert.deepEqual(roles('{% for x in xs %}\nuser:\nq\nassistant:\na\n{% endfor %}'), [
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
    assert.deepEqual(roles('  # System :  \nx\nuser[name="a"]:\n'), ['system', 'user']);
    assert.deepEqual(roles('{{ x }}user:\nuser: hello\na user:\n{{ x }} user:\n'), []);
  });

  it('has only range and raise_exception, and nothing of JavaScript', () => {
    assert.equal(textOf('{{ range(2, 8, 3)|join("-") }}'), '2-5');
    assert.equal(textOf('{{ x.constructor }}{{ x["__proto__"] }}{{ range.constructor }}', { x: {} }), '');
    assert.throws(() => renderJinja('{{ range.constructor("return process")() }}', {}), /cannot be rendered/);
  });
});

describe('jinjaVariables', () => {
  const cases: readonly [template: string, names: string][] = [
    ['{{ a }} {{ b.c }} {{ d["e"] }} {{ f|default("x")|upper }}', 'a b d f?'],
    ['{% for x, y in pairs if x is defined %}{{ x }}{{ y }}{{ loop.index }}{% endfor %}', 'pairs'],
    ['{% set v = w ~ "text" %}{{ v }}{% set ns = namespace(n=k) %}', 'w k'],
    ['{% macro m(p, q=r) %}{{ p }}{{ q }}{% endmacro %}{{ m(s, q=t) }}', 's t'],
    ['{% if a is not none and not b in [1, c] %}{% elif d == "e" %}{% endif %}', 'a? b c d'],
    ['{# {{ no }} #} {{ "no" }} {{ 1.5 }} {{ true }} {{ range(n) }}', 'n'],
    ['{{ x|replace("a", b) }}{{ y if z else 1 }}', 'x b y z'],
  ];
  for (const [template, names] of cases) {
    it(`finds ${names} in ${template}`, () => {
      const uses = jinjaVariables(template);
      assert.equal(uses.map(use => use.name + (use.guarded ? '?' : '')).join(' '), names);
      for (const { name, range } of uses) assert.equal(template.slice(range.start, range.end), name);
    });
  }
});

describe('scanJinja', () => {
  it('covers any text without gaps and never throws', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(parts, fc.string({ maxLength: 3 }), fc.constantFrom('"', "'", '\\', '{{', '{%')), {
          maxLength: 15,
        }),
        pieces => {
          const source = pieces.join('');
          let end = 0;
          for (const segment of scanJinja(source).segments) {
            assert.equal(segment.start, end);
            assert.ok(segment.innerStart <= segment.innerEnd || segment.end === source.length);
            end = segment.end;
          }
          assert.equal(end, source.length);
          jinjaVariables(source);
        },
      ),
      { numRuns: 700 },
    );
  });

  it('takes time in proportion to the length of hostile text', async () => {
    for (const unit of ['{{', ' ', '{% ', '"', '{', '\n', '#', '   user', '{#', "'\\"])
      await assertLinear(size => jinjaVariables(unit.repeat(size)), 50_000, JSON.stringify(unit));
  });
});
