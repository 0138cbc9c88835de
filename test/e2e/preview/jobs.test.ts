import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { type Dashboard, dashboard } from '../../../src/core/jobs/dashboard.ts';
import { rewardReport } from '../../../src/core/jobs/rewardReport.ts';
import { jobDashboardContract } from '../../../src/protocol/jobDashboard.ts';
import { jobState, rewardEvents, rewardJob, rlhfEvents, rlhfJob } from '../../fakes/jobs.ts';
import { accessibilityProblems } from './accessibility.ts';
import { launchBrowser, openPreview, type PreviewTheme } from './preview.ts';

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
    assert.equal(await page.locator('.u-over').count(), 4);
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
    ]);
    assert.equal(await page.locator('.fx tbody tr').count(), 4);
    assert.match(await page.locator('.fx tbody tr').last().innerText(), /−0\.18/);
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

  for (const theme of ['dark', 'light', 'high-contrast'] as const) {
    it(`is accessible in ${theme}`, async () => {
      for (const [job, width] of [
        [running(118), 1280],
        [theme === 'light' ? done : failed, 480],
        ...(theme === 'dark' ? [[queued, 900] as const] : []),
      ] as const) {
        const { page, close } = await open(job, { theme, width });
        assert.deepEqual(await accessibilityProblems(page), []);
        await close();
      }
    });
  }
});
