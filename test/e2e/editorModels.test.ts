/** Models of the editor in the playground: chosen by name, labelled, answering, and failing with words. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { root } from '../../scripts/vscode/codeServer.ts';
import { Workbench } from './workbench.ts';

describe('models of the editor', function () {
  this.timeout(300_000);
  let workbench: Workbench;

  before(async () => {
    // Its model says the last message back.
    workbench = await Workbench.open({ extensions: [path.join(root, 'test', 'host', 'chatModels')] });
    await workbench.theme('dark');
  });
  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot('failed-editor-models');
  });

  it('stand in the playground’s picker, labelled, and answer', async () => {
    await workbench.openSideBar();
    await workbench.page.getByRole('treeitem', { name: /^reply-to-review/ }).click();
    const page = await workbench.frameWith('[aria-label="Run Options"]');
    await page
      .locator('button.models-menu, button[aria-label="Choose Models"]')
      .locator('visible=true')
      .first()
      .click();
    const item = page.locator('[role=menuitemcheckbox]', { hasText: 'Model parrot' });
    await item.waitFor();
    assert.match(await item.innerText(), /tunesmith-test, uncontrolled sampling/);
    assert.match((await item.getAttribute('title'))!, /no seed, temperature/);
    await item.click();
    await item.press('Escape');
    await page.locator('.button', { hasText: 'Run' }).first().click();
    await page.locator('.head', { hasText: 'Model parrot' }).locator('text=uncontrolled sampling').waitFor();
    await page.locator('.matrix .cell[aria-busy=false] .prose', { hasText: 'Write a short reply' }).first().waitFor();
    await workbench.screenshot('editor-models');
  });

  it('stand in the Models view', async () => {
    const item = workbench.page.getByRole('treeitem', { name: /^Model parrot, tunesmith-test, uncontrolled sampling/ });
    await item.first().waitFor();
  });
});
