/** Sweep mode of the playground's page in a browser: the form, the growing curve, the table with the same numbers, keys and names. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { wilson } from '../../../src/core/statistics/intervals.ts';
import { playgroundContract } from '../../../src/protocol/playground.ts';
import type { SweepState } from '../../../src/protocol/playgroundSweep.ts';
import { accessibilityProblems } from './accessibility.ts';
import { PlaygroundHost } from './playgroundHost.ts';
import { launchBrowser, openPreview, type Preview, type PreviewTheme } from './preview.ts';

const screenshots = path.resolve(import.meta.dirname, '../../../.cache/screenshots');

function swept(models = 1, numbers = [0, 1, 2, 4, 8]): SweepState {
  const curve = (m: number): NonNullable<SweepState['shown']>['curves'][number] => ({
    model: `m${m}`,
    label: m === 0 ? 'pebble' : 'SmolLM2-135M-Instruct',
    points: numbers.map((shots, i) => {
      const right = Math.round(40 * (1 - 0.9 / (1 + shots * (0.6 + 0.5 * m))));
      const orders = Array.from({ length: shots < 2 ? 1 : 3 }, (_, order) => wilson(right - 2 * order, 40));
      return {
        shots,
        accuracy: wilson(right, 40),
        orders,
        range: shots < 2 ? null : { estimate: 0.1, low: 0.02, high: 0.2, n: 40 },
        failed: i === 4 && m === 0 ? 1 : 0,
        cut: i === 4 && m === 0 ? 12 : 0,
        versus: i === 0 ? null : { gained: right - 4, lost: i, adjustedP: i === 1 ? 0.031 : 0.0001 },
      };
    }),
  });
  return {
    running: false,
    done: 440,
    total: 440,
    failed: 1,
    secondsLeft: null,
    shown: {
      wanted: { shots: numbers, orders: 3, rows: null },
      seed: 0,
      rows: 40,
      bank: 9,
      leaks: 2,
      calls: 400,
      cached: 40,
      curves: Array.from({ length: models }, (_, m) => curve(m)),
      run: { id: 'run-1', at: '2026-01-20T12:00:00.000Z' },
      outdated: false,
    },
  };
}

describe('sweep mode of the playground’s page', function () {
  this.timeout(120_000);
  let browser: Browser;
  let preview: Preview<typeof playgroundContract> | undefined;
  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    browser = await launchBrowser();
  });
  after(() => browser.close());
  afterEach(async () => {
    const errors = preview?.errors ?? [];
    await preview?.close();
    preview = undefined;
    assert.deepEqual(errors, []);
  });

  async function open(
    options: { template?: string; theme?: PreviewTheme; width?: number; state?: SweepState; mode?: string } = {},
  ) {
    const host = new PlaygroundHost(options.template ?? 'word-problem-few-shot-cot.prompty');
    if (options.state) host.sweep = options.state;
    preview = await openPreview(browser, {
      entry: 'playground',
      contract: playgroundContract,
      handlers: host.handlers,
      theme: options.theme ?? 'dark',
      width: options.width ?? 1300,
      height: 900,
      state: { mode: options.mode ?? 'sweep', pane: 'answers' },
    });
    host.page = preview.channel.remote;
    await preview.page.locator('tunesmith-answers-pane .run-bar').waitFor();
    host.page.preview(host.preview());
    return { host, page: preview.page };
  }
  const called = (host: PlaygroundHost, method: string): unknown[] =>
    host.calls.filter(call => call.method === method).map(({ params }) => params);

  for (const [theme, width, models] of [
    ['dark', 1300, 1],
    ['light', 1300, 2],
    ['high-contrast', 1300, 2],
    ['dark', 300, 2],
    ['light', 468, 1],
  ] as const) {
    it(`has names and contrast for everyone, and room (${theme}, ${width} px)`, async () => {
      const { page } = await open({ theme, width, state: swept(models) });
      await page.locator('.sweep-chart').waitFor();
      await page.screenshot({ path: path.join(screenshots, `sweep-${theme}-${width}.png`) });
      assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), []);
      const [chart, pane] = await Promise.all(
        ['.sweep-chart', '.sweep-scroller'].map(selector => page.locator(selector).boundingBox()),
      );
      assert.ok(chart!.width <= pane!.width, `${chart!.width} ${pane!.width}`);
    });
  }

  it('draws what the table says', async () => {
    const { page } = await open({ state: swept(2) });
    const rows = page.locator('.sweep-table tbody tr');
    assert.equal(await rows.count(), 10);
    assert.deepEqual(await rows.nth(4).locator('th, td').allInnerTexts(), [
      'pebble',
      '8',
      '85 %',
      '71 … 93',
      '75 … 85',
      '30/4',
      '< 0.001',
      '1',
      '12',
    ]);
    assert.equal(await page.locator('.sweep-chart .point').count(), 10);
    assert.equal(await page.locator('.sweep-chart .order').count(), 2 * 3 * 3);
    assert.equal(await page.locator('.sweep-chart .baseline').count(), 2);
    const name = await page.locator('.sweep-chart').getAttribute('aria-label');
    assert.equal(
      name,
      'Accuracy against the number of examples. pebble: 10 % with 0 examples, 85 % with 8. SmolLM2-135M-Instruct: 10 % with 0 examples, 90 % with 8',
    );
    const facts = await page.locator('.sweep-facts').innerText();
    assert.match(facts, /400 calls; 40 answers came from the cache/);
    assert.match(facts, /2 of 9 examples say what a row says/);
    assert.match(facts, /bank has 7 examples that can be shown/);
    assert.match(facts, /Of 12 prompts examples were left out/);
  });

  it('is found beside the other ways to run, and swept with keys', async () => {
    const { host, page } = await open({ mode: 'answers' });
    await page.getByRole('button', { name: 'Run Options' }).click();
    await page.getByRole('menuitem', { name: /Sweep Shots…/ }).click();
    const shots = page.getByRole('textbox', { name: 'Shots' });
    await shots.fill('3 , 0,3 1x');
    await shots.press('Tab');
    assert.match(await page.locator('.sweep-form [role=alert]').innerText(), /whole numbers from 0 to 1000/);
    await page.keyboard.press('Control+Enter');
    assert.deepEqual(called(host, 'sweep'), []);
    await shots.fill('3 , 0,3 1');
    await shots.press('Tab');
    await page.getByRole('spinbutton', { name: /Orders of the same/ }).press('ArrowUp');
    const rows = page.getByRole('spinbutton', { name: /Rows that are tested/ });
    await rows.fill('10');
    await rows.press('Tab');
    await page.keyboard.press('Control+Enter');
    assert.deepEqual(called(host, 'sweep'), [{ wanted: { shots: [0, 1, 3], orders: 4, rows: 10 }, fresh: false }]);
    await page.getByRole('button', { name: 'Run Options' }).click();
    await page.getByRole('menuitem', { name: /Sweep Fresh/ }).click();
    assert.deepEqual((called(host, 'sweep')[1] as { fresh: boolean }).fresh, true);
  });

  it('grows while it runs, and can be stopped', async () => {
    const { host, page } = await open({ state: { ...swept(1, [0, 1]), shown: null } });
    const growing = { ...swept(1, [0, 1]), running: true, done: 30, secondsLeft: 20 };
    host.page.sweep(growing);
    await page.locator('.sweep-chart .point').nth(1).waitFor();
    assert.match(await page.locator('.run-bar [role=status]').innerText(), /30 of 440, 20 s left/);
    host.page.sweep({ ...swept(), running: true, done: 300, secondsLeft: 5 });
    await page.locator('.sweep-chart .point').nth(4).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    assert.equal(called(host, 'stop').length, 1);
  });

  it('says that it is of before, and opens its answers', async () => {
    const state = swept();
    const { host, page } = await open({ state: { ...state, shown: { ...state.shown!, outdated: true } } });
    await page.getByRole('button', { name: 'Sweep Again' }).click();
    assert.deepEqual(called(host, 'sweep'), [
      { wanted: { shots: [0, 1, 2, 4, 8], orders: 3, rows: null }, fresh: false },
    ]);
    await page.getByRole('button', { name: 'Show the Answers' }).click();
    assert.deepEqual(called(host, 'viewRun'), [{ id: 'run-1', answers: true }]);
  });

  it('opens by the command: shows what is there, or begins', async () => {
    const { host, page } = await open({ mode: 'answers', state: swept() });
    host.page.command('sweep');
    await page.locator('.sweep-chart').waitFor();
    assert.deepEqual(called(host, 'sweep'), []);
    host.sweep = { ...swept(), shown: null };
    host.page.command('sweep');
    await page.getByRole('button', { name: 'Sweep Shots' }).waitFor();
    assert.equal(called(host, 'sweep').length, 1);
  });

  it('says what a template lacks', async () => {
    const { page } = await open({ template: 'winograd.prompty' });
    assert.match(await page.locator('.sweep-scroller').innerText(), /has no example bank/);
  });
});
