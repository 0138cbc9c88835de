import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { forecastJob } from '../../../src/jobs/jobForecast.ts';
import { TinyWorkspace } from '../../fakes/trainingJobs.ts';

describe('the forecast of a job', () => {
  let workspace: TinyWorkspace;
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());
  const options = () => ({ root: path.resolve(import.meta.dirname, '../../..'), layout: workspace.layout });

  it('says memory, steps and time, and leaves the folder as it was', async () => {
    const job = await workspace.rewardJob('judge');
    const files = await readdir(job.path);
    const { estimate } = await forecastJob(job.path, options());
    assert.ok(estimate.memory > 50e6 && estimate.memory < estimate.available, JSON.stringify(estimate));
    assert.ok(estimate.steps > 0);
    assert.ok(estimate.seconds[0] > 0 && estimate.seconds[0] <= estimate.seconds[1]);
    assert.deepEqual(await readdir(job.path), files);
    assert.equal((await job.status()).status, 'queued');
  });

  it('is the refusal that the job itself would end with', async () => {
    const job = await workspace.rewardJob('spoilt');
    await writeFile(path.join(job.path, job.specification.data.file), '{"chosen": 1}\n');
    await assert.rejects(forecastJob(job.path, options()), {
      name: 'HumanError',
      message: /^The data of this job are not those it was made with/,
    });
  });

  it('ends when it is no longer wanted', async () => {
    const job = await workspace.rewardJob('unwanted');
    await assert.rejects(forecastJob(job.path, options(), AbortSignal.timeout(1)), { name: 'AbortError' });
  });
});
