/** The table of an example bank in a real VS Code: edited with keys, undone by the editor, and on disk only what was changed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Frame, Locator } from 'playwright-core';
import { accessibilityProblems } from './preview/accessibility.ts';
import { Workbench } from './workbench.ts';

/** Written by several hands: spaces, escapes, other orders of fields, a line that cannot be read, no end of line at the end. */
const lines = [
  '{ "problem" : "Maya has 3 boxes of 8 crayons. How many crayons?",  "reasoning":"3 * 8 = 24.", "answer":24 }',
  '{"answer":"10","problem":"Caf\\u00e9: 5 cups at $4 and $30. What is the change?","reasoning":"30 - 20 = 10."}',
  '{"problem":"Ben reads 14 pages a day. How many in 2 weeks?","reasoning":"14 * 14 = 196.","answer":196,"source":{"book":"old","page":3}}',
  '{"problem": "cut off in the mid',
  '{"problem":"A baker makes 60 rolls and sells 45. How many are left?","reasoning":"60 - 45 = 15.","answer":1.50e1}',
];

/** After the second example came in and the one that stood third went. */
const added = '{"problem":"Two and two?","reasoning":"2 + 2 = 4.","answer":4}';
const edited = [lines[0]!, added, lines[1]!, lines[3]!, lines[4]!];

describe('the bank editor', function () {
  this.timeout(180_000);
  let workbench: Workbench;
  let file: string;
  let page: Frame;

  before(async () => {
    workbench = await Workbench.open({
      prepare: folder => writeFileSync(path.join(folder, 'banks', 'odd.jsonl'), lines.join('\n')),
    });
    file = path.join(workbench.folder, 'banks', 'odd.jsonl');
    await workbench.openFile('odd.jsonl');
    await workbench.command('View: Close Primary Side Bar');
    await workbench.command('View: Reopen Editor With...');
    await workbench.pick('Example Bank');
    page = await workbench.frameWith('tunesmith-bank-grid', 60_000);
    await page.locator('#cell-0-0').waitFor();
  });
  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await workbench.screenshot(`failed-bank-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
  });

  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await workbench.page.keyboard.press(key);
  };
  const cell = (row: number, column: number): Locator => page.locator(`#cell-${row}-${column}`);
  const count = (text: string): Promise<void> => page.locator('.bar [role=status]', { hasText: text }).waitFor();
  const dirty = (): Locator => workbench.page.locator('.tab.dirty', { hasText: 'odd.jsonl' });
  async function saved(expected: readonly string[]): Promise<void> {
    await press('Control+s');
    await dirty().waitFor({ state: 'detached' });
    assert.equal(readFileSync(file, 'utf8'), expected.join('\n'));
  }

  it('shows a line that cannot be read with its number, beside the others', async () => {
    await count('5 examples');
    await page.locator('.note', { hasText: '1 line cannot be read' }).waitFor();
    await workbench.screenshotsInThemes('bank', [1440, 468, 368], async () =>
      assert.deepEqual(await accessibilityProblems(page), []),
    );
    await page.getByRole('button', { name: 'Show It' }).press('Enter');
    await page.locator('.detail', { hasText: 'Line 4' }).waitFor();
    assert.match(await page.locator('.detail .note').innerText(), /\S/);
    await page.getByRole('button', { name: 'Show All Rows' }).press('Enter');
    await page.locator('#cell-4-0').waitFor();
  });

  it('changes a cell with keys, and keeps every other byte of the file', async () => {
    await page.getByRole('grid').focus();
    await press('Control+Home', 'ArrowRight', 'ArrowRight', 'F2');
    await page.locator('.cell-editor').waitFor();
    await workbench.page.keyboard.type('00');
    await press('Enter');
    await dirty().waitFor();
    await saved([lines[0]!.replace('"answer":24 }', '"answer":2400 }'), ...lines.slice(1)]);
  });

  it('is undone and redone by the editor', async () => {
    await press('Control+z');
    await cell(0, 2).getByText('24', { exact: true }).waitFor();
    await saved(lines);
    await press('Control+y');
    await cell(0, 2).getByText('2400', { exact: true }).waitFor();
    await press('Control+z');
    await cell(0, 2).getByText('24', { exact: true }).waitFor();
  });

  it('adds a row, fills it, and deletes another', async () => {
    await page.getByRole('grid').focus();
    await press('Control+Home', 'Control+Enter');
    await count('6 examples');
    await workbench.page.keyboard.type('Two and two?');
    await press('Tab');
    await workbench.page.keyboard.type('2 + 2 = 4.');
    await press('Tab');
    await workbench.page.keyboard.type('4');
    await press('Enter');
    await cell(1, 2).getByText('4', { exact: true }).waitFor();
    await press('ArrowDown', 'Control+Shift+K');
    await count('5 examples');
    await saved(edited);
  });

  it('mends the bad line in its place', async () => {
    await page.getByRole('button', { name: 'Show It' }).press('Enter');
    await page.locator('.broken').waitFor();
    await page.getByRole('grid').focus();
    await press('F2');
    await page.locator('.cell-editor').waitFor();
    await press('Control+a');
    const mended = '{"problem":"One and one?","reasoning":"1 + 1 = 2.","answer":2}';
    await workbench.page.keyboard.insertText(mended);
    await press('Enter');
    await page.locator('.note', { hasText: 'Every line can be read.' }).waitFor();
    await saved(edited.map(line => (line === lines[3] ? mended : line)));
  });

  it('finds its place again after the window was reloaded', async () => {
    await workbench.load();
    page = await workbench.frameWith('tunesmith-bank-grid', 60_000);
    await count('5 examples');
    await cell(1, 0).getByText('Two and two?').waitFor();
  });
});
