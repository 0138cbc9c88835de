import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelReference, OneReward, RewardSource } from '../../../src/core/jobs/job.ts';
import {
  expertPresets,
  grpoPresets,
  ppoPresets,
  reinforcePresets,
  rlhfPresets,
} from '../../../src/core/jobs/presets.ts';
import { JobFolder, startOfEvents } from '../../../src/storage/jobFolder.ts';
import { latestCheckpoint } from '../../../src/worker/jobCheckpoints.ts';
import { runHere, somePairs, TinyWorkspace } from '../../fakes/trainingJobs.ts';

describe('jobs', () => {
  let workspace: TinyWorkspace;
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());

  const weightsOf = (name: string) => workspace.weightsOf(name);

  it('a reward model and a policy tuned on it, as PEFT folders with their lineage', async () => {
    const reward = (await runHere(await workspace.rewardJob('judge')))!;
    assert.deepEqual(await readdir(workspace.layout.models), ['judge']);
    const config = JSON.parse(await readFile(join(reward.adapter, 'adapter_config.json'), 'utf8'));
    assert.deepEqual([config.peft_type, config.task_type, config.modules_to_save], ['LORA', 'SEQ_CLS', ['score']]);
    const lineage = JSON.parse(await readFile(join(reward.adapter, 'tunesmith.json'), 'utf8'));
    assert.equal(lineage.kind, 'reward');
    assert.ok(Number.isFinite(lineage.rewardBias));
    assert.ok(reward.accuracy!.n > 0);
    const header = await readFile(join(reward.adapter, 'adapter_model.safetensors'), 'latin1');
    assert.match(header, /"base_model\.model\.score\.weight":\{"dtype":"F32","shape":\[1,16\]/);

    const folder = await workspace.rlhfJob('tuned', {
      kind: 'model',
      model: { id: 'local:judge', base: workspace.model, adapter: reward.adapter },
    });
    const tuned = (await runHere(folder))!;
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
    await runHere(await workspace.rlhfJob('whole', rule));
    const folder = await workspace.rlhfJob('halved', rule);
    assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
    assert.equal((await folder.state())!.status, 'cancelled');
    await runHere(folder);
    assert.equal(await weightsOf('halved'), await weightsOf('whole'));
  });

  it('is stopped while it measures, between two batches, and goes on from there to the same figures', async () => {
    const makers = {
      reward: (name: string) => workspace.rewardJob(name, somePairs, { heldOutShare: 0.3 }),
      sft: (name: string) => workspace.sftJob(name, somePairs, { heldOutShare: 0.3, evaluationRows: 2 }),
      dpo: (name: string) => workspace.preferenceJob('dpo', name),
    };
    for (const [kind, make] of Object.entries(makers)) {
      const whole = (await runHere(await make(`${kind}-unbroken`)))!;
      const stops = kind === 'dpo' ? ([0, 'end'] as const) : (['end'] as const);
      for (const stopAt of stops) {
        const folder = await make(`${kind}-measured-${stopAt}`);
        assert.equal(await runHere(folder, { stopAt }), undefined, `${kind} at ${stopAt}`);
        assert.equal((await folder.state())!.status, 'cancelled');
        assert.deepEqual((await runHere(folder))!.metrics, whole.metrics);
        assert.equal(await weightsOf(`${kind}-measured-${stopAt}`), await weightsOf(`${kind}-unbroken`));
      }
    }
  });

  it('a reward model learns the margins of its data, and a stopped job goes on to the same bytes', async () => {
    const rows = somePairs.map((pair, index) => (index % 2 ? { ...pair, margin: 3 } : pair));
    await runHere(await workspace.rewardJob('no-margins'));
    await runHere(await workspace.rewardJob('margins-whole', rows));
    const folder = await workspace.rewardJob('margins-halved', rows);
    assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
    await runHere(folder);
    assert.equal(await weightsOf('margins-halved'), await weightsOf('margins-whole'));
    assert.notEqual(await weightsOf('margins-whole'), await weightsOf('no-margins'));
  });

  it('a reward model learns ties or whole rankings where it is told to, and a stopped job goes on to the same bytes', async () => {
    const ties = somePairs.map((pair, index) => (index % 3 ? pair : { ...pair, tie: true }));
    const rankings = somePairs.map(({ messages, judgement, item }, index) => ({
      messages,
      groups: [[`yes ${index}`], [`so so ${index}`, 'hm'], [`no ${index}`]],
      judgement,
      item,
    }));
    for (const [name, rows, settings] of [
      ['ties', ties, { tieThreshold: 2 }],
      ['rankings', rankings, { loss: 'plackett-luce' }],
    ] as const) {
      const whole = (await runHere(await workspace.rewardJob(`${name}-whole`, rows, settings)))!;
      assert.ok(whole.accuracy!.n > 0 && Number.isFinite(whole.metrics.eval_loss), name);
      const folder = await workspace.rewardJob(`${name}-halved`, rows, settings);
      assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
      await runHere(folder);
      assert.equal(await weightsOf(`${name}-halved`), await weightsOf(`${name}-whole`));
    }
    // Ties are left out, and said to be, where nobody asks for them.
    const without = (await runHere(await workspace.rewardJob('ties-left-out', ties)))!;
    assert.match(without.warnings.join(), /8 of 24 pairs were left out: they are ties/);
    assert.notEqual(await weightsOf('ties-left-out'), await weightsOf('ties-whole'));
    const both = await workspace.rewardJob('both', rankings, { loss: 'plackett-luce', tieThreshold: 2 });
    await assert.rejects(runHere(both), { name: 'HumanError', message: /Plackett–Luce does not learn from ties/ });
  });

  it('sft: a policy from examples, whole and after a stop to the same bytes', async () => {
    const whole = await workspace.sftJob('sft-whole');
    const result = (await runHere(whole))!;
    assert.ok(result.metrics.eval_perplexity! < result.metrics.eval_perplexity_before!);
    assert.equal(JSON.parse(await readFile(join(result.adapter, 'tunesmith.json'), 'utf8')).kind, 'policy');
    const { events } = await whole.eventsSince(startOfEvents);
    const estimate = events.find(event => event.type === 'estimate')!;
    assert.equal(estimate.steps, events.filter(event => event.type === 'metrics').length);
    const folder = await workspace.sftJob('sft-halved');
    assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
    await runHere(folder);
    assert.equal(await weightsOf('sft-halved'), await weightsOf('sft-whole'));
  });

  for (const kind of ['dpo', 'kto'] as const) {
    it(`${kind}: a policy from given answers, whole and after a stop to the same bytes`, async () => {
      const whole = await workspace.preferenceJob(kind, `${kind}-whole`);
      const result = (await runHere(whole))!;
      assert.ok(result.accuracy!.n > 0 && Number.isFinite(result.metrics['eval_rewards/margins']));
      assert.equal(JSON.parse(await readFile(join(result.adapter, 'tunesmith.json'), 'utf8')).kind, 'policy');
      const { events } = await whole.eventsSince(startOfEvents);
      const estimate = events.find(event => event.type === 'estimate')!;
      assert.equal(estimate.steps, events.filter(event => event.type === 'metrics').length);
      const folder = await workspace.preferenceJob(kind, `${kind}-halved`);
      assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
      await runHere(folder);
      assert.equal(await weightsOf(`${kind}-halved`), await weightsOf(`${kind}-whole`));
    });
  }

  for (const preset of [grpoPresets.quick, reinforcePresets.quick, expertPresets.quick]) {
    const { algorithm } = preset;
    it(`${algorithm}: a stopped job goes on to the same bytes`, async () => {
      const rule: RewardSource = { kind: 'rule', reward: { rule: 'length', min: 1, max: 3, slack: 5 } };
      await runHere(await workspace.rlhfJob(`${algorithm}-whole`, rule, {}, preset));
      const folder = await workspace.rlhfJob(`${algorithm}-halved`, rule, {}, preset);
      assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
      await runHere(folder);
      assert.equal(await weightsOf(`${algorithm}-halved`), await weightsOf(`${algorithm}-whole`));
    });
  }

  it('an ensemble of reward models and rules, weighted: each part reported, and a stopped job goes on to the same bytes', async () => {
    const models: ModelReference[] = [];
    for (const seed of [5, 6]) {
      const { adapter } = (await runHere(await workspace.rewardJob(`judge-${seed}`, somePairs, {}, seed)))!;
      models.push({ id: `local:judge-${seed}`, base: workspace.model, adapter });
    }
    const source = (combine: 'mean' | 'worst'): RewardSource => ({
      kind: 'sum',
      parts: [
        { name: 'model', weight: 1, source: { kind: 'ensemble', models, combine } },
        {
          name: 'length',
          weight: -0.5,
          source: { kind: 'rule', reward: { rule: 'length', min: 1, max: 2, slack: 9 } },
        },
        { name: 'schema', weight: 2, source: { kind: 'rule', reward: { rule: 'json-schema', schema: {} } } },
      ],
    });
    const whole = await workspace.rlhfJob('sum-whole', source('mean'));
    await runHere(whole);
    const steps = (await whole.eventsSince(startOfEvents)).events.flatMap(event =>
      event.type === 'metrics' ? [event.values] : [],
    );
    assert.equal(steps.length, 4);
    for (const values of steps) {
      const part = (name: string) => values[`rewards/${name}/mean`]!;
      const expected = part('model') - 0.5 * part('length') + 2 * part('schema');
      assert.ok(Math.abs(values.reward! - expected) < 1e-6, `${values.reward} ${expected}`);
      assert.ok(values['rewards/model/disagreement']! > 0 && values['rewards/length/std']! >= 0);
    }
    const folder = await workspace.rlhfJob('sum-halved', source('mean'));
    assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
    await runHere(folder);
    assert.equal(await weightsOf('sum-halved'), await weightsOf('sum-whole'));
    const worst = await workspace.rlhfJob('sum-worst', source('worst'), { steps: 1 });
    await runHere(worst);
    const [first] = (await worst.eventsSince(startOfEvents)).events.flatMap(event =>
      event.type === 'metrics' ? [event.values] : [],
    );
    assert.ok(first!['rewards/model/mean']! < steps[0]!['rewards/model/mean']!, 'the worst is below the mean');
  });

  it('a JSON Schema that is none is refused before anything is sampled', async () => {
    const reward = { rule: 'json-schema' as const, schema: { type: 'strange' }, file: 'shape.json' };
    const folder = await workspace.rlhfJob('no-schema', { kind: 'rule', reward });
    await assert.rejects(runHere(folder), {
      name: 'HumanError',
      message: /This JSON Schema cannot be used/,
      place: { file: 'shape.json' },
    });
  });

  it('PPO starts its critic from the reward model, and a stopped job goes on to the same bytes', async () => {
    const judge = (await runHere(await workspace.rewardJob('ppo-judge')))!;
    const source: RewardSource = {
      kind: 'model',
      model: { id: 'local:ppo-judge', base: workspace.model, adapter: judge.adapter },
    };
    await runHere(await workspace.rlhfJob('ppo-whole', source, {}, ppoPresets.quick));
    const folder = await workspace.rlhfJob('ppo-halved', source, {}, ppoPresets.quick);
    assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
    await runHere(folder);
    assert.equal(await weightsOf('ppo-halved'), await weightsOf('ppo-whole'));
    await runHere(
      await workspace.rlhfJob('ppo-rule', { kind: 'rule', reward: { rule: 'json-valid' } }, {}, ppoPresets.quick),
    );
    assert.notEqual(await weightsOf('ppo-rule'), await weightsOf('ppo-whole'));
  });

  it('a tuned model is tuned further, and a reward model or an adapter of another base is not', async () => {
    const rule: RewardSource = { kind: 'rule', reward: { rule: 'length', min: 1, max: 3, slack: 5 } };
    const first = (await runHere(await workspace.rlhfJob('once', rule)))!;
    const from = (name: string, adapter: string) =>
      workspace.rlhfJob(
        name,
        rule,
        { lora: { r: 5, alpha: 5, targetModules: ['all-linear'] } },
        rlhfPresets.quick,
        undefined,
        { model: { id: 'local:once', base: workspace.model, adapter } },
      );
    const second = (await runHere(await from('twice', first.adapter)))!;
    assert.equal(second.metrics.reward_before, first.metrics.reward_after);
    const halved = await from('twice-halved', first.adapter);
    assert.equal(await runHere(halved, { stopAt: 3 }), undefined);
    await runHere(halved);
    assert.equal(await weightsOf('twice-halved'), await weightsOf('twice'));
    // The ranks of the adapter count, and the lineage leads back to it.
    assert.equal(JSON.parse(await readFile(join(second.adapter, 'adapter_config.json'), 'utf8')).r, 2);
    const { base } = JSON.parse(await readFile(join(second.adapter, 'tunesmith.json'), 'utf8'));
    assert.deepEqual([base.id, base.adapter], ['local:once', first.adapter]);

    const judge = (await runHere(await workspace.rewardJob('no-policy')))!;
    await assert.rejects(runHere(await from('from-judge', judge.adapter)), {
      name: 'HumanError',
      message: /A reward model gives no answers/,
    });
    const other = join(workspace.root, 'other-base');
    await cp(first.adapter, other, { recursive: true });
    const weights = await readFile(join(other, 'adapter_model.safetensors'), 'latin1');
    await writeFile(join(other, 'adapter_model.safetensors'), weights.replaceAll('layers.0', 'layers.9'), 'latin1');
    await assert.rejects(runHere(await from('from-other', other)), {
      name: 'HumanError',
      message: /Choose the adapter’s own base model/,
    });
  });

  it('a gold is measured beside the reward, ends the job after its peak, and goes on to the same bytes', async () => {
    const rule: RewardSource = { kind: 'rule', reward: { rule: 'length', min: 1, max: 3, slack: 5 } };
    // No answer is JSON: the gold never rises.
    const gold = { source: { kind: 'rule', reward: { rule: 'json-valid' } }, patience: 1, restoreBest: true } as const;
    const whole = await workspace.rlhfJob('gold-whole', rule, {}, rlhfPresets.quick, undefined, { gold });
    const result = (await runHere(whole))!;
    const { steps, gold_best_step, written_step } = result.metrics;
    assert.deepEqual([steps, gold_best_step, written_step], [2, 0, 0]);
    const { events } = await whole.eventsSince(startOfEvents);
    const measured = events.flatMap(event =>
      event.type === 'metrics' && 'gold/mean' in event.values ? [event.step] : [],
    );
    assert.deepEqual(measured, [0, 2]);
    const halved = await workspace.rlhfJob('gold-halved', rule, {}, rlhfPresets.quick, undefined, { gold });
    assert.equal(await runHere(halved, { stopAt: 1 }), undefined);
    await runHere(halved);
    assert.equal(await weightsOf('gold-halved'), await weightsOf('gold-whole'));
  });

  it('a gold that is the reward is refused, and one of the same judgements is said', async () => {
    const judge = (name: string, adapter: string): OneReward => ({
      kind: 'model',
      model: { id: `local:${name}`, base: workspace.model, adapter },
    });
    const one = (await runHere(await workspace.rewardJob('gold-one')))!;
    const two = (await runHere(await workspace.rewardJob('gold-two')))!;
    const source = judge('gold-one', one.adapter);
    const jobWith = (name: string, gold: OneReward) =>
      workspace.rlhfJob(name, source, { steps: 1 }, rlhfPresets.quick, undefined, {
        gold: { source: gold, patience: null, restoreBest: false },
      });
    await assert.rejects(runHere(await jobWith('gold-same', source)), {
      name: 'HumanError',
      message: /The gold reward is the reward that is trained on/,
    });
    const result = (await runHere(await jobWith('gold-twin', judge('gold-two', two.adapter))))!;
    assert.match(result.warnings.join(), /learned from the same judgements/);
    assert.equal(result.metrics.gold_before, result.metrics.reward_before);
  });

  it('KTO refuses labels of one kind only', async () => {
    const rows = somePairs.map(({ messages, chosen }) => ({ messages, completion: chosen, label: true }));
    const folder = await workspace.preferenceJob('kto', 'one-sided', rows);
    await assert.rejects(runHere(folder), { name: 'HumanError', message: /labelled good. KTO needs bad answers/ });
  });

  it('goes on from an older checkpoint when the last one is damaged', async () => {
    const rule: RewardSource = { kind: 'rule', reward: { rule: 'word', word: 'a' } };
    const folder = await workspace.rlhfJob('damaged', rule);
    await runHere(folder, { stopAt: 3 });
    const checkpoints = folder.file('checkpoints');
    assert.deepEqual(await readdir(checkpoints), ['000002', '000003']);
    await writeFile(join(checkpoints, '000003', 'state.safetensors'), 'torn');
    await mkdir(join(checkpoints, '.000004.abc.tmp'));
    assert.equal((await latestCheckpoint(checkpoints))!.step, 2);
    assert.deepEqual(await readdir(checkpoints), ['000002', '000003']);
  });

  it('reward code runs only where that is allowed, and sees no environment', async function () {
    this.timeout(30_000);
    const file = join(workspace.root, 'reward.mjs');
    await writeFile(
      file,
      'export const reward = ({ answer }) => Object.keys(process.env).length === 0 ? answer.length : -1;\n',
    );
    const source: RewardSource = { kind: 'rule', reward: { rule: 'javascript', file } };
    await assert.rejects(runHere(await workspace.rlhfJob('code', source)), {
      name: 'HumanError',
      message: /--allow-code/,
    });
    const result = (await runHere(await workspace.rlhfJob('code', source, { steps: 1 }), { allowCode: true }))!;
    assert.ok(result.metrics.reward_before! >= 0);
  });

  it('a reward function that throws, or gives no number, ends the job with its name', async function () {
    this.timeout(60_000);
    for (const [name, code, message] of [
      ['throws', 'throw new Error("no luck")', /throws\.mjs: It failed: no luck\./],
      ['nan', 'return Number.NaN', /nan\.mjs: The reward function must return a finite number, not NaN\./],
    ] as const) {
      const file = join(workspace.root, `${name}.mjs`);
      await writeFile(file, `export const reward = () => { ${code}; };\n`);
      const folder = await workspace.rlhfJob(
        name,
        { kind: 'rule', reward: { rule: 'javascript', file } },
        { steps: 1 },
      );
      await assert.rejects(runHere(folder, { allowCode: true }), { name: 'HumanError' });
      assert.match((await folder.state())!.error!.message, message);
    }
  });

  it('says before training when all answers get one reward, and when none comes to an end', async () => {
    const reward: RewardSource = { kind: 'rule', reward: { rule: 'word', word: 'never said by anybody' } };
    const folder = await workspace.rlhfJob('alike', reward, { steps: 1, evaluationPrompts: 4, maxNewTokens: 1 });
    const { warnings } = (await runHere(folder))!;
    assert.match(warnings[0]!, /^All 4 answers to the fixed prompts get the same reward, 0:/);
    assert.match(warnings[1]!, /^None of the 4 answers to the fixed prompts comes to an end within 1 tokens:/);
    const { events } = await folder.eventsSince(startOfEvents);
    const first = events.findIndex(event => event.type === 'metrics');
    assert.ok(events.findIndex(event => event.type === 'log' && event.message === warnings[0]) < first);
  });

  it('leaves out prompts that do not fit with their answer, with a count, and refuses a job of no others', async () => {
    const reward: RewardSource = { kind: 'rule', reward: { rule: 'json-valid' } };
    const long = await workspace.rlhfJob('long', reward, { steps: 1 });
    const rows = (await readFile(join(long.path, 'prompts.jsonl'), 'utf8')).trimEnd().split('\n');
    const endless = JSON.stringify({
      prompt: { kind: 'messages', messages: [{ role: 'user', content: 'word '.repeat(500) }] },
    });
    const withRows = async (name: string, lines: readonly string[]): Promise<JobFolder> => {
      const folder = await workspace.rlhfJob(name, reward, { steps: 1 });
      const text = `${lines.join('\n')}\n`;
      await writeFile(join(folder.path, 'prompts.jsonl'), text);
      const data = {
        file: 'prompts.jsonl',
        rows: lines.length,
        sha256: createHash('sha256').update(text).digest('hex'),
      };
      await writeFile(folder.file('specification'), JSON.stringify({ ...folder.specification, data }));
      return JobFolder.open(folder.path);
    };
    const { warnings } = (await runHere(await withRows('some-long', [...rows, endless])))!;
    assert.match(
      warnings.join(),
      /1 of 7 prompts were left out: with an answer of 8 tokens they do not fit into 128\./,
    );
    await assert.rejects(runHere(await withRows('all-long', [endless])), {
      name: 'HumanError',
      message: /There are no prompts that fit the model/,
    });
  });

  for (const [name, rows, message] of [
    ['no pairs', [], /no preference pairs/],
    ['equal answers', [{ ...somePairs[0], rejected: somePairs[0]!.chosen }], /same answer twice/],
    ['a row that is no pair', [{ chosen: 'a' }], /This row/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const folder = await workspace.rewardJob('refused', rows);
      await assert.rejects(runHere(folder), { name: 'HumanError', message });
      assert.equal((await folder.state())!.status, 'failed');
      assert.equal((await folder.state())!.error!.human, true);
    });
  }

  it('a run out of hand fails with layer and operator, keeps its last checkpoint and goes on from it', async () => {
    const reward: RewardSource = { kind: 'rule', reward: { rule: 'length', min: 3, max: 3, slack: 4 } };
    const settings = { steps: 6, checkpointEvery: 1, maxGradNorm: 0, warmupRatio: 0 };
    const folder = await workspace.rlhfJob('wild', reward, { ...settings, learningRate: 0.01 });
    await runHere(folder, { stopAt: 2 });
    const wild = { ...folder.specification, settings: { ...folder.specification.settings, learningRate: 1e25 } };
    await writeFile(folder.file('specification'), JSON.stringify(wild));
    const message =
      /^Training stopped at step 4: .* It first appeared in model\.layers\.0\.\S+, operator \w+.* Lower the learning rate\. The checkpoint of step 2 is kept\.$/;
    await assert.rejects(runHere(await JobFolder.open(folder.path)), { name: 'HumanError', message });
    const state = (await folder.state())!;
    assert.equal(state.status, 'failed');
    assert.match(state.error!.message, message);
    const kept = (await latestCheckpoint(folder.file('checkpoints')))!;
    assert.equal(kept.step, 2, 'that of step 3 had the weights that failed');
    for (const [name, array] of kept.arrays) assert.ok(array.every(Number.isFinite), name);
    await writeFile(folder.file('specification'), JSON.stringify(folder.specification));
    assert.ok(await runHere(await JobFolder.open(folder.path)), 'the last good checkpoint can be resumed');
  });

  describe('memory', () => {
    afterEach(() => {
      delete process.env.TUNESMITH_MEMORY_LIMIT;
    });

    it('is estimated before the weights are read, with steps and time', async () => {
      const folder = await workspace.rewardJob('estimated');
      await runHere(folder);
      const { events } = await folder.eventsSince(startOfEvents);
      const types = events.map(event => event.type);
      const estimate = events.find(event => event.type === 'estimate')!;
      assert.ok(types.indexOf('estimate') < types.indexOf('metrics'));
      assert.ok(estimate.memory > 100e6 && estimate.memory < 400e6, `${estimate.memory}`);
      assert.ok(estimate.available > estimate.memory && estimate.seconds[0] < estimate.seconds[1]);
      assert.equal(estimate.steps, events.filter(event => event.type === 'metrics').length);
    });

    it('that is missing refuses the job, with what would fit', async () => {
      const reward: RewardSource = { kind: 'rule', reward: { rule: 'json-valid' } };
      const large = { promptsPerStep: 1024, samplesPerPrompt: 4, microBatchSize: 4096, maxNewTokens: 64 };
      const folder = await workspace.rlhfJob('hungry', reward, large);
      process.env.TUNESMITH_MEMORY_LIMIT = '600MB';
      await assert.rejects(runHere(folder), {
        name: 'HumanError',
        message:
          /^This job needs about [\d.]+ GB of memory, but only \d+ MB are free\. It fits with “Rows at once” at \d+ instead of 4096 \(about \d+ MB\)\.$/,
      });
      process.env.TUNESMITH_MEMORY_LIMIT = '1MB';
      await assert.rejects(runHere(folder), {
        message: /Choose a smaller model, of at most about 1 million parameters, or close/,
      });
      assert.equal((await folder.state())!.status, 'failed');
    });

    it('of answers to held-out rows is said to be what would fit', async () => {
      const settings = { microBatchSize: 1, recompute: 'on', heldOutShare: 0.5 } as const;
      const memoryOf = async (evaluationRows: number): Promise<number> => {
        const folder = await workspace.sftJob(`answers-${evaluationRows}`, somePairs, { ...settings, evaluationRows });
        await runHere(folder);
        const { events } = await folder.eventsSince(startOfEvents);
        return events.find(event => event.type === 'estimate')!.memory;
      };
      const [none, all] = [await memoryOf(0), await memoryOf(32)];
      assert.ok(none < all, `${none} ${all}`);
      process.env.TUNESMITH_MEMORY_LIMIT = `${none}`;
      const hungry = await workspace.sftJob('answers', somePairs, { ...settings, evaluationRows: 32 });
      await assert.rejects(runHere(hungry), {
        name: 'HumanError',
        message: /It fits with “Rows answered” at 0 instead of 32 \(about \d+ MB\)\.$/,
      });
    });
  });

  it('refuses a taken name, changed data and a missing model', async () => {
    await mkdir(join(workspace.layout.models, 'taken'), { recursive: true });
    await assert.rejects(runHere(await workspace.rewardJob('taken')), {
      name: 'HumanError',
      message: /already a model “taken”/,
    });
    const changed = await workspace.rewardJob('changed');
    await writeFile(join(changed.path, 'pairs.jsonl'), '{}\n');
    await assert.rejects(runHere(changed), { name: 'HumanError', message: /not those it was made with/ });
    const folder = await workspace.rewardJob('lost');
    const { specification } = folder;
    Object.assign(specification, { model: { id: 'x', base: join(workspace.root, 'nowhere') } });
    await assert.rejects(runHere(folder), { name: 'HumanError', message: /no model here/ });
  });
});
