/** What the cursor is on: hover, references, rename, definition; and what the whole text gives: outline, folds, tokens. */
import assert from 'node:assert/strict';
import { isHumanError } from '../../../../src/base/errors.ts';
import { codeLenses } from '../../../../src/core/language/codeLens.ts';
import { folds } from '../../../../src/core/language/folding.ts';
import { hover } from '../../../../src/core/language/hover.ts';
import { namedFiles, occurrencesAt } from '../../../../src/core/language/references.ts';
import { rename, renameable } from '../../../../src/core/language/rename.ts';
import { selectionRanges } from '../../../../src/core/language/selectionRanges.ts';
import { semanticTokens } from '../../../../src/core/language/semanticTokens.ts';
import { symbols } from '../../../../src/core/language/symbols.ts';
import { templateDocument } from '../../../../src/core/language/templateDocument.ts';
import { marked, memoryHost, replaced, rowsOf } from './marked.ts';

const head = `---
name: x
model:
  id: local:pebble
inputs:
  question:
    kind: string
    description: What is asked
    default: Why?
  "quoted": {kind: string}
  list: {kind: array}
metadata:
  tunesmith:
    examples: {bank: './banks/b.jsonl', shots: 2}
    reasoning:
      strategy: zero-shot-cot
    rows: data/r.csv
---
`;

describe('hover', () => {
  const host = memoryHost({
    bank: rowsOf({ question: 'b', answer: 'a' }),
    rows: rowsOf({ question: 'in the row' }),
    tokens: true,
  });
  const check = async (text: string, ...expected: readonly (RegExp | string)[]): Promise<void> => {
    const { document, offset } = marked(text);
    const found = await hover(document, offset, host);
    const shown = found?.contents.join('\n') ?? '';
    for (const one of expected)
      assert.ok(typeof one === 'string' ? shown.includes(one) : one.test(shown), `${one} is not in\n${shown}`);
    if (expected.length === 0) assert.equal(found, undefined);
    else assert.ok(found!.range.start <= offset && offset <= found!.range.end);
  };
  it('shows an input with its value in the current row and its tokens', () =>
    check(
      `${head}{{ ques┃tion }}`,
      '**question** · string',
      'What is asked',
      'current row',
      'in the row',
      '3 tokens (pebble)',
    ));
  it('shows the default without rows', async () => {
    const { document, offset } = marked(`${head}{{ ques┃tion }}`);
    assert.match((await hover(document, offset, memoryHost()))!.contents.join('\n'), /Default:[\s\S]*Why\?/);
  });
  it('shows an input at its key', () => check(head.replace('  question:', '  quest┃ion:'), '**question** · string'));
  it('says that a variable is declared nowhere', () => check(`${head}{{ oth┃er }}`, 'Not declared'));
  it('explains keys', () => check(head.replace('rows:', 'ro┃ws:'), 'File of input rows'));
  it('explains a strategy with its paper', () =>
    check(head.replace('zero-shot', 'zero┃-shot'), 'Kojima', '2205.11916'));
  it('shows a model', () => check(head.replace('local:', 'lo┃cal:'), '**pebble**', '512 tokens'));
  it('shows a bank', () => check(head.replace('/banks', '/ba┃nks'), '1 rows', '`answer`'));
  it('explains filters, tests, tags and the loop', async () => {
    await check(`${head}{{ question | up┃per }}`, 'capital letters');
    await check(`${head}{% if question is def┃ined %}{% endif %}`, 'has a value');
    await check(`${head}{% f┃or a in list %}{% endfor %}`, 'once for each item');
    await check(`${head}{% for a in list %}{{ loop.ind┃ex }}{% endfor %}`, 'from 1');
    await check(`${head}{% for a in list %}{{ ┃a }}{% endfor %}`, 'Each item of “list”');
  });
  it('tells the shots', () => check(`${head}{{ sh┃ots }}`, '2 of 1'));
  it('shows nothing in plain text', () => check(`${head}user:\nhe┃llo`));
  it('shows values as text, whatever they hold', async () => {
    const { document, offset } = marked('---\ninputs:\n  a: "``` [x](command:y)"\n---\n{{ a┃ }}');
    const contents = (await hover(document, offset, memoryHost()))!.contents.join('\n');
    assert.equal(contents.match(/```/g)!.length, 2, contents);
  });
});

describe('occurrencesAt', () => {
  const check = (text: string, expected: { declaration?: string; uses: number } | undefined): void => {
    const { document, offset } = marked(text);
    const found = occurrencesAt(document, offset);
    assert.equal(found?.uses.length, expected?.uses, text);
    const { declaration } = found ?? {};
    assert.equal(declaration && document.text.slice(declaration.start, declaration.end), expected?.declaration);
  };
  it('joins key and uses, in filters, conditions, loops and nested tags', () =>
    check(
      `${head}{{ quest┃ion | upper }}{% if question %}{% for x in question %}{{ x ~ question }}{% endfor %}{% endif %} question "question" {{ 'question' }}`,
      { declaration: 'question', uses: 4 },
    ));
  it('works from the key', () =>
    check(`${head.replace('  question:', '  quest┃ion:')}{{ question }}`, { declaration: 'question', uses: 1 }));
  it('leaves out what a loop of the same name hides', () =>
    check(`${head}{{ que┃stion }}{% for question in list %}{{ question }}{% endfor %}{{ question }}`, {
      declaration: 'question',
      uses: 2,
    }));
  it('keeps to a loop', () =>
    check(`${head}{% for x in list %}{{ ┃x }}{{ x.x }}{% endfor %}{{ x }}`, { declaration: 'x', uses: 2 }));
  it('knows what set and macro name', () => {
    check(`${head}{% set a = question %}{{ ┃a }}{{ a }}`, { declaration: 'a', uses: 2 });
    check(`${head}{% macro m(p) %}{{ ┃p }}{% endmacro %}{{ m(1) }}{{ p }}`, { declaration: 'p', uses: 1 });
  });
  it('joins sections of Mustache', () =>
    check('---\ninputs: {items: {kind: array}}\ntemplate: {format: mustache}\n---\n{{#it┃ems}}{{name}}{{/items}}', {
      declaration: 'items',
      uses: 2,
    }));
  it('finds nothing in text', () => check(`${head}que┃stion`, undefined));
});

describe('rename', () => {
  const check = (text: string, name: string, expected: string): void => {
    const { document, offset } = marked(text);
    assert.ok(renameable(document, offset));
    assert.equal(replaced(document.text, rename(document, offset, name)), expected);
  };
  it('changes key and uses', () =>
    check(
      '---\ninputs:\n  "a": {kind: string}\n---\n{{ ┃a }}{% for a in [a] %}{{ a }}{% endfor %}{{ a.a }}',
      'b',
      '---\ninputs:\n  "b": {kind: string}\n---\n{{ b }}{% for a in [b] %}{{ a }}{% endfor %}{{ b.a }}',
    ));
  it('changes names in a list of inputs and sample values', () =>
    check(
      '---\ninputs:\n  - name: a\n    type: string\nsample:\n  a: 1\n---\n{{ a┃ }}',
      'b',
      '---\ninputs:\n  - name: b\n    type: string\nsample:\n  b: 1\n---\n{{ b }}',
    ));
  it('refuses names that cannot be, or are taken', () => {
    const { document, offset } = marked(`${head}{{ question┃ }}{% set taken = 1 %}`);
    for (const name of ['1a', 'a b', '', 'if', 'shots', 'list', 'taken'])
      assert.throws(() => rename(document, offset, name), isHumanError, name);
  });
  it('leaves the shots alone', () => {
    const { document, offset } = marked(`${head}{{ shots┃ }}`);
    assert.equal(renameable(document, offset), undefined);
  });
});

describe('the whole text', () => {
  const document = templateDocument(
    `${head}Be brief.\n\nuser:\n{{ shots }}\n{{ question | upper }}\n{% for x in list %}\n{{ x }}{{ other }}\n{% endfor %}\n{# a\nb #}\nassistant:\n`,
    'x.prompty',
  );
  const textAt = ({ start, end }: { start: number; end: number }): string => document.text.slice(start, end);

  it('names files', () => {
    const withFile = templateDocument(head.replace('Why?', '${file:a.txt} and ${file:b/c.md}'), 'x');
    assert.deepEqual(
      namedFiles(withFile).map(({ kind, path, range }) => [kind, path, withFile.text.slice(range.start, range.end)]),
      [
        ['file', 'a.txt', 'a.txt'],
        ['file', 'b/c.md', 'b/c.md'],
        ['bank', './banks/b.jsonl', './banks/b.jsonl'],
        ['rows', 'data/r.csv', 'data/r.csv'],
      ],
    );
  });
  it('has an outline', () => {
    const all = symbols(document);
    assert.deepEqual(
      all.map(({ name }) => name),
      ['name', 'model', 'inputs', 'metadata', 'system', 'user', 'assistant'],
    );
    const inputs = all.find(({ name }) => name === 'inputs')!.children;
    assert.deepEqual(
      inputs.map(({ name, detail, kind }) => [name, detail, kind]),
      [
        ['question', 'string', 'input'],
        ['quoted', 'string', 'input'],
        ['list', 'array', 'input'],
      ],
    );
    assert.equal(all.at(-2)!.children[0]!.name, 'shots');
    for (const { range, selection } of all) assert.ok(range.start <= selection.start && selection.end <= range.end);
  });
  it('folds sections, messages, blocks and comments', () => {
    const starts = folds(document).map(({ range }) => textAt(range).split('\n')[0]);
    for (const start of ['name: x', 'model:', 'inputs:', 'question:', 'user:', '{% for x in list %}', '{# a'])
      assert.ok(
        starts.some(line => line === start || (start === 'name: x' && line === '')),
        `${start} in ${starts.join(' ┃ ')}`,
      );
  });
  it('tells inputs, own names, and what is declared nowhere', () => {
    const tokens = semanticTokens(document).map(
      ({ type, range, isDeclaration }) => `${type}${isDeclaration ? '+' : ''} ${textAt(range)}`,
    );
    assert.deepEqual(tokens, [
      'promptInput+ question',
      'promptInput+ "quoted"',
      'promptInput+ list',
      'promptRole user',
      'promptShots shots',
      'promptInput question',
      'promptFilter upper',
      'promptLocal+ x',
      'promptInput list',
      'promptLocal x',
      'promptUndeclared other',
      'promptRole assistant',
    ]);
  });
  it('grows selections outwards', () => {
    const offset = document.text.indexOf('x }}{{ other');
    const ranges = selectionRanges(document, offset);
    assert.equal(textAt(ranges[0]!), 'x');
    assert.ok(ranges.some(range => textAt(range) === '{{ x }}'));
    assert.deepEqual(ranges.at(-1), { start: 0, end: document.text.length });
    for (const [i, range] of ranges.slice(1).entries())
      assert.ok(range.start <= ranges[i]!.start && range.end >= ranges[i]!.end);
  });
  it('offers to run above the first message', () =>
    assert.deepEqual(
      codeLenses(document).map(({ action, range }) => [action, document.text.slice(range.start).slice(0, 5)]),
      [
        ['run', 'user:'],
        ['playground', 'user:'],
      ],
    ));
  it('offers to compare and to score where the template says what', () => {
    const settings = 'metadata:\n  tunesmith:\n    axes: {shots: [0, 2]}\n    score: {task: last-word}';
    const actions = codeLenses(templateDocument(`---\n${settings}\n---\nuser:\nx`, 't')).map(({ action }) => action);
    assert.deepEqual(actions, ['run', 'playground', 'compare', 'score']);
  });

  it('offers a sweep where there are examples, rows and what is right, and the strategy shows examples', () => {
    const actions = (tunesmith: string): string[] =>
      codeLenses(templateDocument(`---\nmetadata: {tunesmith: {${tunesmith}}}\n---\nuser:\nx`, 't')).map(
        ({ action }) => action,
      );
    const whole = 'examples: {bank: ./b.jsonl, shots: 2}, rows: ./r.jsonl, expected: a';
    assert.deepEqual(actions(whole), ['run', 'playground', 'sweep']);
    for (const part of ['examples: {bank: ./b.jsonl, shots: 2}', 'rows: ./r.jsonl, expected: a'])
      assert.ok(!actions(part).includes('sweep'), part);
    assert.ok(!actions(`${whole}, reasoning: {strategy: zero-shot-cot}`).includes('sweep'));
  });
});
