import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { tunesmith } from '../fakes/commandLine.ts';
import { quick } from './figures.ts';

describe('rounds and choices on the bundled model', function () {
  this.timeout(600_000);
  let folder: string;
  const run = async (...argv: string[]) => {
    const result = await tunesmith([...argv, '--workspace', folder], { cwd: folder });
    assert.equal(result.code, 0, result.stderr);
    return result;
  };
  const lines = (text: string): unknown[] =>
    text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-iterate-'));
    const prompts = ['The kettle leaks.', 'A fine lamp.', 'My coat tore.', 'Slow delivery.'];
    await writeFile(
      join(folder, 'prompts.jsonl'),
      prompts.map(text => `${JSON.stringify({ prompt: [{ role: 'user', content: text }] })}\n`).join(''),
    );
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('tunesmith iterate: two simulated rounds, each from the policy before, with all judgements', async function () {
    // Four training processes: their start alone takes as long as all other quick tests.
    if (quick) this.skip();
    const small = ['--items', '6', '--samples', '3', '--steps', '1', '--json'];
    const { stdout } = await run('iterate', '--simulated', '--rounds', '2', '--name', 'demo', ...small);
    interface Round {
      policy: string;
      comparisons: number;
      tuned: { id: string; base: string; adapter: string };
    }
    const [first, second] = lines(stdout) as [Round, Round];
    assert.deepEqual([first.policy, second.policy], ['local:pebble', first.tuned.id]);
    assert.ok(second.comparisons > first.comparisons && first.comparisons > 0);
    const lineage = async ({ tuned }: Round) =>
      JSON.parse(await readFile(join(tuned.adapter, 'tunesmith.json'), 'utf8'));
    assert.equal((await lineage(second)).base.adapter, first.tuned.adapter);
    assert.equal((await lineage(second)).rewardModel, 'local:demo-reward-2');
    const tree = (await run('models', 'lineage')).stdout.split('\n').map(line => line.split('  ')[0]);
    assert.deepEqual(tree.slice(0, 3), ['pebble', '├─ demo-reward-1', '├─ demo-1']);
    assert.match(tree[3]!, /^│/);
    assert.equal(tree[4], '└─ demo-reward-2');
    // What is done is not done again.
    const again = await run('iterate', '--simulated', '--rounds', '2', '--name', 'demo', ...small);
    assert.equal(again.stdout, '');
    // Simulated judgements count for nobody else.
    const { code, stderr } = await tunesmith(['train', 'reward', '--workspace', folder], { cwd: folder });
    assert.deepEqual([code, /no rankings in this workspace/.test(stderr)], [1, true], stderr);
  });

  it('tunesmith iterate: waits for people', async () => {
    const first = await run(
      'iterate',
      '--prompts',
      'prompts.jsonl',
      '--name',
      'mine',
      '--items',
      '3',
      '--samples',
      '2',
    );
    assert.match(first.stderr, /Round 1: 0 of 3 are judged\. Rank the others with “tunesmith rank --set mine-1”/);
    const early = await tunesmith(['iterate', '--name', 'mine', '--enough', '--workspace', folder], { cwd: folder });
    assert.match(early.stderr, /There are no judgements to learn from yet\./);
    const unknown = await tunesmith(['iterate', '--name', 'nobody', '--workspace', folder], { cwd: folder });
    assert.match(unknown.stderr, /There is no iteration “nobody” yet\. Give its prompts/);
  });

  it('tunesmith iterate: trains on what a person ranked, tunes on it, and puts up the next round', async function () {
    // Two training processes.
    if (quick) this.skip();
    const layout = workspaceLayout(folder);
    const journal = await PreferenceJournal.open(layout, { author: 'ann' });
    for (const { id, answers } of journal.items('mine-1'))
      await journal.addJudgement({
        item: id,
        ranking: answers.map(answer => [answer.id]),
        shown: answers.map(answer => answer.id),
        verdict: 'ranked',
        flags: [],
        milliseconds: 1000,
      });
    await journal.close();
    const done = await run('iterate', '--name', 'mine', '--items', '3', '--samples', '2', '--steps', '1');
    assert.match(done.stderr, /Round 1: a reward model of 3 comparisons/);
    assert.match(done.stdout, /Round 1: local:mine-1, reward .* → .*, KL to the base/);
    assert.match(done.stderr, /Round 2: [123] prompts answered by mine-1\nRound 2: 0 of [123] are judged/);
  });

  it('tunesmith best-of: the bound on the KL, and the best of each prompt', async () => {
    const { stdout } = await run(
      'best-of',
      'prompts.jsonl',
      '-n',
      '4',
      '--reward-length',
      '5-20',
      '--max-tokens',
      '24',
      '--json',
    );
    const all = lines(stdout) as {
      answers: { reward: number }[];
      best: number;
      curve: { n: number; klBound: number; reward: number }[];
    }[];
    const { curve } = all.pop()!;
    for (const { answers, best } of all)
      assert.equal(answers[best]!.reward, Math.max(...answers.map(({ reward }) => reward)));
    assert.deepEqual(
      curve.map(({ n }) => n),
      [1, 2, 4],
    );
    assert.ok(Math.abs(curve[2]!.klBound - (Math.log(4) - 0.75)) < 1e-12);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(Math.abs(curve[2]!.reward - mean(all.map(({ answers, best }) => answers[best]!.reward))) < 1e-9);
  });

  it('tunesmith train expert: with a gold beside, in the result', async () => {
    const { stdout } = await run(
      ...['train', 'expert', '--prompts', 'prompts.jsonl', '--reward-length', '5-20', '--gold-word', 'sorry'],
      ...[
        '--steps',
        '2',
        '--prompts-per-step',
        '2',
        '--samples-per-prompt',
        '2',
        '--evaluate-every',
        '1',
        '--restore-best',
        '--json',
      ],
    );
    const [{ metrics }] = lines(stdout) as [{ metrics: Record<string, number> }];
    assert.equal(metrics.written_step, metrics.gold_best_step);
    assert.ok(metrics.gold_best! >= metrics.gold_last!);
  });
});
