/** A model behind a server, against a real server on this computer: streams, errors as they come, keys that stay home. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isHumanError } from '../../../src/base/errors.ts';
import { defaultSampling } from '../../../src/core/generation.ts';
import type { GenerateRequest } from '../../../src/core/textGenerator.ts';
import { authorization, environmentKeys, isLoopback, memoryKeys, originOf } from '../../../src/providers/keys.ts';
import {
  type EndpointOptions,
  endpointModelId,
  endpointProvider,
  listEndpointModels,
} from '../../../src/providers/openAiCompatible.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>) => void;

const request: GenerateRequest = {
  prompt: { kind: 'messages', messages: [{ role: 'user', content: 'Hi' }] },
  options: { ...defaultSampling, seed: 7, stopSequences: ['END'], maxOutputTokens: 9 },
  repeat: 2,
};

describe('openAiCompatible', () => {
  const servers: Server[] = [];
  const serve = async (handler: Handler): Promise<string> => {
    const server = createServer(async (incoming, response) => {
      let text = '';
      for await (const chunk of incoming) text += chunk;
      handler(incoming, response, text === '' ? {} : JSON.parse(text));
    });
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const model = async (origin: string, options: Partial<EndpointOptions> = {}) => {
    const baseUrl = `${origin}/v1`;
    const provider = endpointProvider({
      endpoints: () => [{ baseUrl, models: ['m'] }],
      keys: memoryKeys(),
      approve: async () => false,
      ...options,
    });
    return (await provider.get(endpointModelId(`${baseUrl}/`, 'm')))!;
  };
  const stream = (response: ServerResponse, ...chunks: unknown[]) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks)
      response.write(`data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`);
    response.end();
  };
  const says = (words: RegExp) => (error: unknown) => isHumanError(error) && words.test(error.message);

  it('streams an answer with log-probabilities and usage', async () => {
    const bodies: Record<string, unknown>[] = [];
    const origin = await serve((incoming, response, body) => {
      assert.equal(incoming.url, '/v1/chat/completions');
      bodies.push(body);
      const logprobs = {
        content: [{ token: 'Hel', logprob: -0.5, top_logprobs: [{ token: 'Hel', logprob: -0.5 }] }],
      };
      stream(
        response,
        { choices: [{ delta: { role: 'assistant', content: '' } }] },
        { choices: [{ delta: { content: 'Hel' }, logprobs }] },
        { choices: [{ delta: { content: 'lo ☂' }, finish_reason: 'length' }] },
        { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
        '[DONE]',
      );
    });
    const deltas: string[] = [];
    const one = await model(origin);
    const generation = await one.generate(
      { ...request, logProbs: { alternatives: 1 } },
      { onDelta: text => deltas.push(text) },
    );
    assert.deepEqual(
      [generation.text, generation.finishReason, generation.usage, generation.model],
      ['Hello ☂', 'length', { promptTokens: 3, completionTokens: 2 }, `${origin}/v1|m`],
    );
    assert.deepEqual(generation.tokens, [
      { text: 'Hel', logProb: -0.5, alternatives: [{ text: 'Hel', logProb: -0.5 }] },
    ]);
    assert.deepEqual(deltas, ['Hel', 'lo ☂']);
    const [sent] = bodies;
    assert.deepEqual(
      [
        sent?.model,
        sent?.max_tokens,
        sent?.stop,
        sent?.temperature,
        sent?.logprobs,
        sent?.top_logprobs,
        'top_k' in sent!,
      ],
      ['m', 9, ['END'], 0.7, true, 1, false],
    );
    await one.generate({ ...request, repeat: 2 });
    await one.generate({ ...request, repeat: 3 });
    assert.equal(bodies[1]?.seed, sent?.seed, 'the same repeat asks for the same sample');
    assert.notEqual(bodies[2]?.seed, sent?.seed);
  });

  it('takes what frames say beside their text, wherever in the stream', async () => {
    const text = (content: unknown, more = {}) => ({
      choices: [{ index: 0, delta: { content }, ...more }],
      usage: null,
    });
    const origin = await serve((_, response) =>
      stream(
        response,
        { ...text('a'), system_fingerprint: 'first' },
        { ...text('b'), system_fingerprint: 'first' },
        text('c', { logprobs: { content: [{ token: 'c', logprob: -1 }] } }),
        { ...text('d'), system_fingerprint: 'second' },
        text(''),
        { ...text('e'), usage: { prompt_tokens: 3, completion_tokens: 5 } },
        text('f', { finish_reason: 'length' }),
        '[DONE]',
      ),
    );
    const deltas: string[] = [];
    const {
      latencyMs: _,
      firstTokenMs: __,
      ...generation
    } = await (await model(origin)).generate(request, {
      onDelta: delta => deltas.push(delta),
    });
    assert.deepEqual(deltas, ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.deepEqual(
      [generation.text, generation.revision, generation.usage, generation.finishReason, generation.tokens?.length],
      ['abcdef', 'second', { promptTokens: 3, completionTokens: 5 }, 'length', 1],
    );
  });

  it('refuses frames that are no such thing after good ones', async () => {
    for (const frame of [{ choices: [{ delta: { content: 5 } }] }, { choices: [5] }, 'null', '[]x']) {
      const origin = await serve((_, response) => stream(response, { choices: [{ delta: { content: 'a' } }] }, frame));
      await assert.rejects(
        (await model(origin)).generate(request),
        says(/does not answer as a chat completions server/),
      );
    }
  });

  it('takes an answer in one piece, and continues plain text', async () => {
    const origin = await serve((incoming, response, body) => {
      assert.equal(incoming.url, '/v1/completions');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ choices: [{ text: `${body.prompt}!`, finish_reason: 'stop' }] }));
    });
    const { text } = await (await model(origin)).generate({ ...request, prompt: { kind: 'text', text: 'Once' } });
    assert.equal(text, 'Once!');
  });

  it('calls the limit as the server wants it', async () => {
    const seen: string[][] = [];
    const origin = await serve((_, response, body) => {
      seen.push(Object.keys(body).filter(key => key.startsWith('max_')));
      if ('max_tokens' in body) {
        response.writeHead(400).end(JSON.stringify({ error: { message: "Use 'max_completion_tokens' instead." } }));
      } else stream(response, { choices: [{ delta: { content: 'ok' }, finish_reason: 'stop' }] });
    });
    const one = await model(origin);
    assert.equal((await one.generate(request)).text, 'ok');
    await one.generate(request);
    assert.deepEqual(seen, [['max_tokens'], ['max_completion_tokens'], ['max_completion_tokens']]);
  });

  it('does without a stream where the server has none, remembers that, and sends its own headers', async () => {
    const seen: unknown[] = [];
    const origin = await serve((incoming, response, body) => {
      seen.push([body.stream, 'stream_options' in body, incoming.headers['x-team']]);
      if (body.stream) response.writeHead(400).end('{"error":{"message":"Streaming is not supported here"}}');
      else response.end(JSON.stringify({ choices: [{ message: { content: 'whole' }, finish_reason: 'stop' }] }));
    });
    const baseUrl = `${origin}/v1`;
    const provider = endpointProvider({
      endpoints: () => [{ baseUrl, models: ['m'], headers: { 'X-Team': 'a' } }],
      keys: memoryKeys(),
      approve: async () => false,
    });
    for (let i = 0; i < 2; i++)
      assert.equal((await (await provider.get(`${baseUrl}|m`))!.generate(request)).text, 'whole');
    assert.deepEqual(seen, [
      [true, true, 'a'],
      [false, false, 'a'],
      [false, false, 'a'],
    ]);
  });

  it('sends no secrets that stand in settings', async () => {
    const baseUrl = 'http://127.0.0.1:9/v1';
    const provider = endpointProvider({
      endpoints: () => [{ baseUrl, models: ['m'], headers: { Authorization: 'Bearer x' } }],
      keys: memoryKeys(),
      approve: async () => false,
    });
    await assert.rejects(async () => provider.get(`${baseUrl}|m`), says(/Authorization.*Enter it as a key/));
  });

  const logprobs = {
    tokens: ['Once', ' upon', ' a', ' time'],
    token_logprobs: [null, -1, -0.5, -0.25],
    top_logprobs: [null, { ' upon': -1, ' more': -2 }, null, null],
    text_offset: [0, 4, 9, 11],
  };
  it('reads the log-probabilities of completions', async () => {
    const origin = await serve((_, response) =>
      response.end(JSON.stringify({ choices: [{ text: 'Once upon a time', finish_reason: 'stop', logprobs }] })),
    );
    const { tokens } = await (await model(origin)).generate({
      ...request,
      prompt: { kind: 'text', text: '' },
      logProbs: { alternatives: 2 },
    });
    assert.deepEqual(tokens?.[0], {
      text: ' upon',
      logProb: -1,
      alternatives: [
        { text: ' upon', logProb: -1 },
        { text: ' more', logProb: -2 },
      ],
    });
    assert.equal(tokens?.length, 3);
  });

  it('scores a given text by its echo, and says so where a server has none', async () => {
    let echo = true;
    const origin = await serve((_, response, body) => {
      assert.deepEqual([body.echo, body.max_tokens, body.prompt], [true, 0, 'Once upon a time']);
      response.end(
        JSON.stringify({ choices: [{ text: body.prompt, finish_reason: 'length', ...(echo && { logprobs }) }] }),
      );
    });
    const one = await model(origin);
    const item = { prompt: { kind: 'text', text: 'Once upon' }, continuation: ' a time' } as const;
    const [scored] = await one.score!([item]);
    assert.deepEqual([scored!.logLikelihood, scored!.tokens.map(({ text }) => text)], [-0.75, [' a', ' time']]);
    echo = false;
    await assert.rejects(one.score!([item]), says(/does not give log-probabilities of a given text/));
    await assert.rejects(one.score!([{ ...item, prompt: request.prompt }]), says(/plain text only/));
  });

  it('ends a cancelled answer with the text so far', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: 'so far' } }] })}\n\n`);
    });
    const controller = new AbortController();
    const generation = await (await model(origin)).generate(request, {
      signal: controller.signal,
      onDelta: () => controller.abort(),
    });
    assert.deepEqual([generation.text, generation.finishReason], ['so far', 'cancelled']);
  });

  for (const [status, body, words] of [
    [
      401,
      '{"error":{"message":"Incorrect API key provided: sk-secret-key"}}',
      /401: Incorrect API key provided: ••• Enter the key .* again/,
    ],
    [404, '{"error":"model \\"m\\" not found"}', /404: model "m" not found\. Check the name/],
    [429, 'slow\ndown', /429: slow down\. Wait a little/],
    [500, '<html>oops</html>', /500: oops\. Try again later/],
    [
      400,
      '{"error":{"message":"temperature must be at most 2"}}',
      /temperature must be at most 2\. Change the options/,
    ],
  ] as const) {
    it(`shows a refusal with ${status} as it came, without the key`, async () => {
      const origin = await serve((_, response) => response.writeHead(status).end(body));
      const keys = memoryKeys(new Map([[origin, 'sk-secret-key']]));
      await assert.rejects((await model(origin, { keys })).generate(request), says(words));
    });
  }

  it('shows an error inside a stream, a stream that breaks off, and what is no stream', async () => {
    const cases: [Handler, RegExp][] = [
      [(_, response) => stream(response, { error: { message: 'out of memory' } }), /says: out of memory/],
      [(_, response) => stream(response, { choices: [{ delta: { content: 'half' } }] }), /broke off/],
      [
        (_, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: 'half' } }] })}\n\n`);
          setTimeout(() => response.destroy(), 20);
        },
        /broke off/,
      ],
      [(_, response) => stream(response, 'not json'), /does not answer as a chat completions server/],
      [(_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), /does not answer as/],
    ];
    for (const [handler, words] of cases) {
      await assert.rejects((await model(await serve(handler))).generate(request), says(words));
    }
  });

  it('says that a server is not there', async () => {
    await assert.rejects((await model('http://127.0.0.1:9')).generate(request), says(/could not be reached.*running/));
  });

  it('sends a key to the origin that it was entered for, and to no other, not even when redirected', async () => {
    const visits: string[] = [];
    const elsewhere = await serve((incoming, response) => {
      visits.push(`elsewhere ${incoming.headers.authorization}`);
      stream(response, { choices: [{ delta: { content: 'got it' }, finish_reason: 'stop' }] });
    });
    const origin = await serve((incoming, response) => {
      visits.push(`own ${incoming.headers.authorization}`);
      if (incoming.url === '/v1/chat/completions') response.writeHead(307, { location: '/moved' }).end();
      else response.writeHead(307, { location: `${elsewhere}/v1/chat/completions` }).end();
    });
    const keys = memoryKeys(new Map([[origin, 'sk-1']]));
    await assert.rejects((await model(origin, { keys })).generate(request), says(/wants to send this request on to/));
    assert.deepEqual(visits, ['own Bearer sk-1', 'own Bearer sk-1']);
    await (await model(elsewhere, { keys })).generate(request);
    assert.equal(visits.at(-1), 'elsewhere undefined');
  });

  it('asks before it sends anything to an endpoint that only a template names', async () => {
    let visits = 0;
    const origin = await serve((_, response) => {
      visits++;
      stream(response, { choices: [{ delta: { content: 'x' }, finish_reason: 'stop' }] });
    });
    const asked: string[] = [];
    let answer = false;
    const approve = async (where: string, name: string) => {
      asked.push(`${where} ${name}`);
      return answer;
    };
    const one = await model(origin, { endpoints: () => [], approve });
    await assert.rejects(one.generate(request), says(/because you did not allow it/));
    assert.deepEqual([visits, asked], [0, [`${origin} m`]]);
    answer = true;
    await one.generate(request);
    await one.generate(request);
    assert.deepEqual([visits, asked.length], [2, 3]);
    // A permission that was taken back is gone at once.
    answer = false;
    await assert.rejects(one.generate(request), says(/because you did not allow it/));
    assert.equal(visits, 2);
  });

  it('lists the models of a server', async () => {
    const origin = await serve((_, response) => response.end('{"data":[{"id":"b"},{"id":"a"}]}'));
    assert.deepEqual(await listEndpointModels(`${origin}/v1/`, { keys: memoryKeys() }), ['a', 'b']);
  });
});

describe('keys', () => {
  it('never go unencrypted over a network', async () => {
    const keys = memoryKeys(
      new Map([
        ['http://gpu.example', 'k'],
        ['http://localhost:1', 'k'],
        ['https://gpu.example', 'k'],
      ]),
    );
    await assert.rejects(authorization('http://gpu.example/v1', keys), /unencrypted/);
    assert.deepEqual(await authorization('http://localhost:1/v1', keys), { Authorization: 'Bearer k' });
    assert.deepEqual(await authorization('https://gpu.example/v1', keys), { Authorization: 'Bearer k' });
    assert.deepEqual(await authorization('https://gpu.example:8443/v1', keys), {}, 'another port is another origin');
  });

  it('know their origin, and which addresses are this computer', () => {
    assert.equal(originOf('https://API.example.com:443/v1?x'), 'https://api.example.com');
    for (const bad of ['example.com/v1', 'file:///etc/passwd', 'https://me:secret@example.com']) {
      assert.throws(() => originOf(bad), isHumanError);
    }
    assert.ok(['http://127.0.0.1:1', 'http://127.9.9.9', 'http://[::1]', 'http://localhost'].every(isLoopback));
    assert.ok(!['http://127.0.0.1.evil.example', 'http://10.0.0.1', 'http://localhost.evil.example'].some(isLoopback));
  });

  it('come from the environment, each for its origin', async () => {
    const keys = environmentKeys({
      OPENAI_API_KEY: 'o',
      TUNESMITH_KEYS: ' https://my.example/v1=m=1\nhttps://b.example=b ',
    });
    assert.deepEqual(
      [
        await keys.get('https://api.openai.com'),
        await keys.get('https://my.example'),
        await keys.get('https://x.example'),
      ],
      ['o', 'm=1', undefined],
    );
    assert.throws(() => environmentKeys({ TUNESMITH_KEYS: 'sk-1' }), /entries like/);
  });
});
