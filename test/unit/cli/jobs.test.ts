/** `tunesmith jobs` and `tunesmith train --config`, on jobs of the counting worker and on real ones of a tiny model. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldSet } from '../../../src/core/jobs/humanGold.ts';
import type { Answer } from '../../../src/core/preferences/judgement.ts';
import { Supervisor } from '../../../src/jobs/supervisor.ts';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { readAdapter } from '../../../src/worker/adapterFiles.ts';
import { openBaseModel } from '../../../src/worker/baseModel.ts';
import { latestCheckpoint } from '../../../src/worker/jobCheckpoints.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { fakeEntry, makeJob } from '../../fakes/countingJob.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';
import { runHere, TinyWorkspace } from '../../fakes/trainingJobs.ts';

describe('tunesmith jobs', () => {
  let layout: WorkspaceLayout;
  let supervisor: Supervisor;
  const run = (...argv: string[]) =>
    tunesmith(['jobs', ...argv, '--workspace', layout.root], { cwd: layout.root, env: { LANG: 'en' } });
  beforeEach(() => {
    layout = workspaceLayout(memoryFolder());
    supervisor = new Supervisor({ layout, root: layout.root, entry: () => fakeEntry('jobWorker'), pollSeconds: 0.1 });
  });
  afterEach(() => {
    supervisor.dispose();
    rmSync(layout.root, { recursive: true, force: true });
  });

  it('says what to do where there are none', async () => {
    const none = await run();
    assert.deepEqual([none.code, none.stdout], [0, '']);
    assert.match(none.stderr, /no jobs in this workspace yet/);
    assert.deepEqual(JSON.parse((await run('list', '--json')).stdout), []);
    assert.match((await run('show', 'x')).stderr, /no jobs in this workspace yet/);
  });

  it('lists, shows and reports a job, by name, id or the beginning of an id', async () => {
    const job = await makeJob(layout, 0, 'counting');
    const other = await makeJob(layout, 2, 'failing');
    await supervisor.start(job.id);
    await supervisor.wait(job.id);
    await supervisor.start(other.id);
    await supervisor.wait(other.id);

    const { stdout } = await run();
    assert.match(stdout, /^counting +Reward model +done +20 of 20 +\d+ s ago +\d{8}-/m);
    assert.match(stdout, /^failing +Reward model +failed +3 of 20/m);
    const rows = JSON.parse((await run('list', '--json')).stdout) as { name: string; status: string; error?: string }[];
    assert.deepEqual(rows.map(({ name, status }) => `${name} ${status}`).sort(), [
      'counting succeeded',
      'failing failed',
    ]);
    assert.match(rows.find(({ name }) => name === 'failing')!.error!, /Lower the learning rate/);

    const shown = await run('show', 'counting');
    assert.match(shown.stdout, /Epochs +\d/);
    assert.match(shown.stdout, /Metrics of step 20\n +loss +0\.05/);
    const facts = JSON.parse((await run('show', job.id, '--json')).stdout);
    assert.equal(facts.metrics.values.loss, 1 / 20);
    assert.equal(facts.specification.kind, 'reward');
    assert.match((await run('show', 'failing')).stdout, /The loss is not a number/);

    const file = join(layout.root, 'out.html');
    const written = await run('report', job.id, '-o', 'out.html');
    assert.match(written.stderr, /out\.html/);
    assert.equal(written.stdout, '');
    assert.match(readFileSync(file, 'utf8'), /^<!doctype html>[\s\S]*<figure>/);
    assert.match((await run('report', 'counting')).stdout, /^<!doctype html>/);
    const figures = JSON.parse((await run('report', 'counting', '--json')).stdout);
    assert.equal(figures.charts[0].series[0].points.length, 20);
    assert.match((await run('report', 'counting', '-o', 'no/where.html')).stderr, /where\.html/);

    const twice = await run('show', job.id.slice(0, 8));
    assert.equal(twice.code, 1);
    assert.match(twice.stderr, /several jobs.*counting.*/);
    assert.match((await run('show', 'nobody')).stderr, /There is no job “nobody”/);
  });

  it('stops a job of another process, which can then be resumed', async () => {
    const job = await makeJob(layout);
    await supervisor.start(job.id);
    const stopped = await run('stop', 'counting', '--json');
    assert.equal(JSON.parse(stopped.stdout).status, 'cancelled', stopped.stderr);
    assert.match((await run('stop', 'counting')).stderr, /counting does not run: stopped/);
    assert.match((await run()).stdout, /stopped/);
  });

  it('names the file of a job that cannot be read, and lists the others', async () => {
    await makeJob(layout);
    const bad = await makeJob(layout, 0, 'bad');
    writeFileSync(bad.file('specification'), '{');
    const { stdout, stderr } = await run('list');
    assert.match(stderr, /job\.json: This file of a job is damaged/);
    assert.match(stdout, /counting/);
  });
});

describe('jobs of the command line on a tiny model', function () {
  this.timeout(60_000);
  let workspace: TinyWorkspace;
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());
  const run = (...argv: string[]) => tunesmith([...argv, '--workspace', workspace.root], { cwd: workspace.root });

  it('resumes a stopped job to the same bytes', async () => {
    const rule = { kind: 'rule', reward: { rule: 'word', word: 'e' } } as const;
    const [whole, halved] = [await workspace.rlhfJob('whole', rule), await workspace.rlhfJob('halved', rule)];
    await runHere(whole);
    await runHere(halved, { stopAt: 2 });
    const { code, stdout, stderr } = await run('jobs', 'resume', 'halved', '--json');
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).job, halved.id);
    const bytes = (name: string) => readFileSync(join(workspace.layout.models, name, 'adapter_model.safetensors'));
    assert.ok(bytes('halved').equals(bytes('whole')));
    assert.match((await run('jobs', 'resume', 'halved')).stderr, /This job is done/);
  });

  it('people judge the answers of a job, and the step that they like best becomes a model', async () => {
    const rule = { kind: 'rule', reward: { rule: 'length', min: 1, max: 3, slack: 5 } } as const;
    const settings = { learningRate: 0.3, maxNewTokens: 6 };
    const make = (name: string, keepEvaluations: boolean) =>
      workspace.rlhfJob(name, rule, settings, undefined, undefined, { keepEvaluations });
    const [plainJob, job] = [await make('gold-off', false), await make('gold-on', true)];
    await runHere(plainJob);
    await runHere(job, { stopAt: 1 });
    writeFileSync(job.file('result'), JSON.stringify(await runHere(job)));
    const bytes = (path: string) => readFileSync(join(path, 'adapter_model.safetensors'));
    const model = (name: string) => join(workspace.layout.models, name);
    assert.ok(bytes(model('gold-on')).equals(bytes(model('gold-off'))), 'what is kept changes nothing');

    assert.match((await run('jobs', 'gold', 'gold-on')).stderr, /Nobody has judged.*--ask/);
    assert.match((await run('jobs', 'gold', 'gold-on', '--restore')).stderr, /so no step is the best/);
    const asked = await run('jobs', 'gold', 'gold-on', '--ask');
    assert.equal(asked.code, 0, asked.stderr);
    assert.match(asked.stderr, new RegExp(`pairs of answers to judge.*rank --set gold-${job.id}`));

    // A person who likes all that was said at step 2 and nothing else.
    const journal = await PreferenceJournal.open(workspace.layout, { author: 'ann' });
    const items = journal.items(goldSet(job.id));
    assert.ok(
      items.some(({ answers }) => answers[1]!.model.endsWith('@2')),
      'step 2 says something new',
    );
    for (const item of items) {
      const [before, now] = item.answers as [Answer, Answer];
      const ids = now.model.endsWith('@2') ? [now.id, before.id] : [before.id, now.id];
      const said = { item: item.id, ranking: ids.map(id => [id]), shown: ids, verdict: 'ranked' as const };
      await journal.addJudgement({ ...said, flags: [], milliseconds: 1 });
    }
    await journal.close();

    const { stdout } = await run('jobs', 'gold', 'gold-on');
    assert.match(stdout, /People like the answers of step 2 best[\s\S]*step 2 .*% wins .*√KL/);
    const facts = JSON.parse((await run('jobs', 'show', 'gold-on', '--json')).stdout);
    assert.equal(facts.people[0].step, 2);
    assert.match((await run('jobs', 'report', 'gold-on')).stdout, /Wins over before, by people/);

    const restored = await run('jobs', 'gold', 'gold-on', '--restore', '--json');
    assert.equal(restored.code, 0, restored.stderr);
    const { name, path, step } = JSON.parse(restored.stdout);
    assert.deepEqual([name, step], ['gold-on-step-2', 2]);
    const checkpoint = (await latestCheckpoint(job.file('checkpoints')))!;
    assert.equal(checkpoint.step, 2);
    const base = await openBaseModel({ base: workspace.model });
    const made = await readAdapter(path, base.config);
    await base.close();
    assert.ok(made.parameters.size > 0);
    for (const [key, weights] of made.parameters) assert.deepEqual(weights, checkpoint.arrays.get(`parameter:${key}`));
    assert.notDeepEqual(bytes(path), bytes(model('gold-on')));
    assert.match((await run('models', 'list')).stdout, /gold-on-step-2/);

    // The last step is the job's own model; others, and those of a job that kept none, are not there.
    assert.equal(JSON.parse((await run('jobs', 'gold', 'gold-on', '--restore', '4', '--json')).stdout).name, 'gold-on');
    assert.match((await run('jobs', 'gold', 'gold-on', '--restore', '3')).stderr, /of step 3 is not there.*: 2/);
    assert.match((await run('jobs', 'gold', 'gold-off', '--restore', '2')).stderr, /not kept.*--gold-people/);
  });

  it('trains by a file, whose paths are from where it lies; flags count before it', async () => {
    const folder = join(workspace.root, 'experiments');
    mkdirSync(folder);
    const prompts = Array.from({ length: 4 }, (_, i) => JSON.stringify({ prompt: `Question ${i}?` }));
    writeFileSync(join(folder, 'prompts.jsonl'), `${prompts.join('\n')}\n`);
    writeFileSync(
      join(folder, 'job.yaml'),
      `kind: reinforce
model: ${workspace.model}
name: by-file
seed: 3
threads: 1
prompts: prompts.jsonl
reward-json: true
settings:
  steps: 2
  promptsPerStep: 2
  samplesPerPrompt: 2
  maxNewTokens: 4
  evaluationPrompts: 0
  lora: {r: 2}
`,
    );
    const config = join('experiments', 'job.yaml');
    const argv = ['train', 'reinforce', '--steps', '3', '--config', config, '--reward-word', 'e', '--seed', '4'];
    const { code, stdout, stderr } = await run(...argv, '--json');
    assert.equal(code, 0, stderr);
    const { specification } = JSON.parse((await run('jobs', 'show', JSON.parse(stdout).job, '--json')).stdout);
    assert.equal(specification.name, 'by-file');
    assert.equal(specification.seed, 4);
    assert.deepEqual([specification.settings.steps, specification.settings.lora.r], [3, 2]);
    assert.deepEqual(specification.reward, { kind: 'rule', reward: { rule: 'word', word: 'e' } });

    appendFileSync(join(folder, 'job.yaml'), 'preset: best\n');
    assert.match(
      (await run('train', 'reinforce', '--config', config)).stderr,
      /job\.yaml:\d+: “preset” must be one of/,
    );
    assert.match((await run('train', 'ppo', '--config', config)).stderr, /job\.yaml:1: .*kind must be ppo/);
    assert.match((await run('train', 'sft', '--config', 'no.yaml')).stderr, /no\.yaml: This file cannot be read/);
    writeFileSync(join(folder, 'job.yaml'), 'data: prompts.jsonl\nseed: x\n');
    assert.match((await run('train', 'sft', '--config', config)).stderr, /job\.yaml:2: --seed must be a whole number/);
    writeFileSync(join(folder, 'job.yaml'), 'data: prompts.jsonl\n');
    // What the command needs may come from the file.
    assert.match((await run('train', 'sft', '--config', config)).stderr, /prompts\.jsonl:1: This row is no example/);
    writeFileSync(join(folder, 'job.yaml'), 'allow-code: true\n');
    assert.match((await run('train', 'sft', '--config', config)).stderr, /no “allow-code” here/);
  });
});
