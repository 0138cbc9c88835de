/** What is exported is run: the TypeScript with node, the Python with python3, the command with curl, against a local server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CodeTarget, exportPrompt } from '../../../../../src/core/prompts/convert/exportPrompt.ts';
import { parseTemplate } from '../../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../../src/core/prompts/render.ts';
import { renderInProcess } from '../../../../fakes/renderInProcess.ts';

const run = promisify(execFile);

const front = (provider: string): string => `---
model: {id: m-1, provider: ${provider}, options: {temperature: 0.5, maxOutputTokens: 9, topK: 4, seed: 3, stopSequences: ["\\n", "'"]}}
tools:
  - name: look
    kind: function
    description: Looks
    strict: true
    parameters: [{name: where, kind: string, required: true, enumValues: [a, b]}, {name: who, kind: string}]
    bindings: {who: {input: w}}
  - {name: far, kind: mcp}
inputs: {q: {kind: string}}
---
developer:
D
user:
{{ q }}`;

const hostile = `'"\\ \${x} \`y\` $(z) $HOME 'EOF'\n{{ a }} </script> \u2028 é 😀 \ud800 \t\0 \x7f """ ''' \\n %s {0}`;

async function exported(
  provider: string,
  target: CodeTarget,
): Promise<{ text: string; notes: string[]; body: unknown }> {
  const template = parseTemplate(front(provider), 'x.prompty');
  const { prompt, diagnostics } = await renderPrompt(template, { values: { q: hostile } }, renderInProcess);
  assert.ok(prompt, JSON.stringify(diagnostics));
  const { text, notes } = exportPrompt(template, prompt, target);
  const json = provider === 'anthropic' ? 'anthropic' : 'openai';
  const body = JSON.parse(exportPrompt(template, prompt, json).text) as unknown;
  return { text, notes: notes.map(({ message }) => message), body };
}

describe('exportPrompt', () => {
  it('writes what OpenAI takes', async () => {
    const { body, notes } = await exported('openai', 'openai');
    assert.deepEqual(body, {
      model: 'm-1',
      messages: [
        { role: 'developer', content: 'D' },
        { role: 'user', content: hostile.replace('\ud800', '\ufffd') },
      ],
      temperature: 0.5,
      max_completion_tokens: 9,
      seed: 3,
      stop: ['\n', "'"],
      tools: [
        {
          type: 'function',
          function: {
            name: 'look',
            description: 'Looks',
            strict: true,
            parameters: {
              type: 'object',
              properties: { where: { type: 'string', enum: ['a', 'b'] } },
              required: ['where'],
              additionalProperties: false,
            },
          },
        },
      ],
    });
    assert.equal(notes.length, 2);
    assert.match(notes[0]!, /topK/);
    assert.match(notes[1]!, /“far”/);
  });

  it('writes what Anthropic takes', async () => {
    const { body, notes } = await exported('anthropic', 'anthropic');
    const { tools, ...rest } = body as Record<string, unknown>;
    assert.deepEqual(rest, {
      model: 'm-1',
      system: 'D',
      messages: [{ role: 'user', content: [{ type: 'text', text: hostile.replace('\ud800', '\ufffd') }] }],
      temperature: 0.5,
      max_tokens: 9,
      top_k: 4,
      stop_sequences: ['\n', "'"],
    });
    assert.equal((tools as { input_schema: { type: string } }[])[0]!.input_schema.type, 'object');
    assert.match(notes.join(), /seed/);
  });

  describe('as code', function () {
    this.timeout(30_000).slow(5000);
    let server: Server;
    let folder: string;
    let seen: { url?: string; headers: IncomingHttpHeaders; body: unknown } | undefined;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'tunesmith-export-'));
      server = createServer((request, response) => {
        let data = '';
        request.setEncoding('utf8').on('data', (chunk: string) => (data += chunk));
        request.on('end', () => {
          seen = { url: request.url, headers: request.headers, body: JSON.parse(data) };
          response.setHeader('content-type', 'application/json').end('{"ok": "Ä"}');
        });
      });
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    });
    after(() => {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const commands: readonly [target: CodeTarget, file: string, command: string, argv: readonly string[]][] = [
      ['typescript', 'send.ts', process.execPath, []],
      ['python', 'send.py', 'python3', []],
      ['curl', 'send.sh', 'bash', []],
    ];
    for (const [target, file, command, argv] of commands)
      for (const provider of ['openai', 'anthropic'])
        it(`${target} sends the body to ${provider}`, async function () {
          if (target === 'curl' && !(await run('curl', ['--version']).catch(() => undefined))) this.skip();
          const { text, body } = await exported(provider, target);
          const path = join(folder, `${provider}-${file}`);
          writeFileSync(path, text);
          seen = undefined;
          const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
          const env = {
            PATH: process.env.PATH,
            OPENAI_BASE_URL: `${address}/v1`,
            ANTHROPIC_BASE_URL: address,
            OPENAI_API_KEY: 'k',
            ANTHROPIC_API_KEY: 'k',
            NO_PROXY: '*',
          };
          const { stdout } = await run(command, [...argv, path], { env });
          assert.match(stdout, /"ok": "Ä"/);
          assert.deepEqual(seen!.body, body);
          assert.equal(seen!.url, provider === 'openai' ? '/v1/chat/completions' : '/v1/messages');
          assert.equal(
            seen!.headers[provider === 'openai' ? 'authorization' : 'x-api-key'],
            provider === 'openai' ? 'Bearer k' : 'k',
          );
        });
  });
});
