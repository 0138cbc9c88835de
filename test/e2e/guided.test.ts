/** The newcomer's path of the README, done in a browser on the packaged extension exactly as it is told there, and timed. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { accessibilityProblems } from './preview/accessibility.ts';
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
  const name = (job: string): string =>
    (JSON.parse(readFileSync(path.join(job, 'job.json'), 'utf8')) as { name: string }).name;
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

  it('draws where the models come from, and leads to the jobs that made them', async () => {
    await workbench.command('Tunesmith: Show Lineage of Models');
    const page = await workbench.frameWith('.ln');
    const rows = page.getByRole('treeitem');
    await rows.nth(2).waitFor();
    const told = await rows.evaluateAll(items => items.map(item => [item.ariaLevel, item.ariaLabel]));
    assert.equal(told.length, 3);
    assert.deepEqual([told[0]![0], told[1]![0], told[2]![0]], ['1', '2', '2']);
    assert.match(told[0]![1]!, /^pebble, base/i);
    const [, reward, policy] = told.map(([, label]) => label!.split(',')[0]!);
    assert.match(told[1]![1]!, /-rm, Reward model, \d+ % held out, \d+ pairs/);
    assert.match(told[2]![1]!, new RegExp(`, RLHF, RLOO, reward .* → .*, \\d+ prompts, rewarded by ${reward}`));
    assert.equal(await page.locator('.ln-arcs path').count(), 1);
    await workbench.screenshotsInThemes('lineage', [], async () =>
      assert.deepEqual(await accessibilityProblems(page), []),
    );
    await rows.first().press('End');
    await rows.nth(2).press('Enter');
    const job = await workbench.frameWith(`.head h1:has-text("${policy}")`);
    await job.locator('.lin button', { hasText: reward }).waitFor();
    await workbench.command('Focus on Models View');
    await workbench.page
      .getByRole('treeitem', { name: new RegExp(`^${reward}, reward model`) })
      .click({ button: 'right' });
    await workbench.page.getByRole('menuitem', { name: 'Show Lineage of Models' }).hover();
    await workbench.page.keyboard.press('Enter');
    await (await workbench.frameWith('.ln'))
      .locator(`[role="treeitem"][tabindex="0"][aria-label^="${reward},"]`)
      .waitFor();
  });

  /** Presses Export in a page of jobs, and resolves with the file's bytes. */
  async function exported(page: Frame, kind: string, proposed: string, name: string): Promise<Buffer> {
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await workbench.pick(kind);
    const file = path.join(workbench.folder, name);
    await workbench.saveAs(file, proposed);
    await workbench.page.getByText(`${name} was saved.`).first().waitFor();
    return readFileSync(file);
  }
  /** Opens an exported page as a browser does, in both colours, and looks at it. */
  async function look(name: string): Promise<string> {
    const page = await workbench.browser.newPage({ viewport: { width: 1100, height: 900 } });
    const errors: string[] = [];
    page.on('console', message => message.type() === 'error' && errors.push(message.text()));
    page.on('request', request => request.url().startsWith('file:') || errors.push(request.url()));
    await page.goto(`file://${path.join(workbench.folder, name)}`);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await accessibilityProblems(page), []);
      await page.screenshot({ path: `.cache/screenshots/exported-${name}-${colorScheme}.png`, fullPage: true });
    }
    const text = await page.locator('body').innerText();
    await page.close();
    assert.deepEqual(errors, []);
    return text;
  }

  it('compares the jobs, and exports page, figures and picture', async () => {
    await workbench.command('Tunesmith: Compare Jobs…');
    // The same box was that of the palette.
    await workbench.page.locator('.quick-input-title', { hasText: 'Compare Jobs' }).waitFor();
    const list = workbench.page.locator('.quick-input-list .monaco-list-row');
    await list.nth(1).waitFor();
    const names = jobs().map(name);
    for (const row of [0, 1]) await list.nth(row).click();
    await workbench.page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
    const page = await workbench.frameWith('.cmp');
    await page.locator('.u-over').first().waitFor();
    await workbench.screenshot('compared-jobs');
    await exported(page, 'Report as HTML…', 'comparison.html', 'both.html');
    const text = await look('both.html');
    for (const wanted of [...names, 'What differs', 'Reward model', 'Results'])
      assert.ok(text.includes(wanted), wanted);
    const table = (await exported(page, 'Metrics as CSV…', 'comparison.csv', 'both.csv')).toString().split('\r\n');
    assert.match(table[0]!, /^job,step,time,.*\bloss\b/);
    const steps = jobs().map(job => {
      const lines = readFileSync(path.join(job, 'events.jsonl'), 'utf8').trim().split('\n');
      return lines.filter(line => (JSON.parse(line) as { type: string }).type === 'metrics').length;
    });
    assert.equal(table.length - 2, steps[0]! + steps[1]!);
    const picture = await exported(page, 'Curves as PNG…', 'comparison.png', 'both.png');
    assert.equal(picture.toString('latin1', 1, 4), 'PNG');
    assert.ok(picture.readUInt32BE(16) > 600 && picture.readUInt32BE(20) > 200, 'an empty picture');
    const policy = names.find(one => !one.endsWith('-rm'))!;
    await page.locator('.cmp button', { hasText: policy }).click();
    const job = await workbench.frameWith(`.head h1:has-text("${policy}")`);
    await exported(job, 'Report as HTML…', '.html', 'one.html');
    assert.match(await look('one.html'), /Answers to the fixed prompts[\s\S]*Lineage/i);
  });

  it('keeps its queue over a reload of the window, and finds its jobs again', async () => {
    const known = new Set(jobs());
    const begin = async (command: string, reward?: string): Promise<string> => {
      await workbench.command(command);
      if (reward !== undefined) {
        await workbench.choose(reward);
        // Enough steps that it runs until it is stopped.
        const input = workbench.page.locator('.quick-input-widget input').first();
        await input.fill('Steps');
        await workbench.choose('Steps');
        await workbench.page.locator('.quick-input-widget .quick-input-title', { hasText: 'Steps' }).waitFor();
        await input.fill('2000');
        await input.press('Enter');
        await workbench.page.locator('.quick-input-widget input[placeholder^="Start"]').waitFor();
        await input.fill('Start');
      }
      await workbench.choose('Start');
      for (let i = 0; i < 600; i++, await workbench.page.waitForTimeout(100)) {
        const made = jobs().find(job => !known.has(job));
        if (made === undefined) continue;
        known.add(made);
        return made;
      }
      throw new Error('no job was made');
    };
    const [reward] = jobs()
      .map(name)
      .filter(one => one.endsWith('-rm'));
    const first = await begin('Tunesmith: Fine-Tune with RLHF', reward!);
    const second = await begin('Tunesmith: Train Reward Model');
    await (await workbench.frameWith(`.head h1:has-text("${name(second)}")`))
      .locator('.state', { hasText: 'Waiting for another job' })
      .waitFor();
    await workbench.tabsSaved(path.basename(first));
    await workbench.load();
    await workbench.command('Focus on Jobs View');
    const row = (job: string) => workbench.page.getByRole('treeitem', { name: new RegExp(`^${name(job)},`) });
    await row(first).filter({ hasText: / of / }).waitFor();
    await row(second).waitFor();
    await workbench.screenshot('jobs-reloaded');
    assert.equal(state(first).status, 'running');
    assert.ok(existsSync(path.join(second, 'queue.json')) && !existsSync(path.join(second, 'state.json')));
    await row(first).click();
    const page = await workbench.frameWith(`.head h1:has-text("${name(first)}")`);
    await page.getByRole('button', { name: 'Stop' }).click();
    await finish(second);
    assert.equal(state(first).status, 'cancelled');
    await workbench.page
      .getByText(`${name(second)} is trained.`)
      .first()
      .waitFor();
  });
});
