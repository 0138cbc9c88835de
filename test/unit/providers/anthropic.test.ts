import assert from 'node:assert/strict';
import { defaultSampling } from '../../../src/core/generation.ts';
import { isProviderError } from '../../../src/core/providerError.ts';
import type { GenerateRequest } from '../../../src/core/textGenerator.ts';
import { memoryKeys } from '../../../src/providers/keys.ts';
import { type Endpoint, endpointProvider, kindOf } from '../../../src/providers/openAiCompatible.ts';
import { type AnthropicRequest, anthropic } from '../../fakes/anthropicServer.ts';
import { type Handler, HttpServers } from '../../fakes/httpServer.ts';

const request: GenerateRequest = {
  prompt: {
    kind: 'messages',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ],
  },
  options: { ...defaultSampling, temperature: 1.5, topK: 5, stopSequences: ['END'], maxOutputTokens: 9 },
  repeat: 0,
};

describe('anthropic', () => {
  const servers = new HttpServers();
  afterEach(() => servers.close());
  const model = async (handler: Handler, endpoint: Partial<Endpoint> = {}) => {
    const baseUrl = await servers.serve(handler);
    const provider = endpointProvider({
      endpoints: () => [{ baseUrl, models: ['claude-x'], kind: 'anthropic', ...endpoint }],
      keys: memoryKeys(new Map([[baseUrl, 'sk-secret']])),
      approve: async () => false,
    });
    return (await provider.get(`${baseUrl}|claude-x`))!;
  };

  it('streams an answer: its headers, its order of messages, its counts', async () => {
    const requests: AnthropicRequest[] = [];
    const one = await model(anthropic(['Hel', 'lo ☂'], requests));
    const deltas: string[] = [];
    const generation = await one.generate(request, { onDelta: text => deltas.push(text) });
    assert.deepEqual(
      [generation.text, generation.finishReason, generation.usage, generation.revision, deltas],
      ['Hello ☂', 'stop', { promptTokens: 12, completionTokens: 5 }, 'claude-x-20260101', ['Hel', 'lo ☂']],
    );
    const [{ path, headers, body }] = requests as [AnthropicRequest];
    assert.deepEqual(
      [path, headers['x-api-key'], headers['anthropic-version'], headers.authorization],
      ['/v1/messages', 'sk-secret', '2023-06-01', undefined],
    );
    assert.deepEqual(body, {
      model: 'claude-x',
      max_tokens: 9,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      temperature: 1,
      top_k: 5,
      stop_sequences: ['END'],
    });
    assert.deepEqual([one.model.controlledSampling, one.model.logProbs], [false, false]);
  });

  it('begins the answer for the model, and takes it in one piece', async () => {
    const requests: AnthropicRequest[] = [];
    const one = await model(anthropic([' Paris'], requests), { stream: false });
    const generation = await one.generate({
      ...request,
      prompt: {
        kind: 'messages',
        messages: [
          { role: 'user', content: 'Capital?' },
          { role: 'assistant', content: 'It is ' },
        ],
        continueLast: true,
      },
    });
    assert.deepEqual([generation.text, generation.finishReason], [' Paris', 'length']);
    assert.deepEqual((requests[0]!.body.messages as unknown[]).at(-1), { role: 'assistant', content: 'It is' });
  });

  it('is known by its address', () => {
    const kinds = ['https://api.anthropic.com', 'http://localhost:11434', 'http://localhost:11434/v1'].map(url =>
      kindOf(url),
    );
    assert.deepEqual(kinds, ['anthropic', 'ollama', 'openai']);
  });

  const refuse =
    (status: number, type: string, message: string, headers: Record<string, string> = {}): Handler =>
    (_, response) =>
      response
        .writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_9', ...headers })
        .end(JSON.stringify({ type: 'error', error: { type, message } }));
  for (const [what, handler, words, trouble, retryAfterMs] of [
    [
      'a wrong key',
      refuse(401, 'authentication_error', 'invalid x-api-key sk-secret'),
      /401: invalid x-api-key ••• Enter the key .*req_9/,
      'refused',
      undefined,
    ],
    [
      'a rate limit',
      refuse(429, 'rate_limit_error', 'Slow down', { 'retry-after': '7' }),
      /429: Slow down\./,
      'overload',
      7000,
    ],
    [
      'overload',
      refuse(529, 'overloaded_error', 'Overloaded'),
      /529: Overloaded\. Try again later/,
      'overload',
      undefined,
    ],
    [
      'overload in the stream',
      anthropic(['a'], [], (response, send) => {
        send('error', { error: { type: 'overloaded_error', message: 'Overloaded' } });
        response.end();
      }),
      /says: Overloaded\./,
      'overload',
      undefined,
    ],
    [
      'a stream that stops midway',
      anthropic(['a'], [], response => setTimeout(() => response.destroy(), 30)),
      /broke off/,
      'broken',
      undefined,
    ],
    ['a stream without an end', anthropic(['a'], [], response => response.end()), /broke off/, 'broken', undefined],
    [
      'a broken frame',
      anthropic(['a'], [], response => response.end('data: {"type":\n\n')),
      /does not answer as Anthropic/,
      'broken',
      undefined,
    ],
    [
      'a web page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      /does not answer as Anthropic/,
      'refused',
      undefined,
    ],
  ] as readonly [string, Handler, RegExp, string, number | undefined][]) {
    it(`explains ${what}`, async () => {
      const one = await model(handler);
      await assert.rejects(one.generate(request), error => {
        assert.ok(isProviderError(error));
        assert.match(error.message, words);
        assert.ok(!error.message.includes('sk-secret'));
        assert.deepEqual([error.trouble, error.retryAfterMs], [trouble, retryAfterMs]);
        return true;
      });
    });
  }

  it('refuses a plain text before anything is sent', async () => {
    const requests: AnthropicRequest[] = [];
    const one = await model(anthropic([], requests));
    await assert.rejects(one.generate({ ...request, prompt: { kind: 'text', text: 'Once' } }), /take conversations/);
    assert.equal(requests.length, 0);
  });
});
