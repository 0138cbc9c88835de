/** What one does with answers in the playground of a real VS Code: token doubts, a conversation, marks, filters, a diff, a reload. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ChatRequest, type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { PlaygroundDriver } from './playgroundDriver.ts';
import { accessibilityProblems } from './preview/accessibility.ts';
import { Workbench } from './workbench.ts';

/** Boxes, pens in each, pens that are given away. */
const sums = [
  [4, 6, 5],
  [3, 2, 1],
  [10, 2, 5],
] as const;
const problem = ([boxes, pens, given]: (typeof sums)[number]): string =>
  `Nina has ${boxes} boxes with ${pens} pens each and gives away ${given} pens. How many pens are left?`;
const template = `---
name: sums
inputs: {q: {kind: string}}
model: {options: {temperature: 0, maxOutputTokens: 24}}
metadata:
  tunesmith: {rows: sums.jsonl, expected: a, grade: numbers-equal, reasoning: {answer: {rule: last-number}}}
---
user:
Problem: {{ q }}
`;

/** Counts, but one too many where there are 10 boxes; takes back what it is told is wrong. */
function count({ messages }: ChatRequest): string {
  const last = messages.at(-1)!.content;
  if (/wrong/.test(last)) return 'You are right. It is 15.';
  if (/why/i.test(last)) return `Because I counted, after ${messages.length} messages.`;
  const [a = 0, b = 0, c = 0] = last.match(/\d+/g)?.map(Number) ?? [];
  return `It is ${a * b - c + (a === 10 ? 1 : 0)}.`;
}

describe('answers in the playground', function () {
  this.timeout(180_000);
  let server: ChatServer;
  let workbench: Workbench;
  let playground: PlaygroundDriver;

  before(async () => {
    server = await startChatServer(count);
    const model = `${server.url}|adder`;
    workbench = await Workbench.open({
      machineSettings: {
        'tunesmith.endpoints': [{ baseUrl: server.url, models: ['adder'] }],
        'tunesmith.defaultModel': model,
      },
      prepare: folder => {
        const rows = sums.map(sum => JSON.stringify({ q: problem(sum), a: String(sum[0] * sum[1] - sum[2]) }));
        mkdirSync(path.join(folder, 'sums'));
        writeFileSync(path.join(folder, 'sums', 'sums.jsonl'), `${rows.join('\n')}\n`);
        writeFileSync(path.join(folder, 'sums', 'sums.prompty'), template);
      },
    });
    playground = new PlaygroundDriver(workbench);
  });
  after(async () => {
    await workbench?.close();
    await server?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await workbench.screenshot(`failed-answers-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
  });

  const press = (...keys: string[]) => playground.press(...keys);
  const accessible = async (): Promise<void> =>
    assert.deepEqual(await accessibilityProblems(playground.page, ['.monaco-editor']), []);

  it('is opened with nothing but keys', async () => {
    await workbench.command('View: Close Primary Side Bar');
    await workbench.command('Tunesmith: Open Playground');
    const welcome = await workbench.frameWith('.picks');
    await workbench.tabsSaved('tunesmith.playground');
    const focused = () => welcome.locator('.pick:focus', { hasText: /^\s*sums/ }).count();
    for (let presses = 0; (await focused()) === 0; presses++) {
      assert.ok(presses < 40, 'Tab does not lead to the template');
      await press('Tab');
    }
    await press('Enter');
    await playground.find();
  });

  it('shows its template also after a reload that comes before the editor has saved the page', async () => {
    await workbench.load();
    await (await playground.find()).locator('h1', { hasText: 'sums.prompty' }).waitFor();
  });

  it('is run and walked with nothing but keys', async () => {
    const { page } = playground;
    await page.getByRole('button', { name: 'Open as Text' }).focus();
    await playground.tabTo(page.getByRole('button', { name: 'Run Options' }));
    await press('Enter');
    await page.getByRole('menuitem', { name: 'Run All 3 Rows' }).waitFor();
    for (let presses = 0; presses < 9; presses++) {
      if ((await page.locator('[role=menuitem]:focus', { hasText: 'Run All' }).count()) > 0) break;
      await press('ArrowDown');
    }
    await press('Enter');
    await playground.status('3 answers');
    await playground.tabTo(playground.cell(0, -1).or(playground.cell(0, 0)));
    await press('ArrowRight', 'ArrowDown', 'ArrowDown');
    await playground.cell(2, 0).and(page.locator(':focus')).waitFor();
    await press('Enter');
    await page.locator('tunesmith-cell-view', { hasText: 'It is 16.' }).waitFor();
    await press('Escape');
    await playground.cell(2, 0).and(page.locator(':focus')).waitFor();
  });

  it('keeps a star, a pin and a note, and filters by them', async () => {
    const { page } = playground;
    await playground.cell(1, 0).focus();
    await press('*', 'p', 'n');
    await page.locator('.note-dialog textarea').and(page.locator(':focus')).waitFor();
    await playground.type('Short and right.');
    await press('Enter');
    const cell = playground.cell(1, 0);
    for (const sign of ['starred', 'pinned']) await cell.getByText(sign).waitFor({ state: 'attached' });
    await cell.getByText('Short and right.').waitFor();
    await cell.and(page.locator(':focus')).waitFor();
    const rows = (expected: string): Promise<unknown> =>
      page.waitForFunction(
        wanted => [...document.querySelectorAll('[role=rowheader] > i')].map(row => row.textContent).join() === wanted,
        expected,
      );
    // What is pinned stays in sight, first of all.
    await rows('2,1,3');
    await playground.choose('Filter', 'Wrong');
    await rows('2,3');
    await playground.choose('Wrong', 'Starred');
    await rows('2');
    await playground.choose('Starred', 'All rows');
    await playground.cell(1, 0).focus();
    await press('p');
    await rows('1,2,3');
  });

  it('shows where the bundled model doubted, and what else it could have said', async () => {
    const { page } = playground;
    await playground.choose('Choose Models', /^\s*pebble/);
    await playground.choose('Run Options', 'Token Probabilities', 'Run All 3 Rows');
    await playground.status('6 answers');
    const view = await playground.openCell(0, 1);
    const tokens = view.locator('[role=option]');
    await tokens.first().waitFor();
    const text = (await tokens.allTextContents()).join('');
    await view.getByText('Point at a token').waitFor();
    await tokens.nth(1).hover();
    const others = view.locator('.alternatives');
    await others.locator('.mono').first().waitFor();
    const shares = [...(await others.innerText()).matchAll(/(< 0\.1|[\d.]+) %/g)].map(match => match[1]!);
    assert.ok(shares.length >= 4, `few alternatives: ${shares.join()}`);
    const known = shares.filter(share => !share.startsWith('<')).map(Number);
    assert.ok(known.reduce((sum, share) => sum + share, 0) <= 101);
    await workbench.screenshotsInThemes('answers-heat', [1440, 390], async () => {
      await tokens.nth(1).focus();
      await accessible();
    });
    await press('ArrowRight');
    await tokens.nth(2).and(page.locator(':focus')).waitFor();
    await view.getByRole('checkbox', { name: 'Token probabilities' }).uncheck();
    await tokens.first().waitFor({ state: 'detached' });
    assert.equal((await view.locator('.cell-body > .prose').first().innerText()).trim(), text.trim());
    await press('Escape');
  });

  it('goes on with the conversation of a cell, and tells the model what is wrong', async () => {
    const view = await playground.openCell(2, 0);
    const field = view.getByRole('textbox', { name: 'Go on with this conversation' });
    await field.focus();
    await playground.type('Why?');
    await press('Enter');
    await view.getByText('Because I counted, after 3 messages.').waitFor();
    await view.getByRole('button', { name: 'Tell it what is wrong' }).focus();
    await press('Enter');
    assert.equal(await field.inputValue(), 'That is wrong because ');
    await playground.type('20 less 5 is 15.');
    await press('Enter');
    await view.getByText('You are right. It is 15.').waitFor();
    assert.deepEqual(
      server.requests.at(-1)!.body.messages.map(({ role, content }) => `${role}: ${content.trim()}`),
      [
        `user: Problem: ${problem(sums[2])}`,
        'assistant: It is 16.',
        'user: Why?',
        'assistant: Because I counted, after 3 messages.',
        'user: That is wrong because 20 less 5 is 15.',
      ],
    );
    await workbench.screenshotsInThemes('answers-conversation', [1440, 390], accessible);
    await press('Escape');
    const again = await playground.openCell(2, 0);
    await again.locator('.conversation .turn').nth(3).waitFor();
    await press('Escape');
  });

  it('shows two answers in the editor’s own diff', async () => {
    const { page } = playground;
    await playground.cell(0, 0).focus();
    await press(' ', 'ArrowRight', ' ');
    await page.waitForFunction(() => document.querySelectorAll('.cell[aria-selected=true]').length === 2);
    await press('d');
    await workbench.page.locator('.tab', { hasText: 'Row 1, adder' }).waitFor();
    await workbench.page.locator('.monaco-diff-editor .view-line', { hasText: 'It is 19.' }).first().waitFor();
    assert.match(await workbench.page.locator('.tab.active').innerText(), /Row 1, adder.* ↔ Row 1, pebble/);
    await workbench.command('View: Close Editor');
    await workbench.page.locator('.monaco-diff-editor').waitFor({ state: 'detached' });
    await playground.find();
  });

  it('comes back after a reload of the window, at once and with everything', async () => {
    const asked = server.requests.length;
    await workbench.load();
    const page = await playground.find();
    await playground.cell(1, 0).getByText('Short and right.').waitFor();
    await playground.cell(0, 1).locator('.figures', { hasText: 'tok' }).waitFor();
    for (const name of ['adder', 'pebble']) await page.locator('.chip', { hasText: name }).waitFor();
    const view = await playground.openCell(2, 0);
    await view.getByText('You are right. It is 15.').waitFor();
    await press('Escape');
    const tokens = (await playground.openCell(0, 1)).locator('[role=option]');
    await tokens.first().waitFor();
    assert.equal(server.requests.length, asked, 'nothing is asked again');
  });

  it('fetched nothing from elsewhere', () => {
    assert.deepEqual(workbench.remoteRequests(), []);
  });
});
