/** The playground's page in a browser with a scripted host: what it shows, its keys, its names for screen readers. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { playgroundContract } from '../../../src/protocol/playground.ts';
import { accessibilityProblems } from './accessibility.ts';
import { PlaygroundHost } from './playgroundHost.ts';
import { launchBrowser, openPreview, type Preview, type PreviewTheme } from './preview.ts';

describe('the playground’s page', function () {
  this.timeout(120_000);
  let browser: Browser;
  let preview: Preview<typeof playgroundContract> | undefined;
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
    template: string,
    options: { theme?: PreviewTheme; width?: number; fill?: (row: number, column: number) => string } = {},
  ): Promise<{ host: PlaygroundHost; page: Preview<typeof playgroundContract>['page'] }> {
    const host = new PlaygroundHost(template);
    if (options.fill) {
      host.fill(
        [
          { model: 'pebble', label: 'direct', variant: 0, detail: '' },
          { model: 'pebble', label: 'few-shot CoT', variant: 1, detail: '4 shots' },
        ],
        options.fill,
      );
    }
    preview = await openPreview(browser, {
      entry: 'playground',
      contract: playgroundContract,
      handlers: host.handlers,
      theme: options.theme ?? 'dark',
      width: options.width ?? 1300,
      height: 800,
    });
    host.page = preview.channel.remote;
    await preview.page.locator('.prompt-editor .view-line').first().waitFor();
    host.page.preview(host.preview());
    return { host, page: preview.page };
  }
  const called = (host: PlaygroundHost, method: string): unknown[] =>
    host.calls.filter(call => call.method === method).map(({ params }) => params);

  for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light'] as const) {
    it(`has names and contrast for everyone (${theme})`, async () => {
      const { page } = await open('word-problem-few-shot-cot.prompty', {
        theme,
        fill: (row, column) => (column === 0 ? `The answer is ${row}.` : `Then 3 + ${row}. The answer is ${row}.`),
      });
      await page.locator('.token-bar').waitFor();
      // The code editor is a part of its own; its insides are tested where it is made.
      assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), []);
    });
  }

  it('sends what is typed as edits of the file, and settings as keys of the front matter', async () => {
    const { host, page } = await open('reply-to-review.prompty');
    const before = host.text;
    await page.locator('.prompt-editor .view-lines').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('Be kind.');
    await page.getByRole('textbox', { name: 'Temperature' }).fill('0.25');
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => document.querySelectorAll('.prompt-editor .view-line').length > 0);
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.equal(host.text, before.replace('temperature: 1', 'temperature: 0.25') + 'Be kind.');
    await page
      .getByRole('radio', { name: 'Zero-shot CoT' })
      .or(page.getByRole('combobox', { name: 'Reasoning strategy' }))
      .first()
      .waitFor();
  });

  it('takes in what others type without losing the caret or a keystroke', async () => {
    const { host, page } = await open('reply-to-review.prompty');
    await page.locator('.prompt-editor .view-lines').click();
    await page.keyboard.press('Control+End');
    const typing = page.keyboard.type('abcdefghij', { delay: 20 });
    for (let i = 0; i < 5; i++) {
      const at = host.bodyStart;
      host.changeText([at, `${i}\n`], false);
      await new Promise(resolve => setTimeout(resolve, 35));
    }
    await typing;
    await new Promise(resolve => setTimeout(resolve, 400));
    assert.ok(host.text.endsWith('abcdefghij'), host.text.slice(-40));
    assert.match(host.text, /---\n4\n3\n2\n1\n0\n/);
    const shown = await page.locator('.prompt-editor .view-lines').innerText();
    assert.equal(shown.replaceAll('\u00a0', ' ').includes('abcdefghij'), true);
  });

  it('refuses a number that is none', async () => {
    const { host, page } = await open('reply-to-review.prompty');
    const field = page.getByRole('textbox', { name: 'Top-p' });
    await field.fill('2');
    await page.keyboard.press('Tab');
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.deepEqual(called(host, 'set'), []);
  });

  it('is driven by keys: Ctrl+Enter runs, arrows walk the grid and the rows', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', { fill: row => `The answer is ${row}.` });
    await page.keyboard.press('Control+Enter');
    await page.getByRole('table', { name: 'Rows of inputs' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Control+Enter');
    await new Promise(resolve => setTimeout(resolve, 100));
    assert.deepEqual(called(host, 'run'), [
      { kind: 'row', row: 1 },
      { kind: 'row', row: 2 },
    ]);
    await page.getByRole('rowheader', { name: 'Row 1', exact: true }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    const focused = await page.evaluate(() => document.activeElement?.textContent?.trim());
    assert.match(focused ?? '', /^Row 2, pebble, direct/);
  });

  it('draws the rows of inputs in view alone, and brings the chosen one into it', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty');
    const total = host.template().rows.values.length;
    const row = (index: number) => page.locator(`.table.inputs tr[data-row="${index}"]`);
    assert.ok(total > 20 && (await page.locator('.table.inputs tr[data-row]').count()) < total);
    assert.equal(await row(total - 1).count(), 0);
    await page.getByRole('table', { name: 'Rows of inputs' }).focus();
    await page.keyboard.press('End');
    await page.locator(`.table.inputs tr[data-row="${total - 1}"][aria-selected=true]`).waitFor();
    const inView = await row(total - 1).evaluate(element => {
      const [own, view] = [element, element.closest('.rows')!].map(part => part.getBoundingClientRect());
      return own!.top >= view!.top && own!.bottom <= view!.bottom + 1;
    });
    assert.ok(inView, 'the last row is not in view');
    await page.keyboard.press('Home');
    await row(0).waitFor();
    assert.equal(await row(0).getAttribute('aria-selected'), 'true');
  });

  it('shows answers as text and the provider’s words where one failed', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', {
      fill: row => `<img src="https://example.com/x.png"> ![](https://example.com/y.png) **${row}**`,
    });
    assert.equal(await page.locator('.matrix img').count(), 0);
    assert.match(await page.locator('.sample .prose').first().innerText(), /<img src=.*!\[\]/);
    await page.getByRole('button', { name: 'Retry' }).click();
    assert.equal(called(host, 'retry').length, 1);
    assert.match(await page.locator('.sample.failed').innerText(), /503: server busy/);
  });

  it('folds into one pane where there is no room for two', async () => {
    const { page } = await open('word-problem-few-shot-cot.prompty', { width: 560 });
    assert.equal(await page.locator('tunesmith-answers-pane').isVisible(), false);
    await page.getByRole('radio', { name: 'Answers' }).click();
    assert.equal(await page.locator('tunesmith-answers-pane').isVisible(), true);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
  });

  it('draws only what is in view of 21,420 cells, and asks for the rows that come into it', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', { fill: row => `The answer is ${row}.` });
    const [first] = host.cells;
    host.columns = Array.from({ length: 18 }, (_, i) => ({ ...host.columns[0]!, id: `m#${i}`, variant: i }));
    host.cells = Array.from({ length: 1190 }, (_, row) =>
      host.columns.map(({ id }) => ({ ...first!, column: id, row, text: `Row ${row}. ${'word '.repeat(400)}` })),
    ).flat();
    host.page.restart({});
    const grid = page.getByRole('grid', { name: 'Answers' });
    await page.locator('[role=grid][aria-rowcount="1191"]').waitFor();
    assert.equal(await grid.getAttribute('aria-colcount'), '19');
    await page.getByRole('rowheader', { name: 'Row 1', exact: true }).focus();
    await page.keyboard.press('Control+End');
    await page.waitForFunction(
      () => document.activeElement?.textContent?.includes('Row 1189.') && document.activeElement.role === 'gridcell',
    );
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-colindex')), '19');
    const drawn = await page.locator('[role=gridcell]').count();
    assert.ok(drawn < 200, `${drawn} cells are drawn`);
    const asked = Math.max(...called(host, 'window').map(rows => (rows as number[]).length));
    assert.ok(asked < 60, `${asked} rows were asked for at once`);
  });

  it('marks, stars and compares answers by keys, and opens one to go on with it', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', { fill: row => `The answer is ${row}.` });
    host.details = {
      tokens: [{ text: 'The', logProb: -0.7, alternatives: [{ text: 'A', logProb: -1.2 }] }],
    };
    await page.getByRole('rowheader', { name: 'Row 1', exact: true }).focus();
    for (const key of ['ArrowRight', 'Space', 'ArrowDown', 'Space', 'd', '*']) await page.keyboard.press(key);
    await page.locator('.codicon-star-full').first().waitFor();
    const key = (row: number) => ({ column: 'pebble#0', row, repeat: 0 });
    assert.deepEqual(called(host, 'diff'), [{ left: key(0), right: key(1) }]);
    assert.deepEqual(called(host, 'mark'), [{ cell: key(1), marks: { starred: true, pinned: false, note: '' } }]);
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: /^The, 50 %/ }).hover();
    assert.match(await page.locator('.alternatives').innerText(), /A\s+30 %/);
    await page.getByRole('button', { name: 'Tell it what is wrong' }).click();
    await page.keyboard.type('3 + 4 is 7.');
    await page.keyboard.press('Enter');
    await page.waitForTimeout(100);
    assert.deepEqual(called(host, 'say'), [{ cell: key(1), text: 'That is wrong because 3 + 4 is 7.' }]);
    assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), []);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('tunesmith-cell-view').count(), 0);
  });

  it('keeps all marks of keys that come faster than the host answers', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', { fill: row => `The answer is ${row}.` });
    await page.locator('[role=gridcell]').first().focus();
    await page
      .locator('[role=gridcell]')
      .first()
      .evaluate(cell => {
        for (const key of ['*', 'p']) cell.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      });
    await page.locator('.cell .sign', { hasText: 'starred' }).waitFor();
    await page.locator('.cell .sign', { hasText: 'pinned' }).waitFor();
    assert.deepEqual(
      called(host, 'mark').map(params => (params as { marks: object }).marks),
      [
        { starred: true, pinned: false, note: '' },
        { starred: true, pinned: true, note: '' },
      ],
    );
  });

  it('keeps a mark where the host still tells of the one before', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', { fill: row => `The answer is ${row}.` });
    let answer = (): void => {};
    const held = new Promise<void>(resolve => {
      answer = resolve;
    });
    host.beforeMark = () => held;
    const first = page.locator('[role=gridcell]').first();
    await first.focus();
    for (const key of ['*', 'p']) await page.keyboard.press(key);
    await page.locator('.cell .sign', { hasText: 'pinned' }).waitFor();
    const marks = { starred: true, pinned: false, note: '' };
    host.page.cells({ cells: [{ ...host.cells[0]!, marks }], append: [], clear: false });
    await page.waitForTimeout(200);
    assert.ok(await page.locator('.cell .sign', { hasText: 'pinned' }).isVisible());
    answer();
  });

  it('makes variants by keys alone, and keeps them in the template', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', { fill: row => `The answer is ${row}.` });
    const axes = () =>
      host.template().axes.map(({ axis, values }) => [axis, values.map(({ label, text }) => `${label}=${text}`)]);
    await page.getByRole('button', { name: 'Add a variant', exact: true }).focus();
    for (const key of ['Enter', 'Enter']) await page.keyboard.press(key);
    await page.getByRole('textbox', { name: 'Prefix 2: text' }).waitFor();
    assert.match(axes()[0]![1]![1]!, /^code header=# Copyright 2022 Google LLC\n/);
    await page.getByRole('textbox', { name: 'Prefix 2: name' }).fill('none');
    await page.keyboard.press('Tab');
    assert.equal(await page.getByRole('textbox', { name: 'Prefix 2: name' }).getAttribute('aria-invalid'), 'true');
    await page.getByRole('textbox', { name: 'Prefix 2: name' }).fill('header');
    await page.getByRole('textbox', { name: 'Prefix 2: text' }).fill('# Code');
    await page.getByRole('button', { name: 'Add a Variant', exact: true }).focus();
    for (const key of ['Enter', 't', 'Enter']) await page.keyboard.press(key);
    const temperatures = page.getByRole('textbox', { name: 'Temperature, with commas between' });
    await temperatures.fill('0, 0.5; 1');
    await page.keyboard.press('Tab');
    await page.getByText('2 × 3 = 6 columns').waitFor();
    assert.deepEqual(axes(), [
      ['prefix', ['none=', 'header=# Code']],
      ['temperature', ['0=0', '0.5=0.5', '1=1']],
    ]);
    await temperatures.fill('0, 0');
    await page.keyboard.press('Tab');
    assert.equal(await temperatures.getAttribute('aria-invalid'), 'true');
    assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), []);
    await page.getByRole('checkbox', { name: 'Run them as columns' }).uncheck();
    await page.getByRole('button', { name: 'Actions for few-shot CoT' }).click();
    await page.getByRole('menuitem', { name: 'Use as Baseline' }).click();
    assert.deepEqual([host.setup.axes, host.setup.baseline], [false, '1']);
    await page.getByRole('button', { name: 'Remove Prefix' }).click();
    await page.getByRole('button', { name: 'Remove Temperature' }).click();
    await page.getByRole('button', { name: 'Add a variant', exact: true }).waitFor();
    assert.doesNotMatch(host.text, /axes:/);
  });

  it('asks before a big run, with what it will take', async () => {
    const { host, page } = await open('word-problem-few-shot-cot.prompty', { fill: row => `The answer is ${row}.` });
    const forecast = {
      cells: 240,
      cached: 40,
      exact: false,
      calls: 200,
      promptTokens: 40_123,
      completionTokens: { expected: 4000, most: 12_800 },
      counted: true,
      cost: { expected: 0.12, most: 0.4 },
      seconds: 130,
    };
    await page.getByRole('button', { name: 'Run', exact: true }).focus();
    host.page.forecast(forecast);
    const dialog = page.getByRole('dialog', { name: 'Run 240 cells?' });
    await dialog.waitFor();
    assert.match(
      (await dialog.innerText()).replace(/\s+/g, ' '),
      /Calls 200; 40 cells are in the cache Tokens in about 40,000 Tokens out about 4,000, at most 12,800 Cost about \$0.120, at most \$0.400 Time about 2 min/,
    );
    assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), []);
    await page.keyboard.press('Escape');
    host.page.forecast(null);
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), 'Run');
    host.page.forecast({ ...forecast, cost: null, seconds: null });
    await dialog.waitFor();
    await page.keyboard.press('Enter');
    await page.waitForTimeout(100);
    assert.deepEqual(called(host, 'confirm'), [{ run: false }, { run: true }]);
  });
});
