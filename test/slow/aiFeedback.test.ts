/**
 * AI feedback as one chain through the command line: labels by a constitution → reward model → RL. The models are the bundled one; a
 * server's model that obeys gives the labels, because the bundled one calls all pairs ties: what stands first decides for it.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { tunesmith } from '../fakes/commandLine.ts';
import { quick } from './figures.ts';

const items = quick ? 12 : 40;

describe('labels by a constitution to a tuned model', function () {
  this.timeout(600_000);
  let folder: string;
  const run = async (...argv: string[]) => {
    const result = await tunesmith([...argv, '--workspace', folder], { cwd: folder });
    assert.equal(result.code, 0, result.stderr);
    return result;
  };
  let server: ChatServer;
  before(async () => {
    server = await startChatServer(({ messages }) => {
      const [, first = ''] = /answer A\n([\s\S]*?)\n=====/.exec(messages.at(-1)!.content) ?? [];
      return `Verdict: ${first.startsWith('Sorry') ? 'A' : 'B'}`;
    });
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-feedback-'));
    await cp(join(import.meta.dirname, '../../samples/constitutions/kind-replies.yaml'), join(folder, 'c.yaml'));
    const rows = Array.from({ length: items }, (_, i) => ({
      prompt: `The kettle number ${i} leaks.`,
      answers: [`Sorry about kettle ${i}. We send you a new one.`, `Kettles have a long history (${i}).`],
    }));
    await writeFile(join(folder, 'answers.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''));
    await writeFile(
      join(folder, 'prompts.jsonl'),
      rows.map(({ prompt }) => `${JSON.stringify({ prompt })}\n`).join(''),
    );
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('each step takes what the one before it made', async () => {
    await run('answers', 'add', 'answers.jsonl', '--set', 'kettles');
    const judged = await run('judge', '--constitution', 'c.yaml', '--model', `${server.url}|obeys`, '--all', '--json');
    const report = judged.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { judge?: string; verdict?: string; guidelines?: string; ranking?: unknown[] });
    const labels = report.filter(({ verdict }) => verdict === 'ranked');
    assert.equal(labels.length, items);
    assert.ok(labels.every(({ guidelines }) => /^kind-replies\/(remedy|product|brevity) #/.test(guidelines ?? '')));
    assert.ok(labels.every(({ ranking }) => ranking!.length === 2));
    // No person has judged: a reward model of people's rankings has nothing to learn from.
    const people = await tunesmith(['train', 'reward', '--workspace', folder], { cwd: folder });
    assert.match(people.stderr, /no rankings in this workspace/);
    const labelled = ['--judges', 'only', '--judge', 'by kind-replies', '--unchecked'];
    await run('train', 'reward', ...labelled, '--epochs', '1', '--name', 'principled');
    const lineage = JSON.parse(await readFile(join(folder, '.tunesmith/models/principled/tunesmith.json'), 'utf8'));
    assert.equal(lineage.kind, 'reward');
    const tuned = await run(
      ...['train', 'rlhf', '--prompts', 'prompts.jsonl', '--reward-model', 'principled', '--name', 'kinder'],
      ...['--steps', quick ? '1' : '4', '--prompts-per-step', '4', '--samples-per-prompt', '2'],
      ...['--max-new-tokens', '16', '--evaluation-prompts', '2', '--json'],
    );
    const { adapter, metrics } = JSON.parse(tuned.stdout.trim()) as {
      adapter: string;
      metrics: Record<string, number>;
    };
    for (const name of ['reward_before', 'reward_after', 'kl']) assert.ok(Number.isFinite(metrics[name]), name);
    const made = JSON.parse(await readFile(join(adapter, 'tunesmith.json'), 'utf8'));
    assert.equal(made.rewardModel, 'local:principled');
    const tree = (await run('models', 'lineage')).stdout;
    assert.match(tree, /pebble[\s\S]*principled[\s\S]*kinder/);
  });
});
