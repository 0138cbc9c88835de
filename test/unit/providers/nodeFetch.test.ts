import assert from 'node:assert/strict';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { nodeFetch } from '../../../src/providers/nodeFetch.ts';
import { HttpServers } from '../../fakes/httpServer.ts';

describe('requests over Node’s own http', () => {
  const servers = new HttpServers();
  afterEach(() => servers.close());

  it('send and read what fetch does', async () => {
    const url = await servers.serve((request, response, body) => {
      response.writeHead(request.url === '/gone' ? 410 : 200, { 'x-a': 'b', 'set-cookie': ['c=1', 'd=2'] });
      const { headers, method, url: path } = request;
      response.end(JSON.stringify([method, path, body, headers['content-length'], headers['x-own']]));
    });
    for (const path of ['/v1?q=ä', '/gone']) {
      const init = { method: 'POST', headers: { 'X-Own': 'yes' }, body: '{"a":"ä"}' };
      const [ours, theirs] = await Promise.all([nodeFetch(`${url}${path}`, init), fetch(`${url}${path}`, init)]);
      assert.deepEqual([ours.status, ours.ok, ours.statusText], [theirs.status, theirs.ok, theirs.statusText]);
      assert.equal(ours.headers.get('x-a'), 'b');
      assert.deepEqual(ours.headers.getSetCookie(), theirs.headers.getSetCookie());
      assert.equal(await ours.text(), await theirs.text());
    }
  });

  for (const [coding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const) {
    it(`unpack ${coding} that nobody asked for`, async () => {
      const url = await servers.serve((_, response) =>
        response.writeHead(200, { 'content-encoding': coding }).end(pack('ä')),
      );
      assert.equal(await (await nodeFetch(url, {})).text(), 'ä');
    });
  }

  it('follow no redirect, and take an answer without a body', async () => {
    const url = await servers.serve((request, response) =>
      response.writeHead(request.url === '/none' ? 204 : 307, { location: '/there' }).end(),
    );
    const response = await nodeFetch(url, {});
    assert.deepEqual([response.status, response.headers.get('location')], [307, '/there']);
    assert.equal(await (await nodeFetch(`${url}/none`, {})).text(), '');
  });

  it('use a connection again, and leave nothing at the signal', async () => {
    const ports = new Set<number | undefined>();
    const url = await servers.serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('x');
    });
    const abort = new AbortController();
    let listening = 0;
    const { addEventListener, removeEventListener } = abort.signal;
    abort.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listening++;
      addEventListener.apply(abort.signal, args);
    };
    abort.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listening--;
      removeEventListener.apply(abort.signal, args);
    };
    for (let i = 0; i < 5; i++) {
      await (await nodeFetch(url, { signal: abort.signal })).text();
      await new Promise(resolve => setImmediate(resolve));
    }
    assert.equal(ports.size, 1);
    assert.equal(listening, 0);
  });

  it('stop before, at and in the middle of an answer, with the reason of the signal or of the body', async () => {
    const url = await servers.serve((request, response) => {
      if (request.url === '/half') response.write('half');
    });
    const reason = new Error('enough');
    await assert.rejects(nodeFetch(url, { signal: AbortSignal.abort(reason) }), reason);
    const waiting = new AbortController();
    const asked = nodeFetch(url, { signal: waiting.signal });
    setTimeout(() => waiting.abort(reason), 20);
    await assert.rejects(asked, reason);
    const reading = new AbortController();
    const response = await nodeFetch(`${url}/half`, { signal: reading.signal });
    const reader = response.body!.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'half');
    const next = reader.read();
    reading.abort(reason);
    await assert.rejects(next, TypeError);
  });

  it('say why nobody answered, and that a body broke off, whoever reads it', async () => {
    const url = await servers.serve((request, response) => {
      if (request.url === '/none') return void request.socket.destroy();
      response.writeHead(200, { 'content-length': '10' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    });
    await assert.rejects(nodeFetch(`${url}/none`, {}), (error: TypeError) => {
      return error.name === 'TypeError' && (error.cause as { code?: string }).code === 'ECONNRESET';
    });
    await assert.rejects((await nodeFetch(url, {})).text(), TypeError);
    // Nobody reads: nothing is thrown where nobody can catch it.
    await nodeFetch(url, {});
    await new Promise(resolve => setTimeout(resolve, 60));
    servers.close();
    await assert.rejects(nodeFetch(url, {}), (error: TypeError) => {
      return (error.cause as { code?: string }).code === 'ECONNREFUSED';
    });
  });
});
