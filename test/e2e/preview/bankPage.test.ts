/** The table of an example bank in a browser: 100,000 rows, editing in the cell, the line that cannot be read. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { BankTable } from '../../../src/core/datasets/bankTable.ts';
import { BankView } from '../../../src/core/datasets/bankView.ts';
import { type BankState, bankContract } from '../../../src/protocol/bankEditor.ts';
import { accessibilityProblems } from './accessibility.ts';
import { launchBrowser, openPreview, type Preview, type PreviewTheme } from './preview.ts';

/** A host without an editor: the same table, in memory. */
function bankHost(lines: readonly string[], delay = 0) {
  const view = new BankView(new BankTable(lines));
  while (view.scan(10_000));
  view.needed = ['question', 'answer'];
  const state = (): BankState => ({
    version: view.version,
    file: 'problems.jsonl',
    total: view.total,
    shown: view.order.length,
    fields: view.fields,
    hiddenFields: view.hiddenFields,
    bad: view.bad,
    leaks: view.leaking,
    view: view.view,
    template: 'word-problem',
    tokensBy: 'pebble',
  });
  const copied: string[] = [];
  return {
    view,
    copied,
    handlers: {
      ready: state,
      view: (wanted: BankState['view']) => {
        view.show(wanted);
        return state();
      },
      rows: async ({ from, count }: { from: number; count: number }) => {
        await sleep(delay);
        return { version: view.version, rows: view.rows(from, count) };
      },
      cell: ({ line, field }: { line: number; field: string }) => view.cell(line, field),
      tokens: ({ lines: wanted }: { lines: number[] }) => wanted.map(line => view.rowText(line).split(' ').length),
      edit: async ({ version, edit }: { version: number; edit: Parameters<BankView['edits']>[0] }) => {
        await sleep(delay);
        if (version !== view.version) return null;
        const line =
          'line' in edit ? edit.line : edit.kind === 'add' ? (edit.after ?? -1) : 'lines' in edit ? edit.lines[0]! : -1;
        const at = edit.kind === 'paste' ? edit.at : view.order.indexOf(line);
        view.follow(view.edits(edit));
        return { state: state(), at: view.after(edit, at) };
      },
      addField: () => null,
      copy: ({ lines: wanted }: { lines: number[] }) => {
        copied.push(view.copied(wanted));
        return null;
      },
      openText: () => null,
    },
  };
}

const rowsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      question: `Maya has ${i} boxes of ${i % 9} crayons. She gives ${i % 5} away. How many crayons are left?`,
      reasoning: `${i} boxes of ${i % 9} are ${i * (i % 9)} crayons.`,
      answer: String(i * (i % 9) - (i % 5)),
    }),
  );

describe('the page of an example bank', function () {
  this.timeout(120_000);
  let browser: Browser;
  let preview: Preview<typeof bankContract> | undefined;
  before(async () => {
    browser = await launchBrowser();
  });
  after(async () => {
    await browser.close();
  });
  afterEach(async () => {
    const errors = preview?.errors ?? [];
    await preview?.close();
    preview = undefined;
    assert.deepEqual(errors, []);
  });

  async function open(
    lines: readonly string[],
    options: { theme?: PreviewTheme; width?: number; delay?: number } = {},
  ) {
    const host = bankHost(lines, options.delay);
    preview = await openPreview(browser, {
      entry: 'bank',
      contract: bankContract,
      handlers: host.handlers,
      theme: options.theme ?? 'dark',
      width: options.width ?? 1000,
      height: 640,
    });
    await preview.page.locator('tunesmith-bank-grid').waitFor();
    return { host, page: preview.page };
  }

  for (const theme of ['dark', 'light', 'high-contrast'] as const) {
    it(`has names and contrast for everyone (${theme})`, async () => {
      const lines = rowsOf(60);
      lines[3] = '{"question": "cut off';
      lines[5] = '{"question":"No answer here"}';
      const { page } = await open(lines, { theme });
      await page.getByText('cut off').first().waitFor();
      await page.waitForTimeout(400);
      if (process.env.TUNESMITH_SHOTS)
        await page.screenshot({ path: `${process.env.TUNESMITH_SHOTS}/bank-${theme}.png` });
      assert.deepEqual(await accessibilityProblems(page), []);
    });
  }

  it('is edited with keys alone, and other lines keep their bytes', async () => {
    const lines = rowsOf(20);
    const { host, page } = await open(lines);
    await page.locator('#cell-0-0').waitFor();
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    await page.keyboard.press('F2');
    await page.keyboard.type('0');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('.sheet-cell.active')?.id === 'cell-2-2');
    await page.keyboard.type('42');
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => !document.querySelector('.cell-editor'));
    await page.keyboard.press('Alt+ArrowDown');
    await page.waitForFunction(() => document.querySelector('.sheet-cell.active')?.id === 'cell-3-2');
    await page.keyboard.press('Control+Shift+K');
    await page.waitForFunction(() => document.querySelector('.bar')?.textContent?.includes('19'));
    const expected = lines.map((line, i) => (i === 1 ? line.replace('"answer":"0"', '"answer":"00"') : line));
    expected.splice(2, 1);
    assert.deepEqual(
      expected.map((_, i) => host.view.table.text(i)),
      expected.map((line, i) =>
        i === 1 ? line.replace(/"answer":".*"/, `"answer":"${host.view.cell(1, 'answer')}"`) : line,
      ),
    );
    assert.equal(host.view.cell(1, 'answer'), `${JSON.parse(lines[1]!).answer}0`);
    await page.keyboard.press('Control+c');
    await page.waitForTimeout(100);
    assert.match(host.copied[0] ?? '', /^question\treasoning\tanswer\n/);
  });

  it('loses no key to a host that is slower than the hands', async () => {
    const lines = rowsOf(2);
    const { host, page } = await open(lines, { delay: 150 });
    await page.locator('#cell-1-0 .clip', { hasText: 'Maya' }).waitFor();
    await page.getByRole('grid').focus();
    await page.keyboard.press('Control+Enter');
    for (const [text, end] of [
      ['Two and two?', 'Tab'],
      ['2 + 2 = 4.', 'Tab'],
      ['4', 'Enter'],
    ] as const) {
      await page.keyboard.type(text);
      await page.keyboard.press(end);
    }
    await page.locator('#cell-1-2 .clip', { hasText: '4' }).waitFor();
    assert.deepEqual(
      [0, 1, 2].map(line => host.view.table.text(line)),
      [lines[0]!, '{"question":"Two and two?","answer":"4","reasoning":"2 + 2 = 4."}', lines[1]!],
    );
  });

  it('opens 100,000 rows with a bad line 70,000, shows it, and scrolls without a gap', async () => {
    const lines = rowsOf(100_000);
    lines[69_999] = '{"question": "cut off';
    const { page } = await open(lines);
    await page.getByRole('button', { name: 'Show It' }).click();
    await page.getByText('{"question": "cut off').first().waitFor();
    await page.getByRole('button', { name: 'Show All Rows' }).click();
    await page.locator('#cell-0-0').waitFor();
    const frames = await page.evaluate(async () => {
      const sheet = document.querySelector('.sheet')!;
      const times: number[] = [];
      let before = performance.now();
      for (let i = 0; i < 90; i++) {
        sheet.scrollTop += 400;
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - before);
        before = performance.now();
      }
      return { p95: times.sort((a, b) => a - b)[85]!, top: sheet.scrollTop };
    });
    console.log(`        95 % of frames within ${frames.p95.toFixed(1)} ms`);
    assert.equal(frames.top, 36_000);
    await page.locator('.rows .sheet-cell .clip', { hasText: 'Maya has 1640 boxes' }).waitFor();
  });

  it('says what an empty bank is for, and fits a narrow column', async () => {
    const { page } = await open([''], { width: 420 });
    await page.getByRole('button', { name: 'Add a Row', exact: true }).click();
    await page.locator('#cell-0-0').waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
  });
});
