/** Detached jobs: found again, stopped, ended, resumed, told apart from dead ones. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobEvent } from '../../../src/core/jobs/job.ts';
import { jobProgress } from '../../../src/jobs/progress.ts';
import { Supervisor } from '../../../src/jobs/supervisor.ts';
import { type JobFolder, startOfEvents } from '../../../src/storage/jobFolder.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { fakeEntry, makeJob } from '../../fakes/countingJob.ts';
import { rlhfJob } from '../../fakes/jobs.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('supervisor', () => {
  let layout: WorkspaceLayout;
  const made: Supervisor[] = [];
  const supervisor = (graceSeconds = 5) => {
    const one = new Supervisor({
      layout,
      root: layout.root,
      entry: () => fakeEntry('jobWorker'),
      graceSeconds,
      pollSeconds: 0.2,
    });
    made.push(one);
    return one;
  };
  beforeEach(() => {
    layout = workspaceLayout(memoryFolder());
  });
  afterEach(() => {
    for (const one of made.splice(0)) one.dispose();
    rmSync(layout.root, { recursive: true, force: true });
  });
  const until = async (test: () => Promise<boolean>) => {
    while (!(await test())) await new Promise(resolve => setTimeout(resolve, 10));
  };

  it('runs a job to its end and hands over every event once', async () => {
    const one = supervisor();
    const job = await makeJob(layout);
    assert.equal((await one.get(job.id)).status, 'queued');
    await one.start(job.id);
    await assert.rejects(one.start(job.id), /already running/);
    const events: JobEvent[] = [];
    const done = await one.wait(job.id, { onEvents: news => events.push(...news) });
    assert.equal(done.status, 'succeeded');
    assert.equal(done.result?.metrics.loss, 1 / 20);
    assert.deepEqual(
      events.filter(event => event.type === 'metrics').map(event => event.step),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.equal(jobProgress(done).label, 'done');
    await assert.rejects(one.start(job.id), /job is done/);
  });

  it('is found again by another supervisor, which stops it; then it resumes', async () => {
    const job = await makeJob(layout);
    await supervisor().start(job.id);
    const other = supervisor();
    await until(async () => ((await other.get(job.id)).state?.step ?? 0) >= 2);
    assert.equal((await other.list()).jobs[0]?.status, 'running');
    const stopped = await other.cancel(job.id);
    assert.equal(stopped.status, 'cancelled');
    assert.match(jobProgress(stopped).label, /^stopped at \d+ of 20$/);
    await other.start(job.id, { allowCode: true });
    assert.equal((await other.wait(job.id)).status, 'succeeded');
    const { events } = await job.eventsSince(startOfEvents);
    assert.ok(events.some(event => event.type === 'phase' && event.phase.startsWith('resumed at')));
    assert.equal(events.findLast(event => event.type === 'metrics')?.values.args, 4, 'the flag was handed over');
  });

  it('calls a killed process lost, whatever has its number now', async () => {
    const one = supervisor();
    const job = await makeJob(layout);
    await one.start(job.id);
    await until(async () => ((await one.get(job.id)).state?.step ?? 0) >= 2);
    process.kill((await job.state())!.pid!, 'SIGKILL');
    assert.equal((await one.wait(job.id)).status, 'lost');
    const state = JSON.parse(readFileSync(job.file('state'), 'utf8'));
    writeFileSync(job.file('state'), JSON.stringify({ ...state, pid: process.pid }));
    assert.equal((await one.get(job.id)).status, 'lost');
    await one.start(job.id);
    assert.equal((await one.wait(job.id)).status, 'succeeded');
  });

  it('sends no signal to a process that a job only claims to be', async () => {
    const one = supervisor(0.1);
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      for (const pid of [bystander.pid!, -bystander.pid!, 0, -1, process.pid]) {
        const job = await makeJob(layout);
        const now = new Date(Date.now() + 5000).toISOString();
        writeFileSync(
          job.file('state'),
          JSON.stringify({ format: 1, status: 'running', pid, heartbeatAt: now, step: 1, totalSteps: 2 }),
        );
        await one.cancel(job.id);
      }
      await new Promise(resolve => setTimeout(resolve, 50));
      assert.deepEqual([bystander.exitCode, bystander.signalCode], [null, null]);
    } finally {
      bystander.kill('SIGKILL');
    }
  }).timeout(15_000);

  it('starts no job that wants to write outside of the workspace', async () => {
    const job = await makeJob(layout);
    const specification = JSON.parse(readFileSync(job.file('specification'), 'utf8'));
    for (const output of ['../x', '/etc/x', '.']) {
      writeFileSync(job.file('specification'), JSON.stringify({ ...specification, output }));
      await assert.rejects(supervisor().start(job.id), /outside of the workspace/);
    }
  });

  it('ends a job that does not obey', async () => {
    const one = supervisor(0.3);
    const job = await makeJob(layout, 1);
    await one.start(job.id);
    await until(async () => ((await one.get(job.id)).state?.step ?? 0) >= 1);
    const stopped = await one.cancel(job.id);
    assert.equal(stopped.status, 'cancelled');
  }).timeout(15_000);

  it('tells a failure in the words of the job, and keeps the log of one that did not start', async () => {
    const one = supervisor();
    const [failing, broken] = [await makeJob(layout, 2), await makeJob(layout, 3)];
    await one.start(failing.id);
    assert.match(jobProgress(await one.wait(failing.id)).label, /Lower the learning rate/);
    await one.start(broken.id);
    assert.equal((await one.wait(broken.id)).status, 'lost');
    assert.match(await broken.logTail(), /cannot find the engine/);
  });

  it('runs enqueued jobs one at a time, in their order', async () => {
    const one = supervisor();
    const jobs = [await makeJob(layout, 0, 'a'), await makeJob(layout, 2, 'b'), await makeJob(layout, 0, 'c')];
    const begun: string[] = [];
    for (const job of jobs) one.watch(job.id, { onChange: ({ name, status }) => begun.push(`${name} ${status}`) });
    await Promise.all(jobs.map(job => one.enqueue(job.id)));
    assert.deepEqual(
      (await Promise.all(jobs.map(job => one.get(job.id)))).map(job => job.status),
      ['running', 'queued', 'queued'],
    );
    await one.wait(jobs[2]!.id);
    await until(async () => begun.includes('c succeeded'));
    const order = begun.filter(line => /succeeded|failed/.test(line));
    assert.deepEqual(order, ['a succeeded', 'b failed', 'c succeeded']);
  });

  /** Names in the order in which the processes began, and how many of them overlapped. */
  const startsOf = async (jobs: readonly JobFolder[]) => {
    const times: { readonly name: string; readonly begun: number; readonly ended: number }[] = [];
    for (const job of jobs) {
      const { events } = await job.eventsSince(startOfEvents);
      const at = events.map(({ time }) => Date.parse(time));
      const starts = events.filter(event => event.type === 'phase').length;
      assert.equal(starts, 1, `${job.specification.name} was started ${starts} times`);
      times.push({ name: job.specification.name, begun: Math.min(...at), ended: Math.max(...at) });
    }
    times.sort((a, b) => a.begun - b.begun);
    for (const [i, { begun, name }] of times.slice(1).entries())
      assert.ok(begun >= times[i]!.ended, `${name} began before ${times[i]!.name} was over`);
    return times.map(({ name }) => name);
  };

  it('keeps the queue when the window closes: another one starts what waits, in order', async () => {
    const jobs = [await makeJob(layout, 0, 'a'), await makeJob(layout, 0, 'b'), await makeJob(layout, 0, 'c')];
    const window = supervisor();
    for (const job of [jobs[0]!, jobs[2]!, jobs[1]!]) await window.enqueue(job.id);
    window.dispose();
    const other = supervisor();
    const statuses = (await other.list()).jobs.map(
      ({ name, status, turn }) => `${name} ${status} ${turn !== undefined}`,
    );
    assert.deepEqual(statuses.sort(), ['a running false', 'b queued true', 'c queued true']);
    await other.wait(jobs[0]!.id);
    assert.equal((await other.get(jobs[1]!.id)).status, 'queued', 'nobody was there');
    await other.tend();
    for (const job of jobs) assert.equal((await other.wait(job.id)).status, 'succeeded');
    assert.deepEqual(await startsOf(jobs), ['a', 'b', 'c']);
  });

  it('starts every job once, one at a time, however many windows look', async () => {
    const jobs: JobFolder[] = [];
    for (let i = 0; i < 5; i++) jobs.push(await makeJob(layout, 0, `job ${i}`));
    const windows = [supervisor(), supervisor(), supervisor(), supervisor()];
    await windows[0]!.enqueue(jobs[0]!.id);
    await Promise.all(jobs.slice(1).map((job, i) => windows[i]!.enqueue(job.id)));
    await Promise.all(windows.flatMap(window => [window.tend(), window.tend()]));
    await Promise.all(jobs.map(job => windows[3]!.wait(job.id)));
    assert.deepEqual(await startsOf(jobs), ['job 0', 'job 1', 'job 2', 'job 3', 'job 4']);
  }).timeout(30_000);

  it('goes on with the queue when what runs is killed; a resumed job waits too', async () => {
    const [first, second] = [await makeJob(layout, 1, 'first'), await makeJob(layout, 0, 'second')];
    const one = supervisor();
    await one.enqueue(first.id);
    await until(async () => ((await one.get(first.id)).state?.step ?? 0) >= 2);
    await one.enqueue(second.id);
    process.kill((await first.state())!.pid!, 'SIGKILL');
    await until(async () => (await one.get(second.id)).status === 'running');
    assert.equal((await one.get(first.id)).status, 'lost');
    await one.enqueue(first.id);
    assert.equal((await one.get(first.id)).status, 'queued');
    assert.equal((await one.cancel(first.id)).status, 'lost', 'it leaves the queue, and is what it was before');
    assert.equal((await one.wait(second.id)).status, 'succeeded');
  });

  it('leaves code of the workspace to those who allow it, and passes over what cannot start', async () => {
    const [code, gold, broken, fine] = [
      await makeJob(layout, 0, 'code'),
      await makeJob(layout, 0, 'gold'),
      await makeJob(layout, 0, 'broken'),
      await makeJob(layout, 0, 'fine'),
    ];
    const specification = { ...rlhfJob({ model: { id: 'x', base: '/x' } }), output: '.tunesmith/models/x' };
    const reward = { kind: 'rule', reward: { rule: 'javascript', file: 'r.mjs' } };
    writeFileSync(code.file('specification'), JSON.stringify({ ...specification, reward }));
    const watched = { gold: { source: reward, patience: null, restoreBest: false }, output: '.tunesmith/models/y' };
    writeFileSync(gold.file('specification'), JSON.stringify({ ...specification, ...watched }));
    const outside = JSON.parse(readFileSync(broken.file('specification'), 'utf8'));
    writeFileSync(broken.file('specification'), JSON.stringify({ ...outside, output: '/etc/x' }));
    for (const job of [code, gold, broken]) writeFileSync(job.file('queue'), '{"format":1,"turn":"t","at":"now"}');
    const one = supervisor();
    await one.enqueue(fine.id);
    assert.equal((await one.wait(fine.id)).status, 'succeeded');
    assert.match((await one.get(broken.id)).state!.error!.message, /outside of the workspace/);
    for (const job of [code, gold]) assert.equal((await one.get(job.id)).status, 'queued');
    await one.tend({ allowCode: true });
    for (const job of [code, gold]) assert.equal((await one.wait(job.id)).status, 'succeeded');
  });

  it('takes over the lock of a window that was killed while it started a job', async () => {
    const job = await makeJob(layout);
    writeFileSync(join(layout.jobs, '.starting'), JSON.stringify({ pid: 2 ** 22 - 1, processStartedAt: '1' }));
    await supervisor().enqueue(job.id);
    assert.equal((await supervisor().wait(job.id)).status, 'succeeded');
  });

  it('says what is wrong with a program that is not there', async () => {
    const one = new Supervisor({
      layout,
      root: layout.root,
      entry: () => ({ ...fakeEntry('jobWorker'), execPath: '/no/node' }),
    });
    made.push(one);
    const job = await makeJob(layout);
    await assert.rejects(one.start(job.id), /tunesmith\.nodePath/);
  });

  it('refuses to remove a running job, removes a stopped one', async () => {
    const one = supervisor();
    const job = await makeJob(layout);
    await one.start(job.id);
    await assert.rejects(one.remove(job.id), /Stop it before/);
    await one.cancel(job.id);
    await one.remove(job.id);
    assert.deepEqual((await one.list()).jobs, []);
    await assert.rejects(one.get('../../etc'), /There is no job/);
  });

  it('lists what it can read, and names the file of what it cannot', async () => {
    const [good, bad, newer] = [await makeJob(layout), await makeJob(layout), await makeJob(layout)];
    writeFileSync(bad.file('specification'), '{"format":1,');
    writeFileSync(newer.file('specification'), '{"format":2}');
    const { jobs, problems } = await supervisor().list();
    assert.deepEqual(
      jobs.map(job => job.id),
      [good.id],
    );
    assert.deepEqual(
      problems.map(problem => [problem.file, /newer version/.test(problem.message)]).sort(),
      [
        [bad.file('specification'), false],
        [newer.file('specification'), true],
      ].sort(),
    );
  });
});

describe('jobFolder', () => {
  it('reads events as they grow, passing over a torn line and a strange one', async () => {
    const layout = workspaceLayout(memoryFolder());
    const job = await makeJob(layout);
    const line = '{"type":"phase","time":"t","phase":"héllo"}\n';
    const bytes = Buffer.from(line);
    let cursor = startOfEvents;
    let read = 0;
    for (const byte of Buffer.concat([bytes, Buffer.from('what is this\n'), bytes])) {
      appendFileSync(job.file('events'), Buffer.of(byte));
      const step = await job.eventsSince(cursor);
      cursor = step.cursor;
      read += step.events.length;
    }
    assert.equal(read, 2);
    writeFileSync(job.file('events'), line);
    const again = await job.eventsSince(cursor);
    assert.deepEqual([again.restarted, again.events.length], [true, 1]);
    rmSync(layout.root, { recursive: true, force: true });
  });

  it('refuses data that changed after the job was made', async () => {
    const layout = workspaceLayout(memoryFolder());
    const job = await makeJob(layout);
    const data = job.specification.kind === 'reward' ? job.specification.data : assert.fail();
    assert.equal(await job.readData(data), '{"a":1}\n{"a":2}\n');
    appendFileSync(join(job.path, data.file), '{}\n');
    await assert.rejects(job.readData(data), /not those it was made with/);
    rmSync(layout.root, { recursive: true, force: true });
  });
});
