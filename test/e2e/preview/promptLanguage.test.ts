/** Completion and hovers of the prompt editor in a browser, answered by the language core. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { playgroundContract } from '../../../src/protocol/playground.ts';
import { PlaygroundHost } from './playgroundHost.ts';
import { launchBrowser, openPreview, type Preview } from './preview.ts';

const screenshots = path.resolve(import.meta.dirname, '../../../.cache/screenshots');

describe('the prompt editor of the playground', function () {
  this.timeout(120_000);
  let browser: Browser;
  let preview: Preview<typeof playgroundContract>;
  let host: PlaygroundHost;
  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    browser = await launchBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    host = new PlaygroundHost('reply-to-review.prompty');
    preview = await openPreview(browser, {
      entry: 'playground',
      contract: playgroundContract,
      handlers: host.handlers,
      width: 1200,
      height: 700,
    });
    host.page = preview.channel.remote;
    await preview.page.locator('.prompt-editor .view-line').first().waitFor();
  });
  afterEach(async () => {
    const { errors } = preview;
    await preview.close();
    assert.deepEqual(errors, []);
  });
  const asked = (method: string): number => host.calls.filter(call => call.method === method).length;

  it('completes inputs and filters inside braces, and asks nothing in prose', async () => {
    const { page } = preview;
    await page.locator('.prompt-editor .view-lines').click();
    await page.keyboard.press('Control+End');
    await new Promise(resolve => setTimeout(resolve, 400));
    const before = asked('complete');
    await page.keyboard.type('Be kind to all people.', { delay: 5 });
    await new Promise(resolve => setTimeout(resolve, 400));
    assert.equal(asked('complete'), before);
    await page.keyboard.type(' {{ rev', { delay: 30 });
    const widget = page.locator('.suggest-widget.visible');
    await widget.getByText('review', { exact: true }).first().waitFor();
    await page.screenshot({ path: path.join(screenshots, 'completion.png') });
    await page.keyboard.press('Enter');
    await page.keyboard.type(' | upp', { delay: 30 });
    await widget.getByText('upper', { exact: true }).first().waitFor();
    await page.keyboard.press('Enter');
    await new Promise(resolve => setTimeout(resolve, 400));
    assert.match(host.text, /people\. \{\{ review\s+\| upper/);
  });

  it('completes what was typed last, when the answer to what came before is late', async () => {
    const { page } = preview;
    host.thinks = 300;
    await page.locator('.prompt-editor .view-lines').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type(' {{ ', { delay: 30 });
    for (const key of 'rev') {
      const before = asked('complete');
      await page.keyboard.type(key);
      // The next key comes while the answer to this one is under way.
      while (asked('complete') === before && key === 'r') await new Promise(resolve => setTimeout(resolve, 20));
    }
    await page.locator('.suggest-widget.visible').getByText('review', { exact: true }).first().waitFor();
  });

  it('shows an input’s value in the chosen row and its tokens on hover', async () => {
    const { page } = preview;
    await page.locator('.prompt-editor .variable').first().hover();
    const box = page.locator('.monaco-hover:not(.hidden)');
    await box.getByText('tokens (pebble)').waitFor();
    assert.match(await box.innerText(), /review[\s\S]*string[\s\S]*In the current row/);
    await page.screenshot({ path: path.join(screenshots, 'hover.png') });
  });
});
