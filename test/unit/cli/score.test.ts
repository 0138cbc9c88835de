import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChatServer } from '../../fakes/chatServer.ts';
import { tunesmith } from '../../fakes/commandLine.ts';

const samples = join(import.meta.dirname, '../../../samples/templates');

describe('tunesmith score', function () {
  this.slow(5000);
  let folder: string;
  const score = (template: string, ...argv: string[]) =>
    tunesmith(['score', join(samples, `${template}.prompty`), ...argv], { cwd: folder });
  const lines = (stdout: string) =>
    stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-score-'));
    mkdirSync(join(folder, '.git'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('classifies by likelihood with the bundled model, and says how sure that is', async () => {
    const { code, stdout } = await score('classify-item', '--limit', '8', '--json', '--tokens');
    assert.equal(code, 0);
    const [first, ...others] = lines(stdout);
    const { summary } = others.at(-1);
    assert.equal(others.length, 8);
    assert.deepEqual(
      [first.row, first.part, first.best, first.expected, first.correct],
      [1, 'continuation', 'clothing', 'clothing', true],
    );
    assert.equal(first.candidates.length, 6);
    const sum = first.candidates.reduce(
      (all: number, { probability }: { probability: number }) => all + probability,
      0,
    );
    assert.ok(Math.abs(sum - 1) < 1e-9);
    const [{ total, tokens, tokenCount }] = first.candidates;
    assert.equal(tokenCount, tokens.length);
    const together = tokens.reduce((all: number, { logProb }: { logProb: number }) => all + logProb, 0);
    assert.ok(Math.abs(together - total) < 1e-6);
    assert.equal(tokens[0].alternatives.length, 5);
    assert.ok(summary.accuracy.right >= 7 && summary.accuracy.n === 8 && summary.accuracy.low > 0.4);
  });

  it('scores rows of another file and last words, for a person', async () => {
    writeFileSync(
      join(folder, 'own.csv'),
      'before,after,candidates,answer\nA cat saw a dog and,ran.,the cat|the dog,the cat\n',
    );
    const gap = await score('winograd', '--data', 'own.csv', '--method', 'full');
    assert.equal(gap.code, 0, gap.stderr);
    assert.match(gap.stdout, /^#1 {2}A cat saw a dog and ___ ran\.\n[ ▸]+the cat +−\d+\.\d{3} .*%.*\n/);
    const word = await score('last-word', '--limit', '2', '--tokens');
    assert.match(word.stdout, /^#1 . …?.* → violin {2}−\d+\.\d{3} nats.*rank \d+\n {4}violin\n {6}" violin"/);
    assert.match(word.stdout, /perplexity of a word: .*\nmedian rank: /);
  });

  it('says in one sentence what it cannot do', async () => {
    const server = await startChatServer(() => 'x');
    try {
      for (const [argv, said] of [
        [['order-to-json'], /order-to-json\.prompty: This template does not say what to score/],
        [['classify-item', '--candidate', 'one'], /--candidate is needed twice/],
        [['winograd', '--data', 'none.jsonl'], /none\.jsonl: There is no such file/],
        [['winograd', '--row', '99'], /There is no row 99; there are 32/],
        [['classify-item', '--limit', '1', '-m', `${server.url}|any`], /plain text only/],
      ] as const) {
        const [template, ...rest] = argv;
        const { code, stderr, stdout } = await score(template, ...rest);
        assert.equal(code, 1, argv.join(' '));
        assert.match(stderr, said);
        assert.equal(stdout, '');
      }
    } finally {
      await server.close();
    }
  });
});
