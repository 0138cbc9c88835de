/** People as the gold of a job: what is put up, what their judgements say of each step, and that nothing of it is learned from. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { peopleCharts } from '../../../../src/core/jobs/goldCharts.ts';
import { goldCurve, goldItems, goldPeak, goldSentence, goldSet } from '../../../../src/core/jobs/humanGold.ts';
import type { JobEvent } from '../../../../src/core/jobs/job.ts';
import { parseSplits } from '../../../../src/core/preferences/splits.ts';
import { checkPreferences, exportPreferences, planExport } from '../../../../src/storage/exchange/exportPreferences.ts';
import { PreferenceJournal } from '../../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../../src/storage/workspaceLayout.ts';
import { memoryFolder } from '../../../fakes/storageScenario.ts';

const time = '2026-01-01T00:00:00.000Z';
const samples = (step: number, answers: readonly string[]): JobEvent => ({
  type: 'samples',
  time,
  step,
  samples: answers.map((answer, i) => ({ prompt: `p${i}`, answer })),
});
const events: JobEvent[] = [
  samples(0, ['a', 'b', 'c']),
  { type: 'metrics', time, step: 2, values: { kl: 4 } },
  samples(2, ['a+', 'b', 'c+']),
  // A resumed job goes over a step again: then what came last counts.
  samples(4, ['x', 'x', 'x']),
  { type: 'metrics', time, step: 4, values: { kl: 3, 'gold/kl': 9 } },
  samples(4, ['a+', 'b-', 'c-']),
];

describe('people as the gold of a job', () => {
  let root: string;
  let journal: PreferenceJournal;
  beforeEach(async () => {
    root = memoryFolder();
    journal = await PreferenceJournal.open(workspaceLayout(root), { author: 'ann' });
  });
  afterEach(async () => {
    await journal.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** Ann prefers `+` to nothing and nothing to `-`. */
  const judgeAll = async (set: string, until = Number.POSITIVE_INFINITY): Promise<void> => {
    const worth = (text: string): number => (text.endsWith('+') ? 1 : text.endsWith('-') ? -1 : 0);
    for (const item of journal.items(set).slice(0, until)) {
      const ranking = item.answers.toSorted((a, b) => worth(b.text) - worth(a.text)).map(({ id }) => [id]);
      const shown = item.answers.map(({ id }) => id);
      await journal.addJudgement({ item: item.id, ranking, shown, verdict: 'ranked', flags: [], milliseconds: 1 });
    }
  };

  it('each different answer is put up once, against that before training, prompt by prompt', () => {
    const items = goldItems('j', events);
    assert.deepEqual(
      items.map(({ messages, answers }) => [
        messages[0]!.content,
        ...answers.map(({ text, model }) => `${text} ${model}`),
      ]),
      [
        ['p0', 'a j@0', 'a+ j@2'],
        ['p1', 'b j@0', 'b- j@4'],
        ['p2', 'c j@0', 'c+ j@2'],
        ['p2', 'c j@0', 'c- j@4'],
      ],
    );
    assert.ok(items.every(({ gold, set }) => gold === 'j' && set === goldSet('j')));
    assert.equal(goldItems('j', events, { prompts: 1 }).length, 1);
    assert.deepEqual(goldItems('j', [samples(0, ['a'])]), []);
  });

  it('the gold of a step is its share of wins over all prompts, an unchanged answer a tie', async () => {
    await journal.addItems(goldItems('j', events));
    assert.deepEqual(goldCurve('j', events, journal.state), []);
    await judgeAll(goldSet('j'));
    const curve = goldCurve('j', events, journal.state);
    assert.deepEqual(
      curve.map(({ step, wins, open, distance }) => [step, wins.estimate, wins.n, open, distance]),
      [
        [2, 2.5 / 3, 3, 0, 2],
        [4, 1 / 3, 3, 0, 3],
      ],
    );
    assert.equal(goldPeak(curve)!.step, 2);
    assert.match(goldSentence(curve), /step 2 best: they win 83 %.*3 prompts/);
    const [byStep, frontier] = peopleCharts(curve, 10);
    assert.deepEqual(byStep!.series[0]!.points, [
      [0, 0.5],
      [2, 2.5 / 3],
      [4, 1 / 3],
    ]);
    assert.deepEqual(
      frontier!.series[0]!.points.map(([x]) => x),
      [0, 2, 3],
    );
  });

  it('prompts that nobody judged are open, and another job or a model judge says nothing', async () => {
    await journal.addItems([...goldItems('j', events), ...goldItems('other', events)]);
    await judgeAll(goldSet('other'));
    assert.deepEqual(goldCurve('j', events, journal.state), []);
    await judgeAll(goldSet('j'), 1);
    assert.deepEqual(
      goldCurve('j', events, journal.state).map(({ step, wins, open }) => [step, wins.n, open]),
      [
        [2, 2, 1],
        [4, 1, 2],
      ],
    );
    const [, open] = journal.items(goldSet('j'));
    const ids = open!.answers.map(({ id }) => id);
    const judgement = { item: open!.id, ranking: ids.map(id => [id]), shown: ids, verdict: 'ranked' as const };
    await journal.addJudgements([{ ...judgement, flags: [], milliseconds: 1, judge: 'model' }], { folder: 'model' });
    assert.equal(goldCurve('j', events, journal.state)[1]!.open, 2);
  });

  it('no step is the best where none beats the start', async () => {
    const worse = [samples(0, ['a']), samples(2, ['a-'])];
    await journal.addItems(goldItems('j', worse));
    await judgeAll(goldSet('j'));
    assert.equal(goldPeak(goldCurve('j', worse, journal.state)), undefined);
    assert.match(goldSentence(goldCurve('j', worse, journal.state)), /no step/);
  });

  it('never becomes training data: no pair, no ranking, no prompt, no row of an export, whatever is asked for', async () => {
    const answers = ['a', 'a+'].map(text => ({ text, model: 'm' }));
    await journal.addItems([{ set: 's', messages: [{ role: 'user', content: 'own' }], answers }]);
    await judgeAll('s');
    await journal.addItems(goldItems('j', events));
    await judgeAll(goldSet('j'));
    // Read again from the disk: the mark is in the files.
    await journal.close();
    journal = await PreferenceJournal.open(workspaceLayout(root), { author: 'ann' });
    assert.equal(journal.state.judgementCount, 5);

    for (const judges of ['exclude', 'include'] as const) {
      assert.equal(journal.pairs({ judges }).length, 1);
      assert.equal(journal.pairs({ judges }, { ties: true }).length, 1);
      assert.equal(journal.rankings({ judges }).length, 1);
    }
    assert.deepEqual(
      journal.promptItems().map(({ set }) => set),
      ['s'],
    );
    const splits = parseSplits('train=0.5,test=0.5');
    for (const format of ['trl', 'rankings', 'csv'] as const) {
      assert.equal(planExport(journal.state, { format }).judgements, 1);
      const report = await exportPreferences(journal.state, join(root, `out-${format}.jsonl`), { format, splits });
      assert.equal(
        report.files.reduce((sum, { rows }) => sum + rows, 0),
        1,
      );
    }
    assert.equal(planExport(journal.state, { format: 'trl', set: goldSet('j') }).judgements, 0);
    assert.deepEqual(checkPreferences(journal.state, { splits }).findings, []);
  });
});
