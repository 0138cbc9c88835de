/** The inference process from outside: streams, cancellation, crashes, processes that cannot start. */
import assert from 'node:assert/strict';
import { isHumanError } from '../../../src/base/errors.ts';
import { defaultSampling } from '../../../src/core/generation.ts';
import { type InferenceOptions, InferenceProcess } from '../../../src/jobs/inferenceProcess.ts';
import { LocalModel } from '../../../src/providers/local.ts';
import { fakeEntry } from '../../fakes/countingJob.ts';

const description = (base: string) => ({
  id: `local:${base}`,
  label: base,
  detail: '',
  kind: 'local' as const,
  chat: true,
  logProbs: true,
  controlledSampling: true,
});
const ask = (content: string, repeat = 0) => ({
  prompt: { kind: 'messages' as const, messages: [{ role: 'user' as const, content }] },
  options: defaultSampling,
  repeat,
});

describe('inferenceProcess', () => {
  const made: InferenceProcess[] = [];
  const start = (options: Partial<InferenceOptions> = {}, fault = '') => {
    const entry = fakeEntry('inferenceWorker');
    const one = new InferenceProcess({
      root: '.',
      entry: () => ({ ...entry, env: { FAKE_INFERENCE: fault } }),
      ...options,
    });
    made.push(one);
    return one;
  };
  const model = (inference: InferenceProcess, base = 'a') => new LocalModel(description(base), { base }, inference);
  afterEach(async () => {
    await Promise.all(made.splice(0).map(one => one.stop()));
  });

  it('streams what it generates, in order, and learns about the model', async () => {
    const inference = start();
    const local = model(inference);
    const deltas: string[] = [];
    const generation = await local.generate(ask('one two three', 4), { onDelta: text => deltas.push(text) });
    assert.equal(generation.text, 'one two three #4');
    assert.equal(deltas.join(''), generation.text);
    assert.ok(deltas.length > 2);
    assert.deepEqual(
      [generation.model, generation.revision, local.model.contextLength],
      ['local:a', `r-${await inference.pid()}`, 77],
    );
  });

  it('keeps requests apart that run at once, and runs several as one', async () => {
    const local = model(start());
    const [one, two] = await Promise.all([local.generate(ask('a b c')), local.generate(ask('d e f'))]);
    assert.deepEqual([one.text, two.text], ['a b c #0', 'd e f #0']);
    const texts: string[] = [];
    const all = await local.generateAll(
      Array.from({ length: 40 }, (_, repeat) => ask('x', repeat)),
      {
        onDelta: (index, text) => {
          texts[index] = (texts[index] ?? '') + text;
        },
      },
    );
    assert.deepEqual(
      all.map(generation => generation.text),
      Array.from({ length: 40 }, (_, repeat) => `x #${repeat}`),
    );
    assert.deepEqual(
      texts,
      all.map(generation => generation.text),
    );
  });

  it('ends a cancelled request with the text so far', async () => {
    const inference = start();
    const local = model(inference);
    const controller = new AbortController();
    let seen = '';
    const generation = await local.generate(ask('word '.repeat(400)), {
      signal: controller.signal,
      onDelta: text => {
        seen += text;
        if (seen.length > 20) controller.abort();
      },
    });
    assert.equal(generation.finishReason, 'cancelled');
    assert.equal(generation.text, seen);
    assert.ok(seen.length < 200);
    const before = await local.generate(ask('never'), { signal: AbortSignal.abort() });
    assert.deepEqual([before.finishReason, before.text], ['cancelled', '']);
    const slow = model(inference, 'slow');
    const began = performance.now();
    const during = await slow.generate(ask('never'), { signal: AbortSignal.timeout(50) });
    assert.equal(during.finishReason, 'cancelled');
    assert.ok(performance.now() - began < 900, 'nobody waits for a model that loads');
  });

  it('tells requests under way that the process crashed, in one sentence, and starts again', async () => {
    const inference = start();
    const local = model(inference);
    await local.generate(ask('warm'));
    const first = await inference.pid();
    const under = local.generate(ask('word '.repeat(400)));
    const crash = local.generate(ask('crash'));
    for (const failed of [under, crash]) {
      await assert.rejects(failed, error => isHumanError(error) && /SIGKILL.*starts again/.test(error.message));
    }
    assert.equal((await local.generate(ask('again'))).text, 'again #0');
    assert.notEqual(await inference.pid(), first);
  });

  it('ends a process that does not obey', async () => {
    const local = model(start({ obeySeconds: 0.2 }));
    await local.generate(ask('warm'));
    const controller = new AbortController();
    const hanging = local.generate(ask('hang'), { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(hanging, /ended unexpectedly/);
    assert.equal((await local.generate(ask('again'))).text, 'again #0');
  });

  it('passes on a human error with its place, and takes nonsense for a bug', async () => {
    const inference = start();
    await assert.rejects(
      model(inference, '/missing').load(),
      error => isHumanError(error) && error.describe() === '/missing:1: There is no such file.',
    );
    const local = model(inference);
    for (const wrong of ['broken', 'bug']) {
      await assert.rejects(local.generate(ask(wrong)), error => !isHumanError(error));
    }
    assert.equal((await local.generate(ask('fine'))).text, 'fine #0');
  });

  it('loads a model once, and keeps no more than it may', async () => {
    const inference = start({ maximumModels: 2 });
    const names = ['a', 'b', 'c'];
    const [loaded, same] = await Promise.all([inference.load({ base: 'a' }), inference.load({ base: 'a' })]);
    assert.equal(loaded.model, same.model);
    for (const name of names) await model(inference, name).generate(ask(name));
    const { counts } = await inference.ask({ base: 'c' }, 'count', { texts: ['models'] });
    assert.deepEqual(counts, [2]);
    assert.equal((await model(inference, 'a').generate(ask('a'))).text, 'a #0');
  });

  it('ends after a while without requests, and comes back', async () => {
    const inference = start({ idleSeconds: 0.05 });
    const local = model(inference);
    await local.generate(ask('warm'));
    const first = await inference.pid();
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.equal(await inference.pid(), undefined);
    await local.generate(ask('again'));
    assert.notEqual(await inference.pid(), first);
  });

  it('names tunesmith.nodePath when the process cannot start, does not answer, or is not there', async () => {
    const broken = start({}, 'no-start');
    await assert.rejects(
      broken.report(),
      error => isHumanError(error) && /another version.*tunesmith\.nodePath/.test(error.message),
    );
    const silent = start({ startSeconds: 1 }, 'silent');
    await assert.rejects(silent.report(), /no answer within 1 seconds.*tunesmith\.nodePath/);
    const absent = start({ entry: () => ({ ...fakeEntry('inferenceWorker'), execPath: '/no/node' }) });
    await assert.rejects(absent.report(), error => isHumanError(error) && /tunesmith\.nodePath/.test(error.message));
  });

  it('hands over where the translations are, and no key of the environment', async () => {
    process.env.OPENAI_API_KEY = 'sk-secret';
    try {
      const local = model(start({ bundleFile: '/bundle.json' }));
      const { text } = await local.generate(ask('environment'));
      const env = JSON.parse(text.replace(/ #0$/, '')) as Record<string, string>;
      assert.equal(env.TUNESMITH_L10N, '/bundle.json');
      assert.ok(!Object.values(env).some(value => value.includes('sk-secret')));
      assert.equal(env.NODE_OPTIONS, undefined);
    } finally {
      delete process.env.OPENAI_API_KEY;
    }
  });
});
