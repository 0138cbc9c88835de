/** Rewards of a model that whoever watches the job asks: answered, left alone, resumed; and what of it lies in the job's folder. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disposable } from '../../../src/base/disposable.ts';
import { isHumanError } from '../../../src/base/errors.ts';
import type { RewardSource } from '../../../src/core/jobs/job.ts';
import { answerQuestions } from '../../../src/jobs/modelAnswers.ts';
import { type JobFolder, startOfEvents } from '../../../src/storage/jobFolder.ts';
import { ModelAway } from '../../../src/training/rollout.ts';
import { latestCheckpoint } from '../../../src/worker/jobCheckpoints.ts';
import { JobReporter } from '../../../src/worker/jobReporter.ts';
import { runJob } from '../../../src/worker/jobRunner.ts';
import { TinyWorkspace } from '../../fakes/trainingJobs.ts';

const judge: RewardSource = {
  kind: 'rule',
  reward: { rule: 'judge', model: 'http://x/v1|m', rubric: 'Short is good.' },
};

describe('rewards of a model that others ask', function () {
  this.timeout(60_000);
  let workspace: TinyWorkspace;
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());

  /** Answers by the length of what stands between the fences; `most` questions, then it is gone. */
  function answerer(folder: JobFolder, most = Number.POSITIVE_INFINITY, say?: (n: number) => string) {
    const asked: string[] = [];
    const answering: Disposable = answerQuestions(folder, {
      model: 'http://x/v1|m',
      open:
        async () =>
        async ({ prompt, options, repeat }) => {
          assert.ok(prompt.kind === 'messages');
          const [system, user] = prompt.messages.map(({ content }) => content);
          assert.ok(system!.includes('Short is good.'));
          const [, answer = ''] = /answer\n([\s\S]*?)\n=====\w+ end/.exec(user!) ?? [];
          asked.push(answer);
          if (asked.length === most) queueMicrotask(() => answering.dispose());
          const text = say ? say(asked.length) : `It is what it is.\nScore: ${Math.max(0, 10 - answer.length)}`;
          const generation = { text, finishReason: 'stop' as const, latencyMs: 0, model: 'm', options, repeat };
          return { generation, cached: false };
        },
    });
    return { asked, answering };
  }

  async function run(folder: JobFolder): Promise<'done' | 'stopped' | 'away'> {
    const resume = await latestCheckpoint(folder.file('checkpoints'));
    const host = new JobReporter(folder, await folder.state(), () => 0);
    try {
      const result = await runJob({ folder, host, resume, allowCode: false, seconds: () => 1, goneSeconds: 0.5 });
      await host.end(result ? 'succeeded' : 'cancelled');
      return result ? 'done' : 'stopped';
    } catch (error) {
      await host.end(error instanceof ModelAway ? 'waiting' : 'failed', error instanceof ModelAway ? undefined : error);
      if (error instanceof ModelAway) return 'away';
      throw error;
    }
  }

  const bytesOf = async (name: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(join(workspace.layout.models, name, 'adapter_model.safetensors')))
      .digest('hex');

  const metricsOf = async (folder: JobFolder): Promise<string> => {
    const { events } = await folder.eventsSince(startOfEvents);
    const last = new Map(
      events.flatMap(event => (event.type === 'metrics' ? [[event.step, event.values] as const] : [])),
    );
    return JSON.stringify([...last]);
  };

  it('waits when it is left alone, at whatever question, and goes on to the same bytes and metrics', async () => {
    const whole = await workspace.rlhfJob('whole', judge, { learningRate: 0.01 });
    const { asked, answering } = answerer(whole);
    assert.equal(await run(whole), 'done');
    answering.dispose();
    assert.ok(asked.length >= 8, `${asked.length} questions`);
    for (const most of [1, 5, 9]) {
      const name = `left-${most}`;
      const folder = await workspace.rlhfJob(name, judge, { learningRate: 0.01 });
      const first = answerer(folder, most);
      assert.equal(await run(folder), 'away');
      assert.equal((await folder.status()).status, 'waiting');
      assert.deepEqual(await readdir(workspace.layout.models).then(all => all.includes(name)), false);
      // A torn line of a killed answerer says nothing.
      await appendFile(folder.file('answers'), '{"id":"half');
      const second = answerer(folder);
      assert.equal(await run(folder), 'done');
      second.answering.dispose();
      assert.equal(await bytesOf(name), await bytesOf('whole'));
      assert.equal(await metricsOf(folder), await metricsOf(whole));
      // Each different question was asked once, but for those under way when the first one left.
      assert.ok(first.asked.length + second.asked.length <= asked.length + 8);
    }
  });

  it('keeps a checkpoint of the step in which it was left alone', async () => {
    const folder = await workspace.rlhfJob('kept', judge, { checkpointEvery: 0, evaluateEvery: 0 });
    // Two fixed prompts before training, then four answers a step: the ninth question is in the second step at the earliest.
    answerer(folder, 7);
    assert.equal(await run(folder), 'away');
    assert.ok(((await latestCheckpoint(folder.file('checkpoints')))?.step ?? 0) >= 1);
  });

  it('counts what cannot be read as the worst, and refuses a judge that says no score at all', async () => {
    const some = await workspace.rlhfJob('some', judge, { steps: 1 });
    const half = answerer(some, undefined, n => (n % 2 === 0 ? 'Score: 7' : 'I like it.'));
    assert.equal(await run(some), 'done');
    half.answering.dispose();
    const { events } = await some.eventsSince(startOfEvents);
    assert.ok(events.some(event => event.type === 'log' && /got no score that can be read/.test(event.message)));
    const none = await workspace.rlhfJob('none', judge);
    const mute = answerer(none, undefined, () => 'I like it.');
    await assert.rejects(
      run(none),
      error => isHumanError(error) && /gave no score that can be read/.test(error.message),
    );
    mute.answering.dispose();
  });

  it('fails with the model’s words, asks again when it is resumed, and answers for no other model', async () => {
    const folder = await workspace.rlhfJob('refused', judge);
    const failing = answerQuestions(folder, {
      model: 'http://x/v1|m',
      open: async () => async () => {
        throw new Error('The server wants a key.');
      },
    });
    await assert.rejects(run(folder), /The server wants a key/);
    failing.dispose();
    const { answering } = answerer(folder);
    assert.equal(await run(folder), 'done');
    answering.dispose();
    const other = await workspace.rlhfJob('other', judge);
    const wrong = answerQuestions(other, { model: 'local:pebble', open: () => assert.fail('asked') });
    await assert.rejects(run(other), /may not ask http:\/\/x\/v1\|m/);
    wrong.dispose();
  });

  it('takes no answerer that is dead or silent for one', async () => {
    const folder = await workspace.rlhfJob('dead', judge);
    const gone = { format: 1, pid: 2 ** 22 - 1, processStartedAt: '1', at: new Date().toISOString() };
    await writeFile(folder.file('answerer'), JSON.stringify(gone));
    const began = Date.now();
    assert.equal(await run(folder), 'away');
    assert.ok(Date.now() - began < 20_000);
  });
});
