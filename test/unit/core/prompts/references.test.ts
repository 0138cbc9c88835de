import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import {
  checkReferences,
  isInside,
  originOf,
  type ReferencePolicy,
  referencesOf,
  resolveReferences,
} from '../../../../src/core/prompts/references.ts';

const ref = (kind: string, rest: string): string => `\${${kind}:${rest}}`;
const template = parseTemplate(
  `---
model:
  id: m
  connection: {kind: key, endpoint: "https://api.example.com/v1", apiKey: "${ref('env', 'API_KEY')}"}
inputs:
  who: {kind: string, default: "I am ${ref('env', 'USER_NAME:nobody')} in ${ref('env', 'CITY')}"}
  data: {kind: object, default: "${ref('file', 'data/x.json')}"}
  list: {kind: array, default: ["${ref('file', 'a.txt')}", 1]}
---
user:
${ref('env', 'HOME')} {{ who }}`,
  'x.prompty',
);
const nothing: ReferencePolicy = {
  trusted: true,
  approvedEnv: new Set(),
  approvedFiles: new Set(),
  approvedOrigins: new Set(),
};

describe('references', () => {
  it('are found in inputs and the connection, and never in the body', () => {
    assert.deepEqual(referencesOf(template), [
      { kind: 'env', name: 'USER_NAME', fallback: 'nobody' },
      { kind: 'env', name: 'CITY' },
      { kind: 'file', file: 'data/x.json' },
      { kind: 'file', file: 'a.txt' },
      { kind: 'env', name: 'API_KEY' },
      { kind: 'endpoint', address: 'https://api.example.com/v1' },
    ]);
  });

  it('need approval one by one', () => {
    const all = referencesOf(template);
    assert.equal(checkReferences(all, nothing).needsApproval.length, all.length);
    const some = checkReferences(all, {
      ...nothing,
      approvedEnv: new Set(['CITY']),
      approvedFiles: new Set(['a.txt']),
      approvedOrigins: new Set(['https://api.example.com']),
    });
    assert.deepEqual(
      some.approved.map(reference => reference.kind),
      ['env', 'file', 'endpoint'],
    );
    assert.deepEqual(some.refused, []);
  });

  it('are all refused in an untrusted workspace, approved or not', () => {
    const approved = { ...nothing, trusted: false, approvedEnv: new Set(['CITY']), approvedFiles: new Set(['a.txt']) };
    const { refused, approved: passed, needsApproval } = checkReferences(referencesOf(template), approved);
    assert.equal(refused.length, 6);
    assert.deepEqual([...passed, ...needsApproval], []);
  });

  it('to files outside are refused whatever was approved', () => {
    for (const file of [
      '/etc/passwd',
      '../x',
      'a/../../x',
      'C:\\x',
      '\\\\server\\x',
      'file:///etc/passwd',
      'http://x/y',
      '',
      'a\0b',
      'a\\..\\..\\b',
    ]) {
      assert.equal(isInside(file), false, file);
      const policy = { ...nothing, approvedFiles: new Set([file]) };
      assert.equal(checkReferences([{ kind: 'file', file }], policy).refused.length, 1, file);
    }
    for (const file of ['a', './a', 'a/b.txt', '..a', 'a..b/c', '.hidden']) assert.equal(isInside(file), true, file);
  });

  it('become values, JSON files become data', () => {
    const env = new Map([
      ['CITY', 'Oslo'],
      ['API_KEY', 'k'],
    ]);
    const files = new Map([
      ['data/x.json', '{"a": [1]}'],
      ['a.txt', 'text\n'],
    ]);
    const { template: resolved, diagnostics } = resolveReferences(template, { env, files });
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(
      resolved.inputs.map(input => input.default),
      ['I am nobody in Oslo', { a: [1] }, ['text\n', 1]],
    );
    assert.equal(resolved.model.connection?.apiKey, 'k');
  });

  it('are resolved once: a value that looks like a reference stays', () => {
    const looks = ref('env', 'CITY');
    const { template: resolved } = resolveReferences(template, {
      env: new Map([
        ['USER_NAME', looks],
        ['CITY', 'Oslo'],
        ['API_KEY', ''],
      ]),
      files: new Map([
        ['data/x.json', '1'],
        ['a.txt', looks],
      ]),
    });
    assert.equal(resolved.inputs[0]!.default, `I am ${looks} in Oslo`);
    assert.deepEqual(resolved.inputs[2]!.default, [looks, 1]);
  });

  it('without a value are errors at their place', () => {
    const { diagnostics } = resolveReferences(template, { env: new Map(), files: new Map() });
    assert.deepEqual(
      diagnostics.map(({ message, severity, range }) => [
        severity,
        /“(.*?)”/.exec(message)?.[1],
        range && template.text.slice(range.start + 2, range.end - 1),
      ]),
      [
        ['error', 'CITY', 'env:CITY'],
        ['error', 'data/x.json', 'file:data/x.json'],
        ['error', 'a.txt', 'file:a.txt'],
        ['error', 'API_KEY', 'env:API_KEY'],
      ],
    );
  });

  it('origins are those of URL', () => {
    const host = fc.constantFrom('a.example', 'x-1.y2.example', 'localhost', '127.0.0.1');
    fc.assert(
      fc.property(host, fc.option(fc.integer({ min: 1, max: 65535 })), fc.webPath(), (name, port, path) => {
        const address = `https://${name}${port === null || port === 443 ? '' : `:${port}`}${path}`;
        assert.equal(originOf(address), new URL(address).origin);
      }),
    );
    for (const address of [
      'https://user:pw@good.example/x',
      'ftp://x',
      'https://',
      'good.example',
      'https://evil.example\\@good.example',
    ])
      assert.equal(originOf(address), undefined, address);
  });
});
