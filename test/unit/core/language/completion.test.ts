import assert from 'node:assert/strict';
import { complete } from '../../../../src/core/language/completion.ts';
import { marked, memoryHost, replaced, rowsOf } from './marked.ts';

const host = memoryHost({
  bank: rowsOf({ problem: 'p', reasoning: 'r', answer: 'a' }),
  rows: rowsOf({ problem: 'p', solution: 's' }),
});
const body = (text: string): string =>
  `---\ninputs:\n  problem: {kind: string}\n  people:\n    kind: array\n    example: [{first: A, last: B}]\nmetadata:\n  tunesmith:\n    examples: {bank: b.jsonl}\n---\nuser:\n${text}`;

interface Case {
  readonly text: string;
  /** Labels that must be offered, and ones that must not. */
  readonly has?: readonly string[];
  readonly not?: readonly string[];
  /** Label, and the text with it put in, snippet places kept. */
  readonly gives?: readonly [string, string];
}

async function check({ text, has = [], not = [], gives }: Case): Promise<void> {
  const { document, offset } = marked(text);
  const items = await complete(document, offset, host);
  const labels = items.map(({ label }) => label);
  for (const label of has) assert.ok(labels.includes(label), `${label} is not among ${labels.join(' ')}`);
  for (const label of not) assert.ok(!labels.includes(label), `${label} is among ${labels.join(' ')}`);
  assert.equal(new Set(labels).size, labels.length, 'each once');
  for (const { range } of items) assert.ok(range.start <= offset && offset <= range.end, 'the range holds the cursor');
  if (!gives) return;
  const item = items.find(({ label }) => label === gives[0]);
  assert.ok(item, `${gives[0]} is not among ${labels.join(' ')}`);
  const { start, end } = item.range;
  const result = replaced(document.text, [{ offset: start, length: end - start, text: item.insert }]);
  assert.ok(result.includes(gives[1]), `${JSON.stringify(gives[1])} is not in\n${result}`);
}

const cases: Record<string, Case> = {
  'keys at the top, without those that are there': {
    text: '---\nname: x\n┃\n---\n',
    has: ['description', 'model', 'inputs', 'metadata', 'template'],
    not: ['name', 'temperature', 'sample'],
  },
  'keys below the cursor count as there': { text: '---\n┃\nmodel: m\n---\n', not: ['model'], has: ['name'] },
  'keys by nesting': {
    text: '---\nmodel:\n  id: m\n  options:\n    temp┃\n---\n',
    has: ['temperature', 'topP', 'maxOutputTokens'],
    not: ['max_tokens', 'id', 'name'],
    gives: ['temperature', 'options:\n    temperature: $0\n'],
  },
  'keys before their colon keep it': {
    text: '---\nmodel:\n  options:\n    te┃mp: 1\n---\n',
    gives: ['temperature', '    temperature: 1\n'],
  },
  'a mapping opens below its key': { text: '---\nmo┃\n---\n', gives: ['model', 'model:\n  $0\n'] },
  'keys in braces': {
    text: '---\nmodel:\n  options: {temperature: 0, to┃}\n---\n',
    has: ['topP'],
    not: ['temperature'],
    gives: ['topP', '{temperature: 0, topP: $0}'],
  },
  'keys deep in braces': { text: '---\nmetadata: {tunesmith: {reasoning: {str┃}}}\n---\n', has: ['strategy'] },
  'keys of an input': {
    text: '---\ninputs:\n  a:\n    ki┃\n---\n',
    has: ['kind', 'required', 'example'],
    not: ['name'],
  },
  'keys of an input in a list': {
    text: '---\ninputs:\n  - name: a\n    ki┃\n---\n',
    has: ['kind', 'required'],
    not: ['name'],
  },
  'keys of a new item': { text: '---\ninputs:\n  - name: a\n  - ┃\n---\n', has: ['name', 'kind'] },
  'inputs that the prompt uses': {
    text: '---\ninputs:\n  ┃\n---\nuser:\n{{ question }} {% for x in xs %}{{ x }}{% endfor %}',
    has: ['question', 'xs'],
    not: ['x'],
    gives: ['question', 'inputs:\n  question:\n    kind: ${1:string}'],
  },
  strategies: {
    text: '---\nmetadata:\n  tunesmith:\n    reasoning:\n      strategy: ┃\n---\n',
    has: ['direct', 'few-shot-cot', 'zero-shot-cot', 'self-consistency'],
    gives: ['direct', 'strategy: direct\n'],
  },
  'a value right after the colon': {
    text: '---\nmetadata:\n  tunesmith:\n    grade:┃\n---\n',
    gives: ['contains', 'grade: contains\n'],
  },
  grades: {
    text: '---\nmetadata:\n  tunesmith:\n    grade: numb┃er\n---\n',
    gives: ['numbers-equal', 'grade: numbers-equal\n'],
  },
  'answer rules in braces': {
    text: '---\nmetadata:\n  tunesmith:\n    reasoning:\n      answer: {rule: ┃}\n---\n',
    has: ['regex', 'json-path'],
  },
  booleans: { text: '---\ninputs:\n  a:\n    required: ┃\n---\n', has: ['true', 'false'] },
  models: { text: '---\nmodel: ┃\n---\n', not: ['local:pebble'] },
  'model ids': {
    text: '---\nmodel:\n  id: loc┃\n---\n',
    has: ['local:pebble', 'openai:gpt-x'],
    gives: ['local:pebble', 'id: local:pebble\n'],
  },
  banks: {
    text: "---\nmetadata:\n  tunesmith:\n    examples:\n      bank: './b┃'\n---\n",
    has: ['../data/rows.csv'],
    gives: ['./banks/a.jsonl', "bank: './banks/a.jsonl'\n"],
  },
  'columns of the rows': {
    text: body('').replace('    examples', '    expected: ┃\n    examples'),
    has: ['solution'],
    not: ['problem'],
  },
  'fields in an answer': {
    text: "---\nmetadata:\n  tunesmith:\n    examples:\n      bank: b\n      answer: '{{┃}}'\n---\n",
    has: ['reasoning'],
    gives: ['answer', "'{{ answer }}'"],
  },
  triggers: {
    text: '---\nmetadata:\n  tunesmith:\n    reasoning:\n      trigger: ┃\n---\n',
    gives: ["Let's think step by step.", "trigger: 'Let''s think step by step.'\n"],
  },
  references: { text: '---\ninputs:\n  a: ${┃\n---\n', gives: ['${env:…}', '\\${env:${1:NAME}}'] },
  'nothing in a comment': { text: '---\nname: a # na┃\n---\n', not: ['name'] },
  'nothing in a block text': { text: '---\ndescription: |\n  na┃\n---\n', not: ['name', 'kind'] },
  'inputs between braces': {
    text: body('{{┃}}'),
    has: ['problem', 'people', 'shots', 'range'],
    not: ['system:'],
    gives: ['problem', '{{ problem }}'],
  },
  'inputs in an unclosed tag': { text: body('{{ pro┃\nmore'), gives: ['problem', '{{ problem\nmore'] },
  filters: { text: body('{{ problem | up┃ }}'), has: ['upper', 'tojson'], not: ['problem'] },
  'filters with arguments': { text: body('{{ people|j┃ }}'), gives: ['join', "{{ people|join('${1:, }') }}"] },
  tests: { text: body('{% if problem is not ┃ %}'), has: ['defined', 'none'], not: ['upper '] },
  'nothing in a string': { text: body("{{ problem | replace('pro┃') }}"), not: ['problem'] },
  'fields of examples in a loop': {
    text: body('{% for shot in shots %}{{ shot.┃ }}{% endfor %}'),
    has: ['problem', 'reasoning', 'answer'],
  },
  'fields of items': { text: body('{% for person in people %}{{ person.┃ }}{% endfor %}'), has: ['first', 'last'] },
  'fields of the loop': { text: body('{% for p in people %}{{ loop.┃ }}{% endfor %}'), has: ['index', 'last'] },
  'names of a loop inside it': { text: body('{% for p in people %}{{ ┃ }}{% endfor %}'), has: ['p', 'loop'] },
  'names of a loop not after it': { text: body('{% for p in people %}{% endfor %}{{ ┃ }}'), not: ['p', 'loop'] },
  tags: { text: body('{%┃}'), gives: ['set', '{% set ${1:name} = ${2:value} %}'] },
  'tags that close, first': {
    text: body('{% if problem %}\n{% ┃ %}'),
    has: ['endif', 'else'],
    gives: ['endif', '{% endif %}'],
  },
  roles: {
    text: body('').replace('user:\n', 'us┃\n'),
    has: ['user:', 'assistant:', 'system:'],
    gives: ['user:', '---\nuser:\n'],
  },
  'the place of the shots': { text: body('').replace('user:\n', '┃\nuser:\n'), has: ['{{ shots }}'] },
  'no roles inside a line': { text: body('I am us┃'), not: ['user:'] },
  'names in Mustache': {
    text: '---\ninputs: {items: {kind: array}}\ntemplate: {format: mustache}\n---\nuser:\n{{┃}}',
    has: ['items', '#', '^'],
    gives: ['items', '{{ items }}'],
  },
  'sections in Mustache': {
    text: '---\ninputs: {items: {kind: array}}\ntemplate: {format: mustache}\n---\nuser:\n{{#items}}x{{/┃}}',
    gives: ['items', '{{/items}}'],
  },
  'whole templates in an empty file': {
    text: '┃',
    has: ['template', 'few-shot template'],
    gives: ['template', 'name: ${1:my-template}'],
  },
};

describe('complete', () => {
  for (const [name, item] of Object.entries(cases)) it(name, () => check(item));
});
