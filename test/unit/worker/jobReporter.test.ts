import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboard } from '../../../src/core/jobs/dashboard.ts';
import { jobProgress } from '../../../src/jobs/progress.ts';
import { startOfEvents } from '../../../src/storage/jobFolder.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { latestCheckpoint } from '../../../src/worker/jobCheckpoints.ts';
import { JobReporter } from '../../../src/worker/jobReporter.ts';
import type { PowerSource } from '../../../src/worker/powerSource.ts';
import { makeJob } from '../../fakes/countingJob.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('jobReporter', () => {
  let layout: WorkspaceLayout;
  beforeEach(() => {
    layout = workspaceLayout(memoryFolder());
  });
  afterEach(() => rmSync(layout.root, { recursive: true, force: true }));

  /** A job with more in its specification. */
  async function jobWith(more: object) {
    const job = await makeJob(layout);
    const specification = { ...job.specification, ...more };
    writeFileSync(job.file('specification'), JSON.stringify(specification));
    return (await import('../../../src/storage/jobFolder.ts')).JobFolder.open(job.path);
  }
  const checkpoint = (step: number) => ({ step, arrays: new Map([['a', Float32Array.of(step)]]), values: {} });

  for (const [kept, expected] of [
    [undefined, ['000004', '000005']],
    [1, ['000005']],
    [4, ['000002', '000003', '000004', '000005']],
  ] as const) {
    it(`keeps the last ${kept ?? 2} checkpoints`, async () => {
      const job = await jobWith(kept === undefined ? {} : { keepCheckpoints: kept });
      const reporter = new JobReporter(job, undefined, () => 0);
      for (let step = 1; step <= 5; step++) await reporter.checkpoint(checkpoint(step));
      assert.deepEqual(readdirSync(job.file('checkpoints')).sort(), [...expected]);
      assert.equal((await latestCheckpoint(job.file('checkpoints')))?.step, 5);
      await reporter.end('cancelled');
    });
  }

  it('its heart beats between two passes that hold the process up', async () => {
    const job = await jobWith({});
    const reporter = new JobReporter(job, undefined, () => 0);
    await reporter.breathe();
    for (const end = performance.now() + 1100; performance.now() < end; );
    await reporter.breathe();
    const { heartbeatAt } = (await job.state())!;
    assert.ok(Date.now() - Date.parse(heartbeatAt) < 500, heartbeatAt);
    await reporter.end('cancelled');
  });

  it('writes no event files of TensorBoard unless asked, and each step once where a job goes on', async () => {
    const [without, job] = [await jobWith({}), await jobWith({ tensorboard: true })];
    const plain = new JobReporter(without, undefined, () => 0);
    plain.metrics(1, { loss: 1 });
    await plain.end('cancelled');
    assert.equal(existsSync(without.file('tensorboard')), false);
    for (const [from, to] of [
      [0, 5],
      [3, 6],
    ] as const) {
      const reporter = new JobReporter(job, undefined, () => 0, { step: from });
      for (let step = from + 1; step <= to; step++) reporter.metrics(step, { [`step-${step}`]: 1 });
      await reporter.end('cancelled');
    }
    const [name] = readdirSync(job.file('tensorboard'));
    assert.match(name!, /^events\.out\.tfevents\.\d+\./);
    const text = readFileSync(join(job.file('tensorboard'), name!), 'latin1');
    assert.deepEqual(text.match(/step-\d/g), ['step-1', 'step-2', 'step-3', 'step-4', 'step-5', 'step-6']);
  });

  it('waits on battery only once the computer was plugged in, and obeys meanwhile', async () => {
    const job = await jobWith({});
    let source: PowerSource = 'battery';
    const unplugged = new JobReporter(job, undefined, () => 0, { power: async () => source });
    assert.equal(await unplugged.breathe(), false, 'started on battery, it goes on');
    await unplugged.end('cancelled');

    source = 'mains';
    let asked = 0;
    const power = async () => (++asked === 1 ? 'mains' : source);
    const reporter = new JobReporter(job, undefined, () => 0, { power, powerSeconds: 0 });
    reporter.phase('Training');
    assert.equal(await reporter.breathe(), false);
    source = 'battery';
    let over = false;
    const breath = reporter.breathe().finally(() => {
      over = true;
    });
    while (asked < 4) await new Promise(resolve => setTimeout(resolve, 5));
    assert.equal(over, false);
    const state = (await job.state())!;
    assert.match(state.phase!, /Paused on battery power/);
    assert.equal(state.paused, 'battery');
    const summary = { id: job.id, name: 'x', kind: 'reward', status: 'running', path: '' } as const;
    const { specification } = job;
    const shown = { ...summary, specification, state: { ...state, step: 3, totalSteps: 20 } };
    assert.equal(jobProgress(shown).label, '3 of 20, paused on battery');
    assert.match(dashboard({ ...shown, events: [] }).health!.text, /^Paused: the computer runs on its battery/);
    source = 'mains';
    assert.equal(await breath, false);
    const { events } = await job.eventsSince(startOfEvents);
    assert.equal(events.findLast(event => event.type === 'phase')?.phase, 'Training');
    while ((await job.state())?.paused) await new Promise(resolve => setTimeout(resolve, 5));

    source = 'battery';
    const stopped = reporter.breathe();
    await job.requestCancel();
    assert.equal(await stopped, true);
    await reporter.end('cancelled');
    assert.equal(existsSync(job.file('reserve')), false);
  });
});
