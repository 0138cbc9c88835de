/** The page of the data view in a browser: keys, filters, detail, undo, what changes while one looks, and a long table. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import type { JournalRecord } from '../../../src/core/preferences/judgement.ts';
import { preferenceDataContract } from '../../../src/protocol/preferenceData.ts';
import { accessibilityProblems } from './accessibility.ts';
import { dataHost, shopRecords } from './dataHost.ts';
import { launchBrowser, openPreview, type Preview, type PreviewTheme } from './preview.ts';

describe('the page of the data view', function () {
  this.timeout(120_000);
  let browser: Browser;
  let preview: Preview<typeof preferenceDataContract> | undefined;
  before(async () => {
    browser = await launchBrowser();
  });
  after(async () => {
    await browser.close();
  });
  afterEach(async () => {
    const errors = preview?.errors ?? [];
    await preview?.close();
    preview = undefined;
    assert.deepEqual(errors, []);
  });

  async function open(
    records: JournalRecord[],
    options: { theme?: PreviewTheme; width?: number; height?: number; state?: unknown } = {},
  ) {
    const host = dataHost(records);
    preview = await openPreview(browser, {
      entry: 'data',
      contract: preferenceDataContract,
      handlers: host.handlers,
      theme: options.theme ?? 'dark',
      width: options.width ?? 1280,
      height: options.height ?? 760,
      state: options.state,
    });
    await preview.page.locator('.bar').waitFor();
    return { host, page: preview.page, channel: preview.channel };
  }
  const shot = async (name: string): Promise<void> => {
    if (process.env.TUNESMITH_SHOTS)
      await preview!.page.screenshot({ path: `${process.env.TUNESMITH_SHOTS}/${name}.png` });
  };

  for (const [theme, width] of [
    ['dark', 1280],
    ['light', 300],
    ['high-contrast', 760],
  ] as const) {
    it(`has names and contrast for everyone, and fits ${width} pixels (${theme})`, async () => {
      const { page } = await open(shopRecords(120), { theme, width });
      await page.locator('#row-3').waitFor();
      await page.locator('#row-2 .c-prompt .clip').waitFor();
      await page.locator('#row-2').click();
      await page.locator('.detail .judgement').first().waitFor();
      await shot(`data-${theme}-${width}`);
      assert.deepEqual(await accessibilityProblems(page), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
    });
  }

  for (const [theme, width] of [
    ['dark', 1280],
    ['light', 300],
    ['high-contrast', 900],
  ] as const) {
    it(`draws what the judgements say, with a table for each drawing (${theme}, ${width} pixels)`, async () => {
      const { page } = await open(shopRecords(300), { theme, width, height: 1400 });
      await page.getByRole('tab', { name: 'Charts' }).click();
      await page.locator('tunesmith-drawing svg circle').first().waitFor();
      await shot(`data-charts-${theme}-${width}`);
      assert.deepEqual(await accessibilityProblems(page), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
      const board = page.getByRole('figure', { name: 'Leaderboard' });
      const rating = await board.locator('tbody tr').first().innerText();
      await board.getByRole('checkbox').check();
      await board.getByText('One standard deviation of extra length').waitFor();
      assert.notEqual(await board.locator('tbody tr').first().innerText(), rating);
      const lengths = page.getByRole('figure', { name: 'Length of answers' });
      await lengths.getByRole('button', { name: 'Table' }).click();
      assert.ok((await lengths.locator('tbody tr').count()) > 5);
      assert.deepEqual(await accessibilityProblems(page), []);
    });
  }

  const leaky = (): JournalRecord[] => {
    const records = shopRecords(60);
    const item = records.find(record => record.type === 'item' && record.id === 'item7');
    if (item?.type === 'item') item.messages[0]!.content += ` Write to ada@engines.org, key sk-${'a1B2'.repeat(8)}.`;
    return records;
  };

  for (const [theme, width] of [
    ['dark', 1100],
    ['light', 300],
    ['high-contrast', 700],
  ] as const) {
    it(`lists what is wrong with its fixes, and exports (${theme}, ${width} pixels)`, async () => {
      const { page, host } = await open(leaky(), { theme, width, height: 900 });
      await page.getByRole('tab', { name: 'Findings' }).click();
      const secrets = page.getByRole('region', { name: 'Keys and tokens' });
      await secrets
        .locator('.finding', { hasText: 'The parcel' })
        .or(secrets.locator('.finding', { hasText: 'soup' }))
        .waitFor();
      await shot(`data-findings-${theme}-${width}`);
      assert.deepEqual(await accessibilityProblems(page), []);
      await secrets.getByRole('button', { name: 'Replace on Export…' }).click();
      await page.getByText('The format cannot hold').waitFor();
      await shot(`data-export-${theme}-${width}`);
      assert.deepEqual(await accessibilityProblems(page), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
      await page.getByRole('checkbox', { name: /Replace keys/ }).uncheck();
      await page.getByRole('button', { name: 'Export…', exact: true }).click();
      await page.getByRole('alert').filter({ hasText: 'Nothing was written' }).waitFor();
      await page.getByRole('button', { name: 'Export All the Same…' }).click();
      await page.getByRole('button', { name: 'preferences-datasheet.md' }).click();
      await page.waitForTimeout(50);
      assert.deepEqual(host.opened, ['/home/ada/preferences-datasheet.md']);
    });
  }

  it('takes down what was found, and shows the items of a finding', async () => {
    const { page, host } = await open(leaky());
    await page.getByRole('tab', { name: 'Findings' }).click();
    const secrets = page.getByRole('region', { name: 'Keys and tokens' });
    await secrets.getByRole('button', { name: 'Show Items' }).click();
    await page.locator('.chip', { hasText: '1 item of a finding' }).waitFor();
    await page.locator('.counts', { hasText: '1 of 60 items' }).waitFor();
    await page.locator('#row-0').click();
    await page.getByRole('button', { name: 'Judge in the Ranking View' }).click();
    await page.getByRole('tab', { name: 'Findings' }).click();
    await secrets.getByRole('button', { name: /^Take Down( All)?$/ }).click();
    await secrets.waitFor({ state: 'detached' });
    assert.deepEqual(
      host.fixed[0]?.items.map(({ id }) => id),
      ['item7'],
    );
    assert.deepEqual(host.judged, ['item7']);
  });

  it('is read with keys alone: search, choose, read, back', async () => {
    const { page } = await open(shopRecords(60));
    await page.locator('#row-0').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('OSLO');
    await page.locator('.counts', { hasText: '10 of 60 items' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.locator('#row-0[aria-selected=true]').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.locator('#row-1[aria-selected=true]').waitFor();
    assert.equal(await page.locator('[role=grid]').getAttribute('aria-activedescendant'), 'row-1');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.matches('.detail .scroll'));
    assert.match(await page.locator('.detail .message').innerText(), /winter in Oslo/);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.matches('.sheet'));
    await page.keyboard.press('End');
    await page.locator('#row-9[aria-selected=true]').waitFor();
  });

  it('filters by what there is, shows what is on, and keeps it over a reload', async () => {
    const { page } = await open(shopRecords(60));
    await page.getByRole('button', { name: 'Annotator' }).press('Enter');
    await page.getByRole('menuitemcheckbox', { name: /bob/ }).press('Enter');
    await page.locator('.chip', { hasText: 'Annotator: bob' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Disagreement' }).click();
    await page.getByText('No item passes these filters.').waitFor();
    await page.getByRole('button', { name: 'Remove the filter “Disagreement”' }).click();
    await page.locator('#row-0 .c-who', { hasText: /^bob$/ }).waitFor();
    const state = await preview!.savedState();
    await preview!.close();
    const again = await open(shopRecords(60), { state });
    await again.page.locator('.chip', { hasText: 'Annotator: bob' }).waitFor();
    await again.page.getByRole('button', { name: 'Clear Filters' }).click();
    await again.page.locator('.counts', { hasText: /^60 items/ }).waitFor();
  });

  it('deletes one’s own judgement and puts it back', async () => {
    const { page, host } = await open(shopRecords(20));
    const before = host.judgements();
    await page.locator('#row-4').click();
    await page.getByRole('button', { name: 'Delete the judgement of ada', exact: true }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    assert.equal(host.judgements(), before - 1);
    await page.locator('.detail .judgement', { hasText: /^ada\n/ }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'detached' });
    assert.equal(host.judgements(), before);
    assert.equal(await page.getByRole('button', { name: 'Delete the judgement of bob' }).count(), 0);
    await page.getByRole('button', { name: 'Copy as JSON' }).click();
    assert.equal(host.copied.length, 1);
  });

  it('shows new judgements while one looks, and keeps the chosen item', async () => {
    const { page, host, channel } = await open(shopRecords(20));
    await page.locator('#row-4').click();
    const said = page.locator('.detail .judgement');
    await said.first().waitFor();
    const before = await said.count();
    const chosen = await page.locator('.detail h2').getAttribute('title');
    channel.remote.state(
      await host.add({
        format: 1,
        type: 'judgement',
        id: 'from-a-pull',
        at: '2027-01-01T00:00:00.000Z',
        author: 'dan',
        item: chosen!,
        ranking: [],
        shown: [],
        verdict: 'skipped',
        flags: [],
        milliseconds: 900,
      }),
    );
    await page.locator('.detail .judgement', { hasText: 'dan' }).waitFor();
    assert.equal(await said.count(), before + 1);
    await page.locator('#row-0 .c-who', { hasText: 'dan' }).waitFor();
  });

  it('scrolls 100,000 items without a gap', async () => {
    const { page } = await open(shopRecords(100_000));
    await page.locator('#row-0 .c-prompt .clip').waitFor();
    const p95 = await page.evaluate(async () => {
      const sheet = document.querySelector('.sheet')!;
      const times: number[] = [];
      let before = performance.now();
      for (let i = 0; i < 90; i++) {
        sheet.scrollTop += 400;
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - before);
        before = performance.now();
      }
      return times.sort((a, b) => a - b)[85]!;
    });
    console.log(`        95 % of frames within ${p95.toFixed(1)} ms`);
    await page.locator('#row-1640 .c-prompt .clip').waitFor();
    await page.getByRole('grid').focus();
    await page.keyboard.press('End');
    await page.locator('#row-99999[aria-selected=true] .c-prompt .clip').waitFor();
  });

  it('says what to do where there is nothing yet', async () => {
    const { page, host } = await open([], { width: 300 });
    await page.getByRole('button', { name: 'Sample Answers in the Playground' }).click();
    await page.waitForTimeout(50);
    assert.deepEqual(host.acted, ['open-playground']);
    assert.deepEqual(await accessibilityProblems(page), []);
  });
});
