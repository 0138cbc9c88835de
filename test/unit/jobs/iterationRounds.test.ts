/** An iteration whose judges are people: journal, iteration file and job folders are real; models answer by rule and nothing trains. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Iteration } from '../../../src/core/jobs/iteration.ts';
import { peopleOnly } from '../../../src/core/preferences/judgeChoice.ts';
import type { ItemRecord } from '../../../src/core/preferences/judgement.ts';
import { type IterationHost, judgedItems, runIteration } from '../../../src/jobs/iterationRounds.ts';
import { listIterations, readIteration, writeIteration } from '../../../src/storage/iterationFiles.ts';
import { JobFolder } from '../../../src/storage/jobFolder.ts';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('rounds of an iteration that people judge', () => {
  let layout: WorkspaceLayout;
  let journal: PreferenceJournal;
  let ran: string[];
  let said: string[];
  const begun: Iteration = {
    format: 1,
    name: 'Polite replies',
    model: { id: 'local:pebble', base: '/pebble' },
    seed: 3,
    prompts: Array.from({ length: 5 }, (_, i) => ({ prompt: { kind: 'text', text: `p${i}` } })),
    rounds: [],
  };
  const options = { items: 3, samples: 2, preset: 'quick', steps: 1 } as const;

  beforeEach(async () => {
    layout = workspaceLayout(memoryFolder());
    journal = await PreferenceJournal.open(layout, { author: 'ann' });
    ran = [];
    said = [];
    await writeIteration(layout, begun);
  });
  afterEach(async () => {
    await journal.close();
    rmSync(layout.root, { recursive: true, force: true });
  });

  const host = (judge: IterationHost['judge']): IterationHost => ({
    layout,
    journal,
    filter: peopleOnly,
    signal: new AbortController().signal,
    model: async id => ({
      label: id,
      ask: async ({ repeat, options: sampling }) => ({
        cached: false,
        generation: {
          text: `${id} says ${repeat}`,
          finishReason: 'stop',
          latencyMs: 1,
          model: id,
          options: sampling,
          repeat,
        },
      }),
    }),
    reference: async id => ({ id, base: '/pebble', adapter: `/${id}` }),
    tunedFrom: async () => undefined,
    parameters: async () => 1e6,
    async run({ specification: { name, output } }) {
      ran.push(name);
      const metrics = { reward_before: 0, reward_after: 1 };
      return { format: 1, adapter: join(layout.root, output), seconds: 1, metrics, warnings: [] };
    },
    judge,
    onProgress: () => {},
    note: message => said.push(message),
    onRound: ({ number, tuned }) => said.push(`done ${number}: ${tuned.id}`),
  });

  const rank = (to: PreferenceJournal, { id, answers }: ItemRecord, best: number, judge?: string) =>
    to.addJudgements(
      [
        {
          item: id,
          ranking: [[answers[best]!.id], [answers[1 - best]!.id]],
          shown: answers.map(answer => answer.id),
          verdict: 'ranked',
          flags: [],
          milliseconds: 1,
          ...(judge === undefined ? {} : { judge, author: judge }),
        },
      ],
      judge === undefined ? {} : { folder: judge },
    );

  it('waits, hears of judgements of this and of other windows, trains on them, and puts up the next round', async () => {
    let asked = 0;
    const judge: IterationHost['judge'] = async ({ rounds }, round, judged) => {
      asked++;
      if (rounds.length === 2) return 'leave';
      const items = journal.items(round.set);
      assert.equal(items.length, 3);
      assert.equal(judged, asked - 1);
      if (asked < 3) await rank(journal, items[asked - 1]!, 0);
      else {
        // The last one is judged elsewhere, and arrives as a file.
        const other = await PreferenceJournal.open(layout, { author: 'bob' });
        await rank(other, items[2]!, 1);
        await other.close();
        assert.equal(judgedItems(journal, round, peopleOnly), 2);
        await journal.refresh();
      }
      return 'again';
    };
    await runIteration(begun, options, host(judge));
    assert.equal(asked, 4);
    assert.deepEqual(ran, ['polite-replies-reward-1', 'polite-replies-1']);
    const kept = (await readIteration(layout, begun.name))!;
    const [first, second] = kept.rounds;
    assert.equal(first!.comparisons, 3);
    // The second round's answers are those of the policy that came out.
    assert.equal(second!.policy, first!.tuned!.id);
    assert.match(journal.items(second!.set)[0]!.answers[0]!.text, /polite-replies-1 says/);
    const pairs = (await readFile(join(layout.jobs, first!.rewardJob!, 'pairs.jsonl'), 'utf8')).trim().split('\n');
    assert.equal(pairs.length, 3);
    const { specification } = await JobFolder.open(join(layout.jobs, first!.tuneJob!));
    assert.ok(specification.kind === 'rlhf' && specification.reference === 'base');
    assert.equal(specification.settings.steps, 1);
    // It is in the list under the name that opens it.
    assert.deepEqual(await Promise.all((await listIterations(layout)).map(name => readIteration(layout, name))), [
      kept,
    ]);
  });

  it('takes no judge’s labels for people’s, and goes on with what is judged where somebody says so', async () => {
    let asked = 0;
    const judge: IterationHost['judge'] = async (_, round) => {
      const items = journal.items(round.set);
      asked++;
      if (asked > 1) return 'leave';
      for (const item of items) await rank(journal, item, 1, 'a model');
      assert.equal(judgedItems(journal, round, peopleOnly), 0);
      await rank(journal, items[0]!, 0);
      return 'enough';
    };
    await runIteration(begun, options, host(judge));
    const [first] = (await readIteration(layout, begun.name))!.rounds;
    assert.equal(first!.comparisons, 1);
    assert.deepEqual(ran, ['polite-replies-reward-1', 'polite-replies-1']);
  });

  it('waits for nobody to judge what was skipped, and says so where nothing is left to learn from', async () => {
    const judge: IterationHost['judge'] = async (_, round) => {
      for (const { id, answers } of journal.items(round.set))
        await journal.addJudgement({
          item: id,
          ranking: [],
          shown: answers.map(answer => answer.id),
          verdict: 'skipped',
          flags: [],
          milliseconds: 1,
        });
      return 'again';
    };
    await assert.rejects(
      runIteration(begun, options, host(judge)),
      /no judgements to learn from yet\. Rank the answers of the set “Polite replies-1”/,
    );
    assert.deepEqual(ran, []);
  });

  it('goes on where it was left: a round that waits is not sampled again, a job that is done not run again', async () => {
    await runIteration(
      begun,
      options,
      host(async () => 'leave'),
    );
    const left = (await readIteration(layout, begun.name))!;
    assert.equal(left.rounds.length, 1);
    for (const item of journal.items(left.rounds[0]!.set)) await rank(journal, item, 0);
    const failing = host(async () => 'leave');
    const stopped = { ...failing, run: () => Promise.reject(new Error('stopped')) };
    await assert.rejects(runIteration(left, options, stopped), /stopped/);
    const begunJob = (await readIteration(layout, begun.name))!;
    assert.ok(begunJob.rounds[0]!.rewardJob);
    await runIteration(
      begunJob,
      { ...options, rounds: 1 },
      host(async () => 'leave'),
    );
    const done = (await readIteration(layout, begun.name))!;
    assert.equal(done.rounds[0]!.rewardJob, begunJob.rounds[0]!.rewardJob);
    assert.deepEqual(ran, ['polite-replies-reward-1', 'polite-replies-1']);
    assert.equal(journal.items().length, 3);
  });
});
