/** Makes the pictures of the documentation in docs/images from the packaged extension: `npm run package`, then `node scripts/screenshots.ts`. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Workbench } from '../test/e2e/workbench.ts';

const folder = path.join(path.dirname(import.meta.dirname), 'docs', 'images');
const reviews = 12;

mkdirSync(folder, { recursive: true });
const workbench = await Workbench.open({ settings: { 'tunesmith.forecastCalls': 1000 } });
const { page } = workbench;
try {
  await workbench.theme('dark');
  await sampleReplies();
  await compareStrategies();
  await rankReplies();
  await trainOnRankings();
} finally {
  await workbench.close();
}

/** Two replies to each of some reviews, sent to ranking. */
async function sampleReplies(): Promise<void> {
  await workbench.openSideBar();
  await page.getByRole('treeitem', { name: /^reply-to-review/ }).click();
  const playground = await workbench.frameWith('text=Write a short reply');
  await playground.locator('button[aria-label="Run Options"]').click();
  await playground.locator('[role^="menuitem"]', { hasText: '4 Samples' }).first().click();
  await playground
    .locator('[role^="menuitem"]', { hasText: `Run First ${reviews} Rows` })
    .first()
    .click();
  await playground.locator('.bar', { hasText: `${4 * reviews} answers` }).waitFor({ timeout: 120_000 });
  await playground.locator('button', { hasText: 'Send to Ranking' }).click();
  await workbench.frameWith('.ranks');
}

/** Word problems with and without worked examples, and the next replies to rank at the side. */
async function compareStrategies(): Promise<void> {
  await workbench.openSideBar();
  await page.getByRole('treeitem', { name: /^word-problem-few-shot-cot/ }).click();
  const playground = await workbench.frameWith('.shot-turn');
  await playground.locator('button', { hasText: 'Compare' }).click();
  await playground.locator('[role^="menuitem"]', { hasText: 'Direct' }).first().click();
  await page.keyboard.press('Escape');
  await playground.locator('button[aria-label="Run Options"]').click();
  await playground
    .locator('[role^="menuitem"]', { hasText: /Run All/ })
    .first()
    .click();
  await playground.locator('.bar', { hasText: '80 answers' }).waitFor({ timeout: 180_000 });
  await page
    .getByRole('tab', { name: /: Rank/ })
    .first()
    .click();
  await workbench.frameWith('.ranks button');
  await picture('playground');
}

/** An annotator with one wish: a reply that offers something. */
async function rankReplies(): Promise<void> {
  await workbench.command('Tunesmith: Open Ranking in Editor');
  await workbench.command('View: Close Primary Side Bar');
  const ranking = await wideFrame('.ranks button');
  for (let done = 0; done < reviews; done++) {
    const before = await ranking.locator('.answers').innerText();
    const answers = ranking.locator('article');
    for (let i = 0; i < (await answers.count()); i++) {
      const offers = /refund|replace|repair|call|voucher|send/i.test(await answers.nth(i).innerText());
      await answers.nth(i).focus();
      await answers.nth(i).press(offers ? '1' : '2');
    }
    if (done === 4) await picture('ranking');
    await answers.first().focus();
    await answers.first().press('Enter');
    if (done === reviews - 1) break;
    // The count moves on with the item; the answers alone change already when a rank is saved.
    await ranking
      .getByText(`${done + 1} of ${reviews}`)
      .first()
      .waitFor();
    for (let i = 0; i < 100 && (await ranking.locator('.answers').innerText()) === before; i++)
      await page.waitForTimeout(50);
    await page.waitForTimeout(200);
  }
}

async function trainOnRankings(): Promise<void> {
  await workbench.command('Tunesmith: Train Reward Model');
  await workbench.choose('Start');
  // Looked for anew until it is there: a page's frame may be replaced while it opens.
  await workbench.frameWith('.job .state:has-text("Done")', 180_000);
  await workbench.command('Tunesmith: Fine-Tune with RLHF');
  await workbench.pick(/-rm/);
  await workbench.choose('Start');
  await workbench.frameWith('.job:has(h1:has-text("-tuned")) .state:has-text("Done")', 180_000);
  await picture('job');
}

/** The frame of the editor area, where the side bar shows the same page. */
async function wideFrame(selector: string) {
  for (let i = 0; i < 100; i++) {
    for (const frame of page.frames()) {
      const found = await frame
        .locator(selector)
        .count()
        .catch(() => 0);
      if (found > 0 && (await frame.evaluate<number>('innerWidth')) > 600) return frame;
    }
    await page.waitForTimeout(100);
  }
  throw new Error(`No wide webview has ${selector}.`);
}

/** The whole window, without notifications and tooltips. */
async function picture(name: string): Promise<void> {
  await workbench.command('Notifications: Clear All Notifications');
  await page.mouse.move(720, 896);
  await page.waitForTimeout(1500);
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
