/** The registry over real folders: bundled, imported and tuned models, and sentences for what is none. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHumanError } from '../../../src/base/errors.ts';
import { defaultSampling } from '../../../src/core/generation.ts';
import type { TunedModel } from '../../../src/core/jobs/job.ts';
import { InferenceProcess } from '../../../src/jobs/inferenceProcess.ts';
import { ModelRegistry } from '../../../src/providers/registry.ts';
import { modelStore } from '../../../src/storage/modelStore.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { fakeEntry } from '../../fakes/countingJob.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('registry', () => {
  let folder: string;
  let layout: WorkspaceLayout;
  let inference: InferenceProcess;
  let registry: ModelRegistry;

  const makeModel = (path: string, config: object = { max_position_embeddings: 512 }) => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'config.json'), JSON.stringify(config));
    writeFileSync(join(path, 'tokenizer_config.json'), '{"chat_template":"{{ messages }}"}');
    return path;
  };
  const tune = (name: string, more: Partial<TunedModel> = {}) => {
    const path = join(layout.models, name);
    mkdirSync(path, { recursive: true });
    const lineage: TunedModel = {
      format: 1,
      name,
      kind: 'policy',
      base: { id: 'local:pebble', base: '/an/older/version/models/pebble' },
      job: 'j',
      createdAt: '2026-01-01T00:00:00Z',
      dataSha256: '',
      metrics: {},
      ...more,
    };
    writeFileSync(join(path, 'tunesmith.json'), JSON.stringify(lineage));
    return path;
  };

  beforeEach(() => {
    folder = memoryFolder();
    layout = workspaceLayout(join(folder, 'workspace'));
    makeModel(join(folder, 'root', 'models', 'pebble'));
    inference = new InferenceProcess({ root: '.', entry: () => fakeEntry('inferenceWorker') });
    registry = new ModelRegistry({
      root: join(folder, 'root'),
      store: modelStore({ layout, user: join(folder, 'user') }),
      inference,
    });
  });
  afterEach(async () => {
    await inference.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const ids = async () => (await registry.list()).map(model => model.id);

  it('lists the bundled model, then tuned ones with their lineage, then imported ones', async () => {
    tune('polite');
    tune('polite-rm', { kind: 'reward' });
    mkdirSync(join(layout.models, 'unfinished'));
    const changes: number[] = [];
    registry.onDidChange(() => changes.push(1));
    // GPT-2's word for the length of its context.
    await registry.add(makeModel(join(folder, 'elsewhere', 'Tiny Model'), { n_positions: 1024 }));
    assert.deepEqual(await ids(), ['local:pebble', 'local:polite', 'local:tiny-model']);
    const [pebble, polite, tiny] = await registry.list();
    assert.equal(tiny?.contextLength, 1024);
    assert.deepEqual([pebble?.contextLength, pebble?.chat, pebble?.detail], [512, true, 'bundled']);
    assert.deepEqual([polite?.detail, polite?.base], ['tuned from pebble', 'local:pebble']);
    assert.deepEqual(
      (await registry.rewardModels()).map(model => model.name),
      ['polite-rm'],
    );
    assert.equal(changes.length, 1);
  });

  it('finds the base of a tuned model where it lies today', async () => {
    const adapter = tune('polite');
    const reference = await registry.reference('polite');
    assert.deepEqual(
      [reference.id, reference.base, reference.adapter],
      ['local:polite', join(folder, 'root', 'models', 'pebble'), adapter],
    );
    assert.match(reference.revision ?? '', /^r-/);
    const reward = tune('rm', { kind: 'reward' });
    assert.deepEqual(await registry.rewardReference('rm'), {
      id: 'local:rm',
      base: join(folder, 'root', 'models', 'pebble'),
      adapter: reward,
    });
    await assert.rejects(registry.rewardReference('polite'), /Train one from your rankings first/);
  });

  it('gets a model by id, by name and by path, and answers through it', async () => {
    const path = makeModel(join(folder, 'models--org--Some-Model', 'snapshots', 'abc'));
    for (const wanted of ['local:pebble', 'pebble', path]) {
      const model = await registry.get(wanted);
      const { text } = await model.generate({
        prompt: { kind: 'text', text: 'hello' },
        options: defaultSampling,
        repeat: 0,
      });
      assert.equal(text, 'hello #0');
    }
    assert.equal((await registry.get(path)).model.label, 'Some-Model');
    assert.equal(await registry.get('pebble'), await registry.get('local:pebble'));
  });

  it('gives an imported model that has the name of another its own id', async () => {
    const made = await registry.add(makeModel(join(folder, 'pebble')));
    assert.equal(made.id, 'imported:pebble');
    const again = await registry.add(join(folder, 'pebble'));
    assert.equal(again.id, made.id, 'the same path stays one model');
    assert.equal((await registry.add(makeModel(join(folder, 'x', 'pebble')))).id, 'local:pebble-2');
    await registry.remove(made.id);
    assert.deepEqual(await ids(), ['local:pebble', 'local:pebble-2']);
  });

  it('says in one sentence what is none', async () => {
    const human = (words: RegExp) => (error: unknown) => isHumanError(error) && words.test(error.message);
    await assert.rejects(registry.get('nothing'), human(/no model “nothing”. There are: pebble\./));
    await assert.rejects(registry.get('./nowhere.gguf'), human(/This is no model/));
    await assert.rejects(registry.add(folder), human(/This is no model/));
    await assert.rejects(registry.add(makeModel(join(folder, 'missing'))), human(/no such file/));
    await assert.rejects(registry.remove('local:pebble'), human(/Only imported and tuned/));
    assert.deepEqual(await ids(), ['local:pebble'], 'a refused model is not remembered');
  });

  it('goes down to the weights of a model that was tuned twice, and says when they are gone', async () => {
    const pebble = join(folder, 'root', 'models', 'pebble');
    tune('polite');
    const adapter = tune('politer', { base: { id: 'local:polite', base: '/gone', adapter: '/gone' } });
    const { base, adapter: found } = await registry.reference('politer');
    assert.deepEqual([base, found], [pebble, adapter]);
    tune('ring', { base: { id: 'local:ring', base: '/gone' } });
    tune('lost', { base: { id: 'local:big', base: '/gone/big' } });
    tune('remote', { base: { id: 'local:big', base: '//server/share/big' } });
    assert.equal((await ids()).length, 6, 'they are listed, so that they can be removed');
    for (const name of ['ring', 'lost', 'remote']) {
      await assert.rejects(registry.get(name), /was tuned from \w+, which is not here\. Add that model again/);
    }
  });

  it('deletes a tuned model', async () => {
    tune('polite');
    await registry.remove('local:polite');
    assert.deepEqual(await ids(), ['local:pebble']);
  });
});
