/** A team in a real VS Code: what comes next and why, a share of the work, and disagreements that are reviewed and settled on disk. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { accessibilityProblems } from './preview/accessibility.ts';
import { Workbench } from './workbench.ts';

const author = 'Ada Lovelace';

describe('judging as a team', function () {
  this.timeout(240_000);
  let workspace: string;
  let workbench: Workbench;
  let page: Frame;

  before(async () => {
    workspace = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-team-'));
    const layout = workspaceLayout(workspace);
    const journal = await PreferenceJournal.open(layout, { author: 'Ben' });
    const items = await journal.addItems(
      Array.from({ length: 30 }, (_, i) => ({
        set: 'replies',
        messages: [{ role: 'user' as const, content: `How do I return parcel ${i}?` }],
        answers: [
          { text: `Print the label ${i} and bring the parcel to the shop.`, model: 'one' },
          { text: `Write to us about parcel ${i}, we send somebody.`, model: 'two' },
        ],
      })),
    );
    for (const [i, { id, answers }] of items.slice(0, 12).entries()) {
      for (const [by, order] of [
        ['Ben', answers],
        ['Cem', i === 2 ? answers : answers.toReversed()],
      ] as const)
        await journal.addJudgement({
          author: by,
          item: id,
          ranking: order.map(answer => [answer.id]),
          shown: answers.map(answer => answer.id),
          verdict: 'ranked',
          flags: by === 'Ben' && i === 0 ? ['wrong'] : [],
          milliseconds: 1000,
          ...(by === 'Ben' && i === 0 && { note: 'We have no shop there.' }),
        });
    }
    await journal.close();
    await writeFile(path.join(workspace, '.tunesmith', 'ranking.yml'), 'overlap: 2\nnext: uncertainty\n');
    workbench = await Workbench.open({
      workspace,
      settings: { 'workbench.secondarySideBar.defaultVisibility': 'hidden' },
      environment: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: author },
    });
    await workbench.command('View: Close Primary Side Bar');
    await workbench.command('Tunesmith: Open Ranking in Editor');
    page = await workbench.frameWith('main.rk article', 60_000);
  });
  after(async () => {
    await workbench?.close();
    await rm(workspace, { recursive: true, force: true });
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await workbench.screenshot(`failed-team-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
  });

  const judged = (count: number): Promise<void> =>
    page.locator('.where b', { hasText: new RegExp(`^${count}$`) }).waitFor();
  const state = async () => {
    const journal = await PreferenceJournal.open(workspaceLayout(workbench.folder), { author });
    try {
      return {
        judgements: [...journal.state.judgements],
        settled: [...journal.state.ownJudgements(author, 'replies', 'adjudicator')],
      };
    } finally {
      await journal.close();
    }
  };

  it('offers what two people have not judged, and says why', async () => {
    await page.locator('.where', { hasText: 'of 18' }).waitFor();
    await page.locator('#why', { hasText: /^Uncertain: \d+ % for [AB]$/ }).waitFor();
    await workbench.screenshotsInThemes('next', [1440, 700, 300], async () =>
      assert.deepEqual(await accessibilityProblems(page), []),
    );
    await page.locator('.an').first().focus();
    await workbench.page.keyboard.press('1');
    await workbench.page.keyboard.press('Enter');
    await judged(1);
    await page.getByLabel('How the next item is chosen').selectOption('random');
    await page.locator('#why', { hasText: 'In random order' }).waitFor();
  });

  it('reviews disagreements from the palette, settles one and takes it back', async () => {
    await workbench.command('Tunesmith: Review Disagreements');
    await page.getByText('What was said').waitFor();
    await page.locator('#why', { hasText: '2 people disagree by 100 %' }).waitFor();
    await page.locator('.said li', { hasText: 'We have no shop there.' }).waitFor();
    await workbench.screenshotsInThemes('review', [1440, 700, 300], async () =>
      assert.deepEqual(await accessibilityProblems(page), []),
    );
    const before = await state();
    await page.getByRole('button', { name: /^Take what Cem said/ }).press('Enter');
    await workbench.page.keyboard.press('Enter');
    await judged(1);
    const after = await state();
    assert.deepEqual(after.judgements, before.judgements, 'the originals are kept');
    assert.equal(after.settled.length, 1);
    assert.equal(after.settled[0]!.adjudicates?.length, 2);
    await workbench.page.keyboard.press('u');
    await judged(0);
    assert.deepEqual((await state()).settled, []);
    await workbench.page.keyboard.press('Enter');
    await judged(1);
    await page.getByRole('button', { name: 'Back to Ranking' }).press('Enter');
    await page.locator('#why', { hasText: 'In random order' }).waitFor();
  });

  it('is on the same item with its work after a reload', async () => {
    await page.locator('.an').first().focus();
    await workbench.page.keyboard.press('n');
    await workbench.page.keyboard.type('to be continued');
    const prompt = await page.locator('.ctx .ask').innerText();
    // The page's work is kept half a second after the last key.
    await new Promise(resolve => setTimeout(resolve, 1500));
    await workbench.load();
    page = await workbench.frameWith('main.rk article', 60_000);
    assert.equal(await page.locator('.ctx .ask').innerText(), prompt);
    await page.locator('#why', { hasText: 'In random order' }).waitFor();
    const notes = await page
      .locator('[data-field="note"]')
      .evaluateAll(all => all.map(one => (one as HTMLInputElement).value));
    assert.ok(notes.includes('to be continued'), String(notes));
  });
});
