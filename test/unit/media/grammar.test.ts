/** The TextMate grammar, run by the editor's own engine. Of YAML, which the editor brings, a few rules stand in. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';

const require = createRequire(import.meta.url);
const yaml = {
  scopeName: 'source.yaml',
  patterns: [
    { match: '#.*$', name: 'comment.line.yaml' },
    { begin: "'", end: "'", name: 'string.quoted.single.yaml' },
    { begin: '"', end: '"', name: 'string.quoted.double.yaml' },
    { match: '([\\w-]+)(:)(?=\\s|$)', name: 'entity.name.tag.yaml' },
    { begin: '(?=\\$|[a-z])', end: '$', name: 'string.unquoted.plain.yaml' },
  ],
};

let grammar: textmate.IGrammar;
before(async () => {
  const wasm = readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength) as ArrayBuffer);
  const own = readFileSync(new URL('../../../media/prompty.tmLanguage.json', import.meta.url), 'utf8');
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: patterns => new oniguruma.OnigScanner(patterns),
      createOnigString: text => new oniguruma.OnigString(text),
    }),
    loadGrammar: async name =>
      textmate.parseRawGrammar(name === 'source.yaml' ? JSON.stringify(yaml) : own, `${name}.json`),
  });
  grammar = (await registry.loadGrammar('source.prompty'))!;
});

/** Each expectation: a piece of the text and a scope that it must have, or must not have with `!`. */
function check(text: string, ...expected: readonly (readonly [string, string])[]): void {
  const found: { piece: string; scopes: readonly string[] }[] = [];
  let state: textmate.StateStack = textmate.INITIAL;
  for (const line of text.split('\n')) {
    const result = grammar.tokenizeLine(line, state);
    for (const { startIndex, endIndex, scopes } of result.tokens)
      found.push({ piece: line.slice(startIndex, endIndex).trim(), scopes });
    state = result.ruleStack;
  }
  for (const [piece, scope] of expected) {
    const wanted = scope.replace('!', '');
    const tokens = found.filter(token => token.piece === piece);
    assert.ok(tokens.length > 0, `no token ${piece} among ${found.map(token => token.piece).join(' ┃ ')}`);
    const has = tokens.some(({ scopes }) => scopes.some(name => name.split(' ').some(one => one.startsWith(wanted))));
    assert.equal(has, !scope.startsWith('!'), `${piece}: ${tokens.map(({ scopes }) => scopes.join(' ')).join(' | ')}`);
  }
}

const body = (text: string): string => `---\nname: x\n---\n${text}`;

describe('the grammar', () => {
  it('colours the front matter as YAML and leaves it at its end', () =>
    check(
      body('name: x'),
      ['name:', 'source.yaml'],
      ['name:', 'entity.name.tag'],
      ['---', 'punctuation.definition.frontmatter'],
      ['name: x', '!source.yaml'],
    ));
  it('leaves the front matter inside an open string too', () =>
    check('---\nname: "x\n---\nuser:\n', ['user', 'keyword.control.role'], ['user', '!source.yaml']));
  it('knows roles on lines of their own alone', () => {
    check(body('# System :'), ['System', 'keyword.control.role']);
    check(
      body('assistant[name="a"]:'),
      ['assistant', 'keyword.control.role'],
      ['[name="a"]', 'entity.other.attribute-name'],
    );
    check(body('user: hello'), ['user: hello', '!keyword.control.role']);
  });
  it('knows references in values, not in comments', () => {
    check(
      '---\na: ${env:HOME:here}\n---\n',
      ['env', 'keyword.other.reference'],
      ['HOME', 'variable.other.constant.reference'],
      ['here', 'string.unquoted.default'],
    );
    check("---\na: '${file:x.txt}'\n---\n", ['x.txt', 'variable.other.constant.reference']);
    check('---\na: 1 # ${env:HOME}\n---\n', ['# ${env:HOME}', '!meta.reference']);
  });
  it('knows tags in values', () => check("---\na: '{{ answer }}'\n---\n", ['answer', 'variable.other']));
  it('knows expressions', () =>
    check(
      body("{{ user.name | default('x') }} {{- a is not defined -}}"),
      ['user', 'variable.other'],
      ['name', 'variable.other.property'],
      ['default', 'support.function.filter'],
      ['x', 'string.quoted.single'],
      ['defined', 'support.function.test'],
      ['{{-', 'punctuation.definition.template-expression.begin'],
      ['-}}', 'punctuation.definition.template-expression.end'],
    ));
  it('knows statements and comments of Jinja', () =>
    check(
      body('{%- for x in xs if x %}{# note {{ x }} #}{% endfor %}'),
      ['for', 'keyword.control.jinja'],
      ['xs', 'variable.other'],
      ['note {{ x }}', 'comment.block.jinja'],
      ['endfor', 'keyword.control.jinja'],
    ));
  it('knows sections, comments and triple braces of Mustache', () =>
    check(
      body('{{#items}}{{{name}}}{{/items}}{{! a note }}'),
      ['#', 'keyword.control.mustache'],
      ['items', 'variable.other'],
      ['name', 'variable.other'],
      ['}}}', 'punctuation.definition.template-expression.end'],
      ['a note', 'comment.block.mustache'],
    ));
});
