/** A running job is killed twenty times and resumed each time: it ends with the bytes of one that was never killed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rng } from '../../src/base/rng.ts';
import type { JobEvent } from '../../src/core/jobs/job.ts';
import { rlhfPresets } from '../../src/core/jobs/presets.ts';
import { isOver } from '../../src/core/jobs/status.ts';
import { Supervisor } from '../../src/jobs/supervisor.ts';
import { createJobFolder, type JobFolder, startOfEvents } from '../../src/storage/jobFolder.ts';
import { listTunedModels } from '../../src/storage/modelStore.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { writeTinyModel } from '../fakes/tinyModelFolder.ts';
import { recordFigures } from './figures.ts';

const kills = 20;
const steps = 500;

describe('a job that is killed', function () {
  this.timeout(900_000);
  let layout: WorkspaceLayout;
  let supervisor: Supervisor;
  let model: string;
  before(async () => {
    layout = workspaceLayout(mkdtempSync(join(tmpdir(), 'crash-jobs-')));
    model = join(layout.root, 'tiny');
    await writeTinyModel(model);
    supervisor = new Supervisor({ layout, root: join(import.meta.dirname, '..', '..'), pollSeconds: 0.1 });
  });
  after(() => {
    supervisor.dispose();
    rmSync(layout.root, { recursive: true, force: true });
  });

  const makeJob = (name: string): Promise<JobFolder> =>
    createJobFolder(layout, {
      name,
      data: {
        'prompts.jsonl': Array.from({ length: 6 }, (_, index) => ({
          prompt: { kind: 'messages', messages: [{ role: 'user', content: `Question ${index}?` }] },
        })),
      },
      specification: ({ id, createdAt, data }) => ({
        format: 1,
        id,
        createdAt,
        name,
        seed: 5,
        threads: 1,
        kind: 'rlhf',
        model: { id: 'local:tiny', base: model },
        output: join(layout.models, name),
        data: data['prompts.jsonl'],
        reward: { kind: 'rule', reward: { rule: 'word', word: 'e' } },
        settings: {
          ...rlhfPresets.quick,
          steps,
          promptsPerStep: 2,
          samplesPerPrompt: 2,
          maxNewTokens: 8,
          evaluationPrompts: 2,
          evaluateEvery: 100,
          checkpointEvery: 4,
          lora: { r: 2, alpha: 4, targetModules: ['q_proj', 'v_proj'] },
        },
      }),
    });

  const weightsOf = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(layout.models, name, 'adapter_model.safetensors')))
      .digest('hex');

  const stepsOf = (events: readonly JobEvent[]) => events.flatMap(event => (event.type === 'metrics' ? [event] : []));

  it(`resumes after each of ${kills} kills, to the same bytes`, async () => {
    const whole = await makeJob('whole');
    await supervisor.start(whole.id);
    const unbroken = await supervisor.wait(whole.id);
    assert.equal(unbroken.status, 'succeeded', await whole.logTail());

    const job = await makeJob('broken');
    const rng = Rng.seeded(1);
    let killed = 0;
    let early = 0;
    while (killed < kills) {
      await supervisor.start(job.id);
      const begun = (await job.eventsSince(startOfEvents)).events.length;
      // Every fourth time in the middle of its start, else some steps into its work.
      const atOnce = killed % 4 === 3;
      const wanted = 5 + rng.int(6);
      const started = Date.now();
      for (;;) {
        const { events } = await job.eventsSince(startOfEvents);
        if (isOver((await job.status()).status)) break;
        if (stepsOf(events.slice(begun)).length >= wanted || (atOnce && Date.now() - started > rng.int(800))) break;
        assert.ok(Date.now() - started < 120_000, `no step in two minutes: ${await job.logTail()}`);
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      await new Promise(resolve => setTimeout(resolve, rng.int(40)));
      const { pid } = (await job.launch())!;
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        break; // It was done before.
      }
      killed++;
      if (atOnce) early++;
      const { status } = await supervisor.wait(job.id);
      if (status === 'succeeded') break;
      assert.equal(status, 'lost');
      const { jobs, problems } = await supervisor.list();
      assert.deepEqual([jobs.length, problems], [2, []], 'every file stays readable');
    }
    assert.equal(killed, kills, 'the job was long enough');

    await supervisor.start(job.id);
    const done = await supervisor.wait(job.id);
    assert.equal(done.status, 'succeeded', await job.logTail());
    assert.equal(weightsOf('broken'), weightsOf('whole'));
    assert.deepEqual(
      (await listTunedModels(layout)).models.map(tuned => tuned.name),
      ['broken', 'whole'],
    );
    // Of a step that was done twice the later event counts; then the curve is that of the unbroken job.
    const curve = async (folder: JobFolder) => {
      const { events } = await folder.eventsSince(startOfEvents);
      return [...new Map(stepsOf(events).map(({ step, values }) => [step, values.reward])).values()];
    };
    assert.deepEqual(await curve(job), await curve(whole));
    recordFigures(
      'crashed jobs',
      `A running job was killed ${killed} times, ${early} of them during its start, and resumed each time. Its adapter has the same SHA-256 as that of an unbroken job.`,
    );
  });
});
