import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RewardSource } from '../../src/core/jobs/job.ts';
import { acquireJobLock } from '../../src/storage/jobFolder.ts';
import { runHere, TinyWorkspace } from '../fakes/trainingJobs.ts';

describe('training jobs in processes of their own', () => {
  let workspace: TinyWorkspace;
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());

  it('a pattern that never ends is stopped with a sentence', async function () {
    this.timeout(30_000);
    const reward: RewardSource = { kind: 'rule', reward: { rule: 'regex', pattern: '(\\S+\\s?)+\\u0001' } };
    const folder = await workspace.rlhfJob('endless', reward, { maxNewTokens: 60, promptsPerStep: 8 });
    await assert.rejects(runHere(folder), { name: 'HumanError', message: /took longer than .* Simplify it/ });
    assert.match((await folder.state())!.error!.message, /Simplify/);
  });

  it('the process itself works on a folder, and refuses one that another process holds', async function () {
    this.timeout(60_000);
    const program = fileURLToPath(new URL('../../src/worker/jobMain.ts', import.meta.url));
    const start = promisify(execFile);
    const folder = await workspace.rewardJob('process');
    await start(process.execPath, [program, folder.path]);
    assert.equal((await folder.state())!.status, 'succeeded');
    assert.ok(await folder.result());
    const held = await workspace.rewardJob('held');
    const release = await acquireJobLock(held.path);
    await assert.rejects(start(process.execPath, [program, held.path]), /already running/);
    await release();
  });
});
