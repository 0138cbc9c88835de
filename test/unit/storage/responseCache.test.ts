import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResponseFiles } from '../../../src/storage/responseCache.ts';
import { generationOf, textRequest } from '../../fakes/generators.ts';

const generation = generationOf(textRequest('a', 3), 'An answer ☂', {
  tokens: [{ text: 'An', logProb: -0.25, alternatives: [{ text: 'An', logProb: -0.25 }] }],
});

describe('ResponseFiles', () => {
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'tunesmith-')), 'responses');
  });
  afterEach(() => rm(join(folder, '..'), { recursive: true }));
  const files = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name));

  it('gives back what was kept, to another process too, and nothing for other keys', async () => {
    const cache = new ResponseFiles(folder);
    assert.equal(await cache.get('k'), undefined);
    await cache.put('k', generation);
    await cache.put('k', { ...generation, text: 'newer' });
    assert.deepEqual(await new ResponseFiles(folder).get('k'), { ...generation, text: 'newer' });
    assert.equal(await cache.get('K'), undefined);
    assert.equal((await files()).length, 1);
    assert.equal((await stat(folder)).mode & 0o077, 0, 'nobody else may read it');
  });

  for (const [what, damage] of [
    ['cut off', (path: string) => truncate(path, 40)],
    ['empty', (path: string) => truncate(path, 0)],
    [
      'a changed character',
      async (path: string) => writeFile(path, (await readFile(path, 'utf8')).replace('answer', 'Answer')),
    ],
    ['something else', (path: string) => writeFile(path, '{"text":"x"}\n')],
  ] as const) {
    it(`takes a damaged file for none and removes it: ${what}`, async () => {
      const cache = new ResponseFiles(folder);
      await cache.put('k', generation);
      await damage((await files())[0]!);
      assert.equal(await cache.get('k'), undefined);
      assert.deepEqual(await files(), []);
      await cache.put('k', generation);
      assert.equal((await cache.get('k'))?.text, generation.text);
    });
  }

  it('stays within its bound: what was not used for the longest time goes', async () => {
    const maximumBytes = 10 * 4096;
    const cache = new ResponseFiles(folder, { maximumBytes });
    for (let i = 0; i < 10; i++) await cache.put(`k${i}`, generation);
    await cache.settled();
    for (const [i, path] of (await files()).entries()) await utimes(path, 1000 + i, 1000 + i);
    assert.ok(await cache.get('k3'), 'used just now');
    await cache.put('k10', generation);
    await cache.settled();
    const { answers, bytes } = await cache.size();
    assert.ok(bytes <= maximumBytes && answers === 9, `${answers} answers in ${bytes} bytes`);
    assert.ok(await cache.get('k3'));
    assert.ok(await cache.get('k10'));
  });

  it('forgets everything, also while it is used', async () => {
    const cache = new ResponseFiles(folder);
    for (let i = 0; i < 3; i++) await cache.put(`k${i}`, generation);
    assert.deepEqual(await new ResponseFiles(folder).clear(), { answers: 3, bytes: 3 * 4096 });
    assert.equal(await cache.get('k0'), undefined);
    await cache.put('k0', generation);
    assert.deepEqual(await cache.size(), { answers: 1, bytes: 4096 });
    assert.deepEqual(await new ResponseFiles(join(folder, 'none')).clear(), { answers: 0, bytes: 0 });
  });

  it('keeps answers of many at once', async () => {
    const cache = new ResponseFiles(folder);
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => cache.put(`k${i % 50}`, { ...generation, repeat: i % 50 })),
    );
    const got = await Promise.all(Array.from({ length: 50 }, (_, i) => cache.get(`k${i}`)));
    assert.deepEqual(
      got.map(one => one?.repeat),
      [...Array(50).keys()],
    );
  });
});
