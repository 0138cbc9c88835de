/** `tunesmith constitution` and `tunesmith judge --constitution`, with a server's model that obeys. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseInstructions } from '../../../src/core/datasets/instructions.ts';
import { type ChatServer, startChatServer } from '../../fakes/chatServer.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

const constitution = `name: plain
principles:
  - {name: one, critique: CRITIQUE one, revision: REVISE one, preference: The one with “x” is better.}
  - {name: two, critique: CRITIQUE two, revision: REVISE two, preference: The one with “x” is better.}
`;

describe('tunesmith constitution', function () {
  this.timeout(60_000);
  let root: string;
  let server: ChatServer;
  let says: (last: string) => string;
  const run = (...argv: string[]) => tunesmith(argv, { cwd: root });
  const revise = (...argv: string[]) =>
    run('constitution', 'revise', 'c.yaml', '--model', `${server.url}|m`, '--prompts', 'prompts.jsonl', ...argv);
  const lines = (file: string): Record<string, unknown>[] =>
    readFileSync(join(root, file), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>);
  before(async () => {
    server = await startChatServer(({ messages }) => says(messages.at(-1)!.content));
  });
  after(() => server.close());
  beforeEach(() => {
    root = memoryFolder();
    server.requests.length = 0;
    says = last => {
      if (last.startsWith('CRITIQUE')) return `bad by ${last.slice(9)}`;
      return last.startsWith('REVISE') ? `better by ${last.slice(7)}` : `draft of ${last}`;
    };
    writeFileSync(join(root, 'c.yaml'), constitution);
    writeFileSync(
      join(root, 'prompts.jsonl'),
      ['a', 'b', 'c'].map(prompt => `${JSON.stringify({ prompt })}\n`).join(''),
    );
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('revises by drawn principles into examples that can be learned, and keeps what led to them', async () => {
    const { code, stderr } = await revise('--rounds', '2', '--seed', '3');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /3 examples in .*revised\.jsonl/);
    const chains = lines('revised.chains.jsonl') as unknown as {
      draft: string;
      rounds: { principle: string; critique: string; revision: string }[];
    }[];
    assert.deepEqual(
      chains.map(({ draft }) => draft),
      ['draft of a', 'draft of b', 'draft of c'],
    );
    for (const { rounds } of chains) {
      assert.deepEqual(rounds.map(({ principle }) => principle).sort(), ['one', 'two']);
      for (const { principle, critique, revision } of rounds)
        assert.deepEqual([critique, revision], [`bad by ${principle}`, `better by ${principle}`]);
    }
    const examples = parseInstructions(readFileSync(join(root, 'revised.jsonl'), 'utf8'), 'revised.jsonl');
    assert.deepEqual(
      examples.map(({ messages, completion }) => [messages.at(-1)!.content, completion]),
      chains.map(({ rounds }, i) => [['a', 'b', 'c'][i], rounds[1]!.revision]),
    );
    // The second round criticises the revision of the first, not the draft.
    const second = server.requests.find(({ body }) => {
      const { messages } = body;
      return messages.length === 3 && messages[1]!.content.startsWith('better by');
    });
    assert.ok(second);
    // The same again asks for nothing and writes the same bytes.
    const before = [readFileSync(join(root, 'revised.jsonl')), server.requests.length];
    assert.equal((await revise('--rounds', '2', '--seed', '3')).code, 0);
    assert.deepEqual([readFileSync(join(root, 'revised.jsonl')), server.requests.length], before);
  });

  it('learns nothing from empty answers, and says so', async () => {
    says = last => (last.startsWith('REVISE') ? ' ' : 'said');
    const { code, stderr } = await revise();
    assert.equal(code, 1);
    assert.match(stderr, /3 answers were left out: they are empty/);
    assert.match(stderr, /No answer is left to learn from/);
    assert.ok(!existsSync(join(root, 'revised.jsonl')));
  });

  it('refuses a constitution without principles before anything is asked', async () => {
    writeFileSync(join(root, 'c.yaml'), 'name: none\nprinciples: []\n');
    const { code, stderr } = await revise();
    assert.equal(code, 1);
    assert.match(stderr, /c\.yaml:2: This constitution has no principles/);
    assert.equal(server.requests.length, 0);
    assert.match((await run('constitution', 'show', 'c.yaml')).stderr, /c\.yaml:2/);
  });

  it('labels answers by drawn principles in both orders, as judgements of a model', async () => {
    const rows = ['a', 'b', 'c', 'd'].map(prompt => `${JSON.stringify({ prompt, answers: ['has x', 'none'] })}\n`);
    writeFileSync(join(root, 'answers.jsonl'), rows.join(''));
    assert.equal((await run('answers', 'add', 'answers.jsonl')).code, 0);
    let principles = 0;
    says = last => {
      principles++;
      const [, a = ''] = /answer A\n([\s\S]*?)\n=====/.exec(last) ?? [];
      return `Verdict: ${a.includes('x') ? 'A' : 'B'}`;
    };
    const judge = ['judge', '--model', `${server.url}|m`, '--constitution', 'c.yaml', '--all'];
    const { code, stderr } = await run(...judge);
    assert.equal(code, 0, stderr);
    assert.equal(principles, 8);
    assert.match(stderr, /4 of 4 items judged: 4 pairs in both orders, 0 ties, 0 flips/);
    assert.ok(server.requests.every(({ body }) => body.messages[0]!.content.includes('The one with “x” is better.')));
    const folder = join(root, '.tunesmith/preferences');
    const own = readdirSync(folder).find(name => name.startsWith('judge-'))!;
    const text = readdirSync(join(folder, own))
      .map(file => readFileSync(join(folder, own, file), 'utf8'))
      .join('');
    assert.match(text, /by plain/);
    assert.match(text, /"guidelines":"plain\/(one|two) #/);
    // Its labels are pairs only where somebody asks for a judge's.
    assert.notEqual((await run('prefs', 'export', 'people.jsonl')).code, 0);
    const wanted = ['prefs', 'export', 'pairs.jsonl', '--judges', 'only', '--judge', 'by plain', '--allow-leaks'];
    assert.match((await run(...wanted)).stderr, /People have judged only 0 of the items/);
    const exported = await run(...wanted, '--unchecked');
    assert.equal(exported.code, 0, exported.stderr);
    const pairs = lines('pairs.jsonl') as unknown as { chosen: unknown; rejected: unknown }[];
    assert.equal(pairs.length, 4);
    for (const { chosen, rejected } of pairs) {
      assert.match(JSON.stringify(chosen), /has x/);
      assert.match(JSON.stringify(rejected), /none/);
    }
    // Judged once: the same command asks nothing more.
    assert.match((await run(...judge)).stderr, /4 items were judged by it before/);
    assert.equal(principles, 8);
  });
});
