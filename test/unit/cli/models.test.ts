/** `tunesmith models`: a model comes from the hub, is read, listed, exported and forgotten. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tunesmith } from '../../fakes/commandLine.ts';
import { commit, HubServer } from '../../fakes/hubServer.ts';

const pebble = join(import.meta.dirname, '..', '..', '..', 'models', 'pebble');

describe('tunesmith models', function () {
  this.slow(5000);
  let folder: string;
  let server: HubServer;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-models-'));
    mkdirSync(join(folder, '.git'));
    const files = readdirSync(pebble).map(name => [name, readFileSync(join(pebble, name))] as const);
    server = new HubServer('org/stone', Object.fromEntries(files));
    await server.start();
  });
  after(() => {
    server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const models = (...argv: string[]) =>
    tunesmith(['models', ...argv], {
      cwd: folder,
      env: {
        HF_ENDPOINT: server.hub,
        HF_HUB_CACHE: join(folder, 'hub'),
        TUNESMITH_HOME: join(folder, 'home'),
        TUNESMITH_KEYS: `${server.hub}=hf_secret`,
      },
    });

  it('shows the catalogue, downloads, lists and forgets', async () => {
    assert.match((await models('download')).stdout, /HuggingFaceTB\/SmolLM2-135M-Instruct {2}135M/);
    server.faults.token = 'hf_secret';
    const made = await models('download', 'org/stone');
    assert.deepEqual([made.code, made.stdout], [0, 'local:stone\n'], made.stderr);
    const { models: list } = JSON.parse((await models('list', '--json')).stdout) as {
      models: { id: string; detail: string; chat: boolean }[];
    };
    assert.deepEqual(
      list.map(({ id, detail }) => [id, detail]),
      [
        ['local:pebble', 'bundled'],
        ['local:stone', 'org/stone'],
      ],
    );
    assert.ok(readdirSync(join(folder, 'hub', 'models--org--stone', 'snapshots')).includes(commit));
    assert.equal((await models('remove', 'stone')).code, 0);
    assert.doesNotMatch((await models()).stdout, /stone/);
  });

  it('exports a model as a folder that is a model again, and as GGUF', async () => {
    const made = await models('export', 'pebble', '--to', 'out', '--dtype', 'f16');
    assert.deepEqual([made.code, made.stdout], [0, `${join(folder, 'out')}\n`], made.stderr);
    assert.equal((await models('add', join(folder, 'out'))).stdout, 'local:out\n');
    const gguf = await models('export', 'out', '--to', 'gguf', '--format', 'gguf', '--dtype', 'q8_0', '--json');
    const { path, bytes } = JSON.parse(gguf.stdout) as { path: string; bytes: number };
    assert.deepEqual([path, bytes], [join(folder, 'gguf', 'gguf.Q8_0.gguf'), readFileSync(path).length]);
    for (const [wanted, words] of [
      ['out', /already something here/],
      ['none', /none/],
    ] as const) {
      const { code, stderr } = await models('export', wanted, '--to', 'out');
      assert.equal(code, 1);
      assert.match(stderr, words);
    }
    assert.equal((await models('remove', 'out')).code, 0);
  });

  it('refuses a damaged download and an unknown model with one sentence and code 1', async () => {
    rmSync(join(folder, 'hub'), { recursive: true, force: true });
    server.faults.corrupt = true;
    for (const [repository, words] of [
      ['org/stone', /arrived damaged/],
      ['org/none', /has no model org\/none/],
    ] as const) {
      const { code, stdout, stderr } = await models('download', repository);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, words);
    }
  });
});
