/** The playground's page in each theme, wide and narrow: pictures for the eye, and names and contrast for everyone. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { playgroundContract } from '../../../src/protocol/playground.ts';
import { accessibilityProblems } from './accessibility.ts';
import { PlaygroundHost } from './playgroundHost.ts';
import { launchBrowser, openPreview, type Preview, themeClasses } from './preview.ts';

const shots = path.resolve(import.meta.dirname, '../../../.cache/screenshots');
const themes = Object.keys(themeClasses) as (keyof typeof themeClasses)[];
const token = (text: string, logProb: number) => ({
  text,
  logProb,
  alternatives: ['the', ' seven', '\n'].map((other, i) => ({ text: other, logProb: logProb - 1 - i })),
});
/** From certain to most doubtful. */
const tokens = ['There', ' are', ' 3', ' and', ' 4', '.'].map((text, i) => token(text, -i * 0.6));
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

describe('the playground’s page, looked at', function () {
  this.timeout(120_000);
  let browser: Browser;
  let preview: Preview<typeof playgroundContract> | undefined;
  before(async () => {
    mkdirSync(shots, { recursive: true });
    browser = await launchBrowser();
  });
  after(() => browser.close());
  afterEach(async () => {
    const errors = preview?.errors ?? [];
    await preview?.close();
    preview = undefined;
    assert.deepEqual(errors, []);
  });

  for (const theme of themes) {
    for (const width of [1300, 340]) {
      it(`is clear and accessible (${theme}, ${width} pixels)`, async () => {
        const host = new PlaygroundHost('word-problem-few-shot-cot.prompty');
        const columns = ['direct', 'few-shot CoT'].map((label, variant) => {
          return { model: 'pebble', label, variant, detail: variant === 0 ? '' : '4 shots' };
        });
        host.fill(columns, (row, column) =>
          column === 0 ? `The answer is ${row}.` : `There are 3 and ${row}. The answer is ${row}.`,
        );
        host.details = { tokens, turns: [{ role: 'user', text: 'That is wrong because 3 + 4 is 7.' }] };
        preview = await openPreview(browser, {
          entry: 'playground',
          contract: playgroundContract,
          handlers: host.handlers,
          theme,
          width,
          height: 800,
          state: { pane: 'answers' },
        });
        host.page = preview.channel.remote;
        const { page } = preview;
        const look = async (name: string): Promise<void> => {
          await page.screenshot({ path: path.join(shots, `pg-${name}-${width}-${theme}.png`) });
          assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), [], name);
        };
        await page.locator('tunesmith-matrix-row').first().waitFor();
        host.page.preview(host.preview());
        await look('matrix');

        await page.locator('[role=gridcell]').nth(1).focus();
        await page.keyboard.press('Enter');
        const options = page.locator('tunesmith-token-map [role=option]');
        await options.last().focus();
        await page.locator('.alternatives .mono').first().waitFor();
        await look('tokens');
        const doubts = await options.evaluateAll(all =>
          all.map(each => `${getComputedStyle(each).backgroundColor} ${getComputedStyle(each).boxShadow}`),
        );
        assert.equal(new Set(doubts).size, tokens.length, 'each doubt looks different');
        // A pointer that passes gives way to where the keyboard is.
        await options.first().hover();
        await page.getByText('There', { exact: true }).and(page.locator('.alternatives b')).waitFor();
        await page.locator('.run-bar').hover();
        await page.locator('.alternatives b', { hasText: '.' }).waitFor();
        await page.keyboard.press('Escape');

        if (width < 760) await page.getByRole('radio', { name: 'Prompt' }).click();
        await page.getByRole('button', { name: 'Add a variant', exact: true }).focus();
        for (const key of ['Enter', 'Enter']) await page.keyboard.press(key);
        await page.getByRole('textbox', { name: 'Prefix 2: text' }).focus();
        await page.locator('.token-bar').waitFor();
        await look('variants');
        host.page.forecast(forecast);
        await page.getByRole('dialog', { name: 'Run 240 cells?' }).waitFor();
        await look('forecast');
      });
    }
  }
});
