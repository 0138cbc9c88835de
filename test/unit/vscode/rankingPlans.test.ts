/** What a Ranking view plans with a reward model: a first plan soon, better ones behind it, and a sentence where there is none. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HumanError } from '../../../src/base/errors.ts';
import type { ItemRecord } from '../../../src/core/preferences/judgement.ts';
import { RankingDesk } from '../../../src/core/preferences/rankingDesk.ts';
import { noProject } from '../../../src/core/preferences/rankingSettings.ts';
import type { Rewards } from '../../../src/core/preferences/rewardMargins.ts';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { RankingPlans } from '../../../src/vscode/rankingPlans.ts';

describe('RankingPlans with a reward model', () => {
  let root: string;
  let journal: PreferenceJournal;
  let plans: RankingPlans;
  let desk: RankingDesk;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tunesmith-plans-'));
    journal = await PreferenceJournal.open(workspaceLayout(root), { author: 'ada' });
    await journal.addItems(
      Array.from({ length: 100 }, (_, i) => ({
        set: 's',
        messages: [{ role: 'user' as const, content: `Question ${i}?` }],
        answers: ['yes', 'no'].map(word => ({ text: `${word} ${i}`, model: word })),
      })),
    );
    desk = new RankingDesk();
    desk.choose('margin', false);
  });
  afterEach(async () => {
    plans.dispose();
    await journal.close();
    await rm(root, { recursive: true });
  });

  /** The answers to question i are i apart. */
  const rewardsOf = (items: readonly ItemRecord[]): Rewards =>
    new Map(
      items.map(({ id, messages, answers }) => {
        const number = Number(/\d+/.exec(messages[0]!.content)![0]);
        return [id, new Map(answers.map((answer, i) => [answer.id, i * number]))];
      }),
    );
  const show = () => desk.show(journal, noProject, false);

  it('plans with what was read first, then with all', async () => {
    const read: number[] = [];
    const planned = Promise.withResolvers<void>();
    plans = new RankingPlans(
      desk,
      async items => {
        read.push(items.length);
        return rewardsOf(items);
      },
      () => read.length === 3 && planned.resolve(),
    );
    await plans.plan(journal, noProject);
    const first = show();
    assert.match(first.reason!, /^The reward model (is unsure: 0|puts them \d+\.\d) apart$/);
    await planned.promise;
    assert.deepEqual(read, [16, 64, 100]);
    assert.equal(show().item!.id, first.item!.id, 'what is on the screen stays');
    const answers = first.item!.answers.map(({ id }) => id);
    const judgement = desk.judgement(journal, noProject, {
      item: first.item!.id,
      verdict: 'ranked',
      shown: answers,
      values: [1, 2],
      flags: [],
      note: '',
      highlights: [],
      skipReason: null,
      guidelines: null,
      milliseconds: 1,
    });
    desk.judged(await journal.addJudgement(judgement));
    const next = show();
    assert.equal(next.item!.messages[0]!.content, 'Question 0?');
    assert.equal(next.reason, 'The reward model is unsure: 0 apart');
    assert.equal(plans.problem, undefined);
  });

  it('says why it cannot, and shows items all the same', async () => {
    plans = new RankingPlans(
      desk,
      () => Promise.reject(new HumanError('There is no reward model yet.')),
      () => {},
    );
    await plans.plan(journal, noProject);
    assert.equal(plans.problem, 'There is no reward model yet.');
    const { item, reason } = show();
    assert.ok(item);
    assert.equal(reason, 'The reward model has not read this one yet');
  });
});
