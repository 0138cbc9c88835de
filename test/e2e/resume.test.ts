/** A run that a reload of the window interrupts goes on where it stopped: no cell that was finished is asked for again. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { Workbench } from './workbench.ts';

const rows = 12;
const answered = 5;

describe('runs in the playground', function () {
  this.timeout(280_000);
  let workbench: Workbench;
  let server: ChatServer;
  let profile: string;
  /** How many requests get an answer; the others wait for what never comes. */
  let open = answered;
  before(async () => {
    server = await startChatServer(() => {
      const number = server.requests.length;
      const tokens = ['It is ', `${number}.`].map(text => ({ text, logProb: -0.1, alternatives: [] }));
      return number <= open ? { tokens } : { tokens, rest: new Promise(() => {}) };
    });
    profile = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-vscode-'));
    // Servers are what the person configured on this machine.
    mkdirSync(path.join(profile, 'data', 'Machine'), { recursive: true });
    writeFileSync(
      path.join(profile, 'data', 'Machine', 'settings.json'),
      JSON.stringify({
        'tunesmith.endpoints': [{ baseUrl: server.url, models: ['adder'] }],
        'tunesmith.defaultModel': `${server.url}|adder`,
      }),
    );
    workbench = await Workbench.open({
      profile,
      prepare: folder => {
        const lines = Array.from({ length: rows }, (_, i) => JSON.stringify({ q: `${i} + 1`, a: String(i + 1) }));
        mkdirSync(path.join(folder, 'sums'));
        writeFileSync(path.join(folder, 'sums', 'sums.jsonl'), `${lines.join('\n')}\n`);
        writeFileSync(
          path.join(folder, 'sums', 'sums.prompty'),
          `---
name: sums
inputs: {q: {kind: string}}
model: {options: {temperature: 0}}
metadata:
  tunesmith: {rows: sums.jsonl, expected: a, grade: numbers-equal, reasoning: {answer: {rule: last-number}}}
---
user:
What is {{ q }}?
`,
        );
      },
    });
  });
  after(async () => {
    await workbench?.close();
    await server?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  const playground = () => workbench.frameWith('[aria-label="Run Options"]');
  const runs = (): string[] => {
    const folder = path.join(workbench.folder, '.tunesmith', 'runs');
    return existsSync(folder)
      ? readdirSync(folder).filter(name => existsSync(path.join(folder, name, 'run.json')))
      : [];
  };
  const keptCells = (): number =>
    runs()
      .map(id => readFileSync(path.join(workbench.folder, '.tunesmith', 'runs', id, 'generations.jsonl'), 'utf8'))
      .reduce((sum, text) => sum + text.split('"type":"cell"').length - 1, 0);
  async function until(what: string, holds: () => boolean): Promise<void> {
    for (const end = Date.now() + 90_000; !holds(); ) {
      assert.ok(Date.now() < end, what);
      await workbench.page.waitForTimeout(100);
    }
  }

  it('offers to go on after a reload, and asks only for what is missing', async () => {
    await workbench.openFile('sums.prompty');
    await workbench.command('Tunesmith: Open Playground');
    const page = await playground();
    // Beside the text there is room for one of the two panes.
    await page.getByRole('radio', { name: 'Answers' }).first().click();
    await page.locator('button[aria-label="Run Options"]').click();
    await page.locator('[role^="menuitem"]', { hasText: `Run All ${rows} Rows` }).click();
    await until('the first answers were not kept', () => keptCells() === answered);
    await until('the others were not asked for', () => server.requests.length > answered);
    await workbench.tabsSaved('sums.prompty');
    await workbench.tabsSaved('tunesmith.playground');
    await workbench.load();
    const again = await playground();
    await again.getByRole('radio', { name: 'Answers' }).first().click();
    await again.locator('.run-notice', { hasText: `${answered} of ${rows} cells are there` }).waitFor();
    await workbench.screenshotsInThemes('resume');
    open = Number.POSITIVE_INFINITY;
    const asked = server.requests.length;
    await again.locator('.run-notice button', { hasText: 'Resume' }).click();
    await until('the run did not come to its end', () => keptCells() === rows);
    await again.locator('.run-notice').waitFor({ state: 'detached' });
    assert.equal(server.requests.length, asked + rows - answered);
    assert.equal(runs().length, 1);
  });
});
