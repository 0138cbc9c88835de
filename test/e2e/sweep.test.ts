/** A shot sweep in a real editor: from the text of a template to its curve, which is there again after a reload without a question asked. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { Workbench } from './workbench.ts';

const rows = 12;
/** 0 and 1 shots have one order, 2 and 4 have three. */
const columns = 1 + 1 + 3 + 3;

describe('a shot sweep in the editor', function () {
  this.timeout(280_000);
  let server: ChatServer;
  let workbench: Workbench;
  before(async () => {
    // Right where enough examples were shown for numbers of this size.
    server = await startChatServer(({ messages }) => {
      const asked = Number(/\d+/.exec(messages.at(-1)!.content)![0]);
      return asked < 2 + 2 * messages.length ? String(asked + 1) : 'I do not know.';
    });
    workbench = await Workbench.open({
      machineSettings: {
        'tunesmith.endpoints': [{ baseUrl: server.url, models: ['adder'] }],
        'tunesmith.defaultModel': `${server.url}|adder`,
      },
      prepare: folder => {
        const file = (name: string): string => path.join(folder, 'next', name);
        const lines = (list: readonly object[]): string => list.map(one => `${JSON.stringify(one)}\n`).join('');
        mkdirSync(path.join(folder, 'next'));
        writeFileSync(file('rows.jsonl'), lines([...Array(rows).keys()].map(i => ({ q: `${i}`, a: `${i + 1}` }))));
        writeFileSync(
          file('bank.jsonl'),
          lines([...Array(9).keys()].map(i => ({ q: `${90 + i}`, answer: `${91 + i}` }))),
        );
        writeFileSync(
          file('next.prompty'),
          '---\nname: next\ninputs: {q: {kind: string}}\nmodel: {options: {temperature: 0}}\nmetadata:\n  tunesmith: {examples: {bank: bank.jsonl, shots: 2}, rows: rows.jsonl, expected: a}\n---\nuser:\nWhat follows {{ q }}?\n',
        );
      },
    });
  });
  after(async () => {
    await workbench?.close();
    await server?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot('failed-sweep');
  });

  it('is asked about, grows, and comes back', async () => {
    await workbench.openFile('next.prompty');
    await workbench.page.locator('.codelens-decoration a', { hasText: 'Sweep Shots' }).click();
    const page = await workbench.frameWith('.sweep-form');
    // More than 50 calls wait for a yes.
    await page.locator('dialog .go').waitFor();
    await page.locator('dialog button', { hasText: 'Cancel' }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    assert.equal(server.requests.length, 0);
    await page.getByRole('textbox', { name: 'Shots' }).fill('0, 1, 2, 4');
    await page.getByRole('textbox', { name: 'Shots' }).press('Tab');
    await page.getByRole('button', { name: 'Sweep Shots' }).click();
    await page.locator('dialog .go').click();
    await page.locator('.run-bar [role=status]', { hasText: `${rows * columns} answers` }).waitFor({ timeout: 60_000 });
    const table = (): Promise<string[]> => page.locator('.sweep-table tbody tr').allInnerTexts();
    const before = (await table()).map(line => line.split(/\s+/).slice(0, 3).join(' '));
    // Messages are 1, 3, 5 and 9: right are the numbers below 4, 8, 12 and 20.
    assert.deepEqual(before, ['0 33 %', '1 67 %', '2 100 %', '4 100 %']);
    assert.match(await page.locator('.sweep-facts').innerText(), /calls/);
    await workbench.tabsSaved('tunesmith.playground');
    await workbench.screenshotsInThemes('sweep', [1440]);
    const asked = server.requests.length;
    await workbench.load();
    const again = await workbench.frameWith('.sweep-chart .point', 90_000);
    assert.equal(await again.locator('.sweep-chart .point').count(), 4);
    assert.equal(await again.locator('.run-notice').count(), 0);
    assert.equal(server.requests.length, asked);
  });
});
