import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { JobSpecification, RewardSource, RlhfSettings } from '../../../src/core/jobs/job.ts';
import { rewardPresets, rlhfPresets } from '../../../src/core/jobs/presets.ts';
import { createJobFolder, type JobFolder, startOfEvents } from '../../../src/storage/jobFolder.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { latestCheckpoint, saveCheckpoint } from '../../../src/worker/jobCheckpoints.ts';
import { JobReporter } from '../../../src/worker/jobReporter.ts';
import { runJob } from '../../../src/worker/jobRunner.ts';
import { writeTinyModel } from '../../fakes/tinyModelFolder.ts';

const lora = { r: 2, alpha: 4, targetModules: ['q_proj', 'v_proj', 'down_proj'] };
const ask = (text: string) => [{ role: 'user' as const, content: text }];
const pairs = Array.from({ length: 24 }, (_, index) => ({
  messages: ask(`Question ${index % 8}?`),
  chosen: `yes ${index}`,
  rejected: `no ${index}`,
  judgement: `j${index}`,
  item: `i${index}`,
}));
const prompts = Array.from({ length: 6 }, (_, index) => ({
  prompt: { kind: 'messages', messages: ask(`Question ${index}?`) },
}));

describe('jobs', () => {
  let root: string;
  let model: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tunesmith-jobs-'));
    model = join(root, 'tiny');
    await writeTinyModel(model);
  });
  after(() => rm(root, { recursive: true, force: true }));

  const layout = () => workspaceLayout(root);
  const common = (name: string) => ({
    format: 1 as const,
    name,
    seed: 5,
    model: { id: 'local:tiny', base: model },
    threads: 1,
  });

  const rewardJob = (name: string, rows: readonly unknown[] = pairs): Promise<JobFolder> =>
    createJobFolder(layout(), {
      name,
      data: { 'pairs.jsonl': rows },
      specification: ({ id, createdAt, data }) => ({
        ...common(name),
        kind: 'reward',
        id,
        createdAt,
        output: join(layout().models, name),
        data: data['pairs.jsonl'],
        settings: { ...rewardPresets.quick, epochs: 3, batchSize: 8, learningRate: 0.01, lora },
      }),
    });

  const rlhfJob = (name: string, reward: RewardSource, settings: Partial<RlhfSettings> = {}): Promise<JobFolder> =>
    createJobFolder(layout(), {
      name,
      data: { 'prompts.jsonl': prompts },
      specification: ({ id, createdAt, data }): JobSpecification => ({
        ...common(name),
        kind: 'rlhf',
        id,
        createdAt,
        output: join(layout().models, name),
        data: data['prompts.jsonl'],
        reward,
        settings: {
          ...rlhfPresets.quick,
          steps: 4,
          promptsPerStep: 2,
          samplesPerPrompt: 2,
          maxNewTokens: 8,
          evaluationPrompts: 2,
          evaluateEvery: 2,
          checkpointEvery: 2,
          lora,
          ...settings,
        },
      }),
    });

  /** Runs a job here, as its process would. */
  const run = async (folder: JobFolder, options: { allowCode?: boolean; stopAt?: number } = {}) => {
    const checkpoints = folder.file('checkpoints');
    const resume = await latestCheckpoint(checkpoints);
    const reporter = new JobReporter(folder, await folder.state(), checkpoint =>
      saveCheckpoint(checkpoints, { ...checkpoint, seconds: 0 }),
    );
    const progress = reporter.progress.bind(reporter);
    reporter.progress = (step, total) => {
      progress(step, total);
      if (step === options.stopAt) reporter.stop();
    };
    try {
      const result = await runJob({
        folder,
        host: reporter,
        resume,
        allowCode: options.allowCode ?? false,
        seconds: () => 1,
      });
      await reporter.end(result ? 'succeeded' : 'cancelled');
      return result;
    } catch (error) {
      await reporter.end('failed', error);
      throw error;
    }
  };

  const weightsOf = async (name: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(join(layout().models, name, 'adapter_model.safetensors')))
      .digest('hex');

  it('a reward model and a policy tuned on it, as PEFT folders with their lineage', async () => {
    const reward = (await run(await rewardJob('judge')))!;
    assert.deepEqual(await readdir(layout().models), ['judge']);
    const config = JSON.parse(await readFile(join(reward.adapter, 'adapter_config.json'), 'utf8'));
    assert.deepEqual([config.peft_type, config.task_type, config.modules_to_save], ['LORA', 'SEQ_CLS', ['score']]);
    const lineage = JSON.parse(await readFile(join(reward.adapter, 'tunesmith.json'), 'utf8'));
    assert.equal(lineage.kind, 'reward');
    assert.ok(Number.isFinite(lineage.rewardBias));
    assert.ok(reward.accuracy!.n > 0);
    const header = await readFile(join(reward.adapter, 'adapter_model.safetensors'), 'latin1');
    assert.match(header, /"base_model\.model\.score\.weight":\{"dtype":"F32","shape":\[1,16\]/);

    const folder = await rlhfJob('tuned', {
      kind: 'model',
      model: { id: 'local:judge', base: model, adapter: reward.adapter },
    });
    const tuned = (await run(folder))!;
    assert.equal(tuned.samples!.length, 2);
    assert.equal(JSON.parse(await readFile(join(tuned.adapter, 'adapter_config.json'), 'utf8')).task_type, 'CAUSAL_LM');
    const { events } = await folder.eventsSince(startOfEvents);
    const metrics = events.flatMap(event => (event.type === 'metrics' ? [event] : []));
    assert.deepEqual(
      metrics.map(({ step }) => step),
      [1, 2, 3, 4],
    );
    assert.ok(events.some(event => event.type === 'checkpoint'));
    assert.equal((await folder.state())!.status, 'succeeded');
    assert.equal((await folder.state())!.step, 4);
  });

  it('a job that was stopped goes on to the same bytes as one that was not', async () => {
    const rule: RewardSource = { kind: 'rule', reward: { rule: 'length', min: 1, max: 3, slack: 5 } };
    await run(await rlhfJob('whole', rule));
    const folder = await rlhfJob('halved', rule);
    assert.equal(await run(folder, { stopAt: 3 }), undefined);
    assert.equal((await folder.state())!.status, 'cancelled');
    await run(folder);
    assert.equal(await weightsOf('halved'), await weightsOf('whole'));
  });

  it('goes on from an older checkpoint when the last one is damaged', async () => {
    const rule: RewardSource = { kind: 'rule', reward: { rule: 'word', word: 'a' } };
    const folder = await rlhfJob('damaged', rule);
    await run(folder, { stopAt: 3 });
    const checkpoints = folder.file('checkpoints');
    assert.deepEqual(await readdir(checkpoints), ['000002', '000003']);
    await writeFile(join(checkpoints, '000003', 'state.safetensors'), 'torn');
    await mkdir(join(checkpoints, '.000004.abc.tmp'));
    assert.equal((await latestCheckpoint(checkpoints))!.step, 2);
    assert.deepEqual(await readdir(checkpoints), ['000002', '000003']);
  });

  it('a pattern that never ends is stopped with a sentence', async function () {
    this.timeout(30_000);
    const reward: RewardSource = { kind: 'rule', reward: { rule: 'regex', pattern: '(\\S+\\s?)+\\u0001' } };
    const folder = await rlhfJob('endless', reward, { maxNewTokens: 60, promptsPerStep: 8 });
    await assert.rejects(run(folder), { name: 'HumanError', message: /took longer than .* Simplify it/ });
    assert.match((await folder.state())!.error!.message, /Simplify/);
  });

  it('reward code runs only where that is allowed, and sees no environment', async function () {
    this.timeout(30_000);
    const file = join(root, 'reward.mjs');
    await writeFile(
      file,
      'export const reward = ({ answer }) => Object.keys(process.env).length === 0 ? answer.length : -1;\n',
    );
    const source: RewardSource = { kind: 'rule', reward: { rule: 'javascript', file } };
    await assert.rejects(run(await rlhfJob('code', source)), { name: 'HumanError', message: /--allow-code/ });
    const result = (await run(await rlhfJob('code', source, { steps: 1 }), { allowCode: true }))!;
    assert.ok(result.metrics.reward_before! >= 0);
  });

  for (const [name, rows, message] of [
    ['no pairs', [], /no preference pairs/],
    ['equal answers', [{ ...pairs[0], rejected: pairs[0]!.chosen }], /same answer twice/],
    ['a row that is no pair', [{ chosen: 'a' }], /This row/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const folder = await rewardJob('refused', rows);
      await assert.rejects(run(folder), { name: 'HumanError', message });
      assert.equal((await folder.state())!.status, 'failed');
      assert.equal((await folder.state())!.error!.human, true);
    });
  }

  it('refuses a taken name, changed data and a missing model', async () => {
    await mkdir(join(layout().models, 'taken'), { recursive: true });
    await assert.rejects(run(await rewardJob('taken')), { name: 'HumanError', message: /already a model “taken”/ });
    const changed = await rewardJob('changed');
    await writeFile(join(changed.path, 'pairs.jsonl'), '{}\n');
    await assert.rejects(run(changed), { name: 'HumanError', message: /not those it was made with/ });
    const folder = await rewardJob('lost');
    const { specification } = folder;
    Object.assign(specification, { model: { id: 'x', base: join(root, 'nowhere') } });
    await assert.rejects(run(folder), { name: 'HumanError', message: /no model here/ });
  });

  it('the process itself works on a folder, and refuses one that another process holds', async function () {
    this.timeout(60_000);
    const program = fileURLToPath(new URL('../../../src/worker/jobMain.ts', import.meta.url));
    const start = promisify(execFile);
    const folder = await rewardJob('process');
    await start(process.execPath, [program, folder.path]);
    assert.equal((await folder.state())!.status, 'succeeded');
    assert.deepEqual((await folder.result())!.warnings, []);
    const held = await rewardJob('held');
    await writeFile(held.file('lock'), JSON.stringify({ pid: process.ppid }) + '\n');
    await assert.rejects(start(process.execPath, [program, held.path]), /already running/);
  });
});
