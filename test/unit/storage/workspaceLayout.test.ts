/** Names of files from what people type, and the person's own folder. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freeModelName } from '../../../src/storage/modelStore.ts';
import { ensureGitFiles, fileNameFor, userFolder, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { inFolder } from '../../fakes/storageScenario.ts';

describe('workspaceLayout', () => {
  for (const [given, expected] of [
    ['Ada Lovelace', 'ada-lovelace'],
    ['ada@example.com', 'ada-example.com'],
    ['../../etc/passwd', 'etc-passwd'],
    ['..', 'someone'],
    ['王小明', '王小明'],
    ['con', 'someone'],
    ['NUL.txt', 'someone'],
    ['a\u0000b/c\\d:e', 'a-b-c-d-e'],
    ['x'.repeat(99), 'x'.repeat(48)],
    ['', 'someone'],
  ] as const) {
    it(`makes ${JSON.stringify(given.slice(0, 20))} the name ${expected.slice(0, 20)}`, () =>
      assert.equal(fileNameFor(given, 'someone'), expected));
  }

  it('keeps the person’s folder where TUNESMITH_HOME says', () => {
    assert.equal(userFolder({ TUNESMITH_HOME: '/x' }), '/x');
    assert.match(userFolder({}), /tunesmith$/);
  });

  it('leaves files for git alone that the user changed', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      await mkdir(layout.tunesmith, { recursive: true });
      const file = join(layout.tunesmith, '.gitignore');
      writeFileSync(file, '# mine\n');
      await ensureGitFiles(layout);
      assert.equal(readFileSync(file, 'utf8'), '# mine\n');
      assert.match(readFileSync(join(layout.tunesmith, '.gitattributes'), 'utf8'), /-text/);
    }));

  it('finds a name that no model has', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      assert.equal(await freeModelName(layout, 'Polite v1'), 'polite-v1');
      await mkdir(join(layout.models, 'polite-v1'), { recursive: true });
      assert.equal(await freeModelName(layout, 'Polite v1'), 'polite-v1-2');
    }));
});
