import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { comparison } from '../../../src/core/jobs/comparison.ts';
import { type Dashboard, dashboard } from '../../../src/core/jobs/dashboard.ts';
import { MetricColumns } from '../../../src/core/jobs/metricColumns.ts';
import { rlhfPresets } from '../../../src/core/jobs/presets.ts';
import { rewardReport } from '../../../src/core/jobs/rewardReport.ts';
import { type Comparison, jobComparisonContract, jobDashboardContract } from '../../../src/protocol/jobDashboard.ts';
import { goldEvents, jobState, rewardEvents, rewardJob, rlhfEvents, rlhfJob, summedJob } from '../../fakes/jobs.ts';
import { softened } from '../../fakes/refusals.ts';
import { accessibilityProblems } from './accessibility.ts';
import { launchBrowser, openPreview, type PreviewTheme } from './preview.ts';
import { saveScreenshot } from './screenshots.ts';

const running = (steps: number): Dashboard =>
  dashboard({
    id: 'j',
    specification: rlhfJob(),
    status: 'running',
    state: jobState({ step: steps, secondsLeft: 360 }),
    events: rlhfEvents(steps),
    madeBy: () => 'rm-job',
  });
const failed = dashboard({
  id: 'j',
  specification: rlhfJob(),
  status: 'failed',
  state: jobState({ step: 31, error: { human: true, message: 'The disk is full. Free some space and resume.' } }),
  events: rlhfEvents(31),
});
const queued = dashboard({ id: 'j', specification: rewardJob(), status: 'queued', events: [] });
const done = dashboard({
  id: 'j',
  specification: rewardJob(),
  status: 'succeeded',
  state: jobState({ step: 20, totalSteps: 20 }),
  events: rewardEvents(20),
  result: {
    format: 1,
    adapter: '/a',
    seconds: 22,
    metrics: {},
    accuracy: { estimate: 0.74, low: 0.54, high: 0.87, n: 23 },
    report: rewardReport(
      Array.from({ length: 23 }, (_, i) => ({
        margin: (i < 17 ? 0.1 : -0.1) * ((i * 7) % 23),
        chosen: 20 + i,
        rejected: 25,
      })),
    ),
    warnings: [],
  },
});

/** A reward of three parts, two reward models among them, with a gold beside it and refusals before and after. */
const summed = dashboard({
  id: 'j',
  specification: summedJob(),
  status: 'succeeded',
  state: jobState({ step: 200 }),
  events: goldEvents(200),
  result: {
    format: 1,
    adapter: '/a',
    seconds: 800,
    metrics: {
      reward_before: 0.1,
      reward_after: 2.1,
      kl: 10.6,
      gold_before: 0.2,
      gold_best: 1.1,
      gold_best_step: 100,
      gold_last: 0.7,
      written_step: 100,
      steps: 200,
    },
    warnings: [],
  },
  refusals: softened,
});

describe("a job's dashboard", () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  async function open(job: Dashboard, options: { width?: number; theme?: PreviewTheme } = {}) {
    const asked: string[] = [];
    const preview = await openPreview(browser, {
      entry: 'jobs',
      contract: jobDashboardContract,
      handlers: {
        open: () => job,
        act: ({ action }) => {
          asked.push(action);
          return null;
        },
        openJob: ({ job: id }) => void asked.push(`job ${id}`),
        showCurves: ({ all }) => void asked.push(`curves ${all}`),
        compareSamples: ({ before, now }) => void asked.push(`samples ${before} ${now}`),
      },
      width: options.width ?? 1280,
      height: 900,
      ...(options.theme ? { theme: options.theme } : {}),
      initial: { id: 'j' },
    });
    await preview.page.waitForSelector('.head');
    return { ...preview, asked };
  }

  it('says where a running job stands, and follows it', async () => {
    const { page, channel, asked, errors, close } = await open(running(100));
    const head = () => page.locator('.st').innerText();
    assert.match((await head()).replace(/\s+/g, ' '), /Running.*step 100.*of 200.*6 min left.*4\.4 s a step.*RLHF/);
    channel.remote.show(running(118));
    await page.locator('.st', { hasText: /step\s*118/ }).waitFor();
    assert.equal(await page.locator('.u-over').count(), 5);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'polite-rm' }).click();
    await page.getByRole('button', { name: 'Open Specification' }).click();
    await page.waitForTimeout(100);
    assert.deepEqual(asked.toSorted(), ['job rm-job', 'open-specification', 'stop']);
    assert.deepEqual(errors, []);
    await close();
  });

  it('has each curve as a table, and fixed prompts before and now', async () => {
    const { page, close } = await open(running(118));
    const captions = await page.locator('.charts table caption').allTextContents();
    assert.deepEqual(captions, [
      'Reward, training',
      'Reward, fixed prompts',
      'Reward against √KL, reward',
      'KL to the base, KL',
      'Answer length, mean',
      'Entropy of an answer, policy',
    ]);
    assert.equal(await page.locator('.fx tbody tr').count(), 4);
    assert.match(await page.locator('.fx tbody tr').last().innerText(), /−0\.18/);
    await close();
  });

  it('leaves no chart alone in its row', async () => {
    for (const [job, charts] of [
      [running(118), 5],
      [summed, 11],
    ] as const) {
      const { page, close } = await open(job);
      for (const width of [1280, 900, 480]) {
        await page.setViewportSize({ width, height: 900 });
        const boxes = await page
          .locator('.charts > figure')
          .evaluateAll(figures =>
            figures.map(figure => figure.getBoundingClientRect()).map(({ y, right }) => ({ y, right })),
          );
        assert.equal(boxes.length, charts);
        const last = boxes.at(-1)!;
        const right = Math.max(...boxes.map(box => box.right));
        const alone = boxes.filter(({ y }) => y === last.y).length === 1;
        assert.ok(!alone || last.right === right, `${charts} at ${width}`);
      }
      await close();
    }
  });

  it('shows what tuning did to refusals', async () => {
    const { page, close } = await open(summed);
    const section = page.getByRole('region', { name: 'Refusals' });
    assert.match(await section.locator('.rf tr', { hasText: 'role-play' }).innerText(), /8\/8\s+4\/8/);
    await section.getByText('1 more refused, 8 fewer: −15 points (95 % −28 to −2), McNemar p = 0.021').waitFor();
    assert.equal(await section.locator('.changed tbody').count(), 4);
    await section.getByRole('button', { name: 'Show All' }).click();
    assert.equal(await section.locator('.changed tbody').count(), 9);
    await page.locator('.health', { hasText: 'It refuses less of what it should refuse' }).waitFor();
    await close();
  });

  it('says why a job failed and offers to resume', async () => {
    const { page, asked, close } = await open(failed);
    await page.getByText('The disk is full. Free some space and resume.').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.waitForTimeout(100);
    assert.deepEqual(asked, ['resume']);
    await close();
  });

  it('keeps the id of its job for a reload', async () => {
    const { savedState, close } = await open(queued);
    assert.deepEqual(await savedState(), { id: 'j' });
    await close();
  });

  it('asks for other steps and more curves, and marks the words that differ', async () => {
    const { page, asked, errors, close } = await open(running(118));
    await page.getByLabel('Answers of this step').selectOption('40');
    await page.getByLabel('Compared with those of').selectOption('80');
    await page.getByRole('button', { name: 'Show 3 More Curves' }).click();
    assert.equal(await page.locator('.fx ins').count(), 0);
    await page.getByRole('button', { name: 'Mark Differences' }).click();
    const first = page.locator('.fx tbody tr').first();
    assert.ok((await first.locator('ins').allTextContents()).join(' ').includes('emailed twice'));
    assert.ok((await first.locator('del').allTextContents()).join(' ').includes('kettle'));
    await page.getByRole('button', { name: 'Unmark Differences' }).click();
    assert.equal(await page.locator('.fx ins').count(), 0);
    await page.getByRole('button', { name: 'Compare with Other Jobs' }).click();
    assert.deepEqual(asked.toSorted(), ['compare', 'curves true', 'samples 0 80', 'samples 40 100']);
    assert.deepEqual(errors, []);
    await close();
  });

  it('gives its curves as a picture with their captions', async () => {
    const { page, channel, close } = await open(running(118));
    await page.locator('.u-over').nth(4).waitFor();
    const url = (await channel.remote.picture({}))!;
    const image = Buffer.from(url.split(',')[1]!, 'base64');
    assert.deepEqual([...image.subarray(1, 4)].map(code => String.fromCharCode(code)).join(''), 'PNG');
    const [width, height] = [image.readUInt32BE(16), image.readUInt32BE(20)];
    assert.ok(width > 1000 && height > 400, `${width} × ${height}`);
    saveScreenshot('jobs-picture', image);
    await close();
    const empty = await open(queued);
    assert.equal(await empty.channel.remote.picture({}), null);
    await empty.close();
  });

  it('stays smooth with 100,000 steps that are still coming', async () => {
    const steps = 100_000;
    const metrics = new MetricColumns();
    const add = (step: number): void =>
      metrics.add([
        {
          type: 'metrics',
          time: new Date(step * 1000).toISOString(),
          step,
          values: {
            reward: Math.sin(step / 9000) + ((step * 7919) % 101) / 100,
            kl: step / 9000,
            entropy: 3,
            grad_norm: (step * 31) % 17,
            'completions/mean_length': 30 + (step % 13),
            'completions/clipped_ratio': 0.1,
            frac_reward_zero_std: 0,
          },
        },
      ]);
    for (let step = 1; step <= steps; step++) add(step);
    const specification = rlhfJob({ settings: { ...rlhfJob().settings, steps: 2 * steps } });
    const costs: number[] = [];
    const state = (): Dashboard => {
      const begun = process.cpuUsage();
      const shown = dashboard({ id: 'j', specification, status: 'running', events: [], metrics });
      costs.push(process.cpuUsage(begun).user / 1000);
      return shown;
    };
    const { page, channel, errors, close } = await open(state());
    await page.locator('.u-over').nth(7).waitFor();
    const plain = await frames(page, 15);
    // Updates at the rate of a live job, with the pointer over the curves.
    const live = frames(page, 90);
    let [ended, moves] = [false, 0];
    void live.finally(() => {
      ended = true;
    });
    while (!ended) {
      add(metrics.length + 1);
      channel.remote.show(state());
      for (let i = 0; i < 5 && !ended; i++) await page.mouse.move(60 + ((17 * moves++) % 240), 230);
      await page.waitForTimeout(200);
    }
    const times = await live;
    const at = (list: readonly number[], share: number): number =>
      list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(share * list.length))]!;
    process.stdout.write(
      `      frames: median ${at(times, 0.5).toFixed(1)} ms, 95 % ${at(times, 0.95).toFixed(1)} ms (idle ${at(plain, 0.5).toFixed(1)} ms); a state ${at(costs, 0.5).toFixed(1)} ms\n`,
    );
    // Measured against this machine's idle frame, so that a busy one is no failure.
    assert.ok(at(times, 0.5) < 2 * Math.max(17, at(plain, 0.95)), `median frame ${at(times, 0.5)} ms`);
    // Of the processor, which a busy machine does not make more of.
    assert.ok(at(costs, 0.5) < 200, `a state takes ${at(costs, 0.5)} ms`);
    assert.ok(JSON.stringify(state()).length < 400_000);
    assert.deepEqual(errors, []);
    await close();
  });

  async function openComparison(compared: Comparison, options: { width?: number; theme?: PreviewTheme } = {}) {
    const asked: string[] = [];
    const preview = await openPreview(browser, {
      entry: 'jobs',
      contract: jobComparisonContract,
      handlers: {
        open: () => compared,
        act: ({ action }) => {
          asked.push(action);
          return null;
        },
        openJob: ({ job: id }) => void asked.push(`job ${id}`),
      },
      width: options.width ?? 1280,
      height: 900,
      ...(options.theme ? { theme: options.theme } : {}),
      initial: { ids: ['a', 'b'] },
    });
    await preview.page.waitForSelector('.cmp');
    return { ...preview, asked };
  }
  const two = comparison([
    { id: 'a', specification: rlhfJob(), status: 'running', events: rlhfEvents(118) },
    {
      id: 'b',
      specification: rlhfJob({ name: 'polite-v2', settings: { ...rlhfPresets.standard, beta: 0.5 } }),
      status: 'succeeded',
      events: rlhfEvents(90),
      result: {
        format: 1,
        adapter: '/b',
        seconds: 400,
        metrics: { reward_before: 0.1, reward_after: 0.9, kl: 3 },
        warnings: [],
      },
    },
  ]);

  it('compares jobs: curves of both in each chart, and what their specifications differ in', async () => {
    const { page, asked, savedState, errors, close } = await openComparison(two);
    const captions = await page.locator('.charts table caption').allTextContents();
    assert.deepEqual(captions.slice(0, 2), ['Reward, polite-v1', 'Reward, polite-v2']);
    const rows = page.locator('.cmp-table').first().locator('tbody tr');
    assert.deepEqual(
      (await rows.allInnerTexts()).map(text => text.split(/\s*\t\s*/)),
      [['KL penalty (β)', '0.15', '0.5']],
    );
    await page.getByRole('button', { name: 'polite-v2' }).click();
    await page.getByRole('button', { name: 'Export' }).click();
    assert.deepEqual(await savedState(), { ids: ['a', 'b'] });
    assert.deepEqual(asked, ['job b', 'export']);
    assert.deepEqual(errors, []);
    await close();
  });

  for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light'] as const) {
    it(`has a comparison that is accessible in ${theme}`, async () => {
      for (const width of theme === 'dark' ? [1280, 480] : [1280]) {
        const { page, close } = await openComparison(two, { theme, width });
        assert.deepEqual(await accessibilityProblems(page), []);
        saveScreenshot(`jobs-comparison-${theme}-${width}`, await page.screenshot());
        await close();
      }
    });
  }

  for (const theme of ['dark', 'light', 'high-contrast'] as const) {
    it(`is accessible in ${theme}`, async () => {
      for (const [job, width] of [
        [running(118), 1280],
        [theme === 'light' ? done : failed, 480],
        ...(theme === 'high-contrast' ? [] : [[summed, theme === 'dark' ? 1280 : 480] as const]),
        ...(theme === 'dark' ? [[queued, 900] as const] : []),
      ] as const) {
        const { page, close } = await open(job, { theme, width });
        assert.deepEqual(await accessibilityProblems(page), []);
        saveScreenshot(`jobs-dashboard-${job === summed ? `summed-${width}` : job.status}-${theme}`, await whole(page));
        await close();
      }
    });
  }
});

/** All of the page that scrolls, as one picture. */
async function whole(page: Page): Promise<Buffer> {
  const { width } = page.viewportSize()!;
  const height = await page
    .locator('.scroll')
    .evaluate(element => element.scrollHeight + element.getBoundingClientRect().top);
  await page.setViewportSize({ width, height: Math.max(900, Math.ceil(height)) });
  return page.screenshot();
}

/** Milliseconds of so many frames of the page, one after the other. */
const frames = (page: Page, count: number): Promise<number[]> =>
  page.evaluate(
    wanted =>
      new Promise<number[]>(resolve => {
        const times: number[] = [];
        let last = performance.now();
        const next = (): void => {
          const now = performance.now();
          times.push(now - last);
          last = now;
          if (times.length < wanted) requestAnimationFrame(next);
          else resolve(times);
        };
        requestAnimationFrame(next);
      }),
    count,
  );
