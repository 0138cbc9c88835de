/** Score mode of the playground's page in a browser: bars, winners, switches, tokens, keys, and names for screen readers. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { playgroundContract } from '../../../src/protocol/playground.ts';
import type { ScoreCell } from '../../../src/protocol/playgroundScores.ts';
import { accessibilityProblems } from './accessibility.ts';
import { PlaygroundHost } from './playgroundHost.ts';
import { launchBrowser, openPreview, type Preview, type PreviewTheme } from './preview.ts';

const screenshots = path.resolve(import.meta.dirname, '../../../.cache/screenshots');
const figures = (total: number, tokens: number) => ({
  total,
  'per-token': total / tokens,
  'per-character': total / (4 * tokens),
});
const models = [
  { id: 'local:pebble', label: 'pebble' },
  { id: 'local:SmolLM2-135M-Instruct', label: 'SmolLM2-135M-Instruct' },
];
const accuracy = { right: 14, n: 24, estimate: 14 / 24, low: 0.39, high: 0.76 };

/** Two candidates in each row; the first wins by the sum, the second by the mean. Row 3 failed. */
function fill(host: PlaygroundHost, lastWord: boolean): void {
  const rows = Array.from({ length: 24 }, (_, i) => i);
  const names = ['The piano', 'the door of the old house by the river'];
  host.setup = { ...host.setup, models: models.map(({ id }) => id) };
  host.scoreCells = models.flatMap(({ id: column }, m) =>
    rows.map((row): ScoreCell => {
      const candidate = (text: string, total: number, tokens: number) => ({
        text,
        partial: figures(total, tokens),
        full: lastWord ? null : figures(2 * total - row, tokens + 8),
        rank: lastWord ? 1 + row * m : null,
      });
      return {
        column,
        row,
        error: row === 3 && m === 1 ? 'The prompt has 600 tokens, but this model reads at most 512. Shorten it.' : null,
        context: lastWord
          ? 'The baker put the loaves into the oven and waited. After an hour the whole street smelled of fresh'
          : `The piano would not go through the door because ___ was too wide (${row}).`,
        candidates: lastWord
          ? [candidate('bread', -0.2 - row / 4, 1)]
          : [candidate(names[0]!, -9 - row / 9, 3), candidate(names[1]!, -9.5 - row / 7, 9)],
        expected: lastWord ? 0 : row % 2,
        greedy: lastWord ? row * m === 0 : null,
      };
    }),
  );
  host.scores = {
    running: false,
    done: 48,
    total: 48,
    failed: 1,
    version: 1,
    rows,
    run: null,
    outdated: false,
    columns: models.map(({ id: column, label }, m) => ({
      column,
      label,
      variant: '',
      failed: m,
      ways: lastWord
        ? []
        : (['partial', 'full'] as const).flatMap(method =>
            (['total', 'per-token', 'per-character'] as const).map(by => ({ method, by, accuracy })),
          ),
      words: lastWord ? { accuracy, perplexity: 3.534, medianRank: 1 } : null,
    })),
  };
  const tokens = [' was', ' too', ' wide', '.'].map((text, i) => ({
    text,
    logProb: -0.4 - i,
    alternatives: [
      { text: ' is', logProb: -0.3 },
      { text, logProb: -0.4 - i },
    ],
  }));
  host.scoreTokens = names.map(text => ({ text, partial: tokens, full: tokens.slice(1) }));
}

describe('score mode of the playground’s page', function () {
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

  async function open(template: string, options: { theme?: PreviewTheme; width?: number; empty?: boolean } = {}) {
    const host = new PlaygroundHost(template);
    if (!options.empty) fill(host, template.startsWith('last'));
    preview = await openPreview(browser, {
      entry: 'playground',
      contract: playgroundContract,
      handlers: host.handlers,
      theme: options.theme ?? 'dark',
      width: options.width ?? 1300,
      height: 800,
      state: { mode: 'scores', pane: 'answers' },
    });
    host.page = preview.channel.remote;
    await preview.page.locator('tunesmith-score-pane').waitFor();
    host.page.preview(host.preview());
    return { host, page: preview.page };
  }
  const shot = (page: Preview<typeof playgroundContract>['page'], name: string) =>
    page.screenshot({ path: path.join(screenshots, `scores-${name}.png`) });
  const called = (host: PlaygroundHost, method: string): unknown[] =>
    host.calls.filter(call => call.method === method).map(({ params }) => params);

  for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light'] as const) {
    it(`has names and contrast for everyone (${theme})`, async () => {
      const { page } = await open('winograd.prompty', { theme });
      await page.getByRole('button', { name: /^2 / }).click();
      await page.locator('tunesmith-token-map').first().waitFor();
      await shot(page, theme);
      assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), []);
    });
  }

  it('shows the winner by the figure that decides', async () => {
    const { page } = await open('winograd.prompty');
    const best = page.locator('.scores tr[data-row="0"] td').first().locator('.best .clip');
    assert.equal(await best.textContent(), 'The piano, most likely');
    await page.getByRole('radio', { name: 'Per token' }).click();
    assert.match((await best.textContent())!, /^the door/);
    await page.getByRole('radio', { name: 'Per token' }).press('ArrowLeft');
    assert.match((await best.textContent())!, /^The piano/);
    const nats = page.locator('.scores tr[data-row="0"] td').first().locator('.best .num').last();
    assert.equal(await nats.innerText(), '−9.00');
    await page.getByRole('radio', { name: 'Whole' }).click();
    assert.equal(await nats.innerText(), '−18.00');
    assert.equal(await page.locator('.scores tr[data-row="3"]').getByText('The prompt has 600 tokens').count(), 1);
  });

  it('is walked by keys, opens the tokens of a row and runs', async () => {
    const { host, page } = await open('winograd.prompty');
    await page.locator('.scores tr[data-row="0"] button.score-fold').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('tunesmith-token-map').first().waitFor();
    assert.deepEqual(
      called(host, 'scoreTokens'),
      models.map(({ id: column }) => ({ column, row: 1 })),
    );
    assert.equal(await page.locator('tunesmith-token-map').first().locator('[role=option]').count(), 4);
    await page.getByRole('radio', { name: 'Whole' }).click();
    assert.equal(await page.locator('tunesmith-token-map').first().locator('[role=option]').count(), 3);
    await page.keyboard.press('Control+Enter');
    await new Promise(resolve => setTimeout(resolve, 100));
    assert.deepEqual(called(host, 'score'), [{ kind: 'row', row: 1 }]);
    assert.deepEqual(called(host, 'run'), []);
  });

  it('shows last words with probability and rank', async () => {
    const { page } = await open('last-word.prompty', { theme: 'light' });
    await page.locator('.scores tr[data-row="2"] td').first().waitFor();
    assert.match(
      await page.locator('.scores tr[data-row="2"] td').last().innerText(),
      /bread[\s\S]*50 %[\s\S]*−0\.70[\s\S]*rank 3/,
    );
    assert.match(await page.locator('.scores thead').innerText(), /perplexity of a word 3\.53, median rank 1/);
    await shot(page, 'last-word-light');
  });

  it('has one pane in a narrow view', async () => {
    const { page } = await open('winograd.prompty', { width: 340 });
    await page.locator('.scores tr[data-row="0"]').waitFor();
    const box = await page.getByRole('radio', { name: 'Per character' }).boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 340, 'all switches are in view');
    await shot(page, 'narrow');
  });

  it('says what to do where nothing was scored, and where the template does not say what', async () => {
    const { host, page } = await open('winograd.prompty', { empty: true });
    await shot(page, 'empty');
    await page.getByRole('button', { name: /Score All/ }).click();
    assert.deepEqual(called(host, 'score'), [{ kind: 'all' }]);
    await preview!.close();
    const other = await open('reply-to-review.prompty', { empty: true });
    await shot(other.page, 'unsaid');
    await other.page.getByLabel(/Candidates, one a line/).fill('good\nbad\n');
    await other.page.getByRole('button', { name: 'Use These Candidates' }).click();
    await other.page.getByText('Score All').waitFor();
    assert.deepEqual(called(other.host, 'set'), [
      { path: ['metadata', 'tunesmith', 'score', 'candidates'], value: ['good', 'bad'] },
    ]);
    await other.page.getByRole('radio', { name: 'Answers' }).press('ArrowLeft');
  });
});
