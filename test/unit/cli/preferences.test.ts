/** `tunesmith prefs`: the commands of docs/judging.md run as they stand there, and what each does with good and bad input. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

const battle = (i: number, winner: string, judge = `judge-${i % 3}`) => ({
  model_a: ['apple', 'pear', 'plum'][i % 3],
  model_b: ['pear', 'plum', 'apple'][i % 3],
  winner,
  judge,
  conversation_a: [
    { role: 'user', content: `Question number ${i >> 1}` },
    { role: 'assistant', content: `left answer ${i}` },
  ],
  conversation_b: [
    { role: 'user', content: `Question number ${i >> 1}` },
    { role: 'assistant', content: `a right answer ${i}` },
  ],
  turn: 1,
});

describe('tunesmith prefs', function () {
  this.timeout(60_000);
  let root: string;
  const run = (...argv: string[]) => tunesmith(argv, { cwd: root });
  const lines = (rows: readonly unknown[]) => rows.map(row => `${JSON.stringify(row)}\n`).join('');
  beforeEach(() => {
    root = memoryFolder();
    const winners = ['model_a', 'model_b', 'tie', 'model_a', 'tie (bothbad)'];
    writeFileSync(join(root, 'battles.jsonl'), lines(Array.from({ length: 60 }, (_, i) => battle(i, winners[i % 5]!))));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('runs every command of docs/judging.md', async () => {
    const doc = readFileSync(new URL('../../../docs/judging.md', import.meta.url), 'utf8');
    const commands = [...doc.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.trim().split('\n'));
    assert.ok(commands.length >= 7);
    for (const command of commands) {
      const [program, ...argv] = command.split(' ');
      assert.equal(program, 'tunesmith');
      const { code, stdout, stderr } = await run(...argv);
      assert.equal(code, 0, `${command}\n${stderr}`);
      assert.ok(stdout + stderr !== '', command);
    }
    for (const name of [
      'preferences-train.jsonl',
      'preferences-test.jsonl',
      'preferences-datasheet.md',
      'preferences.parquet',
    ])
      assert.ok(existsSync(join(root, name)), name);
  });

  it('says what was not kept, and names bad lines', async () => {
    writeFileSync(join(root, 'bad.jsonl'), `${lines([battle(0, 'model_a')])}not JSON\n${lines([battle(1, 'nobody')])}`);
    const { code, stderr } = await run('prefs', 'import', 'bad.jsonl');
    assert.equal(code, 0);
    assert.match(stderr, /bad\.jsonl:2: .*valid JSON/);
    assert.match(stderr, /bad\.jsonl:3: .*winner/);
    const exported = await run('prefs', 'export', 'out.jsonl');
    assert.match(exported.stderr, /Not kept: .*names of models \(1\)/);
    const again = await run('prefs', 'export', 'out.jsonl');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /--force/);
  });

  it('refuses to export leaks, and takes down what it is told to', async () => {
    const key = `sk-${'a1B2'.repeat(8)}`;
    const rows = [
      { prompt: 'one', chosen: 'yes', rejected: 'no' },
      { prompt: 'two', chosen: `use ${key}`, rejected: 'no' },
    ];
    writeFileSync(join(root, 'rows.jsonl'), lines(rows));
    await run('prefs', 'import', 'rows.jsonl');
    const refused = await run('prefs', 'export', 'out.jsonl');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /key or a token/);
    assert.ok(!existsSync(join(root, 'out.jsonl')));
    const found = await run('prefs', 'check');
    assert.equal(found.code, 1);
    assert.match(found.stdout, /Keys and tokens: 1\n {2}i\w+ {2}API key/);
    assert.ok(!found.stdout.includes(key));
    assert.equal((await run('prefs', 'check', '--fix', 'secrets')).code, 0);
    assert.equal((await run('prefs', 'check')).code, 0);
    assert.equal((await run('prefs', 'export', 'out.jsonl')).code, 0);
    assert.equal(readFileSync(join(root, 'out.jsonl'), 'utf8').trim().split('\n').length, 1);
  });

  it('lists disagreements, counts them, and exports what settled them', async () => {
    const row = (annotator: string, ranking: number[][]) => ({
      prompt: 'p',
      answers: ['x', 'y', 'z'],
      ranking,
      annotator,
    });
    writeFileSync(
      join(root, 'rows.jsonl'),
      lines([row('Ben', [[0], [1], [2]]), row('Cem', [[1], [0], [2]]), { ...row('Ben', [[0], [1]]), prompt: 'q' }]),
    );
    await run('prefs', 'import', 'rows.jsonl', '--set', 's');
    const open = await run('prefs', 'disagreements');
    assert.match(open.stdout, /^i\w+ {2}33\.3 % {2}p\n {2}Ben: 1 > 2 > 3\n {2}Cem: 2 > 1 > 3\n$/);
    assert.match((await run('prefs', 'stats')).stdout, /Disagreements: 1 open, 0 settled/);
    const [{ item, said, severity }] = (await run('prefs', 'disagreements', '--json')).stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.deepEqual(
      said.map((one: { ranking: unknown }) => one.ranking),
      [
        [[1], [2], [3]],
        [[2], [1], [3]],
      ],
    );
    assert.equal(severity, 1 / 3);
    const journal = await PreferenceJournal.open(workspaceLayout(root), { author: 'Ada' });
    const answers = journal.state.itemById.get(item)!.answers.map(({ id }) => id);
    await journal.addJudgement({
      item,
      ranking: [[answers[1]!], [answers[2]!]],
      shown: answers,
      verdict: 'ranked',
      flags: [],
      milliseconds: 1,
      adjudicates: journal.state.judgements.filter(one => one.item === item).map(({ id }) => id),
    });
    await journal.close();
    assert.match((await run('prefs', 'disagreements')).stderr, /no open disagreements/);
    assert.match((await run('prefs', 'disagreements', '--all')).stdout, /settled by Ada: 2 > 3/);
    assert.match((await run('prefs', 'stats')).stdout, /Disagreements: 0 open, 1 settled/);
    await run('prefs', 'export', 'out.jsonl');
    const exported = readFileSync(join(root, 'out.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.deepEqual(
      exported.map(({ chosen, rejected }) => [chosen[0].content, rejected[0].content]),
      [
        ['x', 'y'],
        ['y', 'z'],
      ],
    );
    assert.match(readFileSync(join(root, 'out-datasheet.md'), 'utf8'), /Ada \(adjudication\)/);
  });

  it('gives each bad input one sentence', async () => {
    writeFileSync(join(root, 'other.jsonl'), '{"a":1}\n');
    for (const [argv, words] of [
      [['import', 'nowhere.jsonl'], /no such file/],
      [['import', 'other.jsonl'], /no format of preferences/],
      [['import', 'other.jsonl', '--format', 'nonsense'], /Allowed choices are/],
      [['export', 'x.jsonl'], /no judgements here/],
      [['check', '--splits', 'train'], /no split/],
      [['next', '--mode', 'cleverest'], /Allowed choices are/],
    ] as const) {
      const { code, stderr } = await run('prefs', ...argv);
      assert.ok(code !== 0, argv.join(' '));
      assert.match(stderr, words);
    }
  });
});
