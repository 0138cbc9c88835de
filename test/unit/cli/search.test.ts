import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTemplate } from '../../../src/core/prompts/promptyFile.ts';
import { type ChatServer, startChatServer } from '../../fakes/chatServer.ts';
import { tunesmith } from '../../fakes/commandLine.ts';

describe('tunesmith search', function () {
  this.slow(5000);
  let folder: string;
  let server: ChatServer;
  let argv: string[];
  const search = (...more: string[]) =>
    tunesmith(['search', join(folder, 'sums.prompty'), ...argv, ...more], { cwd: folder });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-search-'));
    mkdirSync(join(folder, '.git'));
    // It adds only when it is told to, and proposes that in two of three answers.
    server = await startChatServer(({ messages, seed = 0 }) => {
      const { content } = messages.at(-1)!;
      if (/^Someone was given|^Write this/.test(content)) return seed % 3 ? `"Add them ${seed}."` : 'Look at it.';
      const [, a, b] = /(\d+) \+ (\d+)/.exec(content)!;
      return content.startsWith('Add') ? String(Number(a) + Number(b)) : '0';
    });
    writeFileSync(
      join(folder, 'rows.jsonl'),
      Array.from({ length: 50 }, (_, i) => `${JSON.stringify({ q: `${i} + ${i + 1}`, a: 2 * i + 1 })}\n`).join(''),
    );
    writeFileSync(
      join(folder, 'sums.prompty'),
      '---\n# kept\nname: sums\ninputs: {q: {kind: string}}\nmetadata: {tunesmith: {rows: ./rows.jsonl, expected: a, grade: numbers-equal}}\n---\nuser:\nHm.\n\n{{ q }}\n',
    );
    argv = ['--model', `${server.url}|adder`, '--budget', '200', '--seed', '3'];
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('reports, writes the winner, and a second time asks nobody', async () => {
    const { code, stdout, stderr } = await search('-o', 'winner.prompty');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\*\*The winner is better: of 20 held-out rows it mends 20 and breaks 0 \(p < 0\.001\)\.\*\*/);
    const calls = server.requests.length;
    assert.ok(calls > 100 && calls <= 200, `${calls} calls`);
    const winner = readFileSync(join(folder, 'winner.prompty'), 'utf8');
    assert.match(winner, /# kept[\s\S]*\nuser:\nAdd them \d+\.\n\n\{\{ q \}\}\n$/);
    assert.deepEqual(parseTemplate(winner, 'w').diagnostics, []);

    const again = await search('--json');
    assert.equal(server.requests.length, calls, 'no call is made twice');
    assert.match(again.stderr, /Going on from \d+ evaluations/);
    const report = JSON.parse(again.stdout);
    assert.deepEqual([report.verdict, report.budget.spent, report.heldOut.comparison.gained], ['better', calls, 20]);
    const [run] = readdirSync(join(folder, '.tunesmith', 'runs'));
    assert.match(run!, /^search-sums-[0-9a-f]{8}$/);
    assert.deepEqual(JSON.parse(readFileSync(join(folder, '.tunesmith', 'runs', run!, 'report.json'), 'utf8')), report);
  });

  it('takes up a log that was cut off, and comes to the same', async () => {
    const run = join(folder, '.tunesmith', 'runs', readdirSync(join(folder, '.tunesmith', 'runs'))[0]!);
    const [log, report] = [join(run, 'search.jsonl'), readFileSync(join(run, 'report.json'), 'utf8')];
    const lines = readFileSync(log, 'utf8').split('\n');
    writeFileSync(log, `${lines.slice(0, 40).join('\n')}\n${lines[40]!.slice(0, 20)}`);
    const { code } = await search();
    assert.equal(code, 0);
    assert.equal(readFileSync(join(run, 'report.json'), 'utf8'), report);
  });

  it('scores by the log-likelihood of the expected answers with the bundled model', async () => {
    const sample = join(import.meta.dirname, '../../../samples/templates/review-sentiment.prompty');
    const { code, stdout, stderr } = await tunesmith(
      [
        'search',
        sample,
        '--metric',
        'likelihood',
        '--proposer',
        'none',
        '--candidate',
        'Bananas?',
        '--budget',
        '60',
        '--json',
      ],
      { cwd: folder },
    );
    assert.equal(code, 0, stderr);
    const { metric, candidates, verdict } = JSON.parse(stdout);
    const [own, bananas] = candidates.map(({ dev }: { dev: { mean: number } }) => dev.mean);
    assert.deepEqual([metric, verdict], ['likelihood', 'baseline']);
    // Nats of a word that it was trained to say, and of one that nobody asked for.
    assert.ok(own < 0 && own > -1 && bananas < own - 0.01, `${own} ${bananas}`);
  });

  for (const [name, more, sentence] of [
    ['a small budget', ['--budget', '30'], /A budget of 30 calls is too small/],
    [
      'triggers where there is none',
      ['--known-triggers'],
      /--known-triggers is for templates that reason by a trigger/,
    ],
    ['a target that the template has not', ['--target', 'trigger'], /sums\.prompty: This template uses no trigger/],
    ['likelihoods of a model without', ['--metric', 'likelihood'], /plain text only/],
    ['nothing to compare', ['--proposer', 'none'], /nothing to compare/],
    ['too many rows', ['--dev', '45'], /do not fit into the other 40/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const { code, stdout, stderr } = await search(...more);
      assert.equal(code, 1, stderr);
      assert.match(stderr, sentence);
      assert.equal(stdout, '');
    });
  }
});
