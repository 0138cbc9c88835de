/** The page that draws where models come from: what it shows, its keys, and that it is accessible in every theme. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { type LineageInput, lineagePicture } from '../../../src/core/lineagePicture.ts';
import { lineageContract } from '../../../src/protocol/lineage.ts';
import { iterated } from '../../fakes/lineage.ts';
import { accessibilityProblems } from './accessibility.ts';
import { launchBrowser, openPreview, type PreviewTheme } from './preview.ts';
import { saveScreenshot } from './screenshots.ts';

describe('lineage of models', () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  async function open(input: LineageInput = iterated, options: { width?: number; theme?: PreviewTheme } = {}) {
    const asked: string[] = [];
    const preview = await openPreview(browser, {
      entry: 'jobs',
      contract: lineageContract,
      handlers: {
        open: () => ({ lineage: lineagePicture(input), model: 'local:polite-v1' }),
        openJob: ({ job }) => void asked.push(`job ${job}`),
        useModel: ({ model }) => void asked.push(`use ${model}`),
        start: ({ what }) => void asked.push(`start ${what}`),
      },
      width: options.width ?? 1280,
      height: 500,
      ...(options.theme ? { theme: options.theme } : {}),
      initial: { lineage: 'local:polite-v1' },
    });
    const focused = () => preview.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
    return { ...preview, asked, focused };
  }

  it('is walked by keys, and opens the job or the model', async () => {
    const { page, channel, asked, focused, savedState, errors, close } = await open();
    const tree = page.getByRole('tree');
    await tree.waitFor();
    assert.match(await focused(), /^polite-v1, RLHF, RLOO, reward 0\.10 → 1\.20, 400 prompts, rewarded by polite-rm, /);
    const walk = async (...keys: string[]): Promise<string> => {
      for (const key of keys) await page.keyboard.press(key);
      return (await focused()).split(',')[0]!;
    };
    assert.equal(await walk('Enter', 'ArrowRight'), 'polite-v2');
    assert.equal(await walk('ArrowLeft', 'ArrowLeft'), 'Pebble');
    assert.equal(await walk('Enter', 'End'), 'polite-rm-2');
    assert.equal(await walk('ArrowDown', 'Enter', 'Home'), 'gone');
    assert.equal(await walk('ArrowUp', 'ArrowLeft'), 'gone');
    channel.remote.focus({ model: 'local:polite-v2' });
    await page.locator('[role=treeitem][tabindex="0"]', { hasText: 'polite-v2' }).waitFor();
    assert.equal(await walk('Tab', 'Enter'), 'Use polite-v2 in Playground');
    await tree.getByRole('treeitem', { name: /^polite-rm,/ }).click();
    await page.waitForTimeout(100);
    assert.deepEqual(asked, ['job job-polite-v1', 'use local:pebble', 'use local:polite-v2', 'job job-polite-rm']);
    // Both that it rewarded are marked.
    assert.equal(await page.locator('.ln-arcs .on').count(), 2);
    const levels = await tree.getByRole('treeitem').evaluateAll(items => items.map(item => item.ariaLevel));
    assert.deepEqual(levels, ['1', '2', '1', '2', '2', '3', '2']);
    assert.deepEqual(await savedState(), { lineage: 'local:polite-v1' });
    assert.deepEqual(errors, []);
    await close();
  });

  it('says where models would come from while there is none', async () => {
    const { page, channel, asked, close } = await open({ models: [], jobs: [], usable: new Map() });
    await page.getByRole('button', { name: 'Fine-Tune on Examples' }).click();
    assert.deepEqual(await accessibilityProblems(page), []);
    channel.remote.show(lineagePicture(iterated));
    await page.getByRole('tree').waitFor();
    assert.deepEqual(asked, ['start tune-on-examples']);
    await close();
  });

  for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light'] as const) {
    it(`is accessible in ${theme}`, async () => {
      for (const width of [1280, 480]) {
        const { page, close } = await open(iterated, { theme, width });
        await page.getByRole('tree').waitFor();
        assert.deepEqual(await accessibilityProblems(page), []);
        saveScreenshot(`lineage-${theme}-${width}`, await page.screenshot());
        await close();
      }
    });
  }
});
