/** The same trouble on the wire for each protocol that Tunesmith speaks: split bytes, odd line ends, broken frames, ends too early. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { defaultSampling, type Generation } from '../../../src/core/generation.ts';
import type { ProviderError } from '../../../src/core/providerError.ts';
import type { GenerateContext } from '../../../src/core/textGenerator.ts';
import { memoryKeys } from '../../../src/providers/keys.ts';
import { type Endpoint, type EndpointKind, endpointProvider } from '../../../src/providers/openAiCompatible.ts';
import { HttpServers } from '../../fakes/httpServer.ts';

interface Protocol {
  readonly kind: EndpointKind;
  readonly type: string;
  /** Frames of an answer in these pieces, the last frames ending it. */
  readonly frames: (pieces: readonly string[]) => readonly string[];
  /** So many frames at the end say that it ended. */
  readonly closing: number;
  /** What a server sends to keep the connection alive. */
  readonly idle: string;
  /** An error in place of the next frame. */
  readonly error: string;
}

const sse = (event: object, name?: string): string =>
  `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(event)}\n\n`;
const anthropic = (event: { type: string; [key: string]: unknown }): string => sse(event, event.type);

const protocols: readonly Protocol[] = [
  {
    kind: 'openai',
    type: 'text/event-stream; charset=utf-8',
    frames: pieces => [
      ...pieces.map(content => sse({ choices: [{ delta: { content } }] })),
      sse({ choices: [{ delta: {}, finish_reason: 'stop' }] }),
      'data: [DONE]\n\n',
    ],
    closing: 2,
    idle: ': keep-alive\n\n',
    error: sse({ error: { message: 'Out of memory', type: 'server_error' } }),
  },
  {
    kind: 'ollama',
    type: 'application/x-ndjson',
    frames: pieces => [
      ...pieces.map(content => `${JSON.stringify({ message: { role: 'assistant', content }, done: false })}\n`),
      `${JSON.stringify({ message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' })}\n`,
    ],
    closing: 1,
    idle: '\n',
    error: `${JSON.stringify({ error: 'Out of memory' })}\n`,
  },
  {
    kind: 'anthropic',
    type: 'text/event-stream; charset=utf-8',
    frames: pieces => [
      anthropic({ type: 'message_start', message: { model: 'm-1', usage: { input_tokens: 3 } } }),
      anthropic({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
      ...pieces.map(text => anthropic({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
      anthropic({ type: 'content_block_stop', index: 0 }),
      anthropic({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }),
      anthropic({ type: 'message_stop' }),
    ],
    closing: 3,
    idle: `${anthropic({ type: 'ping' })}: comment\n\n`,
    error: anthropic({ type: 'error', error: { type: 'api_error', message: 'Out of memory' } }),
  },
];

const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds));
const text = 'Grüße, 世界 👋!';
const pieces = ['Grü', 'ße, 世', '界 👋', '!'];

for (const protocol of protocols) {
  describe(`${protocol.kind} on the wire`, () => {
    const servers = new HttpServers();
    after(() => servers.close());

    const ask = async (
      answer: (response: ServerResponse) => unknown,
      context: GenerateContext = {},
    ): Promise<Generation> => {
      const baseUrl = await servers.serve((_, response) => void answer(response));
      const endpoint: Endpoint = { baseUrl, models: ['m'], kind: protocol.kind };
      const provider = endpointProvider({
        endpoints: () => [endpoint],
        keys: memoryKeys(),
        approve: async () => false,
      });
      const model = (await provider.get(`${baseUrl}|m`))!;
      const messages = [{ role: 'user', content: 'Hello' }] as const;
      return model.generate({ prompt: { kind: 'messages', messages }, options: defaultSampling, repeat: 0 }, context);
    };
    const failure = async (answer: (response: ServerResponse) => unknown): Promise<ProviderError> => {
      const outcome = await ask(answer).catch((error: unknown) => error as ProviderError);
      assert.ok(outcome instanceof Error, `it answered: ${JSON.stringify(outcome)}`);
      assert.equal(outcome.name, 'HumanError', outcome.stack);
      return outcome;
    };
    const head = (response: ServerResponse) => response.writeHead(200, { 'content-type': protocol.type });
    const frames = protocol.frames(pieces);
    const started = frames.slice(0, -protocol.closing);

    const good: [string, string[] | Buffer[]][] = [
      ['in one piece', [frames.join('')]],
      ['with the lines ended as Windows does', [frames.join('').replaceAll('\n', '\r\n')]],
      ['with signs of life between', frames.flatMap(frame => [protocol.idle, frame])],
      [
        'byte by byte, characters and lines cut in the middle',
        [...Buffer.from(frames.join(''))].map(b => Buffer.of(b)),
      ],
    ];
    for (const [how, chunks] of good) {
      it(`reads an answer ${how}`, async () => {
        const deltas: string[] = [];
        const generation = await ask(
          async response => {
            head(response);
            for (const chunk of chunks) {
              response.write(chunk);
              // One write, one packet: else they are put together again before they are read.
              if (chunks.length > 1) await new Promise(resolve => setImmediate(resolve));
            }
            response.end();
          },
          { onDelta: delta => deltas.push(delta) },
        );
        assert.equal(generation.text, text);
        assert.equal(deltas.join(''), text);
        assert.equal(generation.finishReason, 'stop');
      });
    }

    it('gives what is there while a slow server thinks', async () => {
      let said = '';
      const seen: string[] = [];
      await ask(
        async response => {
          head(response);
          for (const frame of frames) {
            response.write(frame);
            await pause(25);
            seen.push(said);
          }
          response.end();
        },
        { onDelta: delta => (said += delta) },
      );
      assert.ok(new Set(seen).size > 2, `it came at once: ${JSON.stringify(seen)}`);
    });

    const broken: [string, (response: ServerResponse) => unknown][] = [
      ['ends midway', response => response.end()],
      ['is cut off by the network', response => void setTimeout(() => response.destroy(), 20)],
      ['ends inside a frame', response => response.end(frames.at(-protocol.closing)!.slice(0, 12))],
    ];
    for (const [how, end] of broken) {
      it(`says that a stream broke off which ${how}`, async () => {
        const error = await failure(response => {
          head(response);
          response.write(started.join(''));
          end(response);
        });
        assert.match(error.message, /^The answer of http:.* broke off\. Try again\.$|does not answer as/);
        assert.equal(error.trouble, 'broken', error.message);
      });
    }

    it('says what a frame is that is no JSON', async () => {
      const error = await failure(response => {
        head(response);
        response.end(`${started.join('')}${protocol.kind === 'ollama' ? '{"mess\n' : 'data: {"choi\n\n'}`);
      });
      assert.match(error.message, /does not answer as .*Check the address/);
      assert.equal(error.trouble, 'broken');
    });

    it('passes on an error that comes in the stream', async () => {
      const error = await failure(response => {
        head(response);
        response.end(started.join('') + protocol.error);
      });
      assert.match(error.message, /^http:\/\/127\.0\.0\.1:\d+ says: Out of memory\.$/);
      assert.equal(error.trouble, 'server');
    });

    it('says so when the connection is gone before an answer', async () => {
      const error = await failure(response => response.destroy());
      assert.equal(error.trouble, 'network', error.message);
    });

    it('reads when an overloaded server wants to be asked again, in seconds and as a date', async () => {
      const busy = (retryAfter: string) => (response: ServerResponse) => {
        response.writeHead(429, { 'retry-after': retryAfter, 'content-type': 'application/json' });
        response.end('{"error":{"message":"Slow down"}}');
      };
      const seconds = await failure(busy('7'));
      assert.match(seconds.message, /answered 429: Slow down\. Wait a little/);
      assert.deepEqual([seconds.trouble, seconds.status, seconds.retryAfterMs], ['overload', 429, 7000]);
      const date = await failure(busy(new Date(Date.now() + 60_000).toUTCString()));
      assert.ok(date.retryAfterMs! > 50_000 && date.retryAfterMs! <= 60_000, String(date.retryAfterMs));
    });

    it('takes 503 for overload, too', async () => {
      const error = await failure(response => response.writeHead(503, { 'retry-after': '0' }).end('starting'));
      assert.deepEqual([error.trouble, error.retryAfterMs], ['overload', 0]);
      assert.match(error.message, /answered 503: starting\. Try again later\./);
    });

    it('reads what a web page says in place of an answer, as a refusal and as a success', async () => {
      const page =
        '<!doctype html><html><head><style>b{}</style></head><body><h1>Welcome to the proxy</h1></body></html>';
      const html = { 'content-type': 'text/html' };
      const refused = await failure(response => response.writeHead(404, html).end(page));
      assert.match(refused.message, /answered 404: Welcome to the proxy\. Check the name of the model and the address/);
      const success = await failure(response => response.writeHead(200, html).end(page));
      assert.match(success.message, /does not answer as .*Check the address/);
      assert.deepEqual([refused.trouble, success.trouble], ['refused', 'refused']);
    });
  });
}

describe('several endpoints at once', () => {
  const servers = new HttpServers();
  after(() => servers.close());

  it('get their own headers and their own way of answering', async () => {
    const seen: { name: string; team: unknown; stream: unknown }[] = [];
    const endpoints: Endpoint[] = [];
    for (const [index, protocol] of protocols.entries()) {
      const stream = index !== 1;
      const baseUrl = await servers.serve(async (request, response, body) => {
        seen.push({ name: protocol.kind, team: request.headers['x-team'], stream: body.stream });
        // All are asked before one answers.
        while (seen.length < protocols.length) await pause(5);
        response.writeHead(200, { 'content-type': protocol.type });
        response.end(protocol.frames([protocol.kind]).join(''));
      });
      endpoints.push({ baseUrl, models: ['m'], kind: protocol.kind, headers: { 'X-Team': `team ${index}` }, stream });
    }
    const provider = endpointProvider({
      endpoints: () => endpoints,
      keys: memoryKeys(),
      approve: async () => false,
    });
    const listed = await provider.list();
    const prompt = { kind: 'messages', messages: [{ role: 'user', content: 'Hello' }] } as const;
    const answers = await Promise.all(
      listed.map(async ({ id }) => {
        const model = (await provider.get(id))!;
        return (await model.generate({ prompt, options: defaultSampling, repeat: 0 })).text;
      }),
    );
    assert.deepEqual(answers, ['openai', 'ollama', 'anthropic']);
    seen.sort((a, b) => String(a.team).localeCompare(String(b.team)));
    assert.deepEqual(seen, [
      { name: 'openai', team: 'team 0', stream: true },
      { name: 'ollama', team: 'team 1', stream: false },
      { name: 'anthropic', team: 'team 2', stream: true },
    ]);
  });
});
