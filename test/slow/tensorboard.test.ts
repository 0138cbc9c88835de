/** TensorBoard itself reads the event files of a job that was stopped and resumed: every step once, with the job's own metrics. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricSteps } from '../../src/core/jobs/dashboardCharts.ts';
import { JobFolder, startOfEvents } from '../../src/storage/jobFolder.ts';
import { runHere, TinyWorkspace } from '../fakes/trainingJobs.ts';
import { recordFigures } from './figures.ts';
import { askPython, pythonWith } from './python.ts';

describe('event files of TensorBoard', function () {
  this.timeout(300_000);
  let workspace: TinyWorkspace;
  let python: string;
  before(async function () {
    const found = pythonWith('tensorboard');
    if (typeof found !== 'string') {
      console.log(`skipped: ${found.missing}`);
      return this.skip();
    }
    python = found;
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace?.remove());

  it('hold what the job reports', async () => {
    const rule = { kind: 'rule', reward: { rule: 'word', word: 'e' } } as const;
    const made = await workspace.rlhfJob('watched', rule, { steps: 6, checkpointEvery: 4 });
    const specification = JSON.parse(readFileSync(made.file('specification'), 'utf8'));
    writeFileSync(made.file('specification'), JSON.stringify({ ...specification, tensorboard: true }));
    const job = await JobFolder.open(made.path);
    await runHere(job, { stopAt: 3 });
    await runHere(job);
    const [name] = readdirSync(job.file('tensorboard'));
    const rows = askPython<[number, string, number][]>(python, 'eventFiles.py', {
      file: join(job.file('tensorboard'), name!),
    });
    const { events } = await job.eventsSince(startOfEvents);
    const expected = metricSteps(events).flatMap(({ step, values }) =>
      Object.entries(values).map(([tag, value]) => [step, tag, Math.fround(value)]),
    );
    assert.ok(expected.length > 60);
    assert.deepEqual(rows, expected);
    recordFigures(
      'tensorboard',
      `TensorBoard’s own loader reads ${rows.length} scalars of 6 steps, those of the job’s metrics, from a job that was stopped and resumed.`,
    );
  });
});
