/** The data view in a real VS Code: a journal of several people browsed, searched, filtered, changed and undone on disk. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import type { JournalRecord } from '../../src/core/preferences/judgement.ts';
import { encodeRecord } from '../../src/storage/recordLog.ts';
import { accessibilityProblems } from './preview/accessibility.ts';
import { shopRecords } from './preview/dataHost.ts';
import { Workbench } from './workbench.ts';

/** A file of the journal as another computer wrote it. */
function writeJournal(folder: string, writer: string, records: readonly JournalRecord[]): void {
  const author = records[0]!.author;
  const target = path.join(folder, '.tunesmith', 'preferences', author);
  mkdirSync(target, { recursive: true });
  const at = '2026-10-01T00:00:00.000Z';
  const header = { type: 'header', log: 'preferences', format: 1, writer, author, at };
  writeFileSync(path.join(target, `${writer}.jsonl`), [header, ...records].map(encodeRecord).join(''));
}

describe('the data view', function () {
  this.timeout(240_000);
  let workbench: Workbench;
  let page: Frame;

  before(async () => {
    workbench = await Workbench.open({
      environment: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'ada' },
      prepare: folder => writeJournal(folder, 'desk', shopRecords(400)),
    });
    await workbench.command('View: Close Primary Side Bar');
    await workbench.command('Open Preference Data');
    page = await workbench.frameWith('tunesmith-data', 60_000);
    await page.locator('#row-0 .c-prompt .clip').waitFor();
  });
  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await workbench.screenshot(`failed-data-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
  });

  const counts = (text: string | RegExp): Promise<void> => page.locator('.counts', { hasText: text }).waitFor();
  /** Records that this window wrote. */
  const written = (): JournalRecord[] => {
    const folder = path.join(workbench.folder, '.tunesmith', 'preferences', 'ada');
    return readdirSync(folder)
      .filter(name => name !== 'desk.jsonl')
      .flatMap(name => readFileSync(path.join(folder, name), 'utf8').trim().split('\n').slice(1))
      .map(line => JSON.parse(line).r);
  };

  it('shows what there is, in four themes, wide and narrow', async () => {
    await counts(/^400 items/);
    await page.locator('#row-2').click();
    await page.locator('.detail .judgement').first().waitFor();
    await workbench.screenshotsInThemes('data', [1440, 468, 368], async () =>
      assert.deepEqual(await accessibilityProblems(page), []),
    );
  });

  it('is searched from the keyboard', async () => {
    await page.locator('.sheet').focus();
    await workbench.page.keyboard.press('/');
    await workbench.page.keyboard.type('refund that nobody');
    await counts(/of 400 items/);
    await workbench.page.keyboard.press('ArrowDown');
    await page.locator('.detail .note-text', { hasText: 'a refund that nobody' }).first().waitFor();
  });

  it('takes back one’s own judgement with a record, and puts it back with another', async () => {
    const mine = page.getByRole('button', { name: 'Delete the judgement of ada', exact: true });
    await page.locator('.c-who', { hasText: /^ada/ }).first().click();
    await mine.waitFor();
    await mine.press('Enter');
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    const [deletion] = written();
    assert.equal(deletion?.type, 'deletion');
    await page.getByRole('button', { name: 'Undo' }).press('Enter');
    await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'detached' });
    const [, restored] = written();
    assert.ok(restored?.type === 'judgement' && deletion?.type === 'deletion');
    const before = shopRecords(400).find(({ id }) => id === deletion.deletes);
    assert.deepEqual({ ...restored, id: '' }, { ...before, id: '' });
  });

  const saveAs = (file: string) => workbench.saveAs(file, 'preferences.jsonl');

  it('draws charts, lists findings and exports, each from a process of its own', async () => {
    await page.locator('.search').fill('');
    await counts(/^400 items/);
    const themes = (name: string): Promise<void> =>
      workbench.screenshotsInThemes(name, [1440, 368], async () =>
        assert.deepEqual(await accessibilityProblems(page), []),
      );
    await page.getByRole('tab', { name: 'Charts' }).press('Enter');
    await page.locator('tunesmith-drawing svg circle').first().waitFor({ timeout: 120_000 });
    await themes('data-charts');
    await page.getByRole('tab', { name: 'Findings' }).press('Enter');
    await page.getByText('400 items and').waitFor({ timeout: 120_000 });
    await themes('data-findings');
    await page.getByRole('tab', { name: 'Export' }).press('Enter');
    await page.getByText('The format cannot hold').waitFor({ timeout: 120_000 });
    await themes('data-export');
    await page.getByRole('button', { name: 'Export…', exact: true }).press('Enter');
    await saveAs(path.join(workbench.folder, 'judged.jsonl'));
    const done = page.locator('.done').or(page.getByRole('alert').filter({ hasText: 'Nothing was written' }));
    await done.waitFor({ timeout: 120_000 });
    if ((await page.locator('.done').count()) === 0) {
      await page.getByRole('button', { name: 'Export All the Same…' }).press('Enter');
      await saveAs(path.join(workbench.folder, 'judged.jsonl'));
      await page.locator('.done').waitFor({ timeout: 120_000 });
    }
    const rows = readFileSync(path.join(workbench.folder, 'judged-train.jsonl'), 'utf8').trim().split('\n');
    const shown = await page.locator('.done .note').first().innerText();
    assert.equal(Number(shown.replace(/.* ([\d\u202f]+) rows.*/s, '$1').replaceAll('\u202f', '')), rows.length);
    assert.deepEqual(Object.keys(JSON.parse(rows[0]!)), ['prompt', 'chosen', 'rejected']);
    assert.match(readFileSync(path.join(workbench.folder, 'judged-datasheet.md'), 'utf8'), /# Datasheet/);
    await page.getByRole('tab', { name: 'Items' }).press('Enter');
  });

  it('brings an item up in the Ranking view, to be judged again', async () => {
    await page.locator('.c-who', { hasText: /^ada/ }).first().click();
    const prompt = await page.locator('.detail .message').innerText();
    await page.getByRole('button', { name: 'Judge in the Ranking View' }).press('Enter');
    const ranking = await workbench.frameWith('.rk .answers', 60_000);
    await ranking.getByText(prompt.trim()).first().waitFor();
    await workbench.screenshot('data-judge-again');
    await workbench.command('View: Close Primary Side Bar');
  });

  it('shows what a pull brings, and finds its place again after a reload', async () => {
    await page.getByRole('button', { name: 'Annotator' }).press('Enter');
    await page.getByRole('menuitemcheckbox', { name: /cyd/ }).press('Enter');
    await workbench.page.keyboard.press('Escape');
    const [item] = shopRecords(1);
    const later: JournalRecord = {
      format: 1,
      type: 'judgement',
      id: 'pulled',
      at: '2027-01-01T00:00:00.000Z',
      author: 'cyd',
      item: item!.id,
      ranking: [],
      shown: [],
      verdict: 'skipped',
      flags: [],
      milliseconds: 500,
      note: 'Says a refund that nobody checked.',
    };
    writeJournal(workbench.folder, 'laptop', [later]);
    await page.locator('#row-0 .c-note', { hasText: 'nobody checked' }).waitFor({ state: 'attached' });
    // The editor writes down what it keeps for a workspace a moment later, and does not show when.
    await page.waitForTimeout(3000);
    await workbench.load();
    page = await workbench.frameWith('tunesmith-data', 60_000);
    // Which tab was open is the editor's to keep, at its own time: the tab of a moment earlier may come back.
    await page.getByRole('tab', { name: 'Items' }).press('Enter');
    await page.locator('.chip', { hasText: 'Annotator: cyd' }).waitFor();
    await page.locator('#row-0 .c-note', { hasText: 'nobody checked' }).waitFor({ state: 'attached' });
  });
});
