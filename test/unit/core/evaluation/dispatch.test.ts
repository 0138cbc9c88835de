/** What stands between a strategy and a model: cache, retries, one pace for each endpoint, an end at the first word. */
import assert from 'node:assert/strict';
import { Dispatcher, type ResponseCache } from '../../../../src/core/evaluation/dispatch.ts';
import type { Generation } from '../../../../src/core/generation.ts';
import { ProviderError, type TroubleDetails } from '../../../../src/core/providerError.ts';
import type { GenerateRequest } from '../../../../src/core/textGenerator.ts';
import { description, generationOf, serverModel, textRequest } from '../../../fakes/generators.ts';
import { ManualClock, settle } from '../../../fakes/manualClock.ts';

function memoryCache(): ResponseCache & { readonly kept: Map<string, Generation> } {
  const kept = new Map<string, Generation>();
  return { kept, get: async key => kept.get(key), put: async (key, generation) => void kept.set(key, generation) };
}

const trouble = (details: TroubleDetails): ProviderError => new ProviderError('no', details);

describe('Dispatcher, cache', () => {
  it('answers from the cache what was asked before, and says so', async () => {
    const model = serverModel(() => 'yes');
    const dispatcher = new Dispatcher({ cache: memoryCache() });
    const deltas: string[] = [];
    const first = await dispatcher.ask(model)(textRequest('a'), {});
    const second = await dispatcher.ask(model)(textRequest('a'), { onDelta: text => deltas.push(text) });
    assert.deepEqual([first.cached, second.cached, second.generation.text, deltas], [false, true, 'yes', ['yes']]);
    assert.equal(model.calls.length, 1);
    const fresh = await dispatcher.ask(model, { fresh: true })(textRequest('a'), {});
    assert.deepEqual([fresh.cached, model.calls.length], [false, 2]);
  });

  const base = textRequest('a');
  const messages = [{ role: 'user', content: 'a' }] as const;
  const differing: readonly (readonly [string, GenerateRequest])[] = [
    ['the prompt', textRequest('b')],
    ['messages instead of a text', { ...base, prompt: { kind: 'messages', messages } }],
    ['an answer that is begun', { ...base, prompt: { kind: 'messages', messages, continueLast: true } }],
    ['the repeat', textRequest('a', 1)],
    ['the temperature', { ...base, options: { ...base.options, temperature: 0 } }],
    ['top-p', { ...base, options: { ...base.options, topP: 0.5 } }],
    ['top-k', { ...base, options: { ...base.options, topK: 5 } }],
    ['the longest answer', { ...base, options: { ...base.options, maxOutputTokens: 5 } }],
    ['the seed', { ...base, options: { ...base.options, seed: 5 } }],
    ['stop sequences', { ...base, options: { ...base.options, stopSequences: ['x'] } }],
    ['log-probabilities', { ...base, logProbs: { alternatives: 0 } }],
    ['alternatives', { ...base, logProbs: { alternatives: 3 } }],
  ];
  it('tells requests apart by everything that matters', async () => {
    const model = serverModel(() => 'yes');
    const ask = new Dispatcher({ cache: memoryCache() }).ask(model);
    await ask(base, {});
    for (const [what, request] of differing) assert.equal((await ask(request, {})).cached, false, what);
    for (const [what, request] of differing) assert.equal((await ask(request, {})).cached, true, what);
  });

  it('tells models and their revisions apart, and keeps nothing of one that cannot say what it is', async () => {
    const cache = memoryCache();
    const dispatcher = new Dispatcher({ cache });
    const asked = async (id: string, identity: () => Promise<string>) =>
      (await dispatcher.ask(serverModel(() => 'x', { model: description({ id }), identity }))(base, {})).cached;
    assert.equal(await asked('https://a/v1|m', async () => '1'), false);
    assert.equal(await asked('https://a/v1|m', async () => '1'), true);
    assert.equal(await asked('https://a/v1|m', async () => '2'), false);
    assert.equal(await asked('https://b/v1|m', async () => '1'), false);
    const size = cache.kept.size;
    const unknown = (): Promise<string> => Promise.reject(new Error('gone'));
    assert.deepEqual(
      [await asked('local:c', unknown), await asked('local:c', unknown), cache.kept.size],
      [false, false, size],
    );
  });

  it('keeps neither what was cancelled nor what failed, and gives answers that cannot be kept', async () => {
    const cache = memoryCache();
    const controller = new AbortController();
    const cut = serverModel(() => 'half', {
      generate: async request => {
        controller.abort();
        return generationOf(request, 'half', { finishReason: 'cancelled' });
      },
    });
    const ask = new Dispatcher({ cache }).ask(cut);
    assert.equal((await ask(base, { signal: controller.signal })).generation.text, 'half');
    const failing = new Dispatcher({ cache }).ask(serverModel(() => Promise.reject(new Error('no'))));
    await assert.rejects(failing(base, {}), /no/);
    assert.equal(cache.kept.size, 0);
    const problems: unknown[] = [];
    const full = { get: async () => undefined, put: () => Promise.reject(new Error('the disk is full')) };
    const onCacheProblem = (error: unknown): void => void problems.push(error);
    const kept = await new Dispatcher({ cache: full, onCacheProblem }).ask(serverModel(() => 'x'))(base, {});
    assert.deepEqual([kept.generation.text, problems.length], ['x', 1]);
  });

  it('asks once for what is asked twice at the same time, also when the first of them fails', async () => {
    let fail = true;
    const model = serverModel(async () => {
      await settle();
      if (fail) {
        fail = false;
        throw new Error('the first');
      }
      return 'yes';
    });
    const ask = new Dispatcher({ cache: memoryCache() }).ask(model);
    const [first, ...others] = await Promise.allSettled([1, 2, 3].map(() => ask(base, {})));
    assert.equal(first!.status, 'rejected');
    assert.deepEqual(
      others.map(other => other.status === 'fulfilled' && [other.value.generation.text, other.value.cached]),
      [
        ['yes', false],
        ['yes', true],
      ],
    );
    assert.equal(model.calls.length, 2);
  });
});

describe('Dispatcher, retries', () => {
  async function attempts(failures: readonly TroubleDetails[], retries?: number) {
    const clock = new ManualClock();
    const left = [...failures];
    const times: number[] = [];
    const model = serverModel(() => {
      times.push(clock.now());
      const next = left.shift();
      if (next) throw trouble(next);
      return 'at last';
    });
    const asked = new Dispatcher({ clock }).ask(model, { retries })(textRequest('a'), {});
    const outcome = asked.then(
      ({ generation }) => generation.text,
      (error: Error) => error.message,
    );
    await clock.pass(1_000_000);
    return { outcome: await outcome, times, sleeping: clock.sleeping };
  }

  for (const [what, failures, text, calls] of [
    ['overload', [{ trouble: 'overload' }], 'at last', 2],
    ['a fault of the server', [{ trouble: 'server' }, { trouble: 'server' }], 'at last', 3],
    ['a broken stream', [{ trouble: 'broken' }], 'at last', 2],
    ['a broken network', [{ trouble: 'network' }], 'at last', 2],
    ['a refusal', [{ trouble: 'refused', status: 400 }], 'no', 1],
    ['nobody there', [{ trouble: 'unreachable' }], 'no', 1],
    ['a pause that is too long', [{ trouble: 'overload', retryAfterMs: 3_600_000 }], 'no', 1],
    ['a server that stays down', Array(9).fill({ trouble: 'server' }), 'no', 6],
  ] as readonly [string, TroubleDetails[], string, number][]) {
    it(`${text === 'no' ? 'gives up after' : 'tries again after'} ${what}`, async () => {
      const { outcome, times, sleeping } = await attempts(failures);
      assert.deepEqual([outcome, times.length, sleeping], [text, calls, 0]);
    });
  }

  it('waits longer each time, with jitter from its seed, and as long as the server wants', async () => {
    const { times } = await attempts(Array(5).fill({ trouble: 'server' }));
    const waits = times.slice(1).map((time, i) => time - times[i]!);
    waits.forEach((wait, i) => {
      assert.ok(wait >= 250 * 2 ** i && wait <= 500 * 2 ** i, `wait ${i}: ${wait}`);
    });
    assert.deepEqual((await attempts(Array(5).fill({ trouble: 'server' }))).times, times);
    const asked = await attempts([{ trouble: 'overload', retryAfterMs: 20_000 }]);
    assert.ok(asked.times[1]! >= 20_000 && asked.times[1]! < 21_000);
    assert.equal((await attempts(Array(3).fill({ trouble: 'server' }), 0)).times.length, 1);
  });

  it('begins the stream anew, or is silent where nobody can begin anew', async () => {
    for (const restart of [true, false]) {
      const clock = new ManualClock();
      let first = true;
      const model = serverModel((_, { onDelta }) => {
        onDelta?.(first ? 'wrong' : 'right');
        if (!first) return 'right';
        first = false;
        throw trouble({ trouble: 'broken' });
      });
      let text = '';
      const asked = new Dispatcher({ clock }).ask(model)(textRequest('a'), {
        onDelta: delta => {
          text += delta;
        },
        ...(restart && {
          onRestart: () => {
            text = '';
          },
        }),
      });
      await clock.pass(1000);
      assert.equal((await asked).generation.text, 'right');
      assert.equal(text, restart ? 'right' : 'wrong');
    }
  });

  it('sends nothing more after a refusal that holds for all, or failures in a row', async () => {
    const refused = serverModel(() => {
      throw trouble({ trouble: 'refused', status: 401 });
    });
    const ask = new Dispatcher().ask(refused);
    for (let i = 0; i < 5; i++) await assert.rejects(ask(textRequest(`${i}`), {}));
    assert.equal(refused.calls.length, 1);
    const failing = serverModel(() => {
      throw trouble({ trouble: 'refused', status: 400 });
    });
    const other = new Dispatcher().ask(failing);
    for (let i = 0; i < 20; i++) await assert.rejects(other(textRequest(`${i}`), {}));
    assert.equal(failing.calls.length, 8);
  });
});

describe('Dispatcher, pace', () => {
  /** How many are under way, and the most that were. */
  function busyModel(clock: ManualClock, id: string) {
    const seen = { now: 0, most: 0 };
    const model = serverModel(
      async () => {
        seen.most = Math.max(seen.most, ++seen.now);
        await clock.sleep(10);
        seen.now--;
        return 'x';
      },
      { model: description({ id }) },
    );
    return { model, seen };
  }

  it('starts small, grows, and shares one limit between the models and runs of an endpoint', async () => {
    const clock = new ManualClock();
    const dispatcher = new Dispatcher({ clock });
    const a = busyModel(clock, 'https://one.example/v1|a');
    const b = busyModel(clock, 'https://one.example/v1|b');
    const asked = Array.from({ length: 120 }, (_, i) => dispatcher.ask((i % 2 ? a : b).model)(textRequest(`${i}`), {}));
    await settle();
    assert.equal(a.seen.now + b.seen.now, 2);
    await clock.pass(10_000);
    await Promise.all(asked);
    const both = a.seen.most + b.seen.most;
    assert.ok(both > 8 && both <= 32 + 2, `${both} at once`);
    assert.equal(dispatcher.limit(a.model), dispatcher.limit(b.model));
  });

  it('keeps a run within the concurrency that it was given', async () => {
    const clock = new ManualClock();
    const { model, seen } = busyModel(clock, 'https://two.example/v1|a');
    const ask = new Dispatcher({ clock }).ask(model, { concurrency: 3 });
    const asked = Array.from({ length: 40 }, (_, i) => ask(textRequest(`${i}`), {}));
    await clock.pass(10_000);
    await Promise.all(asked);
    assert.equal(seen.most, 3);
  });

  it('takes fewer at once after 429 and waits as it is told', async () => {
    const clock = new ManualClock();
    let busy = 0;
    let refusals = 0;
    const model = serverModel(async () => {
      if (busy >= 4) {
        refusals++;
        throw trouble({ trouble: 'overload', status: 429, retryAfterMs: 1000 });
      }
      busy++;
      await clock.sleep(50);
      busy--;
      return 'x';
    });
    const ask = new Dispatcher({ clock }).ask(model, { retries: 50 });
    const asked = Array.from({ length: 200 }, (_, i) => ask(textRequest(`${i}`), {}));
    await clock.pass(200_000);
    assert.equal((await Promise.all(asked)).filter(({ generation }) => generation.text === 'x').length, 200);
    assert.ok(refusals < 60, `${refusals} refusals`);
  });

  it('ends everything at once when it is cancelled, and leaves nothing behind', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const model = serverModel((_, { signal }) =>
      clock.sleep(1e6, signal).then(
        () => 'never',
        () => {
          throw signal!.reason;
        },
      ),
    );
    const ask = new Dispatcher({ clock }).ask(model);
    const asked = Array.from({ length: 50 }, (_, i) => ask(textRequest(`${i}`), { signal: controller.signal }));
    await settle();
    controller.abort();
    const reasons = (await Promise.all(asked)).map(({ generation }) => generation.finishReason);
    assert.deepEqual(new Set(reasons), new Set(['cancelled']));
    await settle();
    assert.deepEqual([model.calls.length, clock.sleeping], [2, 0]);
  });

  it('measures how fast a model answers', async () => {
    const model = serverModel(() => '', {
      generate: async request =>
        generationOf(request, 'x', { latencyMs: 100, usage: { promptTokens: 30, completionTokens: 10 } }),
    });
    const dispatcher = new Dispatcher({ clock: new ManualClock() });
    assert.equal(dispatcher.measured(model.model.id), undefined);
    await dispatcher.ask(model)(textRequest('a'), {});
    assert.deepEqual(dispatcher.measured(model.model.id), {
      calls: 1,
      callsPerSecond: 10,
      promptTokens: 30,
      completionTokens: 10,
    });
  });
});
