/** Jobs of every kind are killed at every kind of boundary and resumed each time: they end with the bytes of a job that was never killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rng } from '../../src/base/rng.ts';
import { metricSteps } from '../../src/core/jobs/dashboardCharts.ts';
import { expertPresets, grpoPresets, ppoPresets, reinforcePresets, rlhfPresets } from '../../src/core/jobs/presets.ts';
import { isOver } from '../../src/core/jobs/status.ts';
import { Supervisor } from '../../src/jobs/supervisor.ts';
import { JobFolder, listJobFolders, startOfEvents } from '../../src/storage/jobFolder.ts';
import type { Boundary, When } from '../fakes/crashingJob.ts';
import { TinyWorkspace } from '../fakes/trainingJobs.ts';
import { quick, recordFigures } from './figures.ts';

const program = fileURLToPath(new URL('../fakes/crashingJob.ts', import.meta.url));

type Kill = readonly [boundary: Boundary, when: When, k: number];
type Kind = 'reward' | 'sft' | 'dpo' | 'kto' | keyof typeof online;

const online = {
  rloo: rlhfPresets,
  grpo: grpoPresets,
  reinforce: reinforcePresets,
  ppo: ppoPresets,
  expert: expertPresets,
} as const;

const sampledByActor: Kind = 'reinforce';

/** Early boundaries first: each start goes on from the last checkpoint, and the last kills are in the writing of the model. */
const plan = (kind: Kind): readonly Kill[] => [
  ['step', 'half', 1],
  kind in online ? ['rollout', 'before', 3] : ['pass', 'before', 2],
  ['checkpoint write', 'half', 1],
  ['checkpoint sync', 'before', 2],
  ['checkpoint rename', 'before', 1],
  ['checkpoint rename', 'after', 1],
  ['step', 'after', 1],
  kind in online ? ['evaluation', 'before', 2] : ['pass', 'after', 1],
  ['checkpoint syncFolder', 'before', 1],
  ...(kind in online
    ? ([
        // Where an actor samples there is only the first pass over its answers here.
        ['rollout', 'after', kind === sampledByActor ? 2 : 9],
        ['samples', 'half', 1],
      ] as const)
    : []),
  ['checkpoint remove', 'after', 2],
  ['evaluation', 'after', 1],
  ['model write', 'half', 2],
  ['model rename', 'before', 1],
  ['model rename', 'after', 1],
  ['result rename', 'after', 1],
];
const short: readonly Kill[] = [
  ['step', 'half', 2],
  ['rollout', 'after', 4],
  ['checkpoint write', 'half', 1],
  ['checkpoint rename', 'before', 1],
  ['evaluation', 'before', 2],
  ['model rename', 'after', 1],
];
const kinds: readonly Kind[] = quick
  ? ['ppo']
  : ['reward', 'sft', 'dpo', 'kto', 'rloo', 'grpo', 'reinforce', 'ppo', 'expert'];

describe('a job that is killed', function () {
  this.timeout(1_800_000);
  let workspace: TinyWorkspace;
  const kills: { readonly kind: Kind; readonly boundary: Boundary }[] = [];
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());

  /** Long enough for every kill of the plan to find its checkpoint. */
  async function lengthened(made: Promise<JobFolder>): Promise<JobFolder> {
    const job = await made;
    const specification = JSON.parse(readFileSync(job.file('specification'), 'utf8'));
    const settings = { ...specification.settings, epochs: 4 };
    writeFileSync(job.file('specification'), JSON.stringify({ ...specification, settings }));
    return JobFolder.open(job.path);
  }

  function makeJob(kind: Kind, name: string): Promise<JobFolder> {
    if (kind === 'reward') return workspace.rewardJob(name);
    if (kind === 'sft') return lengthened(workspace.sftJob(name));
    if (kind === 'dpo' || kind === 'kto') return lengthened(workspace.preferenceJob(kind, name));
    const reward = { kind: 'rule', reward: { rule: 'word', word: 'e' } } as const;
    // Another samples in a process of its own: the weights that it sampled with have to come back.
    const settings = { steps: 9, learningRate: 0.01, evaluateEvery: 3, actors: kind === sampledByActor ? 1 : 0 };
    const source = { kind: 'rule', reward: { rule: 'length', min: 1, max: 4, slack: 6 } } as const;
    // One kind has a gold beside its reward: what was best so far has to come back too.
    const gold = kind === 'expert' ? { gold: { source, patience: null, restoreBest: true } } : {};
    return workspace.rlhfJob(name, reward, settings, online[kind].quick, workspace.layout, gold);
  }

  /** Runs the job's process until it kills itself or comes to its end; whether it was killed. */
  async function run(job: JobFolder, kill?: Kill): Promise<boolean> {
    const log = openSync(job.file('log'), 'a');
    const args = kill ? [kill[0], kill[1], String(kill[2])] : [];
    const child = spawn(process.execPath, [program, job.path, ...args], { stdio: ['ignore', log, log] });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.ok(
      signal === 'SIGKILL' || code === 0,
      `${kill?.join(' ')}: ended with ${code ?? signal}: ${await job.logTail()}`,
    );
    return signal === 'SIGKILL';
  }

  /** Everything that a job leaves, but times. */
  async function left(job: JobFolder) {
    const { events } = await job.eventsSince(startOfEvents);
    const { name } = job.specification;
    const model = (file: string) => readFileSync(join(workspace.layout.models, name, file));
    const { seconds: _, adapter: __, ...result } = (await job.result())!;
    const samples = new Map(events.flatMap(event => (event.type === 'samples' ? [[event.step, event.samples]] : [])));
    const lineage = JSON.parse(model('tunesmith.json').toString('utf8'));
    return {
      status: (await job.status()).status,
      adapter: createHash('sha256').update(model('adapter_model.safetensors')).digest('hex'),
      rewardBias: lineage.rewardBias,
      // Of a step that was done twice the later event counts.
      metrics: metricSteps(events).map(({ step, values }) => [step, values]),
      samples: [...samples],
      result,
    };
  }

  /** Weights, optimizer and whatever else every checkpoint held: `step hash`, each once. */
  const checkpointsOf = (job: JobFolder): string[] =>
    [...new Set(readFileSync(join(job.path, 'checkpoints.txt'), 'utf8').trim().split('\n'))].sort();

  for (const kind of kinds) {
    it(`${kind}: at every kind of boundary, resumed to the same bytes`, async () => {
      const [whole, broken] = [await makeJob(kind, `${kind}-whole`), await makeJob(kind, `${kind}-broken`)];
      assert.equal(await run(whole), false);
      for (const kill of quick ? short : plan(kind)) {
        assert.ok(await run(broken, kill), `the job came to its end before ${kill.join(' ')}`);
        kills.push({ kind, boundary: kill[0] });
        assert.deepEqual((await listJobFolders(workspace.layout)).problems, [], 'every file stays readable');
        assert.match((await broken.status()).status, /lost|succeeded/);
      }
      assert.equal(await run(broken), false);
      const [expected, found] = [await left(whole), await left(broken)];
      assert.equal(expected.status, 'succeeded');
      assert.ok(expected.metrics.length > 3);
      assert.deepEqual(found, expected);
      assert.deepEqual(checkpointsOf(broken), checkpointsOf(whole));
      assert.ok(checkpointsOf(whole).length >= 3);
      assert.equal(existsSync(broken.file('checkpoints')), false, 'a job that is done keeps no checkpoints');
    });
  }

  it('is not fooled by a checkpoint that was cut', async () => {
    const [whole, broken] = [await makeJob('rloo', 'cut-whole'), await makeJob('rloo', 'cut-broken')];
    assert.equal(await run(whole), false);
    assert.ok(await run(broken, ['checkpoint rename', 'after', 2]));
    appendFileSync(join(broken.file('checkpoints'), '000004', 'state.safetensors'), 'x');
    assert.equal(await run(broken), false);
    assert.deepEqual(await left(broken), await left(whole));
  });

  if (!quick) {
    it('by the supervisor, at any moment, twenty times', async () => {
      const reward = { kind: 'rule', reward: { rule: 'word', word: 'e' } } as const;
      const settings = { steps: 400, checkpointEvery: 4, evaluateEvery: 100 };
      const supervisor = new Supervisor({
        layout: workspace.layout,
        root: join(import.meta.dirname, '..', '..'),
        pollSeconds: 0.1,
      });
      const [whole, broken] = [
        await workspace.rlhfJob('any-whole', reward, settings),
        await workspace.rlhfJob('any-broken', reward, settings),
      ];
      await supervisor.start(whole.id);
      assert.equal((await supervisor.wait(whole.id)).status, 'succeeded', await whole.logTail());
      const rng = Rng.seeded(1);
      for (let killed = 0; killed < 20; killed++) {
        await supervisor.start(broken.id);
        const begun = (await broken.eventsSince(startOfEvents)).events.length;
        // Every fourth time in the middle of its start, else some steps into its work.
        const wanted = 5 + rng.int(6);
        for (const end = Date.now() + (killed % 4 === 3 ? rng.int(800) : 120_000); Date.now() < end; ) {
          if ((await broken.eventsSince(startOfEvents)).events.length - begun >= wanted) break;
          assert.ok(!isOver((await broken.status()).status), await broken.logTail());
          await new Promise(resolve => setTimeout(resolve, 5));
        }
        process.kill((await broken.launch())!.pid, 'SIGKILL');
        assert.equal((await supervisor.wait(broken.id)).status, 'lost');
        kills.push({ kind: 'rloo', boundary: 'step' });
      }
      await supervisor.start(broken.id);
      assert.equal((await supervisor.wait(broken.id)).status, 'succeeded', await broken.logTail());
      supervisor.dispose();
      assert.deepEqual(await left(broken), await left(whole));
    });
  }

  after(() => {
    if (kills.length === 0) return;
    const count = (names: readonly string[]): string => {
      const counts = new Map<string, number>();
      for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
      return [...counts].map(([name, n]) => `${name} ${n}`).join(', ');
    };
    recordFigures(
      'crashed jobs',
      `Jobs were killed ${kills.length} times (${count(kills.map(({ kind }) => kind))}; at ${count(kills.map(({ boundary }) => boundary))}) and resumed each time. Adapter, metrics, samples and result are those of a job that was never killed, and so is what every checkpoint held (weights, optimizer, critic, reference): the SHA-256 are the same.`,
    );
  });
});
