import assert from 'node:assert/strict';
import { isProviderError } from '../../../src/core/providerError.ts';
import { jsonOf, ownHeaders, refusal, retryAfterOf, textOf } from '../../../src/providers/http.ts';
import { sameOriginFetch } from '../../../src/providers/sameOriginFetch.ts';
import { HttpServers } from '../../fakes/httpServer.ts';

describe('http', () => {
  const servers = new HttpServers();
  afterEach(() => servers.close());
  const troubled = (trouble: string, words: RegExp) => (error: unknown) =>
    isProviderError(error) && error.trouble === trouble && words.test(error.message);

  for (const [header, milliseconds] of [
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': 'Thu, 26 Nov 2026 10:00:05 GMT' }, 5000],
    [{ 'retry-after': 'Thu, 26 Nov 2026 09:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ] as const) {
    it(`waits ${milliseconds} ms for ${JSON.stringify(header)}`, () => {
      assert.equal(retryAfterOf(new Headers(header as HeadersInit), Date.UTC(2026, 10, 26, 10)), milliseconds);
    });
  }

  for (const [status, trouble] of [
    [400, 'refused'],
    [408, 'server'],
    [429, 'overload'],
    [500, 'server'],
    [503, 'overload'],
    [529, 'overload'],
  ] as const) {
    it(`takes ${status} for ${trouble}`, async () => {
      const response = new Response('{"error":{"message":"no"}}', { status, headers: { 'x-request-id': 'r1' } });
      const error = await refusal(response, 'https://a.example/v1/chat', {});
      assert.deepEqual([error.trouble, error.status, error.requestId], [trouble, status, 'r1']);
    });
  }

  it('gives up on a server that falls silent', async () => {
    const origin = await servers.serve((_, response) => void response.write('half'));
    const response = await sameOriginFetch(origin, {});
    const parts: string[] = [];
    await assert.rejects(
      async () => {
        for await (const part of textOf(response, origin, { idleSeconds: 0.05 })) parts.push(part);
      },
      troubled('broken', /silent for 0\.05 seconds/),
    );
    assert.deepEqual(parts, ['half']);
  });

  it('cuts off a body that never ends', async () => {
    const origin = await servers.serve((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(100_000))) {}
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    await assert.rejects(jsonOf(await sameOriginFetch(origin, {}), origin), troubled('refused', /did not end/));
  });

  it('tells nobody there from a broken way, and stays with its origin', async () => {
    const gone = await servers.serve(() => {});
    servers.close();
    await assert.rejects(sameOriginFetch(gone, {}), troubled('unreachable', /could not be reached/));
    const broken = await servers.serve(request => request.socket.destroy());
    await assert.rejects(sameOriginFetch(broken, {}), troubled('network', /could not be reached/));
    const away = await servers.serve((_, response) =>
      response.writeHead(307, { location: 'http://evil.example/' }).end(),
    );
    await assert.rejects(sameOriginFetch(away, { method: 'POST' }), /wants to send this request on to http:\/\/evil/);
  });

  it('takes only headers that can be sent', () => {
    assert.deepEqual(ownHeaders({ 'X-Team': 'a b' }), { 'X-Team': 'a b' });
    for (const headers of [{ 'X Team': 'a' }, { 'X-Team': 'a\r\nb' }, { Cookie: 'a' }, { 'api-key': 'a' }])
      assert.throws(() => ownHeaders(headers as unknown as Record<string, string>), /header/);
  });
});
