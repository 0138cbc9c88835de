import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChatServer, startChatServer } from '../../fakes/chatServer.ts';
import { tunesmith } from '../../fakes/commandLine.ts';

describe('tunesmith compare and sweep', function () {
  this.slow(3000);
  let folder: string;
  let server: ChatServer;
  let model: string;
  const run = (...argv: string[]) => tunesmith(argv, { cwd: folder });
  const file = (name: string): string => join(folder, name);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-cli-'));
    mkdirSync(file('.git'));
    // It adds only with two examples before it, or when it is told that this is code.
    server = await startChatServer(({ messages }) => {
      const asked = messages.findLast(({ role }) => role === 'user')!.content;
      const sum = /(\d) \+ (\d)/.exec(asked)!;
      return messages.length > 4 || asked.startsWith('# Code') ? String(Number(sum[1]) + Number(sum[2])) : '2';
    });
    model = `${server.url}|adder`;
    const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ problem: `${i + 1} + 1`, answer: i + 2 }));
    writeFileSync(file('rows.jsonl'), `${rows.join('\n')}\n`);
    const bank = ['9 + 0', '8 + 0', '7 + 0', '1 + 1'].map(problem => JSON.stringify({ problem, answer: 0 }));
    writeFileSync(file('bank.jsonl'), `${bank.join('\n')}\n`);
    writeFileSync(
      file('sums.prompty'),
      '---\nname: sums\ninputs: {problem: {kind: string}}\nmetadata:\n  tunesmith:\n    examples: {bank: ./bank.jsonl, shots: 0}\n    reasoning: {answer: last-number}\n    rows: ./rows.jsonl\n    expected: answer\n    grade: numbers-equal\n---\nuser:\n{{ problem }}\n',
    );
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says before it asks what it will ask, or that alone', async () => {
    const argv = [
      'compare',
      file('sums.prompty'),
      '-m',
      model,
      '--axis',
      'temperature=0.1',
      '--axis',
      'temperature=0.2',
    ];
    const before = server.requests.length;
    const price = ['--price', 'adder=1000,2000'];
    const alone = await run(...argv, ...price, '--forecast', '--json');
    const { cells, calls, cached, completionTokens, cost } = JSON.parse(alone.stdout);
    assert.deepEqual([cells, calls, cached, server.requests.length], [16, 16, 0, before]);
    assert.ok(cost.most > (completionTokens.most * 2000) / 1e6, JSON.stringify(cost));
    assert.match((await run(...argv)).stderr, /Forecast: 16 cells, 16 calls, about \d+ tokens in/);
    assert.match((await run(...argv, '--forecast')).stdout, /^16 cells, 0 calls \(16 cells are in the cache\)/);
    assert.match((await run(...argv, '--forecast', '--fresh')).stdout, /^16 cells, 16 calls,/);
    assert.match(
      (await run('sweep', file('sums.prompty'), '-m', model, '--k', '0,2', '--forecast')).stdout,
      /^32 cells/,
    );
    assert.match((await run('run', file('sums.prompty'), '-m', model, '--rows', '--forecast')).stdout, /^8 cells/);
    assert.match((await run(...argv, '--price', 'adder')).stderr, /--price must be model=input,output/);
  });

  it('compares variants on the same rows, paired with the first', async () => {
    const { code, stdout } = await run(
      'compare',
      file('sums.prompty'),
      '-m',
      model,
      '--axis',
      'prefix=',
      '--axis',
      'prefix=# Code',
      '--json',
    );
    assert.equal(code, 0);
    const { rows, columns } = JSON.parse(stdout);
    assert.equal(rows, 8);
    assert.deepEqual(
      columns.map((column: { label: string; accuracy: { right: number } }) => [column.label, column.accuracy.right]),
      [
        ['none', 1],
        ['# Code', 8],
      ],
    );
    const { gained, lost, midP, difference } = columns[1].versus;
    // 7 discordant pairs, all gained: exact p = 2/128, mid-p = half of it.
    assert.deepEqual([gained, lost, difference.estimate], [7, 0, 0.875]);
    assert.ok(Math.abs(midP - 1 / 128) < 1e-12);
  });

  it('prints a table with intervals and the names of the tests', async () => {
    const { stdout } = await run(
      'compare',
      file('sums.prompty'),
      '-m',
      model,
      '--axis',
      'shots=0',
      '--axis',
      'shots=2',
    );
    assert.match(stdout, /^0 shots +1\/8 +1[23] % .*baseline$/m);
    assert.match(stdout, /^2 shots +8\/8 +100 % .* 7\/0 +0\.008$/m);
    assert.match(stdout, /Wilson.*Newcombe.*McNemar.*Holm/);
  });

  it('sweeps shots, with orders resampled and without what leaks', async () => {
    server.requests.length = 0;
    const { code, stdout, stderr } = await run(
      'sweep',
      file('sums.prompty'),
      '-m',
      model,
      '--k',
      '0,1,2',
      '--orders',
      '2',
      '--fresh',
      '--json',
    );
    assert.equal(code, 0);
    const { points } = JSON.parse(stdout);
    assert.deepEqual(
      points.map((point: { shots: number; accuracy: { estimate: number } }) => [point.shots, point.accuracy.estimate]),
      [
        [0, 0.125],
        [1, 0.125],
        [2, 1],
      ],
    );
    assert.equal(points[2].spread.orders.length, 2);
    assert.match(
      stderr,
      /1 examples say what test rows say and are passed over; the first is line 4 of the bank, 100 % like the row in line 1/,
    );
    assert.equal(server.requests.length, 8 * 4);
    for (const { body } of server.requests)
      for (const { content } of body.messages.slice(0, -1)) assert.notEqual(content, '1 + 1');
  });

  for (const [argv, message] of [
    [['compare', 'sums.prompty'], /nothing to compare with/],
    [['sweep', 'sums.prompty', '--k', '0,x'], /--k must be a whole number from 0 to 1000, not “x”/],
  ] as const) {
    it(`says what is wrong with ${argv.join(' ')}`, async () => {
      const { code, stderr } = await run(argv[0], file(argv[1]), ...argv.slice(2));
      assert.equal(code, 1);
      assert.match(stderr, message);
    });
  }
});
