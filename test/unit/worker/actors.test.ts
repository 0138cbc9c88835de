import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { RewardSource } from '../../../src/core/jobs/job.ts';
import { startOfEvents } from '../../../src/storage/jobFolder.ts';
import { ActorProcesses, sharedThreads } from '../../../src/worker/actorPool.ts';
import { runHere, TinyWorkspace } from '../../fakes/trainingJobs.ts';

const rule: RewardSource = { kind: 'rule', reward: { rule: 'length', min: 1, max: 3, slack: 5 } };

/** Processes of actors that this one has started. */
function actorProcesses(): number[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  return lines
    .split('\n')
    .filter(line => line.includes('actorMain'))
    .map(line => Number.parseInt(line, 10));
}

describe('actors of a job', () => {
  let workspace: TinyWorkspace;
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());

  const weightsOf = (name: string) => workspace.weightsOf(name);

  it('give the same bytes however many they are, without a lag those of sampling in turn, and end with the job', async () => {
    await runHere(await workspace.rlhfJob('in-turn', rule));
    await runHere(await workspace.rlhfJob('no-lag', rule, { actors: 1, actorLag: 0 }));
    assert.equal(await weightsOf('no-lag'), await weightsOf('in-turn'));
    await runHere(await workspace.rlhfJob('one', rule, { actors: 1 }));
    await runHere(await workspace.rlhfJob('two', rule, { actors: 2 }));
    assert.equal(await weightsOf('two'), await weightsOf('one'));
    assert.notEqual(await weightsOf('one'), await weightsOf('in-turn'));
    await new Promise(done => setTimeout(done, 100));
    assert.deepEqual(actorProcesses(), []);
  });

  it('a job that was stopped goes on with them to the same bytes', async () => {
    const folder = await workspace.rlhfJob('halved', rule, { actors: 1 });
    assert.equal(await runHere(folder, { stopAt: 3 }), undefined);
    await runHere(folder);
    assert.equal(await weightsOf('halved'), await weightsOf('one'));
  });

  it('an actor that is killed is started again, and nothing else changes', async () => {
    const folder = await workspace.rlhfJob('killed', rule, { actors: 1 });
    const running = runHere(folder);
    while (actorProcesses().length === 0) await new Promise(done => setTimeout(done, 20));
    for (const pid of actorProcesses()) process.kill(pid, 'SIGKILL');
    await running;
    assert.equal(await weightsOf('killed'), await weightsOf('one'));
    const { events } = await folder.eventsSince(startOfEvents);
    const logs = events.flatMap(event => (event.type === 'log' ? [event.message] : []));
    assert.match(logs.join('\n'), /An actor ended unexpectedly and is started again/);
  });

  it('one that cannot begin ends the job with its sentence', async () => {
    const pool = new ActorProcesses({
      count: 1,
      base: join(workspace.root, 'nothing'),
      lora: { r: 1, alpha: 1, targetModules: ['q_proj'] },
      threads: 1,
      host: { log() {} },
    });
    try {
      const request = { prompt: [1], stream: 0, options: { temperature: 1, maxNewTokens: 1, seed: 1 } };
      await assert.rejects(pool.sample([request], new Map()), {
        name: 'HumanError',
        message: /no model here any more/,
      });
      await assert.rejects(pool.sample([request], new Map()), { name: 'HumanError' });
    } finally {
      pool.dispose();
    }
  });

  it('share the processor with the learner', () => {
    assert.deepEqual(sharedThreads(2, 1), { learner: 2, actor: 2 });
    assert.deepEqual(sharedThreads(8, 3), { learner: 8, actor: 2 });
    assert.deepEqual(sharedThreads(2, 3), { learner: 2, actor: 1 });
  });
});
