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
  const template = readFileSync(path.join(folder, 'templates', 'reply-to-review.prompty'), 'utf8');
  writeFileSync(path.join(folder, 'three.prompty'), template.replace('../data/reviews-train.jsonl', 'three.jsonl'));
  const reviews = ['The kettle leaks.', 'A fine lamp.', 'My coat tore.'];
  writeFileSync(path.join(folder, 'three.jsonl'), reviews.map(review => `${JSON.stringify({ review })}\n`).join(''));
  writeFileSync(
    path.join(folder, 'constitutions', 'broken.yaml'),
    'name: broken\nprinciples:\n  - critique: What is wrong?\n',
  );
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

  it('says in the editor what is wrong with a constitution, and goes by none that is wrong', async () => {
    const { page } = workbench;
    await workbench.command('View: Close All Editors');
    await workbench.openFile('broken.yaml');
    await page.locator('.squiggly-error').first().waitFor();
    await workbench.command('Tunesmith: Revise Answers by a Constitution');
    await page
      .getByText(/broken\.yaml:3: Principle 1 needs a text in “revision”/)
      .first()
      .waitFor();
    await workbench.screenshot('constitution-wrong');
  });

  it('revises answers by a constitution, shows how, and offers to learn from it', async () => {
    const { page } = workbench;
    await workbench.openFile('kind-replies.yaml');
    await workbench.command('Tunesmith: Revise Answers by a Constitution');
    await workbench.choose('three');
    await workbench.pick('All: 3 prompts');
    await workbench.pick(/^pebble/);
    await workbench.pick('Once');
    await workbench.saveAs(path.join(workbench.folder, 'revised.jsonl'), 'revised.jsonl');
    const report = await workbench.frameWith('h1:has-text("revised by kind-replies")', 60_000);
    await report.getByText('Revision', { exact: true }).first().waitFor();
    await page.getByText('examples are in revised.jsonl').first().waitFor();
    await workbench.screenshot('revisions');
    const chains = readFileSync(path.join(workbench.folder, 'revised.chains.jsonl'), 'utf8').trim().split('\n');
    assert.equal(chains.length, 3);
    await page.getByRole('button', { name: 'Fine-Tune on Them' }).click();
    await page
      .locator('.quick-input-list .monaco-list-row')
      .getByText(/examples in revised\.jsonl/)
      .waitFor();
    await workbench.screenshot('revised-to-sft');
    await page.keyboard.press('Escape');
  });

  it('labels answers by a constitution, apart from the judge by the guidelines', async () => {
    await workbench.command('Tunesmith: Label Answers by a Constitution');
    await workbench.choose('kind-replies.yaml');
    await workbench.pick(/^pebble/);
    await workbench.pick('From the Probabilities');
    await workbench.pick('Items That People Judged');
    const report = await workbench.frameWith('h1:has-text("Judges beside people")', 60_000);
    await report
      .getByText(/by kind-replies/)
      .first()
      .waitFor();
    const labels = judgeFile()
      .split('\n')
      .filter(line => line.includes('by kind-replies'));
    assert.equal(labels.length, shared);
    assert.ok(labels.every(line => /"guidelines":"kind-replies\/(remedy|product|brevity) #/.test(line)));
  });

  it('tests what a model refuses', async () => {
    await workbench.command('Tunesmith: Test Refusals');
    await workbench.pick(/^pebble/);
    await workbench.pick('This Model Alone');
    await workbench.pick('The Suite of Tunesmith');
    const report = await workbench.frameWith('h1:has-text("Refusals: pebble")', 90_000);
    await report.getByText('all that should be answered').waitFor();
    assert.equal(await report.locator('table').count(), 2);
    await workbench.screenshotsInThemes('refusals');
  });

  it('improves a model on its own reasoning, round by round, and says what that is worth', async () => {
    const { page } = workbench;
    await workbench.command('View: Close All Editors');
    await workbench.command('Tunesmith: Self-Improve');
    await workbench.choose('word-problem-direct');
    await workbench.pick('What Comes to the Known Answer');
    await workbench.pick(/^pebble/);
    await workbench.choose('1');
    await workbench.pick(/^Quick/);
    const report = await workbench.frameWith('h1:has-text("Self-improvement of pebble")', 120_000);
    // The base and one round.
    assert.equal(await report.locator('table tbody tr').count(), 2);
    await page.getByText('Stopped').first().waitFor();
    await workbench.screenshot('self-improved');
  });

  it('iterates: the policy answers, what is judged in the Ranking view is trained on', async () => {
    const { page } = workbench;
    await workbench.command('View: Close All Editors');
    await workbench.command('Tunesmith: Iterate');
    await workbench.choose('three');
    await workbench.pick(/^pebble/);
    await workbench.choose('3');
    await workbench.choose('2');
    await workbench.pick(/^Quick/);
    await page.locator('.quick-input-widget', { hasText: 'Name of the iteration' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('three: 0 of 3 judged').waitFor();
    await page.getByText('three: 0 of 3 judged').click();
    await workbench.pick('Go On Judging');
    const view = await workbench.frameWith('.rk .an');
    await workbench.screenshot('iterate-judge');
    for (let judged = 1; judged <= 3; judged++) {
      await view.locator('.an').first().focus();
      await page.keyboard.press('1');
      await page.keyboard.press('Enter');
      if (judged < 3) await page.getByText(`three: ${judged} of 3 judged`).waitFor();
    }
    const dashboard = await workbench.frameWith('.head h1:has-text("three-reward-1")', 60_000);
    await workbench.screenshot('iterate-reward');
    const kept = path.join(workbench.folder, '.tunesmith', 'iterations', 'three.json');
    const [round] = JSON.parse(readFileSync(kept, 'utf8')).rounds;
    // With the 42 pairs that people judged before.
    assert.deepEqual([round.items, round.comparisons], [3, 45]);
    await dashboard.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('The job was stopped. It can go on').first().waitFor();
    await workbench.command('Tunesmith: Iterate');
    await page.getByText('round 1: the reward model is next').waitFor();
    await page.keyboard.press('Escape');
  });
});
