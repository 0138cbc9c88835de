import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint, kindOfPath, openFile, openFolder } from '../../../src/storage/modelFolder.ts';

describe('model folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('reads parts of files', async () => {
    await writeFile(join(folder, 'a'), Uint8Array.of(1, 2, 3, 4, 5));
    const file = await (await openFolder(folder)).open('a');
    assert.equal(file.size, 5);
    assert.deepEqual([...(await file.read(1, 3))], [2, 3, 4]);
    assert.deepEqual([...(await file.read(5, 0))], []);
    await assert.rejects(file.read(4, 2), RangeError);
    await assert.rejects(file.read(-1, 2), RangeError);
    await truncate(join(folder, 'a'), 2);
    await assert.rejects(file.read(1, 3), { name: 'HumanError', message: /shorter/ });
    await file.close();
  });

  it('follows links, as the Hugging Face cache has them, but no names that leave the folder', async () => {
    await mkdir(join(folder, 'blobs'));
    await mkdir(join(folder, 'snapshot'));
    await writeFile(join(folder, 'blobs', 'abc'), 'x');
    await symlink('../blobs/abc', join(folder, 'snapshot', 'config.json'));
    const snapshot = await openFolder(join(folder, 'snapshot'));
    assert.deepEqual(await snapshot.names(), ['config.json']);
    const file = await snapshot.open('config.json');
    assert.equal(file.size, 1);
    await file.close();
    for (const name of ['../blobs/abc', '..', '.', '', '/etc/passwd']) {
      await assert.rejects(async () => snapshot.open(name), { name: 'HumanError', message: /own folder/ });
    }
  });

  it('says what is wrong with what is not there or no file', async () => {
    await assert.rejects(openFile(join(folder, 'no')), { name: 'HumanError', message: /no such file/ });
    await assert.rejects(openFile(folder), { name: 'HumanError', message: /not a file/ });
    await assert.rejects(openFolder(join(folder, 'no')), { name: 'HumanError', message: /no such file/ });
    assert.equal(await kindOfPath(folder), 'folder');
    assert.equal(await kindOfPath(join(folder, 'no')), 'missing');
  });

  it('tells versions of a model apart', async () => {
    const path = join(folder, 'model.safetensors');
    const bytes = new Uint8Array(1 << 20);
    const print = async (): Promise<string> => {
      await writeFile(path, bytes);
      return fingerprint([path]);
    };
    const first = await print();
    assert.equal(await print(), first);
    bytes[10] = 1;
    const head = await print();
    assert.notEqual(head, first);
    // Training moves every weight; here every hundredth byte of the body.
    for (let i = 1 << 17; i < bytes.length; i += 100) bytes[i] = 1;
    assert.notEqual(await print(), head);
    const small = join(folder, 'small');
    await writeFile(small, new Uint8Array(70_000));
    const before = await fingerprint([small]);
    await writeFile(
      small,
      Uint8Array.from({ length: 70_000 }, (_, i) => (i === 69_999 ? 1 : 0)),
    );
    assert.notEqual(await fingerprint([small]), before);
  });
});
