import assert from 'node:assert/strict';
import { FirstAlone } from '../../../src/vscode/firstAlone.ts';

class Refused extends Error {}

/** Requests that are open, to be ended from outside. */
function sender() {
  const open: { resolve: (text: string) => void; reject: (error: Error) => void }[] = [];
  const first = new FirstAlone(error => error instanceof Refused);
  const send = (key = 'copilot') =>
    first.send(key, () => new Promise<string>((resolve, reject) => open.push({ resolve, reject })));
  return { open, send };
}
const turn = () => new Promise(resolve => setImmediate(resolve));

describe('FirstAlone', () => {
  it('holds others back until the first is answered, then lets all go', async () => {
    const { open, send } = sender();
    const answers = [send(), send(), send()];
    await turn();
    assert.equal(open.length, 1);
    open[0]!.resolve('a');
    await turn();
    assert.equal(open.length, 3, 'the others go together');
    open[1]!.resolve('b');
    open[2]!.resolve('c');
    assert.deepEqual(await Promise.all(answers), ['a', 'b', 'c']);
    void send();
    void send();
    await turn();
    assert.equal(open.length, 5, 'consent was given once');
  });

  it('gives a no to all that waited, and asks again with the next', async () => {
    const { open, send } = sender();
    const answers = [send(), send(), send()];
    await turn();
    open[0]!.reject(new Refused());
    const outcomes = await Promise.allSettled(answers);
    assert.ok(outcomes.every(outcome => outcome.status === 'rejected' && outcome.reason instanceof Refused));
    assert.equal(open.length, 1, 'nobody was asked twice');
    const again = send();
    await turn();
    open[1]!.resolve('yes');
    assert.equal(await again, 'yes');
  });

  it('takes another failure for no answer: the next goes alone in its place', async () => {
    const { open, send } = sender();
    const [first, second, third] = [send(), send(), send()];
    await turn();
    open[0]!.reject(new Error('offline'));
    await assert.rejects(first, /offline/);
    await turn();
    assert.equal(open.length, 2);
    open[1]!.resolve('b');
    await turn();
    open[2]!.resolve('c');
    assert.deepEqual(await Promise.all([second, third]), ['b', 'c']);
  });

  it('keeps vendors apart', async () => {
    const { open, send } = sender();
    void send('one');
    void send('two');
    await turn();
    assert.equal(open.length, 2);
  });
});
