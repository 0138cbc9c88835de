/** Answers from files, jobs and models become items to rank. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { type ChatServer, startChatServer } from '../../fakes/chatServer.ts';
import { tunesmith } from '../../fakes/commandLine.ts';

describe('tunesmith answers', function () {
  this.slow(3000);
  let folder: string;
  let server: ChatServer;
  const write = (name: string, ...rows: unknown[]) =>
    writeFileSync(join(folder, name), rows.map(row => JSON.stringify(row)).join('\n'));
  const run = (...argv: string[]) => tunesmith(['answers', ...argv], { cwd: folder });
  const items = async () => {
    const journal = await PreferenceJournal.open(workspaceLayout(folder), { author: 'tester' });
    await journal.close();
    return journal.items().map(({ set, answers }) => `${set}: ${answers.map(({ text }) => text).join(' | ')}`);
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-answers-'));
    mkdirSync(join(folder, '.git'));
    let asked = 0;
    // The same answer twice before another; to one prompt always the same.
    server = await startChatServer(({ messages }) =>
      messages[0]!.content === 'same' ? 'yes' : `answer ${++asked >> 1}`,
    );
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('joins files by prompt, and says what has nothing to compare', async () => {
    write('base.jsonl', { prompt: 'p', answer: 'one' }, { prompt: 'q', answer: 'alone' });
    write('tuned.jsonl', { prompt: 'p', answer: 'two' });
    const { code, stderr } = await run('add', 'base.jsonl', 'tuned.jsonl', '--set', 'both');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /1 to rank in “both”/);
    assert.match(stderr, /1 prompts were left out/);
    assert.deepEqual(await items(), ['both: one | two']);
  });

  it('draws until answers differ, and says where they do not', async () => {
    write('prompts.jsonl', { prompt: 'p' }, { prompt: 'same' });
    const { code, stderr } = await run(
      'sample',
      'prompts.jsonl',
      '-m',
      `${server.url}|m`,
      '--samples',
      '3',
      '--tries',
      '8',
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /1 of 2 prompts gave fewer than 3 different answers in 8 tries/);
    const [item, ...more] = await items();
    assert.deepEqual(more, []);
    assert.equal(new Set(item!.replace('prompts: ', '').split(' | ')).size, 3);
    assert.equal(server.requests.filter(({ body }) => body.messages[0]!.content === 'same').length, 8);
  });

  it('refuses what has nothing to compare, and files that are not there', async () => {
    write('a.jsonl', { prompt: 'p', answer: 'one' });
    for (const [argv, words] of [
      [['add', 'a.jsonl'], /no prompt has two answers/],
      [['add', 'b.jsonl'], /no file b\.jsonl/],
      [['job', 'j1'], /There is no job here/],
      [['sample', 'a.jsonl', '-m', 'x', '--samples', '1'], /nothing to compare/],
    ] as const) {
      const { code, stderr } = await run(...argv);
      assert.equal(code, 1, stderr);
      assert.match(stderr, words);
    }
  });
});
