/** Every kind of judgement in a real VS Code, by keys alone: judged, skipped, taken back, taken up again, and what the files then hold. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import type { ItemRecord, JudgementKind, JudgementRecord } from '../../src/core/preferences/judgement.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { decodeRecords } from '../../src/storage/recordLog.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { runHere, TinyWorkspace } from '../fakes/trainingJobs.ts';
import { accessibilityProblems } from './preview/accessibility.ts';
import { Workbench } from './workbench.ts';

const author = 'Ada Lovelace';

/** Keys that judge, and what they say: answers by their place on the screen, and numbers by answer. */
interface Kind {
  readonly answers: number;
  readonly keys: readonly string[];
  readonly ranking: readonly (readonly number[])[];
  readonly ratings?: readonly number[];
  readonly accepted?: readonly number[];
  /** The first of the keys, and how the answers are then called. */
  readonly begun: readonly string[];
}

/** The view opens with the last set, then goes on with the first that has work left. */
const kinds: Readonly<Record<JudgementKind, Kind>> = {
  pairwise: {
    answers: 3,
    keys: ['2'],
    ranking: [[1], [0]],
    begun: ['Answer A, rank 2', 'Answer B, rank 1'],
  },
  ranking: {
    answers: 4,
    keys: ['2', '1', 't', '4'],
    ranking: [[1, 2], [0], [3]],
    begun: ['Answer A, rank 2', 'Answer B, no rank yet', 'Answer C, no rank yet', 'Answer D, no rank yet'],
  },
  'best-worst': {
    answers: 4,
    keys: ['x', 'ArrowDown', 'ArrowDown', 'y'],
    ranking: [[2], [1, 3], [0]],
    begun: ['Answer A, the worst', 'Answer B', 'Answer C', 'Answer D'],
  },
  rating: {
    answers: 3,
    keys: ['4', '2', '4'],
    ranking: [[0, 2], [1]],
    ratings: [4, 2, 4],
    begun: ['Answer A, 4 of 5', 'Answer B, not rated yet', 'Answer C, not rated yet'],
  },
  'accept-reject': {
    answers: 3,
    keys: ['y', 'x', 'y'],
    ranking: [[0, 2], [1]],
    accepted: [0, 2],
    begun: ['Answer A, accepted', 'Answer B, not decided yet', 'Answer C, not decided yet'],
  },
};
const order = ['accept-reject', 'pairwise', 'ranking', 'best-worst', 'rating'] as const;

const letters = [
  'Dear Ms Okafor, your parcel left our warehouse on Tuesday and should reach you by Friday. If it does not, write to us and we will send another at once.',
  'It is on its way.\n\n- left on **Tuesday**\n- arrives by **Friday**\n\nYou can follow it with the number in your order.',
  'We are terribly sorry for any inconvenience this may have caused and value your patience as a customer very much indeed.',
  'Parcels take three days. Yours left on Tuesday, so expect it on Friday; the driver rings twice.',
];

async function putUp(folder: string): Promise<void> {
  const journal = await PreferenceJournal.open(workspaceLayout(folder), { author });
  for (const [kind, { answers }] of Object.entries(kinds))
    await journal.addItems(
      Array.from({ length: 4 }, (_, i) => ({
        set: kind,
        messages: [
          { role: 'user' as const, content: `Answer this customer kindly.\n\nWhere is parcel ${i + 1}, please?` },
        ],
        answers: letters
          .slice(0, answers)
          .map((text, j) => ({ text: `${text} (${i + 1})`, model: `hidden-model-${j}` })),
      })),
    );
  await journal.close();
  const template = [
    '---',
    'model: {id: pebble, options: {temperature: 1, maxOutputTokens: 16}}',
    'inputs: {item: {kind: string}}',
    'metadata: {tunesmith: {rows: items.jsonl}}',
    '---',
    'user:',
    'Write a short reply to this review.',
    '',
    'Review: The {{item}} leaks.',
  ];
  await writeFile(path.join(folder, 'reply.prompty'), `${template.join('\n')}\n`);
  await writeFile(path.join(folder, 'items.jsonl'), '{"item":"kettle"}\n{"item":"lamp"}\n');
  const sets = Object.keys(kinds).map(kind => `  ${kind}: {kind: ${kind}}`);
  const settings = `next: order\nflags: [invented-fact]\nscale: {labels: {1: Unusable, 5: Could be sent}}\nsets:\n${sets.join('\n')}\n`;
  await writeFile(path.join(folder, '.tunesmith', 'ranking.yml'), settings);
  await writeFile(
    path.join(folder, '.tunesmith', 'guidelines.md'),
    '1. It answers what was asked.\n2. Nothing in it is invented.\n3. It is kind and short.\n',
  );
}

describe('every kind of judgement, by keys alone', function () {
  this.timeout(300_000);
  // Each kind goes on where the one before it ended.
  this.bail(true);
  let workspace: TinyWorkspace;
  let workbench: Workbench;
  let page: Frame;

  before(async () => {
    workspace = await TinyWorkspace.make();
    await putUp(workspace.root);
    await runHere(await workspace.rewardJob('judge'));
    workbench = await Workbench.open({
      workspace: workspace.root,
      settings: { 'workbench.secondarySideBar.defaultVisibility': 'hidden' },
      environment: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: author },
    });
    await workbench.command('View: Close Primary Side Bar');
    await openView();
  });
  after(async () => {
    await workbench?.close();
    await workspace.remove();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-ranking-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
  });

  async function openView(): Promise<void> {
    await workbench.command('Tunesmith: Open Ranking in Editor');
    page = await workbench.frameWith('main.rk .an', 60_000);
    await page.locator('.an:focus').waitFor();
  }

  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await workbench.page.keyboard.press(key);
  };
  const type = (text: string): Promise<void> => workbench.page.keyboard.type(text);
  const judged = (count: number): Promise<void> =>
    page.locator('.where b', { hasText: new RegExp(`^${count}$`) }).waitFor();
  const source = (): Promise<string> => page.locator('.ctx .src').innerText();
  const parcel = (number: number): Promise<void> =>
    page.locator('.ctx .src', { hasText: `parcel ${number},` }).waitFor();
  const labels = (): Promise<(string | null)[]> =>
    page.locator('.an').evaluateAll(all => all.map(one => one.getAttribute('aria-label')));
  const note = (): Promise<string[]> =>
    page.locator('[data-field="note"]').evaluateAll(all => all.map(one => (one as HTMLInputElement).value));

  /** Tab by Tab until a control with this name has the focus. */
  async function tabTo(name: string): Promise<void> {
    for (let i = 0; i < 30; i++) {
      if ((await page.evaluate('document.activeElement?.textContent?.trim() ?? ""')) === name) return;
      await press('Tab');
    }
    throw new Error(`Tab does not come to “${name}”`);
  }

  /** Leaves the view with unsaved work, half a second after the last key as the page keeps it, and comes back. */
  async function leaveAndReturn(how: 'reload' | 'close'): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, 1200));
    if (how === 'close') {
      await workbench.command('View: Close All Editors');
      await workbench.page.locator('iframe.webview').first().waitFor({ state: 'detached' });
      await openView();
      return;
    }
    await workbench.load();
    page = await workbench.frameWith('main.rk .an', 60_000);
    await workbench.command('View: Focus First Editor Group');
    await page.locator('.an:focus').waitFor();
  }

  for (const [turn, kind] of order.entries()) {
    const { keys, begun } = kinds[kind];
    it(`${kind}: judges, skips, finds all bad, takes back, and resumes`, async () => {
      await parcel(1);
      assert.ok(!(await page.content()).includes('hidden-model'), 'blind');
      // The page takes keys where nobody clicked; flags, note and a highlight come before the decision.
      await press('f', 'Space');
      await press('n');
      await type('kind but vague');
      await press('Enter', 'h', 'Shift+ArrowRight', 'Enter');
      await type('cold');
      await press('Enter', ...keys);
      await workbench.screenshotsInThemes(`judge-${kind}`, [1440, 340], async () =>
        assert.deepEqual(await accessibilityProblems(page), []),
      );
      await press('Enter');
      await judged(1);
      await press('m');
      await page.getByText('Judged last:').waitFor();
      await press('s', '2');
      await judged(2);
      await press('b');
      await judged(3);
      await parcel(4);
      await press('u');
      await parcel(3);
      await press('u');
      await parcel(2);
      await judged(1);
      await press(...keys, 'Enter');
      await judged(2);
      await parcel(3);
      await press('b');
      await judged(3);

      await press(keys[0]!, 'n');
      await type('to be continued');
      const [before, focused] = [await source(), await labels()];
      assert.deepEqual(focused, begun);
      await leaveAndReturn(kind === 'ranking' ? 'reload' : 'close');
      await judged(3);
      assert.equal(await source(), before);
      assert.deepEqual(await labels(), begun);
      assert.ok((await note()).includes('to be continued'));
      // What was decided is there; what is left is decided from where the focus was.
      await press(...keys.slice(1), 'Enter');
      await judged(4);
      const next = order[turn + 1];
      if (!next) return;
      await tabTo(`Continue with ${next}`);
      await press('Enter');
      await page.locator('.an').first().waitFor();
    });
  }

  it('draws answers of a model to the rows of a template until they differ, and puts them up', async () => {
    await workbench.command('Tunesmith: Put Answers Up for Ranking');
    const choose = async (question: string, words: string) => {
      await workbench.page.getByPlaceholder(question).waitFor();
      await type(words);
      await workbench.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: words }).waitFor();
      await press('Enter');
    };
    await choose('Where the answers come from', 'Drawn from a Model');
    await choose('To which prompts?', 'reply');
    await choose('How many prompts?', 'All: 2 prompts');
    await choose('Which model answers?', 'pebble');
    await choose('How many different answers to each?', '3');
    await workbench.page.locator('.quick-input-title', { hasText: 'Put Up 2 Prompts' }).waitFor();
    await press('Enter');
    const said = workbench.page.locator('.notification-list-item', {
      hasText: /pebble was asked \d+ times for 2 prompts/,
    });
    await said.waitFor();
    await workbench.screenshot('draw-answers');
    const asked = Number(/asked (\d+)/.exec(await said.innerText())![1]);
    const journal = await PreferenceJournal.open(workspaceLayout(workbench.folder), { author });
    const drawn = journal.items().filter(({ set }) => set === 'reply');
    await journal.close();
    assert.deepEqual(
      drawn.map(({ answers }) => new Set(answers.map(({ text }) => text)).size),
      [3, 3],
    );
    assert.ok(asked >= 6 && asked <= 24, String(asked));
    assert.ok(drawn.every(({ answers }) => answers.every(one => one.model === 'local:pebble')));
  });

  it('goes by what a reward model is unsure of, and says how close its scores are', async () => {
    const journal = await PreferenceJournal.open(workspaceLayout(workbench.folder), { author: 'Ben' });
    await journal.addItems(
      Array.from({ length: 6 }, (_, i) => ({
        set: 'short',
        messages: [{ role: 'user' as const, content: `Question ${i}?` }],
        answers: ['yes', 'no'].map(word => ({ text: `${word} ${i}`, model: `hidden-model-${word}` })),
      })),
    );
    await journal.close();
    await page.locator('.where', { hasText: 'of 6' }).waitFor();
    await workbench.command('View: Focus First Editor Group');
    await page.locator('.an:focus').waitFor();
    for (let i = 0; i < 30; i++) {
      const label = await page.evaluate('document.activeElement?.getAttribute("aria-label")');
      if (label === 'How the next item is chosen') break;
      await press('Shift+Tab');
    }
    await type('Reward');
    const why = page.locator('#why', { hasText: /^The reward model (is unsure: 0|puts them \d)[.\d]* apart$/ });
    await why.waitFor();
    await workbench.screenshotsInThemes('margin', [1440], async () =>
      assert.deepEqual(await accessibilityProblems(page), []),
    );
    const apart = async () => Number(/([.\d]+) apart/.exec(await why.innerText())![1]);
    const margins = [await apart()];
    for (let judged = 1; judged < 6; judged++) {
      await page.locator('.an').first().focus();
      await press('1', 'Enter');
      await page.locator('.where b', { hasText: new RegExp(`^${judged}$`) }).waitFor();
      margins.push(await apart());
    }
    // What was on the screen before its score was known comes first; the others in their order.
    const [, ...rest] = margins;
    assert.deepEqual(
      rest,
      rest.toSorted((a, b) => a - b),
    );
  });

  it('has written exactly that', async () => {
    const { preferences } = workspaceLayout(workbench.folder);
    const records = readdirSync(preferences, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.jsonl'))
      .flatMap(name => {
        const { records, problems } = decodeRecords(readFileSync(path.join(preferences, name), 'utf8'), name);
        assert.deepEqual(problems, []);
        return records.map(
          ({ value }) => value as ItemRecord | JudgementRecord | { type: 'deletion'; deletes: string },
        );
      });
    const items = records.flatMap(one => (one.type === 'item' ? [one] : []));
    // The window that was reloaded wrote a file of its own.
    const judgements = records
      .flatMap(one => (one.type === 'judgement' ? [one] : []))
      .sort((a, b) => (a.at < b.at ? -1 : 1));
    const deleted = records.flatMap(one => (one.type === 'deletion' ? [one.deletes] : []));
    for (const kind of order) {
      const { answers, ranking, ratings, accepted } = kinds[kind];
      const own = items.filter(({ set }) => set === kind);
      const made = judgements.filter(({ item }) => own.some(({ id }) => id === item));
      const places = ({ shown, ranking: groups }: JudgementRecord) =>
        groups.map(group => group.map(id => shown.indexOf(id)).sort());
      assert.deepEqual(
        made.map(({ verdict, skipReason }) => skipReason ?? verdict),
        ['ranked', 'cannot-judge', 'all-bad', 'ranked', 'all-bad', 'ranked'],
        kind,
      );
      const [first, skipped, bad, second, badAgain, last] = made as [
        JudgementRecord,
        JudgementRecord,
        JudgementRecord,
        JudgementRecord,
        JudgementRecord,
        JudgementRecord,
      ];
      for (const one of [first, second, last]) {
        assert.deepEqual(places(one), ranking, kind);
        assert.equal(one.shown.length, kind === 'pairwise' ? 2 : answers);
        if (ratings)
          assert.deepEqual(
            one.shown.map(id => one.ratings?.[id]),
            ratings,
          );
        if (accepted)
          assert.deepEqual(
            one.accepted,
            accepted.map(place => one.shown[place]),
          );
      }
      const shown = own.find(({ id }) => id === first.item)!.answers.find(({ id }) => id === first.shown[0])!;
      const [highlight] = first.highlights!;
      assert.equal(first.note, 'kind but vague');
      assert.deepEqual(first.flagged, { [first.shown[0]!]: ['unsafe'] });
      assert.deepEqual([highlight!.answer, highlight!.comment], [shown.id, 'cold']);
      assert.equal(shown.text.slice(highlight!.start, highlight!.end), shown.text.split(/\s+/).slice(0, 2).join(' '));
      assert.match(first.guidelines!, /^[0-9a-f]{12}$/);
      assert.deepEqual(
        [skipped, bad].map(({ id }) => deleted.includes(id)),
        [true, true],
      );
      assert.equal(second.replaces, skipped.id);
      assert.equal(badAgain.replaces, bad.id);
      assert.equal(last.note, 'to be continued');
    }
    assert.equal(judgements.length, 6 * order.length + 5);
  });

  it('judges the answers of a job beside those before training, then says which step people like best', async () => {
    const length = { kind: 'rule', reward: { rule: 'length', min: 1, max: 3, slack: 5 } } as const;
    const settings = { learningRate: 0.3, maxNewTokens: 6 };
    const job = await workspace.rlhfJob('policy', length, settings, undefined, workspaceLayout(workbench.folder), {
      keepEvaluations: true,
    });
    await writeFile(job.file('result'), JSON.stringify(await runHere(job)));
    await workbench.command('View: Close All Editors');
    const command = 'Tunesmith: Judge a Job’s Answers';
    await workbench.command(command);
    page = await workbench.frameWith('main.rk .an', 60_000);
    await page.locator('main.rk', { hasText: 'Question' }).waitFor();
    assert.equal(await page.locator('.an').count(), 2);
    assert.doesNotMatch(await page.locator('.an').allInnerTexts().then(String), /@\d/);
    await workbench.screenshot('judge-job');
    // Another window judges the rest: the later answer is always the better one.
    const journal = await PreferenceJournal.open(workspaceLayout(workbench.folder), { author });
    for (const { id, answers } of journal.items(`gold-${job.id}`)) {
      const ranking = answers.map(answer => [answer.id]).reverse();
      await journal.addJudgement({
        item: id,
        ranking,
        shown: ranking.flat(),
        verdict: 'ranked',
        flags: [],
        milliseconds: 9,
      });
    }
    await journal.close();
    await workbench.command(command);
    const said = workbench.page.locator('.notification-list-item', { hasText: 'People like the answers of step' });
    await said.waitFor();
    await workbench.screenshot('judge-job-done');
    await said.getByRole('button', { name: 'Make It a Model' }).click();
    await workbench.page.locator('.notification-list-item', { hasText: /is the model policy/ }).waitFor();
  });
});
