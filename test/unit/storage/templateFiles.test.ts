import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHumanError } from '../../../src/base/errors.ts';
import {
  readReferencedFile,
  readTemplate,
  readTemplateBank,
  readTemplateRows,
} from '../../../src/storage/templateFiles.ts';

describe('templateFiles', () => {
  let workspace: string;
  let outside: string;
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(workspace, name);
    writeFileSync(path, content);
    return path;
  };
  before(() => {
    const folder = mkdtempSync(join(tmpdir(), 'tunesmith-files-'));
    workspace = join(folder, 'workspace');
    outside = join(folder, 'workspace-outside');
    mkdirSync(join(workspace, 'templates'), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.jsonl'), '{"answer":"secret"}\n');
    symlinkSync(outside, join(workspace, 'templates', 'way-out'));
    symlinkSync(join(outside, 'secret.jsonl'), join(workspace, 'templates', 'link.jsonl'));
    symlinkSync(join(workspace, 'templates', 'own.txt'), join(workspace, 'templates', 'inside.txt'));
    write('bank.jsonl', '{"answer":"1"}\n');
    write('rows.csv', 'a,b\n1,2\n');
    write('templates/own.txt', 'own');
    write('latin.jsonl', new Uint8Array([0x22, 0xe9, 0x22]));
  });
  after(() => rmSync(join(workspace, '..'), { recursive: true, force: true }));

  const withPaths = async (settings: string) =>
    readTemplate(write('templates/t.prompty', `---\nmetadata:\n  tunesmith: {${settings}}\n---\nuser:\nhi`));

  it('reads a bank and rows anywhere in the workspace', async () => {
    const template = await withPaths('examples: {bank: ../bank.jsonl}, rows: ../rows.csv');
    assert.equal((await readTemplateBank(template, workspace))?.rows.length, 1);
    assert.deepEqual((await readTemplateRows(template, workspace))?.[0]?.values, { a: '1', b: '2' });
    const none = await withPaths('');
    assert.equal(await readTemplateBank(none, workspace), undefined);
    assert.equal(await readTemplateRows(none, workspace), undefined);
  });

  for (const path of [
    '../../workspace-outside/secret.jsonl',
    './link.jsonl',
    './way-out/secret.jsonl',
    '../../../../../../etc/hosts',
  ]) {
    it(`never follows ${path} out of the workspace`, async () => {
      const template = await withPaths(`rows: ${path}, examples: {bank: ${path}}`);
      for (const read of [readTemplateRows, readTemplateBank])
        await assert.rejects(
          read(template, workspace),
          error => isHumanError(error) && /lies outside/.test(error.message) && error.place.line === 3,
        );
    });
  }

  it('reads referenced files in the template’s own folder only', async () => {
    const template = join(workspace, 'templates', 't.prompty');
    assert.equal(await readReferencedFile(template, 'own.txt'), 'own');
    assert.equal(await readReferencedFile(template, './inside.txt'), 'own');
    for (const path of [
      '../bank.jsonl',
      'link.jsonl',
      'way-out/secret.jsonl',
      '/etc/hosts',
      join(workspace, 'templates/own.txt'),
    ])
      await assert.rejects(readReferencedFile(template, path), isHumanError, path);
    await assert.rejects(readReferencedFile(template, 'none.txt'), /is not there/);
  });

  it('says what is wrong with a file', async () => {
    await assert.rejects(readTemplate(join(workspace, 'none.prompty')), /no such file/);
    await assert.rejects(readTemplate(workspace), /folder, not a file/);
    await assert.rejects(readTemplateRows(await withPaths('rows: ../latin.jsonl'), workspace), /not UTF-8/);
    await assert.rejects(
      readTemplateBank(await withPaths('examples: {bank: ../none.jsonl}'), workspace),
      /not there.*shots: 0/,
    );
  });
});
