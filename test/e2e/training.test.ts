/** Every command that trains, from the palette to a finished job on the bundled model; what is wrong is said before a job is made. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobSpecification } from '../../src/core/jobs/job.ts';
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
  writeFileSync(path.join(folder, 'brief.mjs'), 'export const reward = ({ answer }) => -answer.length / 100;\n');
}

/** Small enough that a job takes seconds. */
const tiny = [
  ['Steps', '2'],
  ['Prompts a step', '4'],
  ['Longest answer', '12'],
  ['Sample prompts', '2'],
] as const;

describe('training from the palette', function () {
  this.timeout(600_000);
  let workbench: Workbench;
  let laps = '';
  const started = Date.now();

  before(async () => {
    workbench = await Workbench.open({
      prepare,
      workspaceTrust: true,
      machineSettings: {
        'security.workspace.trust.startupPrompt': 'never',
        'security.workspace.trust.banner': 'never',
      },
    });
    await workbench.theme('dark');
  });
  after(async () => {
    process.stdout.write(`      ${laps}${((Date.now() - started) / 1000).toFixed(0)} s in all\n`);
    await workbench?.close();
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

  it('refuses a reward that is code while the workspace is not trusted', async () => {
    await workbench.command('Tunesmith: Fine-Tune with RLHF');
    await pickFile('prompts.jsonl');
    await list().getByText('needs a workspace that you trust').waitFor();
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

  it('tunes on examples', async () => {
    await workbench.command('Tunesmith: Fine-Tune on Examples (SFT)');
    await chooseFile('examples.jsonl');
    await set('Epochs', '1');
    await estimated();
    await workbench.screenshotsInThemes('training-review-sft');
    const { folder, job } = await start();
    assert.equal(job.kind, 'sft');
    assert.deepEqual([job.name, job.data.rows, job.settings.epochs], ['examples-sft', rows, 1]);
    await workbench.frameWith('.charts');
    waiting.push(folder);
  });

  it('trains a reward model, and says which line of a file is wrong before', async () => {
    await workbench.command('Tunesmith: Train Reward Model');
    await pickFile('broken.jsonl');
    await list()
      .getByText(/broken\.jsonl:2: This row has no “rejected” answer/)
      .waitFor();
    await workbench.screenshotsInThemes('training-refused');
    await workbench.choose('Data');
    await pickFile('preferred.jsonl');
    const { folder, job } = await start();
    assert.deepEqual([job.kind, job.name], ['reward', 'preferred-rm']);
    waiting.push(folder);
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

  it('tunes by RLOO, GRPO and REINFORCE on rules and on code, which is tried first', async () => {
    for (const [method, reward] of [
      ['RLOO', 'Has a Length…'],
      ['GRPO', 'Is Valid JSON'],
      ['REINFORCE', 'Code in a File…'],
    ] as const) {
      await workbench.command('Tunesmith: Fine-Tune with RLHF');
      await pickFile('prompts.jsonl');
      await workbench.pick(reward);
      if (method === 'RLOO') await workbench.page.keyboard.press('Enter');
      if (method === 'REINFORCE') {
        await chooseFile('throws.mjs');
        await list()
          .getByText(/throws\.mjs: .*no scale here/)
          .waitFor();
        await workbench.choose('Reward');
        await workbench.pick(reward);
        await chooseFile('brief.mjs');
      }
      if (method !== 'RLOO') {
        await workbench.choose('Method');
        await workbench.pick(method);
      }
      for (const [label, value] of tiny) await set(label, value);
      const { folder, job } = await start();
      assert.equal(job.kind, 'rlhf');
      if (job.kind === 'rlhf') {
        assert.equal(job.settings.algorithm, method.toLowerCase());
        assert.equal(job.settings.steps, 2);
        assert.equal(job.heldOut?.rows, 2);
      }
      waiting.push(folder);
    }
    for (const folder of waiting) await finish(folder);
  });

  it('tunes by PPO on the reward model, and shows the job to its end', async () => {
    await workbench.command('Tunesmith: Fine-Tune with RLHF');
    await pickFile('prompts.jsonl');
    await workbench.pick('preferred-rm');
    await workbench.choose('Method');
    await workbench.pick('PPO');
    for (const [label, value] of tiny) await set(label, value);
    const { folder, job } = await start();
    assert.ok(job.kind === 'rlhf' && job.reward.kind === 'model');
    await finish(folder);
    const page = await workbench.frameWith('.head h1:has-text("prompts-ppo")');
    await page.locator('.state', { hasText: 'Done' }).waitFor();
    await workbench.screenshotsInThemes('training-ppo-done', [1440, 700]);
  });
});
