import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { weightCache } from '../../../src/storage/weightCache.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('weight cache', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const text = async (key: string): Promise<string | undefined> => {
    const file = await weightCache(folder).read(key);
    return file && new TextDecoder().decode(await file.read(0, file.size));
  };

  it('gives back what was written, in pieces, and nothing for other keys', async () => {
    const cache = weightCache(join(folder, 'new', 'folder'));
    assert.equal(await cache.read('a-int8-1'), undefined);
    await cache.write('a-int8-1', [bytes('one '), bytes('two'), bytes('')]);
    const file = await cache.read('a-int8-1');
    assert.equal(new TextDecoder().decode(await file!.read(2, 4)), 'e tw');
    await assert.rejects(file!.read(5, 3), RangeError);
    assert.equal(await cache.read('a-int8'), undefined);
    assert.equal(await cache.read('b-int8-1'), undefined);
  });

  it('replaces what was kept under the same key', async () => {
    await weightCache(folder).write('a', [bytes('old')]);
    await weightCache(folder).write('a', [bytes('new')]);
    assert.equal(await text('a'), 'new');
    assert.equal((await readdir(folder)).length, 1);
  });

  for (const [what, damage] of [
    ['a changed byte', async (path: string) => writeFile(path, (await readFile(path)).fill(65, 2, 3))],
    ['a lost end', (path: string) => truncate(path, 3)],
    ['nothing left', (path: string) => truncate(path, 0)],
  ] as const) {
    it(`takes a damaged file for none and removes it: ${what}`, async () => {
      await weightCache(folder).write('a', [bytes('weights')]);
      const [name] = await readdir(folder);
      await damage(join(folder, name!));
      assert.equal(await text('a'), undefined);
      assert.deepEqual(await readdir(folder), []);
    });
  }

  it('keeps those that were used last', async () => {
    for (let i = 0; i < 6; i++) {
      await weightCache(folder).write(`k${i}`, [bytes(`${i}`)]);
      const name = (await readdir(folder)).find(found => found.startsWith(`k${i}.`));
      await utimes(join(folder, name!), 1000 + i, 1000 + i);
    }
    assert.equal(await text('k0'), '0');
    await weightCache(folder).write('k6', [bytes('6')]);
    assert.equal(await text('k1'), undefined);
    for (const i of [0, 2, 3, 4, 5, 6]) assert.equal(await text(`k${i}`), `${i}`);
  });

  it('says when the disk cannot take a file, and leaves nothing behind', async () => {
    await writeFile(join(folder, 'in the way'), '');
    await assert.rejects(weightCache(join(folder, 'in the way')).write('a', [bytes('x')]));
    assert.equal(await weightCache(join(folder, 'in the way')).read('a'), undefined);
  });
});
