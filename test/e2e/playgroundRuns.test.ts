/** Runs of the playground in a real VS Code: servers that fail, the cache, a stop, and the timeline with what differs between runs. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ChatAnswer, type ChatRequest, type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { PlaygroundDriver } from './playgroundDriver.ts';
import { accessibilityProblems } from './preview/accessibility.ts';
import { Workbench } from './workbench.ts';

/** What goes wrong at each row while the server is ill. */
const troubles = ['nothing', 'page', 'busy', 'later', 'midway'] as const;
const rows = troubles.map((trouble, i) => ({ q: `${trouble} ${i + 1}`, a: String(i + 1) }));
const jsonLines = (list: readonly object[]): string => `${list.map(row => JSON.stringify(row)).join('\n')}\n`;
const template = `---
name: troubles
inputs: {q: {kind: string}}
model: {options: {temperature: 0, maxOutputTokens: 24}}
metadata:
  tunesmith: {rows: rows.jsonl, expected: a, grade: numbers-equal, reasoning: {answer: {rule: last-number}}}
---
user:
Say the number of {{ q }}.
`;

describe('runs of the playground', function () {
  this.timeout(180_000);
  let server: ChatServer;
  let workbench: Workbench;
  let playground: PlaygroundDriver;
  let ill = true;
  /** Answers stop after their first token until this is fulfilled. */
  let held: Promise<unknown> | undefined;
  const askedAt = new Map<string, number[]>();

  /** Answers with the number, more briefly where it is told to. */
  function answer({ messages }: ChatRequest): ChatAnswer {
    const [trouble = '', number = ''] = /of (\w+) (\d+)/.exec(messages.at(-1)!.content)?.slice(1) ?? [];
    const times = askedAt.get(trouble) ?? [];
    askedAt.set(trouble, [...times, Date.now()]);
    const texts = /brief/.test(messages.at(-1)!.content) ? [number] : ['The number', ` is ${number}.`];
    const tokens = texts.map(text => ({ text, logProb: -0.1, alternatives: [] }));
    const busy = { error: { message: 'Rate limit reached' } };
    if (ill && trouble === 'page') return { status: 200, type: 'text/html', body: '<!doctype html><h1>Welcome</h1>' };
    if (ill && trouble === 'later')
      return { status: 429, headers: { 'retry-after': '600' }, body: JSON.stringify(busy) };
    if (ill && trouble === 'busy' && times.length === 0)
      return { status: 429, headers: { 'retry-after': '1' }, body: JSON.stringify(busy) };
    if (ill && trouble === 'midway' && times.length === 0) return { tokens: tokens.slice(0, 1), breaksOff: true };
    return { tokens, ...(held && { rest: held }) };
  }

  before(async () => {
    server = await startChatServer(answer);
    workbench = await Workbench.open({
      machineSettings: {
        'tunesmith.endpoints': [{ baseUrl: server.url, models: ['teller'] }],
        'tunesmith.defaultModel': `${server.url}|teller`,
      },
      prepare: folder => {
        mkdirSync(path.join(folder, 'troubles'));
        writeFileSync(path.join(folder, 'troubles', 'rows.jsonl'), jsonLines(rows));
        writeFileSync(path.join(folder, 'troubles', 'troubles.prompty'), template);
      },
    });
    playground = new PlaygroundDriver(workbench);
    await playground.open('troubles');
  });
  after(async () => {
    await workbench?.close();
    await server?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await workbench.screenshot(`failed-runs-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
  });

  const press = (...keys: string[]) => playground.press(...keys);
  const accessible = async (): Promise<void> =>
    assert.deepEqual(await accessibilityProblems(playground.page, ['.monaco-editor']), []);
  const runAll = () => playground.choose('Run Options', `Run All ${rows.length} Rows`);
  const figures = (row: number, text: string | RegExp): Promise<void> =>
    playground.cell(row, 0).locator('.figures', { hasText: text }).waitFor();
  const rowsFile = (): string => path.join(workbench.folder, 'troubles', 'rows.jsonl');

  it('says what a server did wrong, waits as it is told, and asks again where an answer broke off', async () => {
    await runAll();
    await playground.status('5 answers, 2 failed');
    await playground.cell(1, 0).getByText('does not answer as a chat completions server does').waitFor();
    await playground
      .cell(3, 0)
      .getByText(/answered 429: Rate limit reached\. Wait a little/)
      .waitFor();
    await playground.cell(2, 0).getByText('The number is 3.', { exact: true }).waitFor();
    await playground.cell(4, 0).getByText('The number is 5.', { exact: true }).waitFor();
    const [first = 0, second = 0] = askedAt.get('busy')!;
    assert.ok(second - first >= 1000, `asked again after ${second - first} ms`);
    assert.deepEqual(
      troubles.map(trouble => askedAt.get(trouble)!.length),
      [1, 1, 2, 1, 2],
    );
    await workbench.screenshotsInThemes('runs-errors', [1440, 390], accessible);
  });

  it('asks again for what failed, and for nothing else', async () => {
    ill = false;
    const before = server.requests.length;
    await playground.choose('Run Options', 'Run Failed');
    await playground.cell(1, 0).getByText('The number is 2.', { exact: true }).waitFor();
    await playground.cell(3, 0).getByText('The number is 4.', { exact: true }).waitFor();
    await playground.status('2 answers');
    assert.equal(server.requests.length, before + 2);
  });

  it('says where an answer is cached, asks past the cache, and forgets it', async () => {
    const before = server.requests.length;
    await runAll();
    for (const row of rows.keys()) await figures(row, 'cached');
    assert.equal(server.requests.length, before);
    await playground.choose('Run Options', 'Run Fresh');
    await figures(0, / s/);
    await figures(1, 'cached');
    assert.equal(server.requests.length, before + 1);
    await workbench.command('Tunesmith: Clear Cache of Answers');
    const dialog = workbench.page.locator('.monaco-dialog-box');
    await dialog.getByText(/Forget 5 answers/).waitFor();
    await dialog.getByRole('button', { name: 'Clear Cache' }).press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await workbench.page.getByText('The cache of answers is empty.').first().waitFor();
    await runAll();
    await figures(4, / s/);
    await playground.status('5 answers');
    assert.equal(server.requests.length, before + 6);
  });

  it('stops within an answer, and says so', async () => {
    await playground.page.locator('.prompt-editor .view-line').last().click();
    await press('Control+End');
    await playground.type('Be brief, and take your time.');
    await playground.page.locator('.prompt-editor', { hasText: 'take your time.' }).waitFor();
    let release = (): void => {};
    held = new Promise<void>(resolve => {
      release = resolve;
    });
    await playground.choose('Run Options', `Run All ${rows.length} Rows`);
    await playground.page.getByRole('button', { name: 'Stop' }).and(playground.page.locator(':enabled')).press('Enter');
    await playground.status(/Stopped at \d of 5/);
    release();
    held = undefined;
    await playground.page.locator('.run-notice', { hasText: 'The last run was stopped' }).waitFor();
  });

  it('goes on with a stopped run', async () => {
    await playground.page.locator('.run-notice').getByRole('button', { name: 'Resume' }).press('Enter');
    await playground.page.locator('.run-notice').waitFor({ state: 'detached' });
    // Brief answers are one token, those of the run before were two.
    for (const row of rows.keys()) await figures(row, /1 tok$/);
    await playground.status(/^\s*\d answers?\s*$/);
  });

  it('asks again only for what has changed', async () => {
    const changed = rows.map((row, i) => (i === 3 ? { q: 'later 7', a: '7' } : row));
    writeFileSync(rowsFile(), jsonLines(changed));
    const before = server.requests.length;
    await playground.choose('Run Options', 'Run Changed');
    await playground.cell(3, 0).locator('.foot b', { hasText: '7' }).waitFor();
    await playground.status('1 answer');
    assert.equal(server.requests.length, before + 1);
  });

  it('shows in the timeline which answers differ between two runs', async () => {
    const { page } = playground;
    await playground.cell(0, 0).focus();
    await press('h');
    const list = page.getByRole('listbox', { name: 'Runs, newest first' });
    await list.and(page.locator(':focus')).waitFor();
    assert.ok((await list.getByRole('option').count()) >= 3);
    await workbench.screenshotsInThemes('runs-timeline', [1440, 390], accessible);
    await press('Home', ' ', 'End', 'd');
    await page.locator('.run-notice.viewing', { hasText: '4 of 4 answers changed' }).waitFor();
    await page.locator('tunesmith-matrix-row', { hasText: 'The number is 1.' }).first().waitFor();
    await workbench.screenshotsInThemes('runs-diff', [1440, 390], accessible);
    await page.locator('.run-notice .back').press('Enter');
    await page.locator('.run-notice.viewing').waitFor({ state: 'detached' });
  });

  it('shows what differs in template and settings, and puts template and rows back', async () => {
    const { page } = playground;
    // It made room for the diff where the window was narrow.
    await page.locator('.history-button').press('Enter');
    const list = page.getByRole('listbox', { name: 'Runs, newest first' });
    await list.and(page.locator(':focus')).waitFor();
    await press('End', 't');
    await workbench.page.locator('.tab.active', { hasText: ' ↔ ' }).waitFor();
    await workbench.page.locator('.monaco-diff-editor', { hasText: 'Be brief' }).first().waitFor();
    await workbench.command('View: Close Editor');
    const again = await playground.find();
    await again.locator('.history-button').press('Enter');
    const listed = again.getByRole('listbox', { name: 'Runs, newest first' });
    await listed.and(again.locator(':focus')).waitFor();
    await press('End', 'r');
    const dialog = workbench.page.locator('.monaco-dialog-box', { hasText: 'The rows in' });
    await dialog.getByRole('button', { name: 'Template and Rows' }).press('Enter');
    await again.locator('.prompt-editor', { hasText: 'Be brief' }).waitFor({ state: 'detached' });
    assert.equal(readFileSync(rowsFile(), 'utf8'), jsonLines(rows));
  });
});
