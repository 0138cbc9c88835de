/** Export Model… in the Models view: a model becomes a file for other programs, with nothing but clicks. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { Workbench } from './workbench.ts';

describe('exporting a model', function () {
  this.timeout(240_000);
  let workbench: Workbench;
  before(async () => {
    workbench = await Workbench.open();
  });
  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  it('asks for the kind and the place, writes, and says where', async () => {
    await workbench.command('Focus on Models View');
    const { page } = workbench;
    await page.getByRole('treeitem', { name: /^pebble/ }).click({ button: 'right' });
    // By the keyboard: a menu takes no click in its first moment.
    await page.getByRole('menuitem', { name: 'Export Model…' }).hover();
    await page.keyboard.press('Enter');
    await workbench.pick('GGUF file, eight bits');
    const input = page.locator('.quick-input-widget input');
    // The same box first asks for the kind and then for the place, which it proposes.
    await page.waitForFunction(() =>
      document.querySelector<HTMLInputElement>('.quick-input-widget input')?.value.endsWith('/pebble-q8_0'),
    );
    const folder = path.join(workbench.folder, 'exported');
    await input.fill(folder);
    await input.press('Enter');
    await page
      .getByText(/was exported to/)
      .first()
      .waitFor({ timeout: 60_000 });
    assert.deepEqual(readdirSync(folder), ['exported.Q8_0.gguf']);
    assert.deepEqual(
      readdirSync(workbench.folder).filter(name => name.includes('exported')),
      ['exported'],
    );
  });
});
