/** The timeline of runs in the playground's page: its keys, its names, what it asks of the host; and the lines above the matrix. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { playgroundContract } from '../../../src/protocol/playground.ts';
import type { RunSummary } from '../../../src/protocol/playgroundRuns.ts';
import { accessibilityProblems } from './accessibility.ts';
import { PlaygroundHost } from './playgroundHost.ts';
import { launchBrowser, openPreview, type Preview, type PreviewTheme } from './preview.ts';

const shots = path.resolve(import.meta.dirname, '../../../.cache/screenshots');

const run = (index: number, patch: Partial<RunSummary> = {}): RunSummary => ({
  id: `run-${index}`,
  at: new Date(Date.UTC(2026, 0, 20, 12) - index * 3_600_000).toISOString(),
  by: 'playground',
  kind: 'answers',
  status: 'done',
  version: 400 - index,
  changes:
    index % 3 === 0 ? ['template +3 −1', 'temperature 0.7 → 1'] : index % 3 === 1 ? ['+ SmolLM2-135M-Instruct'] : [],
  models: ['pebble', 'SmolLM2-135M-Instruct'],
  counts: { total: 1000, done: 1000, failed: index % 4 === 1 ? 3 : 0, graded: 997, right: 800 - index },
  starred: index === 2,
  note: index === 2 ? 'The best so far: says only the number.' : '',
  current: index === 0,
  resumable: false,
  ...patch,
});

describe('the timeline of runs', function () {
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
    options: { theme?: PreviewTheme; width?: number; prepare?: (host: PlaygroundHost) => void } = {},
  ): Promise<{ host: PlaygroundHost; page: Preview<typeof playgroundContract>['page'] }> {
    const host = new PlaygroundHost('word-problem-few-shot-cot.prompty');
    const columns = ['direct', 'few-shot CoT'].map((label, variant) => ({
      model: 'pebble',
      label,
      variant,
      detail: variant === 0 ? '' : '4 shots',
    }));
    host.fill(columns, (row, column) => (column === 0 ? `The answer is ${row}.` : `3 + ${row}. The answer is ${row}.`));
    host.run = { running: false, done: 312, total: 1000, failed: 1, secondsLeft: null };
    host.runs = Array.from({ length: 400 }, (_, i) => run(i, i === 0 ? { status: 'interrupted' } : {}));
    options.prepare?.(host);
    preview = await openPreview(browser, {
      entry: 'playground',
      contract: playgroundContract,
      handlers: host.handlers,
      theme: options.theme ?? 'dark',
      width: options.width ?? 1300,
      height: 800,
      state: { pane: 'answers' },
    });
    host.page = preview.channel.remote;
    await preview.page.locator('tunesmith-matrix-row').first().waitFor();
    return { host, page: preview.page };
  }
  const called = (host: PlaygroundHost, method: string): unknown[] =>
    host.calls.filter(call => call.method === method).map(({ params }) => params);
  const offer = { id: 'run-0', done: 312, total: 1000, interrupted: true, note: null };

  for (const [theme, width] of [
    ['dark', 1300],
    ['light', 1300],
    ['high-contrast', 1300],
    ['high-contrast-light', 1300],
    ['dark', 520],
  ] as const) {
    it(`looks right and has names for everyone (${theme}, ${width} pixels)`, async () => {
      const { page } = await open({
        theme,
        width,
        prepare: host => {
          host.offer = offer;
          host.cells = host.cells.map(cell => (cell.row > 2 ? { ...cell, earlier: true } : cell));
        },
      });
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: path.join(shots, `runs-offer-${theme}-${width}.png`) });
      await page.locator('.history-button').click();
      await page.locator('[role=option]').first().waitFor();
      await page.keyboard.press('ArrowDown');
      await page.screenshot({ path: path.join(shots, `runs-${theme}-${width}.png`) });
      assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor', '.models-menu']), []);
    });
  }

  it('is driven by keys, and draws only the runs in view', async () => {
    const { host, page } = await open();
    await page.getByRole('rowheader', { name: 'Row 1', exact: true }).focus();
    await page.keyboard.press('h');
    const list = page.getByRole('listbox');
    await page.locator('[role=option]').first().waitFor();
    assert.ok((await page.locator('[role=option]').count()) < 40);
    const chosen = () => page.locator('[role=option][aria-selected=true]').getAttribute('id');
    const press = async (...keys: string[]) => {
      for (const key of keys) await list.press(key);
    };
    await press('ArrowDown', 'ArrowDown');
    assert.equal(await chosen(), 'run-run-2');
    await press('Enter', 'd', 't', 'r', '*', 'ArrowUp', ' ', 'End', 'd');
    await page.locator('#run-run-399').waitFor();
    assert.equal(await chosen(), 'run-run-399');
    assert.deepEqual(called(host, 'viewRun'), [{ id: 'run-2', answers: false }]);
    assert.deepEqual(called(host, 'viewDiff'), [
      { before: 'run-3', after: 'run-2' },
      { before: 'run-399', after: 'run-1' },
    ]);
    assert.deepEqual(called(host, 'diffRuns'), [{ before: 'run-3', after: 'run-2' }]);
    assert.deepEqual(called(host, 'restoreRun'), [{ id: 'run-2' }]);
    assert.deepEqual(called(host, 'markRun'), [{ id: 'run-2', starred: false, note: run(2).note }]);
    await press('Home', 'Delete');
    assert.deepEqual(called(host, 'deleteRun'), [], 'the current run stays');
    await press('n');
    await page.locator('.note-dialog textarea').fill('kept');
    await page.locator('.note-dialog textarea').press('Enter');
    assert.deepEqual(called(host, 'markRun').at(-1), { id: 'run-0', starred: false, note: 'kept' });
    await list.press('Escape');
    await list.waitFor({ state: 'detached' });
  });

  it('takes the keyboard, and finds its place again', async () => {
    const { page } = await open();
    await page.locator('.history-button').click();
    const list = page.getByRole('listbox');
    await list.and(page.locator(':focus')).waitFor();
    for (const key of ['End', 'ArrowUp', ' ']) await page.keyboard.press(key);
    await page.locator('#run-run-398[aria-selected=true]').waitFor();
    await page.keyboard.press('Escape');
    await list.waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.locator('#run-run-398[aria-selected=true]').getByText('compared with').waitFor();
    await list.and(page.locator(':focus')).waitFor();
  });

  for (const key of ['d', 'Enter'] as const) {
    it(`makes room in a narrow view for what ${key} shows, and only there`, async () => {
      for (const width of [1300, 400]) {
        const { page } = await open({
          width,
          prepare: host => {
            host.onView = kind => {
              host.page.viewing({ kind, runs: ['run-1', 'run-0'], title: '12:00 ↔ 13:00', detail: '2 of 20 changed' });
              host.page.board(host.board());
            };
          },
        });
        await page.locator('.history-button').click();
        await page.getByRole('listbox').and(page.locator(':focus')).waitFor();
        await page.keyboard.press(key);
        await page.locator('.run-notice.viewing').waitFor();
        if (width === 400) {
          await page.locator('tunesmith-history').waitFor({ state: 'detached' });
          await page.locator('[role=gridcell]:focus').waitFor();
          await page.screenshot({ path: path.join(shots, `runs-narrow-${key}.png`) });
        } else assert.ok(await page.getByRole('listbox').evaluate(list => list === document.activeElement));
        assert.ok(await page.locator('tunesmith-matrix').isVisible());
        await preview!.close();
      }
    });
  }

  it('makes room for what it shows where the window narrows, and stays where nothing was opened', async () => {
    for (const opens of [true, false]) {
      const { page } = await open({
        prepare: host => {
          host.onView = kind => {
            host.page.viewing({ kind, runs: ['run-1', 'run-0'], title: '12:00 ↔ 13:00', detail: '2 of 20 changed' });
            host.page.board(host.board());
          };
        },
      });
      await page.locator('.history-button').click();
      await page.getByRole('listbox').and(page.locator(':focus')).waitFor();
      if (opens) {
        await page.keyboard.press('d');
        await page.locator('.run-notice.viewing').waitFor();
      }
      await page.setViewportSize({ width: 1250, height: 800 });
      await page.waitForTimeout(100);
      assert.ok(await page.locator('tunesmith-history').isVisible(), 'there is room for both');
      await page.setViewportSize({ width: 400, height: 800 });
      if (opens) {
        await page.locator('tunesmith-history').waitFor({ state: 'detached' });
        await page.locator('[role=gridcell]:focus').waitFor();
        await page.screenshot({ path: path.join(shots, 'runs-narrowed.png') });
        await page.locator('.history-button').click();
        await page.getByRole('listbox').and(page.locator(':focus')).waitFor();
      } else {
        await page.waitForTimeout(300);
        assert.ok(await page.getByRole('listbox').evaluate(list => list === document.activeElement));
      }
      await preview!.close();
    }
  });

  it('offers to go on with an interrupted run, and runs what failed or changed', async () => {
    const { host, page } = await open({ prepare: made => Object.assign(made, { offer }) });
    assert.match(await page.locator('.run-notice').innerText(), /interrupted: 312 of 1000 cells are there/);
    await page.locator('.run-notice').getByRole('button', { name: 'Resume' }).click();
    for (const name of ['Run Failed', 'Run Changed', 'Resume']) {
      await page.getByRole('button', { name: 'Run Options' }).click();
      await page.getByRole('menuitem', { name }).click();
    }
    host.page.command('failed');
    await page.waitForTimeout(100);
    assert.equal(called(host, 'resume').length, 2);
    assert.deepEqual(called(host, 'runSome'), [{ which: 'failed' }, { which: 'changed' }, { which: 'failed' }]);
    host.page.offer(null);
    await page.locator('.run-notice').waitFor({ state: 'detached' });
  });

  it('shows a past run to be read only', async () => {
    const { host, page } = await open({
      prepare: made => {
        made.viewing = {
          kind: 'diff',
          runs: ['run-3', 'run-2'],
          title: '12:00 ↔ 13:00',
          detail: '2 of 20 answers changed',
        };
      },
    });
    assert.match(await page.locator('.run-notice').innerText(), /2 of 20 answers changed/);
    await page.locator('[role=gridcell]').first().focus();
    for (const key of ['r', '*', 'p']) await page.keyboard.press(key);
    assert.deepEqual([called(host, 'retry'), called(host, 'mark')], [[], []]);
    assert.equal(await page.locator('.sample [aria-label="Run Again (r)"]').count(), 0);
    await page.screenshot({ path: path.join(shots, 'runs-viewing.png') });
    await page.locator('.run-notice .back').click();
    await page.waitForTimeout(50);
    assert.equal(called(host, 'viewCurrent').length, 1);
  });
});
