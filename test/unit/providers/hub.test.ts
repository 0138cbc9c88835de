/** Downloads from the hub against a real server: resumed, checked, cancelled; the token stays with the hub. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHumanError } from '../../../src/base/errors.ts';
import { readCatalog } from '../../../src/providers/catalog.ts';
import {
  type DownloadProgress,
  downloadModel,
  type HubOptions,
  type HubRequest,
  hubCacheFolder,
} from '../../../src/providers/hub.ts';
import { memoryKeys } from '../../../src/providers/keys.ts';
import { commit, HubServer, sha256 } from '../../fakes/hubServer.ts';

const weights = Buffer.alloc(300_000, 0).map((_, index) => (index * 7919) % 251) as Buffer;

describe('hub', () => {
  let cache: string;
  let server: HubServer;
  beforeEach(async () => {
    cache = mkdtempSync(join(tmpdir(), 'hub-'));
    server = new HubServer('org/tiny', {
      'config.json': '{"model_type":"llama"}',
      'tokenizer.json': '{}',
      'README.md': '# not wanted',
      'pytorch_model.bin': Buffer.alloc(20_000),
      'model.safetensors': weights,
    });
    await server.start();
  });
  afterEach(() => {
    server.stop();
    rmSync(cache, { recursive: true, force: true });
  });

  const download = (request: Partial<HubRequest> = {}, options: Partial<HubOptions> = {}) =>
    downloadModel(
      { repository: 'org/tiny', ...request },
      { keys: memoryKeys(), env: { HF_ENDPOINT: server.hub, HF_HUB_CACHE: cache }, retryMilliseconds: 1, ...options },
    );
  const folder = () => join(cache, 'models--org--tiny');
  const says = (words: RegExp) => (error: unknown) => isHumanError(error) && words.test(error.message);

  it('puts a model into the cache as other programs expect it there, once', async () => {
    const seen: DownloadProgress[] = [];
    const { path, revision } = await download({}, { onProgress: progress => seen.push(progress) });
    assert.deepEqual([path, revision], [join(folder(), 'snapshots', commit), commit]);
    assert.deepEqual(readdirSync(path).sort(), ['config.json', 'model.safetensors', 'tokenizer.json']);
    assert.deepEqual(readFileSync(join(path, 'model.safetensors')), weights);
    assert.equal(readlinkSync(join(path, 'model.safetensors')), join('..', '..', 'blobs', sha256(weights)));
    assert.equal(readFileSync(join(folder(), 'refs', 'main'), 'utf8'), commit);
    const last = seen.at(-1)!;
    assert.equal(last.received, last.total);
    assert.ok(seen.every((progress, index) => index === 0 || progress.received >= seen[index - 1]!.received));
    const before = server.visits.length;
    await download();
    assert.ok(!server.visits.slice(before).some(visit => visit.path.includes('resolve')), 'nothing comes twice');
  });

  it('goes on where the connection broke', async () => {
    server.faults.breakAfter = [100_000, 50_000];
    const { path } = await download();
    assert.deepEqual(readFileSync(join(path, 'model.safetensors')), weights);
    const ranges = server.visits.filter(visit => visit.server === 'storage').map(visit => visit.range);
    assert.equal(ranges[0], undefined);
    assert.ok(ranges.length === 3 && ranges.slice(1).every(range => /^bytes=\d+-$/.test(range ?? '')), String(ranges));
  });

  it('goes on in a later process, and begins anew where the server cannot continue', async () => {
    for (const ignoreRanges of [false, true]) {
      const controller = new AbortController();
      server.faults.ignoreRanges = ignoreRanges;
      server.faults.breakAfter = [120_000];
      const stopped = download(
        {},
        {
          signal: controller.signal,
          onProgress: ({ file, received }) => {
            if (file === 'model.safetensors' && received > 60_000) controller.abort(new Error('stop'));
          },
        },
      );
      await assert.rejects(stopped, /stop/);
      assert.ok(existsSync(join(folder(), 'blobs', `${sha256(weights)}.incomplete`)), 'what arrived is kept');
      server.faults.breakAfter = [];
      const { path } = await download();
      assert.deepEqual(readFileSync(join(path, 'model.safetensors')), weights);
      assert.match(server.visits.at(-1)?.range ?? '', /^bytes=\d{5,}-$/);
      rmSync(folder(), { recursive: true });
    }
  });

  it('refuses a file whose hash is wrong, and one that was tampered with on the disk', async () => {
    server.faults.corrupt = true;
    await assert.rejects(download(), says(/model\.safetensors arrived damaged.*Start the download again/));
    const blobs = () => readdirSync(join(folder(), 'blobs')).filter(name => name.startsWith(sha256(weights)));
    assert.deepEqual(blobs(), []);
    server.faults.corrupt = false;
    writeFileSync(join(folder(), 'blobs', `${sha256(weights)}.incomplete`), Buffer.alloc(1000, 9));
    await assert.rejects(download(), says(/arrived damaged/));
    await download();
    assert.equal(blobs().length, 1);
  });

  it('gives the token to the hub and not to the storage that it sends to', async () => {
    server.faults.token = 'hf_secret';
    await assert.rejects(download(), says(/does not give out org\/tiny without your token.*enter a token/));
    server.visits.length = 0;
    await download({}, { keys: memoryKeys(new Map([[server.hub, 'hf_secret']])) });
    const by = (name: string) => server.visits.filter(visit => visit.server === name).map(visit => visit.authorization);
    assert.deepEqual([...new Set(by('hub'))], ['Bearer hf_secret']);
    assert.deepEqual([...new Set(by('storage'))], [undefined]);
  });

  it('takes one GGUF file, and says which there are', async () => {
    server.files.delete('model.safetensors');
    server.files.set('tiny-q8.gguf', weights);
    await assert.rejects(download(), says(/holds GGUF files\. Choose one of them: tiny-q8\.gguf/));
    await assert.rejects(download({ file: 'x.gguf' }), says(/has no file “x\.gguf”\. It has: tiny-q8\.gguf/));
    const { path } = await download({ file: 'tiny-q8.gguf' });
    assert.equal(path, join(folder(), 'snapshots', commit, 'tiny-q8.gguf'));
    assert.deepEqual(readFileSync(path), weights);
    server.files.delete('tiny-q8.gguf');
    await assert.rejects(download(), says(/neither safetensors nor GGUF/));
  });

  it('says what is wrong with the name, the hub and the way there', async () => {
    await assert.rejects(download({ repository: 'org/other' }), says(/no model org\/other/));
    for (const bad of ['tiny', '../../etc', 'org/tiny/x']) {
      await assert.rejects(download({ repository: bad }), says(/is not a repository/));
    }
    await assert.rejects(download({ revision: '../../x' }), says(/is not a revision/));
    const env = { HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_CACHE: cache };
    await assert.rejects(download({}, { env }), says(/could not be reached/));
    server.faults.breakAfter = Array.from({ length: 20 }, () => 0);
    await assert.rejects(download(), says(/connection broke off.*What arrived is kept/));
  });

  it('finds the cache where huggingface_hub does', () => {
    assert.equal(hubCacheFolder({ HF_HUB_CACHE: '/a', HF_HOME: '/b' }), '/a');
    assert.equal(hubCacheFolder({ HF_HOME: '/b' }), join('/b', 'hub'));
    assert.equal(hubCacheFolder({ XDG_CACHE_HOME: '/c' }), join('/c', 'huggingface', 'hub'));
  });
});

describe('catalog', () => {
  it('names repositories, and invents neither revision nor hash', async () => {
    const root = join(import.meta.dirname, '..', '..', '..');
    const entries = await readCatalog(root);
    assert.ok(entries.length >= 3);
    assert.doesNotMatch(readFileSync(join(root, 'models', 'catalog.json'), 'utf8'), /[0-9a-f]{40}|sha|revision/i);
  });
});
