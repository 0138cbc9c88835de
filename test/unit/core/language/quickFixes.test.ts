/** Remarks on templates and what mends them. */
import assert from 'node:assert/strict';
import type { TemplateFiles } from '../../../../src/core/language/host.ts';
import { lints } from '../../../../src/core/language/lints.ts';
import { nearest } from '../../../../src/core/language/nearest.ts';
import { quickFixes } from '../../../../src/core/language/quickFixes.ts';
import { templateDocument } from '../../../../src/core/language/templateDocument.ts';
import { replaced, rowsOf } from './marked.ts';

interface Case {
  readonly text: string;
  readonly code: string;
  /** Title of the fix, and the text after it. */
  readonly fix?: readonly [string, string];
  readonly files?: TemplateFiles & { readonly missing?: readonly string[] };
  readonly newFile?: { readonly path: string; readonly contents: string };
}

function check({ text, code, fix, files = {}, newFile }: Case): void {
  const document = templateDocument(text, 'x.prompty');
  const given = document.template.tunesmith.examples;
  const missing = (files.missing ?? []).map(path => ({
    code: path === given?.bank ? ('missing-bank' as const) : ('missing-file' as const),
    message: '',
    range: { start: 0, end: 0 },
  }));
  const problems = [...document.template.diagnostics, ...lints(document, files), ...missing];
  const found = problems.filter(problem => problem.code === code);
  assert.ok(found.length > 0, `no ${code} among ${problems.map(problem => problem.code).join(' ')}`);
  if (!fix) return;
  const fixes = found.flatMap(problem => quickFixes(document, problem, files));
  const wanted = fixes.find(({ title }) => title === fix[0]);
  assert.ok(wanted, `“${fix[0]}” is not among ${fixes.map(({ title }) => title).join(' ┃ ')}`);
  assert.equal(replaced(text, wanted.edits), fix[1]);
  if (newFile) assert.deepEqual(wanted.newFile, newFile);
}

const settings = (yaml: string, body = 'user:\n{{ a }}'): string =>
  `---\ninputs:\n  a: {example: x}\nmetadata:\n  tunesmith:\n${yaml}---\n${body}`;

const cases: Record<string, Case> = {
  'changes keys of version 1': {
    text: '---\nmodel:\n  api: chat\n  parameters:\n    max_tokens: 3\n---\nuser:\nx',
    code: 'old-version',
    fix: ['Change to Prompty 2', '---\nmodel:\n  apiType: chat\n  options:\n    maxOutputTokens: 3\n---\nuser:\nx'],
  },
  'declares an input': {
    text: '---\nname: x\n---\nuser:\n{{ q }}',
    code: 'undeclared-variable',
    fix: ['Declare the input “q”', '---\nname: x\ninputs:\n  q:\n    kind: string\n---\nuser:\n{{ q }}'],
  },
  'declares an input without front matter': {
    text: 'user:\n{{ q }}',
    code: 'undeclared-variable',
    fix: ['Declare the input “q”', '---\ninputs:\n  q:\n    kind: string\n---\nuser:\n{{ q }}'],
  },
  'declares an input in a list': {
    text: '---\ninputs:\n  - name: a\n    kind: string\n---\nuser:\n{{ a }}{{ q }}',
    code: 'undeclared-variable',
    fix: [
      'Declare the input “q”',
      '---\ninputs:\n  - name: a\n    kind: string\n  - name: q\n    kind: string\n---\nuser:\n{{ a }}{{ q }}',
    ],
  },
  'finds the name that is meant': {
    text: '---\ninputs:\n  question: {kind: string}\n---\nuser:\n{{ qestion }}',
    code: 'undeclared-variable',
    fix: ['Change to “question”', '---\ninputs:\n  question: {kind: string}\n---\nuser:\n{{ question }}'],
  },
  'finds the key that is meant': {
    text: '---\nmodel:\n  options:\n    temprature: 1\n---\nuser:\nx',
    code: 'unknown-key',
    fix: ['Change to “temperature”', '---\nmodel:\n  options:\n    temperature: 1\n---\nuser:\nx'],
  },
  'finds a key by its writing': {
    text: '---\nmodel:\n  options:\n    max_output_tokens: 1\n---\nuser:\nx',
    code: 'unknown-key',
    fix: ['Change to “maxOutputTokens”', '---\nmodel:\n  options:\n    maxOutputTokens: 1\n---\nuser:\nx'],
  },
  'finds the value that is meant': {
    text: settings('    grade: number-equal\n'),
    code: 'unknown-value',
    fix: ['Change to “numbers-equal”', settings('    grade: numbers-equal\n')],
  },
  'offers all values where none is near': {
    text: settings('    examples: {bank: b, selection: zzz}\n'),
    code: 'unknown-value',
    fix: ['Change to “random”', settings('    examples: {bank: b, selection: random}\n')],
  },
  'removes quotes': {
    text: settings("    examples: {bank: b, shots: '2'}\n"),
    code: 'wrong-type',
    fix: ['Remove the quotes', settings('    examples: {bank: b, shots: 2}\n')],
  },
  'removes a key that stands twice': {
    text: '---\nname: a\nname: b\n---\nuser:\nx',
    code: 'yaml',
    fix: ['Remove this “name”', '---\nname: a\n---\nuser:\nx'],
  },
  'names a bank': {
    text: settings('    examples:\n      shots: 1\n'),
    code: 'missing-bank',
    fix: ['Name a bank', settings('    examples:\n      shots: 1\n      bank: ./examples.jsonl\n')],
  },
  'makes a bank': {
    text: settings('    examples: {bank: ./b.jsonl}\n    reasoning: {strategy: few-shot-cot}\n'),
    code: 'missing-bank',
    files: { missing: ['./b.jsonl'] },
    fix: ['Create “./b.jsonl”', settings('    examples: {bank: ./b.jsonl}\n    reasoning: {strategy: few-shot-cot}\n')],
    newFile: { path: './b.jsonl', contents: '{"a":"x","reasoning":"","answer":""}\n' },
  },
  'makes rows': {
    text: settings('    rows: r.csv\n    expected: right\n'),
    code: 'missing-file',
    files: { missing: ['r.csv'] },
    fix: ['Create “r.csv”', settings('    rows: r.csv\n    expected: right\n')],
    newFile: { path: 'r.csv', contents: 'a,right\nx,\n' },
  },
  'lowers the shots': {
    text: settings('    examples: {bank: b, shots: 5}\n'),
    code: 'too-few-examples',
    files: { bank: rowsOf({ a: '1' }, { a: '2' }) },
    fix: ['Use 2 examples', settings('    examples: {bank: b, shots: 2}\n')],
  },
  'finds the column that is meant': {
    text: settings('    rows: r.csv\n    expected: anser\n'),
    code: 'unknown-value',
    files: { rows: rowsOf({ a: '', answer: '' }) },
    fix: ['Change to “answer”', settings('    rows: r.csv\n    expected: answer\n')],
  },
  'gives a default to an input without a column': {
    text: '---\ninputs:\n  a:\n    required: true\nmetadata: {tunesmith: {rows: r.csv}}\n---\nuser:\n{{ a }}',
    code: 'missing-input',
    files: { rows: rowsOf({ b: '' }) },
    fix: [
      'Add a default',
      '---\ninputs:\n  a:\n    required: true\n    default: ""\nmetadata: {tunesmith: {rows: r.csv}}\n---\nuser:\n{{ a }}',
    ],
  },
  'removes an unused input': {
    text: '---\ninputs:\n  a: {kind: string}\n  b: {kind: string}\n---\nuser:\n{{ a }}',
    code: 'unused-input',
    fix: ['Remove the input “b”', '---\ninputs:\n  a: {kind: string}\n---\nuser:\n{{ a }}'],
  },
  'removes an unused input of a list': {
    text: '---\ninputs:\n  - name: a\n  - name: b\n    kind: string\n---\nuser:\n{{ a }}',
    code: 'unused-input',
    fix: ['Remove the input “b”', '---\ninputs:\n  - name: a\n---\nuser:\n{{ a }}'],
  },
  'adds a message': {
    text: '---\nname: x\n---\n',
    code: 'no-message',
    fix: ['Add a message', '---\nname: x\n---\nuser:\n'],
  },
  'closes the front matter': {
    text: '---\nname: x\nuser:\nhello\n',
    code: 'front-matter',
    fix: ['Close the front matter', '---\nname: x\n---\nuser:\nhello\n'],
  },
  'closes a block': {
    text: 'user:\n{% if a is defined %}x\n',
    code: 'template-syntax',
    fix: ['Add “{% endif %}” at the end', 'user:\n{% if a is defined %}x\n{% endif %}\n'],
  },
  'closes a section': {
    text: '---\ninputs: {a: {kind: array}}\ntemplate: {format: mustache}\n---\nuser:\n{{#a}}x',
    code: 'template-syntax',
    fix: [
      'Add “{{/a}}” at the end',
      '---\ninputs: {a: {kind: array}}\ntemplate: {format: mustache}\n---\nuser:\n{{#a}}x\n{{/a}}\n',
    ],
  },
  'finds the filter that is meant': {
    text: "---\ninputs: {a: 'x'}\n---\nuser:\n{{ a | uper }}",
    code: 'template-syntax',
    fix: ['Change to “upper”', "---\ninputs: {a: 'x'}\n---\nuser:\n{{ a | upper }}"],
  },
  'finds the tag that is meant': {
    text: "---\ninputs: {a: 'x'}\n---\nuser:\n{% if a %}x{% endfi %}",
    code: 'template-syntax',
    fix: ['Change to “endif”', "---\ninputs: {a: 'x'}\n---\nuser:\n{% if a %}x{% endif %}"],
  },
};

describe('quickFixes', () => {
  for (const [name, item] of Object.entries(cases)) it(name, () => check(item));
});

describe('lints', () => {
  const silent: Record<string, string> = {
    'a good template': settings('    grade: equal\n'),
    'keys of others': '---\nx-own: 1\nsomething: {deep: 2}\n---\nuser:\nx',
    'keys of version 1':
      '---\nmodel:\n  api: chat\n  configuration: {type: openai}\n  parameters: {max_tokens: 3}\n---\nuser:\nx',
    'names of inputs': '---\ninputs:\n  kin: {kind: string}\n---\nuser:\n{{ kin }}',
    'loops, macros and sets':
      '---\ninputs: {xs: [1]}\n---\nuser:\n{% macro m(a, b=1) %}{{ a }}{% endmacro %}{% for x in xs if x is odd %}{{ loop.index }}{{ m(x) | trim }}{% else %}-{% endfor %}{% set y %}z{% endset %}{{ y }}{% filter upper %}a{% endfilter %}',
  };
  for (const [name, text] of Object.entries(silent))
    it(`says nothing about ${name}`, () => assert.deepEqual(lints(templateDocument(text, 'x'), {}), []));
});

describe('nearest', () => {
  const check = (word: string, expected: readonly string[]): void =>
    assert.deepEqual(nearest(word, ['kind', 'name', 'temperature', 'topP', 'topK', 'maxOutputTokens']), expected);
  it('takes slips, swaps and other writings, and nothing far', () => {
    check('knid', ['kind']);
    check('top_p', ['topP', 'topK']);
    check('max-output-tokens', ['maxOutputTokens']);
    check('temp', []);
    check('kind', []);
    check('', []);
  });
});
