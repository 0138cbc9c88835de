/** `tunesmith rank`: every kind of judgement by keys, with what the project says of kind, guidelines, order and shares. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JudgementRecord } from '../../../src/core/preferences/judgement.ts';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('tunesmith rank', () => {
  let root: string;
  beforeEach(async () => {
    root = memoryFolder();
    mkdirSync(join(root, '.tunesmith'), { recursive: true });
    const journal = await PreferenceJournal.open(workspaceLayout(root), { author: 'Ben' });
    await journal.addItems(
      ['one', 'two'].map(prompt => ({
        set: 's',
        messages: [{ role: 'user' as const, content: prompt }],
        answers: ['x', 'y', 'z'].map(text => ({ text: `${text} ${prompt}`, model: text })),
      })),
    );
    await journal.close();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const project = (text: string): void => writeFileSync(join(root, '.tunesmith', 'ranking.yml'), text);
  const rank = async (keys: string, ...more: string[]) => {
    const done = await tunesmith(['rank', '--author', 'Ada', '--json', ...more], { cwd: root, keys });
    assert.equal(done.code, 0, done.stderr);
    const lines = done.stdout.split('\n').filter(Boolean);
    return { made: lines.map(line => JSON.parse(line) as JudgementRecord), stderr: done.stderr };
  };

  const check = (kind: string, keys: string, expected: (shown: readonly string[]) => Partial<JudgementRecord>) =>
    it(`judges by ${kind}`, async () => {
      project(`kind: ${kind}\nscale: {min: 0, max: 5}\n`);
      const { made } = await rank(keys, '--limit', '1');
      const { shown } = made[0]!;
      assert.deepEqual({ ...made[0], ...expected(shown) }, made[0]);
      assert.equal(made[0]!.kind, kind);
    });
  check('ranking', '213\n', ([a, b, c]) => ({ ranking: [[b!], [a!], [c!]] }));
  check('pairwise', '2\n', ([a, b]) => ({ ranking: [[b!], [a!]] }));
  check('rating', '303\n', ([a, b, c]) => ({
    ranking: [[a!, c!], [b!]],
    ratings: { [a!]: 3, [b!]: 0, [c!]: 3 },
  }));
  check('accept-reject', 'yxy\n', ([a, b, c]) => ({ ranking: [[a!, c!], [b!]], accepted: [a!, c!] }));
  check('best-worst', 'y\x1b[Bx\n', ([a, b, c]) => ({ ranking: [[a!], [c!], [b!]] }));

  it('records the guidelines that were there, shows them, and says when they were edited midway', async () => {
    const file = join(root, '.tunesmith', 'guidelines.md');
    writeFileSync(file, 'Shorter is better.\r\n');
    const first = await rank('g123\n', '--limit', '1');
    const version = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);
    assert.equal(first.made[0]!.guidelines, version('Shorter is better.\n'));
    assert.match(first.stderr, /Shorter is better/);
    assert.doesNotMatch(first.stderr, /were edited/);
    writeFileSync(file, 'Longer is better.\n');
    const second = await rank('123\n', '--limit', '1');
    assert.equal(second.made[0]!.guidelines, version('Longer is better.\n'));
    assert.match(second.stderr, /guidelines were edited since/);
  });

  it('takes back, keeps a half-made judgement from being saved, and goes on where it was', async () => {
    const { made, stderr } = await rank('12\n3\nunwhy\n\n', '--limit', '2');
    assert.match(stderr, /Give every answer a rank first/);
    assert.deepEqual(
      made.map(({ note, replaces }) => [note, replaces]),
      [
        [undefined, undefined],
        ['why', made[0]!.id],
      ],
    );
    assert.deepEqual(made[0]!.ranking, made[1]!.ranking);
  });

  it('offers one’s share alone while there is any, then what others left', async () => {
    project('annotators: [Ada]\nnext: order\n');
    assert.match((await rank('q')).stderr, /In the order in which they were put up/);
    project('annotators: [Ben]\n');
    assert.match((await rank('q')).stderr, /Your share is done/);
    const { made } = await rank('123\n123\n');
    assert.equal(made.length, 2);
    const bens = await tunesmith(['rank', '--author', 'Ben', '--sets'], { cwd: root });
    assert.equal(bens.stdout, 's  0/0\n');
  });
});
