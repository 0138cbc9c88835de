/** Every command that trains, from the palette to a finished job on the bundled model; what is wrong is said before a job is made. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobSpecification } from '../../src/core/jobs/job.ts';
import { type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { Workbench } from './workbench.ts';

const rows = 20;

function prepare(folder: string): void {
  const lines = (name: string, row: (i: number) => object): void =>
    writeFileSync(
      path.join(folder, name),
      Array.from({ length: rows }, (_, i) => `${JSON.stringify(row(i))}\n`).join(''),
    );
  const prompt = (i: number) => `How do I keep bread fresh, question ${i}?`;
  const good = (i: number) => `In a paper bag, cut side down (${i}).`;
  const bad = (i: number) => `Bread is a food with a long history, and many like it (${i}).`;
  lines('examples.jsonl', i => ({ prompt: prompt(i), completion: good(i) }));
  lines('lengthy.jsonl', i => ({ prompt: `${prompt(i)} Say more.`, completion: bad(i) }));
  lines('rankings.jsonl', i => ({
    prompt: prompt(i),
    answers: [bad(i), good(i), `${good(i)} Yes.`],
    ranking: [[1, 2], [0]],
  }));
  lines('preferred.jsonl', i => ({ prompt: prompt(i), chosen: good(i), rejected: bad(i) }));
  lines('broken.jsonl', i =>
    i === 1 ? { prompt: prompt(i), chosen: good(i) } : { prompt: prompt(i), chosen: good(i), rejected: bad(i) },
  );
  lines('labelled.jsonl', i => ({ prompt: prompt(i), completion: i % 2 ? bad(i) : good(i), label: i % 2 === 0 }));
  lines('prompts.jsonl', i => ({ prompt: prompt(i) }));
  writeFileSync(
    path.join(folder, 'throws.mjs'),
    "export const reward = () => { throw new Error('no scale here'); };\n",
  );
  writeFileSync(path.join(folder, 'rubric.md'), '# Rubric\n\nShort answers are good.\n');
  writeFileSync(path.join(folder, 'brief.mjs'), 'export const reward = ({ answer }) => -answer.length / 100;\n');
}

/** Small enough that a job takes seconds. */
const tiny = [
  ['Steps', '2'],
  ['Longest answer', '12'],
  ['Sample prompts', '2'],
] as const;

describe('training from the palette', function () {
  this.timeout(600_000);
  let workbench: Workbench;
  let server: ChatServer;
  /** Questions that get an answer; the others wait for what never comes. */
  let open = Number.POSITIVE_INFINITY;
  let laps = '';
  const started = Date.now();

  before(async () => {
    server = await startChatServer(({ messages }) => {
      const score = 10 - (messages.at(-1)!.content.length % 10);
      const tokens = ['It is short.\n', `Score: ${score}`].map(text => ({ text, logProb: -0.1, alternatives: [] }));
      return server.requests.length <= open ? { tokens } : { tokens, rest: new Promise(() => {}) };
    });
    workbench = await Workbench.open({
      prepare,
      workspaceTrust: true,
      machineSettings: {
        'tunesmith.endpoints': [{ baseUrl: server.url, models: ['arbiter'] }],
        'security.workspace.trust.startupPrompt': 'never',
        'security.workspace.trust.banner': 'never',
      },
    });
    await workbench.theme('dark');
  });
  after(async () => {
    process.stdout.write(`      ${laps}${((Date.now() - started) / 1000).toFixed(0)} s in all\n`);
    await workbench?.close();
    await server?.close();
  });
  afterEach(async function () {
    laps += `${((Date.now() - started) / 1000).toFixed(0)} · `;
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  const jobs = (): string[] => {
    const folder = path.join(workbench.folder, '.tunesmith', 'jobs');
    return existsSync(folder)
      ? readdirSync(folder)
          .filter(id => !id.startsWith('.'))
          .map(id => path.join(folder, id))
      : [];
  };
  const read = <T>(job: string, file: string): T | undefined =>
    existsSync(path.join(job, file)) ? JSON.parse(readFileSync(path.join(job, file), 'utf8')) : undefined;
  const list = () => workbench.page.locator('.quick-input-list .monaco-list-row');

  const filter = (text: string) => workbench.page.locator('.quick-input-widget input').first().fill(text);

  /** The estimate, which the start waits for. The list stays where a setting was changed, and draws only what is in sight. */
  async function estimated(): Promise<void> {
    await filter('Start');
    await list()
      .getByText(/Needs about .* of memory/)
      .waitFor({ timeout: 120_000 });
    await filter('');
  }

  async function pickFile(name: string): Promise<void> {
    await workbench.pick('A File…');
    await chooseFile(name);
  }
  async function chooseFile(name: string): Promise<void> {
    await workbench.page.locator('.quick-input-widget input[placeholder^="Which file"]').waitFor();
    await filter(name);
    await workbench.choose(name);
  }

  async function set(label: string, value: string): Promise<void> {
    const input = workbench.page.locator('.quick-input-widget input').first();
    await input.fill(label);
    await workbench.choose(label);
    await workbench.page.locator('.quick-input-widget .quick-input-title', { hasText: label }).waitFor();
    await input.fill(value);
    await input.press('Enter');
    await workbench.page.locator('.quick-input-widget input[placeholder^="Start"]').waitFor();
  }

  /** Presses Start and resolves with the new job's folder and specification. */
  async function start(): Promise<{ folder: string; job: JobSpecification }> {
    const known = new Set(jobs());
    await estimated();
    await filter('Start');
    await workbench.choose('Start');
    for (let i = 0; i < 600; i++) {
      const folder = jobs().find(one => !known.has(one));
      if (folder) return { folder, job: read<JobSpecification>(folder, 'job.json')! };
      await workbench.page.waitForTimeout(100);
    }
    throw new Error('No job was made.');
  }

  async function finish(folder: string): Promise<void> {
    for (const end = Date.now() + 240_000; Date.now() < end; await workbench.page.waitForTimeout(200)) {
      const state = read<{ status: string; error?: { message: string } }>(folder, 'state.json');
      if (state?.status === 'succeeded') return;
      assert.ok(
        state === undefined || ['queued', 'running'].includes(state.status),
        `${state?.status}: ${state?.error?.message}`,
      );
    }
    throw new Error('The job did not end.');
  }
  const waiting: string[] = [];

  async function until(what: string, holds: () => boolean, seconds = 90): Promise<void> {
    for (const end = Date.now() + seconds * 1000; !holds(); await workbench.page.waitForTimeout(100))
      assert.ok(Date.now() < end, what);
  }
  const typed = async (text: string): Promise<void> => {
    await workbench.page.locator('.quick-input-widget .quick-input-message', { hasText: 'Enter' }).waitFor();
    await workbench.page.locator('.quick-input-widget input').first().fill(text);
    await workbench.page.keyboard.press('Enter');
  };

  it('refuses a reward that is code while the workspace is not trusted', async () => {
    await workbench.command('Tunesmith: Fine-Tune with RLHF');
    await pickFile('prompts.jsonl');
    await list().getByText('needs a workspace that you trust').first().waitFor();
    assert.equal(await list().getByText('needs a workspace that you trust').count(), 2);
    await workbench.screenshot('training-code-locked');
    await workbench.pick('Code in a File…');
    await workbench.page.getByText('code of a workspace runs only where you trust it').first().waitFor();
    assert.deepEqual(jobs(), []);
    await workbench.command('Workspaces: Manage Workspace Trust');
    await workbench.page
      .locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ })
      .first()
      .click();
    await workbench.page.locator('.workspace-trust-editor', { hasText: 'You trust this' }).waitFor();
    await workbench.command('View: Close All Editors');
  });

  it('tunes on examples of two tasks, one of them held out', async () => {
    await workbench.command('Tunesmith: Fine-Tune on Examples (SFT)');
    await workbench.page.locator('.quick-input-widget input[placeholder^="Which file"]').waitFor();
    await filter('Several');
    await workbench.choose('Several Files…');
    for (const name of ['examples', 'lengthy']) {
      await filter(name);
      await workbench.choose(`${name}.jsonl`);
    }
    await workbench.page.keyboard.press('Enter');
    await set('Epochs', '1');
    await set('Cap of a task', '15');
    await filter('Tasks held out');
    await workbench.choose('Tasks held out');
    await workbench.page.locator('.quick-input-widget input[placeholder^="Which tasks"]').waitFor();
    await workbench.screenshot('training-tasks');
    await workbench.choose('lengthy');
    await workbench.page.keyboard.press('Enter');
    await estimated();
    await workbench.screenshot('training-review-sft');
    const { folder, job } = await start();
    assert.ok(job.kind === 'sft');
    const { epochs, taskCap, holdOutTasks } = job.settings;
    assert.deepEqual([job.name, job.data.rows, epochs, taskCap], ['tasks-sft', 2 * rows, 1, 15]);
    assert.deepEqual(holdOutTasks, ['lengthy']);
    await workbench.frameWith('.charts');
    waiting.push(folder);
  });

  it('trains an ensemble of reward models with ties, and says which line of a file is wrong before', async () => {
    await workbench.command('Tunesmith: Train Reward Model');
    await pickFile('broken.jsonl');
    await list()
      .getByText(/broken\.jsonl:2: This row has no “rejected” answer/)
      .waitFor();
    await workbench.screenshot('training-refused');
    await workbench.choose('Data');
    await pickFile('rankings.jsonl');
    await workbench.choose('Method');
    await workbench.pick('Rao–Kupper');
    await workbench.choose('Ensemble');
    await workbench.pick('3 models');
    await set('Epochs', '1');
    await list()
      .getByText(`${3 * rows} pairs, ${rows} of them ties`)
      .waitFor();
    await estimated();
    await workbench.screenshot('training-review-reward');
    const known = new Set(jobs());
    const { job } = await start();
    assert.ok(job.kind === 'reward');
    assert.deepEqual([job.settings.loss, job.settings.tieThreshold], ['bradley-terry', 2]);
    await until('three jobs were not made', () => jobs().length === known.size + 3);
    const made = jobs().filter(folder => !known.has(folder));
    const seeds = made.map(folder => read<JobSpecification>(folder, 'job.json')!).map(({ name, seed }) => [name, seed]);
    assert.deepEqual(seeds.sort(), [
      ['rankings-rm-1', 0],
      ['rankings-rm-2', 1],
      ['rankings-rm-3', 2],
    ]);
    waiting.push(...made);
  });

  it('tunes on preferences by DPO, IPO and KTO', async () => {
    for (const [method, file] of [
      ['DPO', 'preferred.jsonl'],
      ['IPO', 'preferred.jsonl'],
      ['KTO', 'labelled.jsonl'],
    ] as const) {
      await workbench.command('Tunesmith: Fine-Tune on Preferences');
      await pickFile(file);
      if (method !== 'DPO') {
        await workbench.choose('Method');
        await workbench.pick(method);
      }
      await set('Epochs', '1');
      const { folder, job } = await start();
      assert.equal(job.kind, method === 'KTO' ? 'kto' : 'dpo');
      if (job.kind === 'dpo') assert.equal(job.settings.loss, method === 'IPO' ? 'ipo' : 'sigmoid');
      waiting.push(folder);
    }
  });

  it('tunes by RLOO on a sum of rewards, with a gold beside it', async () => {
    await workbench.command('Tunesmith: Fine-Tune with RLHF');
    await pickFile('prompts.jsonl');
    await workbench.pick('Has a Length…');
    await typed('10-30');
    await workbench.choose('Reward');
    await workbench.choose('Add a Reward…');
    await workbench.pick('Contains a Word…');
    await typed('bread');
    await workbench.choose('contains “bread”');
    await workbench.pick('Change Its Weight…');
    await typed('-0.5');
    await list().getByText('weight −0.5').waitFor();
    await workbench.screenshot('training-reward-sum');
    await workbench.choose('Use This Reward');
    await workbench.choose('Gold');
    await workbench.pick('Is Valid JSON');
    await workbench.pick('Stop at Its Peak');
    for (const [label, value] of tiny) await set(label, value);
    await estimated();
    await workbench.screenshotsInThemes('training-review-rlhf', [1440, 700]);
    const { folder, job } = await start();
    assert.ok(job.kind === 'rlhf' && job.settings.algorithm === 'rloo' && job.reward.kind === 'sum');
    assert.deepEqual(
      job.reward.parts.map(({ name, weight }) => [name, weight]),
      [
        ['length', 1],
        ['word', -0.5],
      ],
    );
    const { patience, restoreBest, source } = job.gold!;
    assert.deepEqual([patience, restoreBest, source.kind], [3, true, 'rule']);
    assert.equal(job.settings.steps, 2);
    assert.equal(job.heldOut?.rows, 2);
    waiting.push(folder);
  });

  it('tunes by GRPO and REINFORCE on a rule and on code, which is tried first', async () => {
    for (const [method, reward] of [
      ['GRPO', 'Is Valid JSON'],
      ['REINFORCE', 'Code in a File…'],
    ] as const) {
      await workbench.command('Tunesmith: Fine-Tune with RLHF');
      await pickFile('prompts.jsonl');
      await workbench.pick(reward);
      if (method === 'REINFORCE') {
        await chooseFile('throws.mjs');
        await list()
          .getByText(/throws\.mjs: .*no scale here/)
          .waitFor();
        await workbench.choose('Reward');
        await workbench.choose('throws.mjs');
        await workbench.pick('Choose Another…');
        await workbench.pick(reward);
        await chooseFile('brief.mjs');
        await workbench.choose('Use This Reward');
      }
      await workbench.choose('Method');
      await workbench.pick(method);
      for (const [label, value] of tiny) await set(label, value);
      const { folder, job } = await start();
      assert.ok(job.kind === 'rlhf');
      assert.equal(job.settings.algorithm, method.toLowerCase());
      waiting.push(folder);
    }
    for (const folder of waiting) await finish(folder);
  });

  it('tunes by PPO on the worst of the reward models, and shows the job to its end', async () => {
    await workbench.command('Tunesmith: Fine-Tune with RLHF');
    await pickFile('prompts.jsonl');
    await workbench.pick('Several Reward Models…');
    await workbench.page.locator('.quick-input-widget input[placeholder^="Which reward models"]').waitFor();
    await workbench.screenshot('training-ensemble');
    await workbench.page.keyboard.press('Enter');
    await workbench.pick('The Lowest');
    await workbench.choose('Method');
    await workbench.pick('PPO');
    await workbench.choose('Gold');
    await workbench.screenshot('training-gold');
    await workbench.pick('You, in the Ranking View');
    for (const [label, value] of tiny) await set(label, value);
    const { folder, job } = await start();
    assert.ok(job.kind === 'rlhf' && job.reward.kind === 'ensemble');
    assert.deepEqual([job.reward.models.length, job.reward.combine, job.keepEvaluations], [3, 'worst', true]);
    await finish(folder);
    const page = await workbench.frameWith('.head h1:has-text("prompts-ppo")');
    await page.locator('.state', { hasText: 'Done' }).waitFor();
    await workbench.screenshot('training-ppo-done');
  });

  it('expert iteration on the scores of a judge: it waits while the window is gone, and goes on when it is back', async () => {
    await workbench.command('Tunesmith: Fine-Tune on Its Own Best Answers');
    await pickFile('prompts.jsonl');
    await workbench.screenshot('training-reward-kinds');
    await workbench.pick('Scores of a Model…');
    await workbench.pick('arbiter');
    await workbench.pick('A Rubric in a File…');
    await chooseFile('rubric.md');
    for (const [label, value] of tiny) await set(label, value);
    await estimated();
    await filter('Start');
    await list()
      .getByText(/arbiter is asked to score up to \d+ answers/)
      .waitFor();
    await workbench.screenshot('training-review-judge');
    open = server.requests.length + 3;
    const { folder, job } = await start();
    assert.ok(job.kind === 'rlhf' && job.settings.algorithm === 'expert' && job.reward.kind === 'rule');
    assert.ok(job.reward.reward.rule === 'judge' && job.reward.reward.rubric.includes('Short answers are good.'));
    await until('the judge was not asked', () => server.requests.length > open);
    await workbench.page.goto('about:blank');
    const status = () => read<{ status: string }>(folder, 'state.json')!.status;
    await until('the job does not wait', () => status() === 'waiting', 60);
    open = Number.POSITIVE_INFINITY;
    await workbench.load();
    await workbench.openSideBar();
    await until('the job does not go on', () => status() === 'succeeded');
    await workbench.command('Tunesmith: Compare the Best of Several Answers');
    await pickFile('prompts.jsonl');
    await workbench.pick('Has a Length…');
    await typed('10-30');
    await workbench.pick(/^pebble/);
    await workbench.pick('4');
    const report = await workbench.frameWith('h1:has-text("Best of 4")', 60_000);
    assert.deepEqual(await report.locator('tbody tr td:first-child').allTextContents(), ['1', '2', '4']);
    await workbench.screenshot('training-best-of');
  });
});
