/** A reward model that was really trained chooses what to judge next. */
import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { runHere, TinyWorkspace } from '../../fakes/trainingJobs.ts';

describe('tunesmith prefs next --mode margin', function () {
  this.timeout(120_000);
  let workspace: TinyWorkspace;
  const run = (...argv: string[]) =>
    tunesmith(argv, { cwd: workspace.root, env: { TUNESMITH_HOME: join(workspace.root, '.home') } });

  before(async () => {
    workspace = await TinyWorkspace.make();
    const journal = await PreferenceJournal.open(workspace.layout, { author: 'ada' });
    await journal.addItems(
      Array.from({ length: 12 }, (_, i) => ({
        set: 'replies',
        messages: [{ role: 'user' as const, content: `Question ${i}?` }],
        answers: ['yes', 'no', 'maybe'].map(word => ({ text: `${word} ${i}`, model: word })),
      })),
    );
    await journal.close();
  });
  after(() => workspace.remove());

  it('says that there is no reward model before one is trained', async () => {
    const { code, stderr } = await run('prefs', 'next', '--mode', 'margin');
    assert.notEqual(code, 0);
    assert.match(stderr, /no reward model yet. Train one/);
    assert.match((await run('prefs', 'next', '--reward-model', 'judge')).stderr, /nothing but in --mode margin/);
  });

  it('puts the smallest margin first, with its reason, and the second time asks nothing of the model', async () => {
    await runHere(await workspace.rewardJob('judge'));
    const ask = async () => {
      const { stdout, stderr, code } = await run('prefs', 'next', '--mode', 'margin', '--count', '12', '--json');
      assert.equal(code, 0, stderr);
      return stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line));
    };
    const found = await ask();
    assert.equal(found.length, 12);
    const margins = found.map(({ reason }) => {
      assert.equal(reason.kind, 'margin');
      return reason.margin as number;
    });
    assert.deepEqual(
      margins,
      margins.toSorted((a, b) => a - b),
    );
    assert.ok(margins.at(-1)! > margins[0]!);
    const kept = join(workspace.root, '.home', 'cache', 'rewards');
    const written = () => readdirSync(kept).map(name => statSync(join(kept, name)).mtimeMs);
    const before = written();
    assert.equal(before.length, 1);
    assert.deepEqual(await ask(), found);
    assert.deepEqual(written(), before);
    const words = (await run('prefs', 'next', '--mode', 'margin', '--reward-model', 'judge', '--count', '1')).stdout;
    assert.match(words, /^\S+ {2}Question \d+\? {2}– the reward model is unsure: 0[.\d]* apart$/m);
    assert.match((await run('prefs', 'next', '--mode', 'margin', '--reward-model', 'x')).stderr, /no reward model “x”/);
  });

  it('chooses in `tunesmith rank` too where the project says so', async () => {
    writeFileSync(join(workspace.layout.tunesmith, 'ranking.yml'), 'next: margin\n');
    const { stdout } = await run('prefs', 'next', '--count', '1', '--json', '--author', 'ada');
    const {
      code,
      stdout: judged,
      stderr,
    } = await tunesmith(['rank', '--limit', '1', '--json', '--author', 'ada'], {
      cwd: workspace.root,
      env: { TUNESMITH_HOME: join(workspace.root, '.home') },
      keys: '123\r',
    });
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(judged).item, JSON.parse(stdout).item);
    assert.match(stderr, /The reward model puts [ABC] and [ABC] [.\d]+ apart/);
  });
});
