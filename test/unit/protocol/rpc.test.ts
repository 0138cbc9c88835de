import assert from 'node:assert/strict';
import * as v from 'valibot';
import { HumanError } from '../../../src/base/errors.ts';
import { Emitter } from '../../../src/base/event.ts';
import { ChannelClosed, type Contract, openChannel, type Port } from '../../../src/protocol/rpc.ts';

const contract = {
  toHost: {
    double: { params: v.number(), result: v.number() },
    refuse: { params: v.string(), result: v.null() },
    hang: { params: v.null(), result: v.null() },
    lie: { params: v.null(), result: v.number() },
  },
  toWebview: { changed: { params: v.object({ text: v.string() }) } },
} satisfies Contract;

/** Two ports whose messages are copied as `postMessage` copies them, on a later turn. */
function pair(): [Port, Port, (raw: unknown) => void] {
  const a = new Emitter<unknown>();
  const b = new Emitter<unknown>();
  const port = (own: Emitter<unknown>, other: Emitter<unknown>): Port => ({
    post: message => {
      const copy: unknown = structuredClone(message);
      queueMicrotask(() => other.fire(copy));
    },
    listen: own.event,
  });
  return [port(a, b), port(b, a), raw => a.fire(raw)];
}

function connect() {
  const [host, page, inject] = pair();
  const heard: string[] = [];
  const bugs: unknown[] = [];
  const onHost = openChannel({
    port: host,
    mine: contract.toHost,
    theirs: contract.toWebview,
    handlers: {
      double: n => n * 2,
      refuse: text => {
        if (text === 'bug') throw new TypeError('boom');
        throw new HumanError('Not today.', { place: { file: 'a.prompty', line: 3 } });
      },
      hang: () => new Promise<null>(() => {}),
      lie: () => 'not a number' as unknown as number,
    },
    onError: error => bugs.push(error),
  });
  const onPage = openChannel({
    port: page,
    mine: contract.toWebview,
    theirs: contract.toHost,
    handlers: {
      changed: ({ text }) => {
        heard.push(text);
      },
    },
    onError: error => bugs.push(error),
  });
  return { onHost, onPage, heard, bugs, inject };
}

describe('rpc', () => {
  it('answers requests and delivers notices in order', async () => {
    const { onHost, onPage, heard } = connect();
    onHost.remote.changed({ text: 'a' });
    onHost.remote.changed({ text: 'b' });
    assert.equal(await onPage.remote.double(21), 42);
    assert.deepEqual(heard, ['a', 'b']);
  });

  it('replies with the error of a handler that throws, and logs only bugs', async () => {
    const { onPage, bugs } = connect();
    await assert.rejects(onPage.remote.refuse('x'), { name: 'HumanError', message: 'a.prompty:3: Not today.' });
    assert.equal(bugs.length, 0);
    await assert.rejects(onPage.remote.refuse('bug'), { name: 'Error', message: 'boom' });
    assert.equal(bugs.length, 1);
  });

  it('refuses wrong parameters and wrong results without naming their values', async () => {
    const { onPage } = connect();
    await assert.rejects(onPage.remote.double('secret' as unknown as number), (error: Error) => {
      assert.match(error.message, /double.*expected number/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    await assert.rejects(onPage.remote.lie(null), /result of lie/);
  });

  it('validates what arrives even when the sender did not, and knows no inherited methods', async () => {
    const { inject, bugs, onPage } = connect();
    for (const method of ['double', 'constructor', '__proto__', 'toString'])
      inject({ type: 'notice', method, params: 'x' });
    for (const junk of [null, 7, 'x', {}, { type: 'reply', id: 99, result: 1 }, { type: 'request' }]) inject(junk);
    assert.equal(await onPage.remote.double(1), 2);
    assert.equal(bugs.length, 4);
  });

  it('ends what is under way when either side goes', async () => {
    for (const side of ['onHost', 'onPage'] as const) {
      const both = connect();
      const waiting = assert.rejects(both.onPage.remote.hang(null), ChannelClosed);
      await Promise.resolve();
      both[side].dispose();
      await waiting;
      await assert.rejects(both.onPage.remote.double(1), ChannelClosed);
    }
  });
});
