import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tunesmith } from '../../fakes/commandLine.ts';

describe('tunesmith convert', function () {
  this.slow(3000);
  let folder: string;
  const convert = (...argv: string[]) => tunesmith(['convert', ...argv], { cwd: folder });
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-convert-'));
    mkdirSync(join(folder, '.git'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('writes a request of what was given, without keys and addresses', async () => {
    const key = '$' + '{env:SECRET}';
    const path = write(
      'a.prompty',
      `---\nmodel: {id: m, connection: {endpoint: https://x.example, apiKey: "${key}"}}\ninputs: {q: {kind: string, example: e}}\n---\nuser:\n{{ q }}`,
    );
    const { code, stdout, stderr } = await convert(path, '--to', 'openai', '--input', 'q=it\'s "x"');
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { model: 'm', messages: [{ role: 'user', content: 'it\'s "x"' }] });
    const example = await convert(path, '--to', 'curl');
    assert.match(example.stdout, /"content": "e"/);
    assert.doesNotMatch(example.stdout, /x\.example|SECRET/);
  });

  it('writes version 2 with its comments', async () => {
    const path = write(
      'old.prompty',
      '---\nmodel: # mine\n  api: chat\n  parameters: {max_tokens: 3}\n---\nuser:\nx\n',
    );
    const { stdout } = await convert(path, '--to', 'prompty');
    assert.equal(stdout, '---\nmodel: # mine\n  apiType: chat\n  options: {maxOutputTokens: 3}\n---\nuser:\nx\n');
  });

  it('imports with rows beside, says what is left out, and takes no other file’s place', async () => {
    const path = write(
      's.prompt.yml',
      'messages: [{role: user, content: "{{q}}"}]\ntestData: [{q: a}]\nresponseFormat: text\n',
    );
    const output = join(folder, 's.prompty');
    const { code, stdout, stderr } = await convert(path, '--to', 'prompty', '-o', output);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /s\.prompt\.yml: “responseFormat” was not carried over/);
    assert.equal(readFileSync(join(folder, 's.rows.jsonl'), 'utf8'), '{"q":"a"}\n');
    assert.ok(existsSync(output));
    writeFileSync(join(folder, 's.rows.jsonl'), 'mine\n');
    const again = await convert(path, '--to', 'prompty', '-o', output);
    assert.equal(again.code, 1);
    assert.equal(readFileSync(join(folder, 's.rows.jsonl'), 'utf8'), 'mine\n');
  });

  const wrong: readonly [name: string, file: string, text: string, message: RegExp][] = [
    ['a helper, with its line', 'h.prompt', '---\nmodel: m\n---\n\n{{upper x}}', /h\.prompt:5: .*cannot be converted/],
    ['a broken template', 'b.prompty', 'user:\n{{ x', /b\.prompty:2: .*not closed/],
    [
      'an input without a value',
      'v.prompty',
      '---\ninputs: {q: {kind: string, required: true}}\n---\nuser:\n{{ q }}',
      /“q” has no value/,
    ],
    ['another kind of file', 'x.txt', '', /Files that can be converted/],
  ];
  for (const [name, file, text, message] of wrong)
    it(`refuses ${name}`, async () => {
      const { code, stdout, stderr } = await convert(write(file, text), '--to', 'python');
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, message);
    });
});
