import assert from 'node:assert/strict';
import { defaultSampling } from '../../../src/core/generation.ts';
import { isProviderError } from '../../../src/core/providerError.ts';
import type { GenerateRequest } from '../../../src/core/textGenerator.ts';
import { memoryKeys } from '../../../src/providers/keys.ts';
import { type Endpoint, endpointProvider, listEndpointModels } from '../../../src/providers/openAiCompatible.ts';
import { type Handler, HttpServers } from '../../fakes/httpServer.ts';
import { type OllamaRequest, ollama } from '../../fakes/ollamaServer.ts';

const request: GenerateRequest = {
  prompt: { kind: 'messages', messages: [{ role: 'user', content: 'Hi' }] },
  options: { ...defaultSampling, seed: 7, stopSequences: ['END'], maxOutputTokens: 9 },
  repeat: 2,
};

describe('ollama', () => {
  const servers = new HttpServers();
  afterEach(() => servers.close());
  const model = async (handler: Handler, endpoint: Partial<Endpoint> = {}) => {
    const baseUrl = await servers.serve(handler);
    const provider = endpointProvider({
      endpoints: () => [{ baseUrl, models: ['tiny'], kind: 'ollama', ...endpoint }],
      keys: memoryKeys(),
      approve: async () => false,
    });
    return (await provider.get(`${baseUrl}|tiny`))!;
  };

  it('streams a chat with usage, log-probabilities and the digest of what answered', async () => {
    const requests: OllamaRequest[] = [];
    const one = await model(ollama(['Hel', 'lo ☂'], requests), { headers: { 'X-Team': 'a' } });
    const deltas: string[] = [];
    assert.match(await one.identity!(), /^d1 /);
    const generation = await one.generate(
      { ...request, logProbs: { alternatives: 2 } },
      { onDelta: text => deltas.push(text) },
    );
    assert.deepEqual(
      [generation.text, generation.finishReason, generation.usage, generation.revision, deltas],
      ['Hello ☂', 'stop', { promptTokens: 11, completionTokens: 2 }, 'd1', ['Hel', 'lo ☂']],
    );
    assert.deepEqual(generation.tokens?.[0], {
      text: 'Hel',
      logProb: -0.5,
      alternatives: [
        { text: 'Hel', logProb: -0.5 },
        { text: 'x', logProb: -2 },
      ],
    });
    const [, sent] = requests;
    assert.equal(sent!.path, '/api/chat');
    const options = sent!.body.options as Record<string, unknown>;
    assert.deepEqual([options.temperature, options.num_predict, options.stop, options.top_k], [0.7, 9, ['END'], 0]);
    await one.generate(request);
    await one.generate({ ...request, repeat: 3 });
    assert.notEqual((requests[3]!.body.options as { seed: number }).seed, options.seed);
    assert.equal((requests[2]!.body.options as { seed: number }).seed, options.seed);
  });

  it('continues plain text without a chat template, and takes an answer in one piece', async () => {
    const requests: OllamaRequest[] = [];
    const one = await model(ollama(['upon', ' a'], requests), { stream: false });
    const generation = await one.generate({ ...request, prompt: { kind: 'text', text: 'Once' } });
    assert.deepEqual([generation.text, generation.finishReason], ['upon a', 'length']);
    assert.deepEqual(
      [requests[0]!.path, requests[0]!.body.prompt, requests[0]!.body.raw, requests[0]!.body.stream],
      ['/api/generate', 'Once', true, false],
    );
  });

  it('lists what there is', async () => {
    const baseUrl = await servers.serve(ollama([], []));
    // Its usual port tells it apart; here the address does not.
    await assert.rejects(listEndpointModels(baseUrl, { keys: memoryKeys() }), /does not list its models/);
    const fetchAt = (address: string | URL | Request, init?: RequestInit) =>
      fetch(String(address).replace('http://localhost:11434', baseUrl), init);
    const names = await listEndpointModels('http://localhost:11434/', { keys: memoryKeys(), fetch: fetchAt });
    assert.deepEqual(names, ['a:1b', 'tiny:latest']);
  });

  for (const [what, handler, words, trouble] of [
    [
      'a model that is not there',
      (_, response) => response.writeHead(404).end('{"error":"model \\"tiny\\" not found, try pulling it first"}'),
      /404: model "tiny" not found, try pulling it first\./,
      'refused',
    ],
    [
      'too many requests',
      (_, response) => response.writeHead(503).end('{"error":"server busy"}'),
      /503: server busy\./,
      'overload',
    ],
    [
      'an error in the stream',
      ollama(['a'], [], (response, line) => response.end(line({ error: 'out of memory' }))),
      /says: out of memory\./,
      'server',
    ],
    [
      'a stream that stops midway',
      ollama(['a', 'b'], [], response => setTimeout(() => response.destroy(), 30)),
      /broke off/,
      'broken',
    ],
    ['an end without a last line', ollama(['a'], [], response => response.end()), /broke off/, 'broken'],
    ['half a line', ollama(['a'], [], response => response.end('{"mess')), /does not answer as Ollama/, 'broken'],
    [
      'a web page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Welcome'),
      /does not answer as Ollama/,
      'refused',
    ],
  ] as readonly [string, Handler, RegExp, string][]) {
    it(`explains ${what}`, async () => {
      const one = await model(handler);
      await assert.rejects(one.generate(request), error => {
        assert.ok(isProviderError(error));
        assert.match(error.message, words);
        return error.trouble === trouble;
      });
    });
  }

  it('ends a cancelled answer with the text so far', async () => {
    const controller = new AbortController();
    const one = await model(ollama(['so far'], [], () => {}));
    const generation = await one.generate(request, { signal: controller.signal, onDelta: () => controller.abort() });
    assert.deepEqual([generation.text, generation.finishReason], ['so far', 'cancelled']);
  });
});
