/** A disk that is really full (a small file system in memory): one sentence, nothing saved is lost, and it goes on afterwards. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHumanError } from '../../src/base/errors.ts';
import { rlhfPresets } from '../../src/core/jobs/presets.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { JobReporter } from '../../src/worker/jobReporter.ts';
import { runJob } from '../../src/worker/jobRunner.ts';
import { makeJob } from '../fakes/countingJob.ts';
import { runHere, TinyWorkspace } from '../fakes/trainingJobs.ts';

const isFull = (error: unknown) => isHumanError(error) && /disk is full.*Free some space/.test(error.message);

describe('a full disk', () => {
  let root: string;
  before(function () {
    root = mkdtempSync(join(tmpdir(), 'full-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', root]);
    if (mounted.status !== 0) {
      rmdirSync(root);
      console.log('skipped: mounting a small file system needs root');
      this.skip();
    }
  });
  after(() => {
    if (spawnSync('umount', ['-l', root]).status === 0) rmdirSync(root);
  });

  it('refuses with one sentence, loses nothing, and goes on when there is space', async () => {
    const layout = workspaceLayout(root);
    const journal = await PreferenceJournal.open(layout, { author: 'ada' });
    const [item] = await journal.addItems([
      { set: 's', messages: [], answers: ['yes', 'no'].map(text => ({ text, model: 'm' })) },
    ]);
    const judge = (note: string) =>
      journal.addJudgement({
        item: item!.id,
        ranking: item!.answers.map(answer => [answer.id]),
        shown: [],
        verdict: 'ranked',
        flags: [],
        milliseconds: 1,
        note,
      });
    let last = await judge('first');
    const filler = join(root, 'filler');
    assert.throws(() => writeFileSync(filler, Buffer.alloc(1 << 20)), { code: 'ENOSPC' });
    // What is left of the last page takes some more records.
    await assert.rejects(async () => {
      for (let n = 0; n < 1000; n++) last = await judge('x'.repeat(500));
    }, isFull);
    await assert.rejects(judge('x'.repeat(5000)), isFull);
    await assert.rejects(makeJob(layout), isFull);

    const reader = await PreferenceJournal.open(layout, { author: 'reader' });
    assert.deepEqual(reader.problems, []);
    assert.equal(reader.state.judgements[0]?.id, last.id, 'what was acknowledged last stands');

    rmSync(filler);
    last = await judge('after');
    await makeJob(layout);
    await reader.refresh();
    assert.deepEqual([reader.state.judgements[0]?.id, reader.problems], [last.id, []]);
    await journal.close();
    await reader.close();
  });

  it('ends a job with that sentence at whatever write, and the job goes on to the same bytes', async function () {
    this.timeout(120_000);
    const workspace = await TinyWorkspace.make();
    const small = mkdtempSync(join(tmpdir(), 'full-job-'));
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]).status, 0);
    try {
      const rule = { kind: 'rule', reward: { rule: 'word', word: 'e' } } as const;
      const settings = { steps: 6, checkpointEvery: 2 };
      const whole = await workspace.rlhfJob('whole', rule, settings);
      await runHere(whole);
      const model = (root: string, name: string) =>
        readFileSync(join(workspaceLayout(root).models, name, 'adapter_model.safetensors'));
      const filler = join(small, 'filler');
      // Room for less and less: the disk is full at an event, a state, a checkpoint or the model.
      for (const free of [0, 8, 24]) {
        const layout = workspaceLayout(small);
        const job = await workspace.rlhfJob(`broken-${free}`, rule, settings, rlhfPresets.quick, layout);
        // The reserve of the job is on the disk before it is full.
        const reporter = new JobReporter(job, undefined, () => 0);
        const room = statfsSync(small);
        writeFileSync(filler, Buffer.alloc(Math.max(0, room.bavail * room.bsize - free * 1024), 1));
        const context = { folder: job, host: reporter, resume: undefined, allowCode: false, seconds: () => 1 };
        const error = await runJob(context).then(
          () => assert.fail(`with ${free} kB free the job came to its end`),
          error => error,
        );
        assert.ok(isFull(error), String(error));
        await reporter.end('failed', error);
        const { status, state } = await job.status();
        assert.equal(status, 'failed');
        assert.match(state!.error!.message, /disk is full.*Free some space/);
        rmSync(filler);
        await runHere(job);
        assert.ok(model(small, `broken-${free}`).equals(model(workspace.root, 'whole')), `${free} kB`);
        rmSync(job.path, { recursive: true });
        rmSync(layout.models, { recursive: true });
      }
    } finally {
      spawnSync('umount', ['-l', small]);
      rmdirSync(small);
      await workspace.remove();
    }
  });
});
