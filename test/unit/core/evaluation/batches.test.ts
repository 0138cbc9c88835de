import assert from 'node:assert/strict';
import { HumanError } from '../../../../src/base/errors.ts';
import { Batches } from '../../../../src/core/evaluation/batches.ts';
import type { GenerateRequest, TextGenerator } from '../../../../src/core/textGenerator.ts';
import { description, generationOf, textOf, textRequest } from '../../../fakes/generators.ts';
import { settle } from '../../../fakes/manualClock.ts';

/** A local model whose batches last until the test lets them go. */
function localModel(id = 'local:a') {
  const batches: string[][] = [];
  const signals: AbortSignal[] = [];
  let go: () => void = () => {};
  const generator: TextGenerator = {
    model: description({ id, kind: 'local' }),
    generate: () => assert.fail('one by one'),
    async generateAll(requests, context) {
      batches.push(requests.map(textOf));
      if (context?.signal) signals.push(context.signal);
      if (requests.some(request => textOf(request) === 'too long')) throw new HumanError('The prompt is too long.');
      for (const [i, request] of requests.entries()) context?.onDelta?.(i, `${textOf(request)}…`);
      await new Promise<void>(resolve => {
        go = resolve;
        context?.signal?.addEventListener('abort', () => resolve());
      });
      return requests.map(request => generationOf(request, `${textOf(request)}!`));
    },
  };
  return { generator, batches, signals, go: () => go() };
}
const turn = async (): Promise<void> => {
  await new Promise(resolve => setTimeout(resolve, 2));
  await settle();
};
const many = (count: number, name = ''): GenerateRequest[] =>
  Array.from({ length: count }, (_, i) => textRequest(`${name}${i}`));

describe('Batches', () => {
  it('sends together what waits together, at most 32, and what comes meanwhile with the next', async () => {
    const model = localModel();
    const batches = new Batches();
    const asked = many(40).map(request => batches.generate(model.generator, request));
    await turn();
    assert.deepEqual(
      model.batches.map(({ length }) => length),
      [32],
    );
    asked.push(batches.generate(model.generator, textRequest('late')));
    model.go();
    await turn();
    assert.deepEqual(
      model.batches.map(({ length }) => length),
      [32, 9],
    );
    model.go();
    assert.deepEqual(
      (await Promise.all(asked)).map(({ text }) => text),
      [...many(40).map(request => `${textOf(request)}!`), 'late!'],
    );
  });

  it('runs one model at a time', async () => {
    const [a, b] = [localModel('local:a'), localModel('local:b')];
    const batches = new Batches();
    const asked = ['1', '2', '3', '4'].map((text, i) => batches.generate((i % 2 ? b : a).generator, textRequest(text)));
    await turn();
    assert.deepEqual([a.batches, b.batches], [[['1', '3']], []]);
    a.go();
    await turn();
    assert.deepEqual(b.batches, [['2', '4']]);
    b.go();
    await Promise.all(asked);
  });

  it('lets go of one that is cancelled at once, and of the batch when all are', async () => {
    const model = localModel();
    const batches = new Batches();
    const [one, other] = [new AbortController(), new AbortController()];
    const first = batches.generate(model.generator, textRequest('a'), { signal: one.signal });
    const second = batches.generate(model.generator, textRequest('b'), { signal: other.signal });
    await turn();
    one.abort();
    const cancelled = await first;
    assert.deepEqual([cancelled.text, cancelled.finishReason], ['a…', 'cancelled']);
    assert.equal(model.signals[0]!.aborted, false, 'the other goes on');
    other.abort();
    assert.equal((await second).finishReason, 'cancelled');
    assert.equal(model.signals[0]!.aborted, true);
    await turn();
    const waiting = batches.generate(model.generator, textRequest('c'), { signal: other.signal });
    assert.equal((await waiting).finishReason, 'cancelled');
    assert.equal(model.batches.length, 1, 'never sent');
  });

  it('does not let one that does not fit take the others with it', async () => {
    const model = localModel();
    const batches = new Batches();
    const asked = ['a', 'too long', 'b'].map(text => batches.generate(model.generator, textRequest(text)));
    const settled = Promise.allSettled(asked);
    for (let i = 0; i < 4; i++) {
      await turn();
      model.go();
    }
    assert.deepEqual(
      (await settled).map(result => (result.status === 'fulfilled' ? result.value.text : result.reason.message)),
      ['a!', 'The prompt is too long.', 'b!'],
    );
  });
});
