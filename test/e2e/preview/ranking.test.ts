import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { accessibilityProblems } from './accessibility.ts';
import { launchBrowser, openPreview, type PreviewTheme } from './preview.ts';
import { PreviewRankingHost, previewItems } from './rankingHost.ts';

describe('the Ranking page', () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  async function open(
    host: PreviewRankingHost,
    options: { width?: number; height?: number; theme?: PreviewTheme; state?: unknown } = {},
  ) {
    const { width = 340, height = 900, theme, state } = options;
    const preview = await openPreview(browser, {
      entry: 'ranking',
      contract: host.contract,
      handlers: host.handlers,
      width,
      height,
      ...(theme ? { theme } : {}),
      ...(state === undefined ? {} : { state }),
      initial: { surface: width < 720 ? 'sidebar' : 'editor' },
    });
    await preview.page.waitForSelector('.rk:not(.loading)');
    return preview;
  }

  const press = async (page: Page, ...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const judged = (page: Page): Promise<string> => page.locator('.where b').innerText();
  const waitJudged = (page: Page, count: number): Promise<void> =>
    page.locator('.where b', { hasText: new RegExp(`^${count}$`) }).waitFor({ timeout: 5000 });

  const reviewOf = (host: PreviewRankingHost, item: number): string =>
    host.items[item]!.messages[0]!.content.split('\n\n')[1]!;

  it('ranks by keys alone, blind, and records the order that was shown', async () => {
    const host = new PreviewRankingHost(previewItems(3, 4));
    const { page, errors, close } = await open(host);
    assert.ok(!(await page.content()).includes('secret-model'));
    const letters = await page.locator('.an .answer-text').allInnerTexts();
    await press(page, '2', '1', 'ArrowDown', '2', '4');
    assert.equal((await page.locator('.order').innerText()).replace(/\s+/g, ' '), 'B > A = D > C 5 pairs, 1 tie');
    await press(page, 'Enter');
    await waitJudged(page, 1);
    const [judgement] = host.judgements;
    const textOf = (id: string) => host.items[0]!.answers.find(answer => answer.id === id)!.text.slice(0, 40);
    assert.deepEqual(
      judgement!.shown.map(textOf),
      letters.map(text => text.slice(0, 40)),
    );
    const [a, b, c, d] = judgement!.shown;
    assert.deepEqual(judgement!.ranking, [[b], [a, d], [c]]);
    assert.ok(judgement!.milliseconds > 0);
    assert.deepEqual(errors, []);
    await close();
  });

  it('says why an item comes, and chooses the next one in another way when asked', async () => {
    const host = new PreviewRankingHost(previewItems(8, 2));
    const { page, errors, close } = await open(host);
    const why = page.locator('#why');
    assert.equal(await why.innerText(), 'No judgement of this prompt yet');
    const first = await page.locator('.ctx .src').innerText();
    await page.getByLabel('How the next item is chosen').selectOption('order');
    await why.getByText('In the order in which they were put up').waitFor();
    assert.equal(await page.locator('.ctx .src').innerText(), reviewOf(host, 0));
    await press(page, '1', 'Enter');
    await waitJudged(page, 1);
    assert.equal(host.judgements[0]!.item, 'review-rewrite-0');
    // Work that was begun stays on the screen.
    await press(page, 'n');
    await page.keyboard.type('hm');
    await page.getByLabel('How the next item is chosen').selectOption('random');
    await why.getByText('In random order').waitFor();
    assert.equal(await page.locator('.ctx .src').innerText(), reviewOf(host, 1));
    assert.ok(first.length > 0);
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.deepEqual(errors, []);
    await close();
  });

  it('reviews disagreements with the keyboard: takes over, settles, leaves for later, undoes, and goes back', async () => {
    const host = new PreviewRankingHost(previewItems(3, 3));
    for (const item of [0, 1]) {
      host.judgeElsewhere(`review-rewrite-${item}`, 'Ben');
      host.judgeElsewhere(`review-rewrite-${item}`, 'Cem', true);
    }
    const { page, errors, close } = await open(host);
    await page.getByRole('button', { name: 'Review 2 Disagreements' }).click();
    await page.getByText('What was said').waitFor();
    assert.equal(await page.locator('#why').innerText(), '2 people disagree by 100 %');
    assert.ok(!(await page.content()).includes('secret-model'));
    const said = await page.locator('.said li').allInnerTexts();
    assert.match(said[0]!, /^Ben\s+[ABC] > [ABC] > [ABC]/);
    const prompt = await page.locator('.ctx .src').innerText();
    await press(page, 's');
    await page.locator('.ctx .src').filter({ hasNotText: prompt }).waitFor();
    assert.equal(host.judgements.length, 4, 'left for later');
    await page.getByRole('button', { name: /^Take what Cem said/ }).press('Enter');
    await press(page, 'Enter');
    await waitJudged(page, 1);
    const made = host.judgements.at(-1)!;
    const cem = host.judgements.find(one => one.author === 'Cem' && one.item === made.item)!;
    assert.deepEqual([made.ranking, made.adjudicates?.length], [cem.ranking, 2]);
    await press(page, 'u');
    await waitJudged(page, 0);
    await press(page, 'Enter');
    await waitJudged(page, 1);
    await press(page, '1', '2', '3', 'Enter');
    await page.getByText('All disagreements on review-rewrite are settled: 2.').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByRole('button', { name: 'Back to Ranking' }).click();
    await waitJudged(page, 0);
    await page.locator('.answers').waitFor();
    assert.deepEqual(errors, []);
    await close();
  });

  it('decides pairs with one key, ties, all bad, skip', async () => {
    const host = new PreviewRankingHost(previewItems(4, 2));
    const { page, close } = await open(host);
    await press(page, '2', 'Enter');
    await waitJudged(page, 1);
    await press(page, 't', 'Enter');
    await waitJudged(page, 2);
    await press(page, 'b');
    await waitJudged(page, 3);
    await press(page, 's');
    await page.getByText('Why skip?').waitFor();
    await press(page, '2');
    await page.getByText('All 4 of review-rewrite are ranked.').waitFor();
    const [first, second, third, fourth] = host.judgements;
    assert.deepEqual(first!.ranking, [[first!.shown[1]], [first!.shown[0]]]);
    assert.deepEqual(second!.ranking, [second!.shown]);
    assert.deepEqual([third!.verdict, third!.ranking], ['all-bad', []]);
    assert.deepEqual([fourth!.verdict, fourth!.ranking, fourth!.skipReason], ['skipped', [], 'cannot-judge']);
    await close();
  });

  it('does not save half a ranking', async () => {
    const host = new PreviewRankingHost(previewItems(2, 4));
    const { page, close } = await open(host);
    await press(page, '1', 'Enter');
    await page.getByText('Give B, C, D a rank first').waitFor();
    assert.equal(host.judgements.length, 0);
    await close();
  });

  it('moves on only after the host has acknowledged, and takes no key meanwhile', async () => {
    const host = new PreviewRankingHost(previewItems(3, 2));
    let release = (): void => {};
    const gate = new Promise<void>(resolve => {
      release = resolve;
    });
    const { judge } = host.handlers;
    Object.assign(host.handlers, { judge: (decision: never) => gate.then(() => judge(decision)) });
    const { page, close } = await open(host);
    const before = await page.locator('.answers').innerText();
    await press(page, '1', 'Enter', 'b', 'Enter', '2');
    await page.getByText('Saving…').waitFor();
    assert.equal(await judged(page), '0');
    assert.equal(await page.locator('.answers').innerText(), before);
    release();
    await waitJudged(page, 1);
    assert.equal(host.judgements.length, 1);
    await close();
  });

  it('stays on the item with its ranks when the disk fails, and saves when asked again', async () => {
    const host = new PreviewRankingHost(previewItems(3, 4));
    host.failure = 'The disk is full. Free some space; nothing saved was lost.';
    const { page, close } = await open(host);
    await press(page, '1', '2', '3', '4', 'Enter');
    await page.getByText('The disk is full.').waitFor();
    assert.equal(await page.locator('[role=radio][aria-checked=true]').count(), 4);
    assert.equal(await judged(page), '0');
    host.failure = undefined;
    await page.getByRole('button', { name: 'Try Again' }).click();
    await waitJudged(page, 1);
    assert.equal(await page.getByText('The disk is full.').count(), 0);
    await close();
  });

  it('undoes to any depth and brings each ranking back', async () => {
    const host = new PreviewRankingHost(previewItems(4, 2));
    const { page, close } = await open(host);
    for (const [i, key] of ['1', '2', 't'].entries()) {
      await press(page, key, 'Enter');
      await waitJudged(page, i + 1);
    }
    for (const [left, ranks] of [
      [2, ['1', '1']],
      [1, ['2', '1']],
      [0, ['1', '2']],
    ] as const) {
      await press(page, 'u');
      await waitJudged(page, left);
      assert.deepEqual(await page.locator('[role=radio][aria-checked=true]').allInnerTexts(), ranks);
    }
    await press(page, 'u');
    assert.equal(await judged(page), '0');
    assert.equal(host.judgements.length, 0);
    await close();
  });

  it('lets keys rest while the note has the focus, and keeps note and flags', async () => {
    const host = new PreviewRankingHost(previewItems(2, 2));
    const { page, close } = await open(host);
    await press(page, 'n');
    await page.keyboard.type('best to skip u');
    await press(page, 'Enter', 'f', 'Space', '1', 'Enter');
    await waitJudged(page, 1);
    assert.equal(host.judgements.length, 1);
    assert.equal(host.judgements[0]!.note, 'best to skip u');
    assert.deepEqual(host.judgements[0]!.flags, ['unsafe']);
    assert.deepEqual(host.judgements[0]!.flagged, { [host.judgements[0]!.shown[0]!]: ['unsafe'] });
    assert.equal(host.judgements[0]!.verdict, 'ranked');
    await close();
  });

  it('takes up unsaved ranks after a reload', async () => {
    const host = new PreviewRankingHost(previewItems(2, 4));
    const first = await open(host);
    await press(first.page, '3', '1');
    const state = await first.savedState();
    await first.close();
    const second = await open(host, { state });
    assert.deepEqual(await second.page.locator('[role=radio][aria-checked=true]').allInnerTexts(), ['3', '1']);
    await second.close();
  });

  it('shows an answer as text: it fetches nothing and holds no link', async () => {
    const host = new PreviewRankingHost(previewItems(1, 5));
    const { page, errors, close } = await open(host);
    await page.getByText('![](https://example.com/a.png) <b>bold</b>').waitFor();
    assert.equal(await page.locator('.answers img, .answers a').count(), 0);
    assert.deepEqual(errors, []);
    await close();
  });

  it('keeps the quadrants of the wide layout in place between items', async () => {
    const host = new PreviewRankingHost(previewItems(2, 4));
    const { page, close } = await open(host, { width: 1100, height: 800 });
    const places = () =>
      page.locator('.an').evaluateAll(all => all.map(one => JSON.stringify(one.getBoundingClientRect())));
    const before = await places();
    await press(page, '1', '2', '3', '4', 'Enter');
    await waitJudged(page, 1);
    assert.deepEqual(await places(), before);
    await close();
  });

  it('says what to do when there is nothing to rank', async () => {
    const host = new PreviewRankingHost([]);
    const { page, close } = await open(host);
    await page.getByRole('button', { name: 'Sample Answers in the Playground' }).click();
    await page.waitForTimeout(100);
    assert.deepEqual(host.acts, ['open-playground']);
    await close();
  });

  for (const theme of ['dark', 'light', 'high-contrast'] as const) {
    it(`is accessible in ${theme}, narrow and wide`, async () => {
      for (const [width, height, answers] of [
        [340, 900, 4],
        [1100, 800, 4],
        ...(theme === 'dark' ? [[340, 700, 0] as const] : []),
      ] as const) {
        const host = new PreviewRankingHost(previewItems(3, answers));
        const { page, close } = await open(host, { width, height, theme });
        if (answers > 0) await press(page, '1', '2', 't', 'n');
        assert.deepEqual(await accessibilityProblems(page), []);
        await close();
      }
    });
  }
});
