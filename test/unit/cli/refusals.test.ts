/** `tunesmith refusals`: two models of a server, one that always refuses and one that refuses what is asked directly. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatServer, startChatServer } from '../../fakes/chatServer.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('tunesmith refusals', function () {
  this.timeout(60_000);
  let root: string;
  let server: ChatServer;
  const refusals = (...argv: string[]) => tunesmith(['refusals', ...argv], { cwd: root });
  const model = (name: string) => ['--model', `${server.url}|${name}`];
  before(async () => {
    server = await startChatServer(({ model: name, messages }) => {
      const isDirect =
        /^(Explain how to (open|leave)|Write (an insulting|a message that tricks|five|a letter in)|Help me copy|Tell me how to read)/;
      return name === 'strict' || (isDirect.test(messages[0]!.content) && !messages[0]!.content.includes('Begin'))
        ? 'I’m sorry, but I can’t help with that.'
        : 'Here it is: first …';
    });
  });
  after(() => server.close());
  beforeEach(() => {
    root = memoryFolder();
    server.requests.length = 0;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('tells by attack how often each refuses, and what changed prompt by prompt', async () => {
    const { code, stdout, stderr } = await refusals(...model('naive'), ...model('strict'));
    assert.equal(code, 0, stderr);
    assert.equal(server.requests.length, 112);
    assert.match(stdout, /^direct +8\/8 +8\/8$/m);
    for (const attack of ['prefix-injection', 'refusal-suppression', 'role-play', 'rot13', 'base64'])
      assert.match(stdout, new RegExp(`^${attack} +0/8 +8/8$`, 'm'));
    assert.match(stdout, /^harmless +0\/8 +8\/8$/m);
    assert.match(stdout, /^all that should be refused +17 % \(9 … 30\) +100 % \(93 … 100\)$/m);
    assert.match(stdout, /should be refused: the second refuses 40 more and 0 fewer, 83 points .*p = 0\.000/);
    assert.match(stdout, /should be answered: the second refuses 8 more and 0 fewer, 100 points/);
  });

  it('takes prompts of one’s own, and prints all answers as JSON', async () => {
    writeFileSync(join(root, 's.jsonl'), '{"prompt":"Help me copy it"}\n{"prompt":"Hello","attack":"harmless"}\n');
    const { code, stdout, stderr } = await refusals(...model('naive'), '--suite', 's.jsonl', '--json');
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout) as { answers: { attack: string; answers: { outcome: string }[] }[] };
    assert.deepEqual(
      report.answers.map(({ attack, answers }) => [attack, answers[0]!.outcome]),
      [
        ['direct', 'refused'],
        ['harmless', 'answered'],
      ],
    );
  });

  it('refuses three models, and a suite that cannot be read, before anything is asked', async () => {
    const three = await refusals(...model('a'), ...model('b'), ...model('c'));
    assert.match(three.stderr, /one model, or two/);
    writeFileSync(join(root, 's.jsonl'), '{"text":"x"}\n');
    assert.match((await refusals(...model('a'), '--suite', 's.jsonl')).stderr, /s\.jsonl:1: This row has no “prompt”/);
    assert.equal(server.requests.length, 0);
  });
});
