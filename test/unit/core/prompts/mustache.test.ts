import assert from 'node:assert/strict';
import { renderMustache } from '../../../../src/core/prompts/mustache.ts';

const textOf = (template: string, variables: Record<string, unknown>): string =>
  renderMustache(template, variables)
    .map(piece => (piece.kind === 'role' ? template.slice(piece.start, piece.end) : piece.text))
    .join('');

/** After the Mustache specification's own examples. */
const cases: readonly [template: string, variables: Record<string, unknown>, text: string][] = [
  ['Hello, {{subject}}!', { subject: 'world' }, 'Hello, world!'],
  ['{{{x}}} {{&x}} {{ x }}', { x: '& " < >' }, '& " < > & " < > &amp; &quot; &lt; &gt;'],
  ['[{{n}}][{{none}}][{{nothing}}]', { n: 1.21, nothing: null }, '[1.21][][]'],
  ['{{a.b.c}}-{{a.x.c}}', { a: { b: { c: 'yes' } } }, 'yes-'],
  ['{{#a}}{{b.c}}{{/a}}', { a: { b: {} }, b: { c: 'wrong' } }, ''],
  ['{{#list}}{{.}},{{/list}}', { list: [1, 'b', true] }, '1,b,true,'],
  ['{{#list}}({{#.}}{{.}}{{/.}}){{/list}}', { list: [[1, 2], [3]] }, '(12)(3)'],
  [
    '{{#p}}{{name}} of {{town}};{{/p}}',
    { p: [{ name: 'A' }, { name: 'B', town: 'Rome' }], town: 'Oslo' },
    'A of Oslo;B of Rome;',
  ],
  ['{{#yes}}1{{/yes}}{{#no}}2{{/no}}{{^no}}3{{/no}}{{^empty}}4{{/empty}}', { yes: true, no: false, empty: [] }, '134'],
  ['a\n{{#t}}\nb\n{{/t}}\nc\n', { t: true }, 'a\nb\nc\n'],
  ['a\n  {{! gone }}\nb', {}, 'a\nb'],
  ['a {{! gone }} b', {}, 'a  b'],
  ['{{#t}}x{{/t}}\n', { t: true }, 'x\n'],
  ['{{{o}}}', { o: { a: [1] } }, '{"a":[1]}'],
  ['{{toString}}{{constructor}}{{a.length}}{{__proto__}}', { a: 'abc' }, ''],
  ['{{x}}', { x: '{{y}}', y: 'no' }, '{{y}}'],
];

describe('renderMustache', () => {
  for (const [template, variables, text] of cases) {
    it(`renders ${JSON.stringify(template)}`, () => assert.equal(textOf(template, variables), text));
  }

  const wrong: readonly [template: string, line: number, message: RegExp][] = [
    ['a\n{{x', 2, /not closed/],
    ['{{#a}}\n{{/b}}', 2, /No section “b” is open/],
    ['\n{{#a}}', 2, /“a” is not closed/],
    ['{{/a}}', 1, /No section/],
    ['{{> file}}', 1, /not supported/],
    ['{{=<% %>=}}', 1, /not supported/],
    [`${'{{#a}}'.repeat(200)}${'{{/a}}'.repeat(200)}`, 1, /too deeply/],
  ];
  for (const [template, line, message] of wrong) {
    it(`refuses ${JSON.stringify(template.slice(0, 20))}`, () => {
      assert.throws(
        () => renderMustache(template, { a: 1 }),
        (error: { message: string; place: { line: number } }) =>
          message.test(error.message) && error.place.line === line,
      );
    });
  }
});
