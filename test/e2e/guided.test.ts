/** The newcomer's path of the README, done in a browser on the packaged extension exactly as it is told there, and timed. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Workbench } from './workbench.ts';

const wanted = 12;

describe('the guided path', function () {
  this.timeout(600_000);
  let workbench: Workbench;
  const laps: [string, number][] = [];
  let started = 0;
  const lap = (name: string) => laps.push([name, (Date.now() - started) / 1000]);

  before(async () => {
    workbench = await Workbench.open();
    await workbench.theme('dark');
    started = Date.now();
  });
  after(async () => {
    process.stdout.write(`      ${laps.map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s`).join(' · ')}\n`);
    await workbench?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  const playground = () => workbench.frameWith('[aria-label="Run Options"]');
  const jobs = () => {
    const folder = path.join(workbench.folder, '.tunesmith', 'jobs');
    if (!existsSync(folder)) return [];
    // A job's folder has a hidden name until it is whole.
    const ids = readdirSync(folder).filter(id => !id.startsWith('.'));
    return ids.map(id => path.join(folder, id));
  };
  const state = (job: string) =>
    JSON.parse(readFileSync(path.join(job, 'state.json'), 'utf8')) as { status: string; error?: { message: string } };
  const judgements = () => {
    const folder = path.join(workbench.folder, '.tunesmith', 'preferences');
    if (!existsSync(folder)) return 0;
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.jsonl'));
    return files
      .flatMap(file => readFileSync(path.join(folder, file), 'utf8').split('\n'))
      .filter(line => line.includes('"type":"judgement"')).length;
  };

  it('opens a sample template in the playground', async () => {
    await workbench.openSideBar();
    await workbench.page.getByRole('treeitem', { name: /^reply-to-review/ }).click();
    const page = await playground();
    await page.locator('text=Write a short reply').first().waitFor();
    lap('playground');
  });

  it('runs it on the bundled model, and the answer streams', async () => {
    const page = await playground();
    await page.locator('button[aria-label="Run Options"]').click();
    await page.locator('[role^="menuitem"]', { hasText: '1 Sample' }).first().click();
    await page.locator('button[aria-label="Run Options"]').press('Escape');
    await page.locator('.button', { hasText: 'Run' }).first().click();
    await page.locator('.matrix .cell[aria-busy=false] .figures', { hasText: 'tok' }).first().waitFor();
    // One answer of pebble takes a tenth of a second, as long as a table takes to appear. Several at once take longer, so the
    // page itself looks for a beginning of the second row's answer before the whole.
    const beginnings = page.evaluate(
      () =>
        new Promise<number>((resolve, reject) => {
          const seen = new Set<string>();
          const look = () => {
            const cell = document.querySelector<HTMLElement>('.matrix [data-index="1"] .cell');
            const text = cell?.querySelector('.prose')?.textContent?.trim() ?? '';
            if (text) seen.add(text);
            if (!text || cell?.getAttribute('aria-busy') !== 'false') return;
            observer.disconnect();
            resolve([...seen].filter(part => part !== text && text.startsWith(part.slice(0, -1))).length);
          };
          const observer = new MutationObserver(look);
          observer.observe(document.body, { childList: true, subtree: true, characterData: true });
          setTimeout(() => reject(new Error('No answer within a minute.')), 60_000);
        }),
    );
    await page.locator('button[aria-label="Run Options"]').click();
    await page.locator('[role^="menuitem"]', { hasText: 'Run First 12 Rows' }).first().click();
    assert.ok((await beginnings) > 0, 'the answer came as a whole');
    await page.locator('.bar', { hasText: `${wanted} answers` }).waitFor({ timeout: 120_000 });
    lap('first answer');
    await workbench.screenshotsInThemes('playground');
  });

  it('samples several answers and sends them to ranking', async () => {
    const page = await playground();
    await page.locator('button[aria-label="Run Options"]').click();
    await page.locator('[role^="menuitem"]', { hasText: '2 Samples' }).first().click();
    // The menu stays open for such a choice.
    await page.locator('[role^="menuitem"]', { hasText: 'Run First 12 Rows' }).first().click();
    await page.locator('.bar', { hasText: `${2 * wanted} answers` }).waitFor({ timeout: 120_000 });
    lap('24 answers');
    await page.locator('button', { hasText: 'Send to Ranking' }).click();
    await workbench.frameWith('.ranks');
  });

  it('ranks twelve by keyboard, each on disk before the next one shows', async () => {
    const page = await workbench.frameWith('.ranks');
    await page.locator('.ranks button').first().waitFor();
    for (let done = 0; done < wanted; done++) {
      if (done === 6) await workbench.screenshotsInThemes('ranking');
      await page.locator('article').first().focus();
      await page
        .locator('article')
        .first()
        .press(done % 3 === 2 ? '2' : '1');
      await page.locator('article').first().press('Enter');
      await page.locator('.where', { hasText: `${done + 1} of ${wanted}` }).waitFor({ timeout: 15_000 });
      assert.ok(judgements() > done, 'the view moved on before the judgement was on disk');
    }
    assert.equal(judgements(), wanted);
    lap('12 rankings');
  });

  const finish = async (job: string) => {
    for (const end = Date.now() + 280_000; ; ) {
      assert.ok(Date.now() < end, 'the job did not end within the five minutes');
      const now = existsSync(path.join(job, 'state.json')) ? state(job) : { status: 'queued' };
      if (now.status === 'succeeded') return;
      assert.ok(['queued', 'running'].includes(now.status), `the job is ${now.status}: ${now.error?.message}`);
      await workbench.page.waitForTimeout(300);
    }
  };

  it('trains a reward model', async () => {
    await workbench.command('Tunesmith: Train Reward Model');
    await workbench.choose('Start');
    // It starts when the estimate is there.
    for (let i = 0; jobs().length < 1 && i < 600; i++) await workbench.page.waitForTimeout(200);
    assert.equal(jobs().length, 1);
    await workbench.frameWith('.charts');
    await finish(jobs()[0]!);
    lap('reward model');
  });

  it('fine-tunes with RLHF on it', async () => {
    const [first] = jobs();
    await workbench.command('Tunesmith: Fine-Tune with RLHF');
    await workbench.pick(/-rm/);
    await workbench.choose('Start');
    for (let i = 0; jobs().length < 2 && i < 600; i++) await workbench.page.waitForTimeout(200);
    const second = jobs().find(job => job !== first);
    assert.ok(second, 'no second job was made');
    await workbench.page.waitForTimeout(8000);
    await workbench.screenshotsInThemes('job-running');
    await finish(second);
    lap('RLHF');
    await workbench.page.waitForTimeout(1500);
    await workbench.screenshotsInThemes('job-done');
  });

  it('compares the tuned model with the one before in the playground', async () => {
    await workbench.page.locator('.tab', { hasText: 'reply-to-review' }).first().click();
    const page = await playground();
    await page.locator('[aria-label="Choose Models"]:visible').first().click();
    await page.locator('[role^="menuitem"]', { hasText: /tuned/ }).first().click();
    await workbench.page.keyboard.press('Escape');
    await page.locator('.button', { hasText: 'Run' }).first().click();
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll('.matrix .cell')].filter(
          cell => cell.getAttribute('aria-busy') === 'false' && /tok\/s/.test(cell.textContent ?? ''),
        ).length >= 2,
      undefined,
      {
        timeout: 60_000,
      },
    );
    lap('compared');
    await workbench.screenshotsInThemes('compared');
  });

  it('took at most five minutes, and fetched nothing from elsewhere', () => {
    assert.ok(laps.at(-1)![1] < 300, `it took ${laps.at(-1)![1]} s`);
    assert.deepEqual(workbench.remoteRequests(), []);
  });
});
