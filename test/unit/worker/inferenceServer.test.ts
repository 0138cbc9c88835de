import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { InferenceProcess } from '../../../src/jobs/inferenceProcess.ts';
import {
  type InferenceEvent,
  InferenceEventSchema,
  type InferenceMethod,
  type InferenceResult,
  InferenceResultSchemas,
  type LoadedModel,
} from '../../../src/protocol/inference.ts';
import { InferenceServer } from '../../../src/worker/inferenceServer.ts';
import { selfTest } from '../../../src/worker/selfTest.ts';
import { tinyAdapterFiles, tinyModelFiles, tinyModelGguf } from '../../fakes/tinyModel.ts';

type Failure = Extract<InferenceEvent, { type: 'failure' }>;

/** The server with its pipe replaced by lists. */
class Client {
  readonly events: InferenceEvent[] = [];
  readonly #server: InferenceServer;
  #id = 0;
  shutDown = 0;

  constructor(bufferAliasing = true, cacheFolder?: string) {
    this.#server = new InferenceServer(
      event => {
        this.events.push(v.parse(InferenceEventSchema, JSON.parse(JSON.stringify(event))));
      },
      { bufferAliasing, uncopiedOutputs: true, memoryGrowth: true, provider: 'cpu' },
      () => {
        this.shutDown++;
      },
      cacheFolder,
    );
  }

  get lastId(): number {
    return this.#id;
  }

  async ask<M extends InferenceMethod>(
    method: M,
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<InferenceResult<M>> {
    const id = ++this.#id;
    await this.#server.receive({ id, method, ...(method === 'load' ? { precision: 'auto' } : {}), ...parameters });
    const answers = this.events.filter(
      event => event.type !== 'hello' && event.id === id && (event.type === 'reply' || event.type === 'failure'),
    );
    assert.equal(answers.length, 1, 'exactly one answer');
    const answer = answers[0]!;
    if (answer.type === 'failure') throw answer;
    return v.parse(InferenceResultSchemas[method], (answer as { result: unknown }).result) as InferenceResult<M>;
  }

  async fails(method: InferenceMethod, parameters: Readonly<Record<string, unknown>> = {}): Promise<Failure> {
    try {
      await this.ask(method, parameters);
    } catch (failure) {
      if ((failure as Failure).type === 'failure') return failure as Failure;
      throw failure;
    }
    return assert.fail('no failure');
  }

  raw(message: unknown): Promise<void> {
    return this.#server.receive(message);
  }

  deltas(id: number, item: number): string {
    return this.events
      .flatMap(event => (event.type === 'delta' && event.id === id && event.item === item ? [event.text] : []))
      .join('');
  }
}

const options = { temperature: 1, topP: 1, topK: 0, maxOutputTokens: 24, seed: 5, stopSequences: [] as string[] };
const user = (content: string) => ({ kind: 'messages', messages: [{ role: 'user', content }] });
const item = (stream: number, changes: Readonly<Record<string, unknown>> = {}, prompt: unknown = user('hello')) => ({
  prompt,
  options: { ...options, ...changes },
  stream,
});

describe('inference server', function () {
  this.timeout(30000);
  let folder: string;
  let model: string;
  let gguf: string;
  let adapter: string;
  const client = new Client();
  let loaded: LoadedModel;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-'));
    const write = async (name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> => {
      await mkdir(join(folder, name));
      for (const [file, content] of Object.entries(files)) await writeFile(join(folder, name, file), content);
      return join(folder, name);
    };
    model = await write('tiny', tinyModelFiles());
    adapter = await write('adapter', tinyAdapterFiles());
    gguf = join(folder, 'tiny.gguf');
    await writeFile(gguf, tinyModelGguf());
    loaded = await client.ask('load', { location: { base: model } });
  });
  after(() => rm(folder, { recursive: true }));

  const generate = (items: readonly unknown[], alternatives = -1, of = loaded) =>
    client.ask('generate', { model: of.model, items, alternatives });

  it('describes a model, and loads each location once', async () => {
    assert.deepEqual(
      { ...loaded, revision: '' },
      {
        model: 'model-1',
        architecture: 'llama',
        parameters: loaded.parameters,
        contextLength: 256,
        vocabularySize: 264,
        chat: true,
        revision: '',
        precision: 'float32',
      },
    );
    assert.deepEqual(await client.ask('load', { location: { base: model } }), loaded);
    assert.ok(client.events.some(event => event.type === 'progress' && event.fraction === 0));
  });

  it('generates with a stream that is the text, tokens that are the text, and log-probs', async () => {
    const { items } = await generate([item(0), item(1), item(0, {}, user('hell'))], 3);
    const id = client.lastId;
    items.forEach((result, i) => {
      assert.equal(client.deltas(id, i), result.text);
      assert.ok(result.tokens!.every(token => token.logProb <= 0 && token.alternatives!.length === 3));
      assert.ok(result.firstTokenMs! <= result.latencyMs);
      assert.ok(result.finishReason === 'length' || result.finishReason === 'stop');
    });
    assert.notEqual(items[0]!.text, items[1]!.text);
    const again = await generate([item(1)]);
    assert.equal(again.items[0]!.text, items[1]!.text);
    assert.equal(again.items[0]!.tokens, undefined);
  });

  it('gives the same from GGUF, from a folder, and with copied caches', async () => {
    const { items } = await generate([item(0, { temperature: 0 })]);
    const other = await client.ask('load', { location: { base: gguf } });
    assert.notEqual(other.revision, loaded.revision);
    assert.equal((await generate([item(0, { temperature: 0 })], -1, other)).items[0]!.text, items[0]!.text);
    const careful = new Client(false);
    const own = await careful.ask('load', { location: { base: model } });
    const copied = await careful.ask('generate', {
      model: own.model,
      items: [item(0, { temperature: 0 })],
      alternatives: -1,
    });
    assert.equal(copied.items[0]!.text, items[0]!.text);
  });

  it('ends at a stop string, which is in neither text nor stream', async () => {
    const [free] = (await generate([item(0)])).items;
    const stop = free!.text.slice(5, 8);
    const at = free!.text.indexOf(stop);
    const { items } = await generate([item(0, { stopSequences: ['never this', stop] })], 0);
    assert.equal(items[0]!.text, free!.text.slice(0, at));
    assert.equal(items[0]!.finishReason, 'stop-sequence');
    assert.equal(client.deltas(client.lastId, 0), items[0]!.text);
    assert.ok(items[0]!.completionTokens < free!.completionTokens);
  });

  it('cancels within a token, also what still waits for its turn', async () => {
    const long = () => generate([item(0, { maxOutputTokens: 200 })]);
    const first = long();
    const firstId = client.lastId;
    const second = long();
    const secondId = client.lastId;
    await client.ask('cancel', { target: secondId });
    const waiting = await second;
    assert.equal(waiting.items[0]!.finishReason, 'cancelled');
    assert.equal(waiting.items[0]!.completionTokens, 0);
    await client.ask('cancel', { target: firstId });
    const [cancelled] = (await first).items;
    assert.equal(cancelled!.finishReason, 'cancelled');
    assert.ok(cancelled!.completionTokens < 200);
    assert.equal(client.deltas(firstId, 0), cancelled!.text);
  });

  it('renders and counts', async () => {
    const rendered = await client.ask('render', { model: loaded.model, prompt: user('hello') });
    assert.equal(rendered.text, '<|start|>user\nhello<|end|>\n<|start|>assistant\n');
    const { counts } = await client.ask('count', { model: loaded.model, texts: ['hello', '', rendered.text] });
    assert.deepEqual(counts, [1, 0, rendered.tokens]);
    const text = await client.ask('render', { model: loaded.model, prompt: { kind: 'text', text: 'hello' } });
    assert.deepEqual(text, { text: 'hello', tokens: 1 });
    const prefilled = {
      kind: 'messages',
      messages: [{ role: 'assistant', content: 'hell' }],
      continueLast: true,
    };
    assert.ok(
      (await client.ask('render', { model: loaded.model, prompt: prefilled })).text.endsWith('assistant\nhell'),
    );
  });

  it('scores what it generated as it did then', async () => {
    const { items } = await generate([item(0, { maxOutputTokens: 6 }, { kind: 'text', text: 'hello' })], 0);
    const { items: scored } = await client.ask('score', {
      model: loaded.model,
      items: [{ prompt: { kind: 'text', text: 'hello' }, continuation: ' hello hello' }],
    });
    assert.deepEqual(
      scored[0]!.tokens.map(token => token.text),
      [' hello', ' hello'],
    );
    assert.ok(
      Math.abs(scored[0]!.logLikelihood - scored[0]!.tokens.reduce((sum, token) => sum + token.logProb, 0)) < 1e-9,
    );
    assert.ok(items[0]!.tokens!.length > 0);
  });

  it('gives the same to requests that come at once as to each alone', async () => {
    const texts = ['hello hello', 'say hello', ' hell'];
    const ask = (text: string) =>
      client.ask('score', {
        model: loaded.model,
        items: [{ prompt: { kind: 'text', text: 'hello' }, continuation: ` ${text}` }],
      });
    const embed = (text: string) => client.ask('embed', { model: loaded.model, texts: [text] });
    const write = () => generate([item(0, { temperature: 0 })]);
    const alone = [];
    for (const text of texts) alone.push(await ask(text), await embed(text));
    alone.push(await write());
    const together = await Promise.all([...texts.flatMap(text => [ask(text), embed(text)]), write()]);
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, inner) => (key.endsWith('Ms') ? 0 : inner)));
    assert.deepEqual(plain(together), plain(alone));
  });

  it('embeds texts: equal ones alike, an empty one too', async () => {
    const { vectors } = await client.ask('embed', { model: loaded.model, texts: ['hello', 'hell', 'hello', ''] });
    assert.equal(vectors.length, 4);
    for (const vector of vectors) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
    assert.deepEqual(vectors[0], vectors[2]);
    assert.notDeepEqual(vectors[0], vectors[1]);
  });

  it('holds a model in fewer bits, keeps what it converted, and makes it anew when that is damaged', async () => {
    const cache = join(folder, 'cache');
    const texts: string[] = [];
    const run = async (): Promise<LoadedModel> => {
      const own = new Client(true, cache);
      const small = await own.ask('load', { location: { base: model, adapter }, precision: 'int8' });
      const asked = { model: small.model, items: [item(0, { temperature: 0 })], alternatives: -1 };
      texts.push((await own.ask('generate', asked)).items[0]!.text);
      const full = await own.ask('load', { location: { base: model, adapter }, precision: 'float32' });
      assert.notEqual(full.model, small.model);
      return small;
    };
    const first = await run();
    assert.equal(first.precision, 'int8');
    const [kept, ...others] = await readdir(cache);
    assert.deepEqual(others, []);
    const bytes = await readFile(join(cache, kept!));
    const { mtimeMs } = await stat(join(cache, kept!));
    await run();
    await writeFile(join(cache, kept!), bytes.subarray(0, bytes.length - 5));
    await run();
    assert.deepEqual(await readFile(join(cache, kept!)), bytes);
    assert.ok((await stat(join(cache, kept!))).mtimeMs >= mtimeMs);
    // A folder that cannot be written to costs nothing but the next load's time.
    const blocked = new Client(true, join(model, 'config.json'));
    const unkept = await blocked.ask('load', { location: { base: model, adapter }, precision: 'int8' });
    const asked = { model: unkept.model, items: [item(0, { temperature: 0 })], alternatives: -1 };
    texts.push((await blocked.ask('generate', asked)).items[0]!.text);
    assert.equal(new Set(texts).size, 1);
  });

  it('answers an empty prompt and one that begins with nothing', async () => {
    const { items } = await generate([item(0, { maxOutputTokens: 2 }, { kind: 'text', text: '' })]);
    assert.equal(items[0]!.completionTokens, 2);
  });

  it('applies an adapter, and refuses a reward model as a writer', async () => {
    const tuned = await client.ask('load', { location: { base: model, adapter } });
    assert.notEqual(tuned.model, loaded.model);
    assert.notEqual(tuned.revision, loaded.revision);
    const greedy = [item(0, { temperature: 0 })];
    assert.notEqual((await generate(greedy, -1, tuned)).items[0]!.text, (await generate(greedy)).items[0]!.text);
    await client.ask('unload', { model: tuned.model });
    assert.equal(
      (await client.fails('generate', { model: tuned.model, items: greedy, alternatives: -1 })).human,
      false,
    );
  });

  it('fails with one sentence for a person', async () => {
    const long = user('x'.repeat(300));
    const tooLong = await client.fails('generate', {
      model: loaded.model,
      items: [item(0, {}, long)],
      alternatives: -1,
    });
    assert.match(tooLong.message, /The prompt has 3\d\d tokens, but this model reads at most 256/);
    assert.ok(tooLong.human);
    const missing = await client.fails('load', { location: { base: join(folder, 'nowhere') } });
    assert.deepEqual([missing.human, missing.file], [true, join(folder, 'nowhere')]);
    await writeFile(join(folder, 'cut.gguf'), tinyModelGguf().subarray(0, 3000));
    const cut = await client.fails('load', { location: { base: join(folder, 'cut.gguf') } });
    assert.match(cut.message, /damaged/);
    await mkdir(join(folder, 'other'));
    for (const [name, content] of Object.entries(tinyModelFiles()))
      await writeFile(join(folder, 'other', name), content);
    const json = JSON.parse(tinyModelFiles()['tokenizer.json'] as string) as { added_tokens: unknown[] };
    json.added_tokens.push({ id: 900, content: '<|more|>', special: true });
    await writeFile(join(folder, 'other', 'tokenizer.json'), JSON.stringify(json));
    const mismatch = await client.fails('load', { location: { base: join(folder, 'other') } });
    assert.match(mismatch.message, /901 tokens, but the model knows 264/);
    assert.ok(mismatch.human);
  });

  it('answers requests that are none, when they have an id', async () => {
    const bad = await client.fails('generate', { model: loaded.model, items: 'none' });
    assert.equal(bad.human, false);
    const before = client.events.length;
    for (const message of [null, 'x', 5, {}, { id: 'x', method: 'load' }]) await client.raw(message);
    assert.equal(client.events.length, before);
    assert.deepEqual(await client.ask('cancel', { target: 12345 }), {});
  });

  it('says goodbye once', async () => {
    const own = new Client();
    await own.ask('shutdown');
    assert.equal(own.shutDown, 1);
  });

  it('finds that this computer can do what it relies on', async () => {
    assert.deepEqual(await selfTest(), { bufferAliasing: true, uncopiedOutputs: true, memoryGrowth: true });
  });

  it('runs as a process of its own', async () => {
    const child = new InferenceProcess({ root: process.cwd() });
    try {
      assert.equal((await child.report()).bufferAliasing, true);
      const deltas: string[] = [];
      const { items } = await child.ask(
        { base: model },
        'generate',
        {
          items: [{ prompt: { kind: 'text', text: 'hello' }, options, stream: 0 }],
          alternatives: -1,
        },
        { onDelta: (_, text) => deltas.push(text) },
      );
      assert.equal(deltas.join(''), items[0]!.text);
      await assert.rejects(child.load({ base: join(folder, 'cut.gguf') }), { name: 'HumanError' });
    } finally {
      await child.stop();
    }
  });
});
