/** Judge Answers with a Model… on the bundled model: choices, report, the question before training, the line beside one's own ranking. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../scripts/vscode/codeServer.ts';
import { Workbench } from './workbench.ts';

/** Prompts that ann and bob judged, and some that nobody did. */
const shared = 24;
const open = 6;

function prepare(folder: string): void {
  const row = (i: number, judge: string): string => {
    const say = (content: string) => [
      { role: 'user', content: `How do I keep bread fresh, question ${i}?` },
      { role: 'assistant', content },
    ];
    const swapped = i % 3 === 0;
    const [good, bad] = [
      `In a paper bag, cut side down (${i}).`,
      `Bread is a food. It has a long history, and many like it (${i}).`,
    ];
    return `${JSON.stringify({
      model_a: 'pebble',
      model_b: 'granite',
      winner: i % 8 === 7 ? 'tie' : swapped ? 'model_b' : 'model_a',
      judge,
      conversation_a: say(swapped ? bad : good),
      conversation_b: say(swapped ? good : bad),
      turn: 1,
    })}\n`;
  };
  const rows = Array.from({ length: shared }, (_, i) => row(i, 'ann') + row(i, 'bob'));
  writeFileSync(path.join(folder, 'bread.jsonl'), rows.join(''));
  const items = Array.from({ length: open }, (_, i) => {
    const prompt = `How do I keep milk fresh, question ${i}?`;
    return `${JSON.stringify({ prompt, answers: [`In the fridge (${i}).`, `Milk is white (${i}).`] })}\n`;
  });
  writeFileSync(path.join(folder, 'open.jsonl'), items.join(''));
  for (const argv of [
    ['prefs', 'import', 'bread.jsonl', '--set', 'bread'],
    ['answers', 'add', 'open.jsonl', '--set', 'bread'],
  ]) {
    const done = spawnSync(process.execPath, [path.join(root, 'dist/cli.mjs'), '--workspace', folder, ...argv], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(done.status, 0, done.stderr);
  }
}

describe('judging with a model', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  before(async () => {
    workbench = await Workbench.open({ prepare, machineSettings: { 'tunesmith.author': 'ann' } });
    await workbench.theme('dark');
  });
  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });
  const judgeFile = (): string => {
    const folder = path.join(workbench.folder, '.tunesmith', 'preferences');
    const own = readdirSync(folder).find(name => name.startsWith('judge-'));
    return own === undefined
      ? ''
      : readdirSync(path.join(folder, own))
          .map(name => readFileSync(path.join(folder, own, name), 'utf8'))
          .join('');
  };

  it('asks for a template, a model and items, judges them, and shows what that is worth', async () => {
    const { page } = workbench;
    await workbench.command('Tunesmith: Judge Answers with a Model');
    await workbench.pick('Judge of Two Answers');
    await workbench.pick(/^pebble/);
    await workbench.pick('From the Probabilities');
    const row = page.locator('.quick-input-list .monaco-list-row', { hasText: 'Items That People Judged' });
    await row.getByText(`${shared} items, ${2 * shared} questions`).waitFor();
    await workbench.screenshot('judge-items');
    await row.click();
    await page.getByText(`${shared} of ${shared} items judged`).first().waitFor({ timeout: 120_000 });
    const report = await workbench.frameWith('h1:has-text("Judges beside people")');
    await report.getByText('No better than chance').waitFor();
    assert.equal(await report.locator('table').count(), 2);
    await page.keyboard.press('Escape');
    await workbench.screenshotsInThemes('judge-report');
    const judgements = judgeFile()
      .split('\n')
      .filter(line => line.includes('"type":"judgement"'));
    assert.equal(judgements.length, shared);
    assert.ok(
      judgements.every(
        line => line.includes('"author":"ann"') && line.includes('"judge":"answer-judge on local:pebble'),
      ),
    );
  });

  it('says beside one’s own ranking how often it agrees, and nothing of the item at hand', async () => {
    await workbench.command('Focus on Tunesmith: Rank View');
    const view = await workbench.frameWith('.rk .an');
    await view.locator('#judges', { hasText: /answer-judge agrees in \d+ %/ }).waitFor();
    await workbench.screenshot('judge-beside');
    await workbench.command('Tunesmith: Open Ranking in Editor');
    await workbench.frameWith('body:not([data-surface="sidebar"]) .rk #judges');
    await workbench.drawn();
    await workbench.screenshot('judge-beside-wide');
  });

  it('asks before training whose judgements count', async () => {
    const { page } = workbench;
    await workbench.command('Tunesmith: Train Reward Model');
    const rows = page.locator('.quick-input-list .monaco-list-row');
    await rows.getByText('People Only').waitFor();
    await rows.getByText('No better than chance').waitFor();
    await page.waitForTimeout(400);
    await workbench.screenshot('judge-whose');
    await workbench.pick('People Only');
    await page.getByText('Train Reward Model on 42 Pairs from 21 Prompts').waitFor();
    await page.keyboard.press('Escape');
    // A judge that nobody can compare with people is not open.
    await workbench.command('Tunesmith: Judge Answers with a Model');
    await workbench.pick('Judge of Two Answers');
    await workbench.pick(/^pebble/);
    await workbench.pick('From Its Words');
    await workbench.pick('Items That People Judged');
    await page.getByText(`${shared} without a readable verdict`).first().waitFor({ timeout: 120_000 });
    await workbench.command('Tunesmith: Train Reward Model');
    await rows.getByText('not open yet').waitFor();
    await workbench.screenshot('judge-locked');
    await rows.getByText('not open yet').click();
    const report = await workbench.frameWith('h1:has-text("Judges beside people")');
    await report.getByText('Too little is known').waitFor();
  });
});
