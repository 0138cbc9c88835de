/** Pictures of the Ranking view in all its looks; only with TUNESMITH_SHOTS set to a folder. */
import type { Browser } from 'playwright-core';
import { parseRankingProject } from '../../../src/core/preferences/rankingSettings.ts';
import { launchBrowser, openPreview, type PreviewTheme } from './preview.ts';
import { PreviewRankingHost, previewItems } from './rankingHost.ts';

const folder = process.env.TUNESMITH_SHOTS;
const guidelines = {
  path: '.tunesmith/guidelines.md',
  version: '0123456789ab',
  text: '1. Every fact kept: March, leak, towel, fast boil, two emails, £45\n2. Nothing added\n3. Calm and specific, in the first person\n4. Under 60 words\n\n| points | means |\n|---|---|\n| 5 | could be published |\n| 1 | unusable |',
};

/** Two models between whom others' judgements are split. */
function uncertain(host: PreviewRankingHost): void {
  host.project = parseRankingProject('next: uncertainty', 'x');
  for (const item of host.items) for (const [i, answer] of item.answers.entries()) answer.model = `local:model-${i}`;
  for (let i = 0; i < 9; i++) host.judgeElsewhere(`review-rewrite-${i}`, 'bob', i % 2 === 0);
}

/** Three people judged, and Ada reviews what they disagree about. */
function disputed(host: PreviewRankingHost): void {
  for (let i = 0; i < 4; i++) {
    host.judgeElsewhere(`review-rewrite-${i}`, 'Ben Okafor', i % 2 === 0);
    host.judgeElsewhere(`review-rewrite-${i}`, 'Cem', i % 2 === 1);
  }
  Object.assign(host.judgements[0]!, { note: 'The second leaves out the price.', flags: ['wrong'] });
  host.startReview = true;
}

describe('pictures of the Ranking page', function () {
  if (!folder) return;
  this.timeout(120_000);
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  const shot = (
    name: string,
    options: {
      width: number;
      height: number;
      answers: number;
      theme?: PreviewTheme;
      kind?: string;
      keys?: string[];
      change?: (host: PreviewRankingHost) => void;
    },
  ) =>
    it(name, async () => {
      const host = new PreviewRankingHost(previewItems(30, options.answers));
      host.guidelines = guidelines;
      host.project = parseRankingProject(
        `kind: ${options.kind ?? 'ranking'}\nflags: [invented-fact, wrong-language]\nscale: {labels: {1: Unusable, 5: Could be published}}`,
        'x',
      );
      options.change?.(host);
      const { page, close } = await openPreview(browser, {
        entry: 'ranking',
        contract: host.contract,
        handlers: host.handlers,
        width: options.width,
        height: options.height,
        theme: options.theme ?? 'dark',
        initial: { surface: options.width < 720 ? 'sidebar' : 'editor' },
      });
      await page.waitForSelector('.rk:not(.loading)');
      for (const key of options.keys ?? []) {
        if (key.length > 1 && key.startsWith('=')) await page.keyboard.type(key.slice(1));
        else await page.keyboard.press(key);
        await page.waitForTimeout(60);
      }
      await page.waitForTimeout(150);
      await page.screenshot({ path: `${folder}/ranking-${name}.png` });
      await close();
    });

  const mark = ['h', 'ArrowRight', 'Shift+ArrowRight', 'Enter', '=not in the review', 'Enter'];
  shot('wide-dark', { width: 1200, height: 800, answers: 4, keys: ['2', '1', 'ArrowDown', '2', ...mark] });
  shot('wide-light-pair', { width: 1200, height: 800, answers: 2, theme: 'light', keys: ['1', 'd'] });
  shot('wide-hc', { width: 1200, height: 800, answers: 4, theme: 'high-contrast', keys: ['2', '1', 'd', ...mark] });
  shot('narrow-dark', { width: 340, height: 900, answers: 4, keys: ['2', '1', 'ArrowDown', '2'] });
  shot('narrow-light-flag', { width: 340, height: 900, answers: 2, theme: 'light', keys: ['2', 'f', 'Space', 'g'] });
  shot('narrow-hc-skip', { width: 340, height: 900, answers: 4, theme: 'high-contrast', keys: ['s'] });
  shot('next-narrow-hc', {
    width: 300,
    height: 900,
    answers: 2,
    theme: 'high-contrast',
    change: uncertain,
  });
  shot('next-wide-light', { width: 760, height: 700, answers: 2, theme: 'light', change: uncertain });
  for (const [theme, width] of [
    ['dark', 1100],
    ['light', 340],
    ['high-contrast', 300],
    ['light', 760],
  ] as const)
    shot(`review-${width}-${theme}`, { width, height: 820, answers: 3, theme, change: disputed, keys: ['1'] });
  shot('rating', { width: 900, height: 700, answers: 4, kind: 'rating', keys: ['4', '2'] });
  shot('accept', { width: 900, height: 700, answers: 4, kind: 'accept-reject', keys: ['y', 'x'] });
  shot('best-worst', { width: 340, height: 900, answers: 4, kind: 'best-worst', keys: ['y', 'ArrowDown', 'x', '?'] });
  shot('conversation', {
    width: 1100,
    height: 700,
    answers: 5,
    theme: 'light',
    keys: ['1', 'Enter', 'm', 'h', 'Shift+ArrowRight'],
    change: host => {
      for (const item of host.items) {
        item.messages.unshift(
          { role: 'system', content: 'You are a calm editor.' },
          { role: 'user', content: 'Can you rewrite reviews?' },
          { role: 'assistant', content: 'Yes. Send me:\n\n- the review\n- the **limit** of words' },
        );
        item.answers[0]!.text = '{"title":"Kettle","facts":["leaks","boils fast"],"price":45}';
        item.answers[1]!.text =
          `# Review\n\n${'A long answer. '.repeat(150)}\n\n> quoted\n\n\`\`\`js\nconst kettle = "leaks";\n\`\`\``;
      }
    },
  });
});
