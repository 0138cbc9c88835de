/** Compaction loses nothing, whenever it stops and whoever still writes. */
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compactJournal } from '../../../src/storage/compactJournal.ts';
import { type Disk, nodeDisk } from '../../../src/storage/fileSystem.ts';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

const later = () => Date.now() + 3_600_000;

describe('compactJournal', () => {
  let root: string;
  let deleted = '';
  beforeEach(() => {
    root = memoryFolder();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const layout = () => workspaceLayout(root);
  const names = () => readdirSync(join(root, '.tunesmith', 'preferences', 'ada'));

  /** Three processes: items, a revision, a deletion. */
  const fill = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      const journal = await PreferenceJournal.open(layout(), { author: 'ada' });
      const texts = ['same', `round ${round}`];
      const items = await journal.addItems(
        texts.map(content => ({
          set: 's',
          messages: [{ role: 'user' as const, content }],
          answers: ['a', 'b'].map(text => ({ text, model: text })),
        })),
      );
      for (const { id, answers } of items) {
        const [a, b] = answers.map(answer => answer.id);
        const ranking = round % 2 ? [[a!], [b!]] : [[b!], [a!]];
        await journal.addJudgement({
          item: id,
          ranking,
          shown: [a!, b!],
          verdict: 'ranked',
          flags: [],
          milliseconds: 1,
        });
      }
      if (round === 2) {
        deleted = journal.state.judgements.at(-1)!.id;
        await journal.delete(deleted);
      }
      await journal.close();
    }
  };
  const says = async () => {
    const journal = await PreferenceJournal.open(layout(), { author: 'ada' });
    const { items, judgements, repeats } = journal.state;
    const isDeleted = journal.state.deleted.has(deleted);
    assert.deepEqual(journal.problems, []);
    await journal.close();
    return { items, judgements, isDeleted, repeats };
  };

  it('makes one file that says the same', async () => {
    await fill();
    const before = await says();
    const done = await compactJournal(layout(), 'ada', { now: later });
    assert.deepEqual([done.files, names().length], [3, 1]);
    assert.deepEqual(await says(), before);
    assert.equal((await compactJournal(layout(), 'ada', { now: later })).files, 0);
  });

  it('makes one file of each judge’s that one ran oneself, and leaves what others had it judge', async () => {
    await fill();
    const folder = 'judge fair small';
    for (const author of ['ada', 'bob', 'ada', 'ada', 'bob']) {
      const journal = await PreferenceJournal.open(layout(), { author });
      const [item] = journal.state.items;
      const shown = item!.answers.map(({ id }) => id);
      const said = { ranking: shown.map(id => [id]), shown, verdict: 'ranked' as const, flags: [], milliseconds: 1 };
      await journal.addJudgements([{ ...said, item: item!.id, judge: 'fair' }], { folder });
      await journal.close();
    }
    const before = await says();
    assert.equal(before.judgements.filter(({ judge }) => judge === 'fair').length, 2);
    const judged = () => readdirSync(join(root, '.tunesmith', 'preferences', 'judge-fair-small'));
    assert.equal(judged().length, 5);
    const done = await compactJournal(layout(), 'ada', { now: later });
    assert.deepEqual([done.files, done.becameFiles, judged().length, names().length], [6, 2, 3, 1]);
    assert.deepEqual(await says(), before);
    assert.equal((await compactJournal(layout(), 'ada', { now: later })).files, 0);
    assert.deepEqual([(await compactJournal(layout(), 'bob', { now: later })).files, judged().length], [2, 2]);
    assert.deepEqual(await says(), before);
  });

  it('leaves files alone that may still be written, are damaged or newer', async () => {
    await fill();
    assert.equal((await compactJournal(layout(), 'ada')).files, 0);
    appendFileSync(join(root, '.tunesmith', 'preferences', 'ada', names()[0]!), 'damage\n');
    assert.equal((await compactJournal(layout(), 'ada', { now: later })).files, 2);
    assert.equal(names().length, 2);
  });

  it('says the same after a stop at each single step on the disk', async () => {
    for (let stopAt = 1; ; stopAt++) {
      rmSync(root, { recursive: true, force: true });
      await fill();
      const before = await says();
      let steps = 0;
      const step = async <T>(action: () => Promise<T>): Promise<T> => {
        if (++steps >= stopAt) throw new Error('stopped');
        return action();
      };
      const disk: Disk = {
        ...nodeDisk,
        create: path => step(() => nodeDisk.create(path)),
        rename: (from, to) => step(() => nodeDisk.rename(from, to)),
        remove: path => step(() => nodeDisk.remove(path)),
        syncFolder: path => step(() => nodeDisk.syncFolder(path)),
      };
      const stopped = await compactJournal(layout(), 'ada', { disk, now: later }).then(
        () => false,
        () => true,
      );
      assert.deepEqual(await says(), before, `stopped at step ${stopAt}`);
      if (!stopped) break;
      assert.ok(stopAt < 50);
    }
  });

  it('loses nothing of a process that writes meanwhile', async () => {
    await fill();
    const writing = await PreferenceJournal.open(layout(), { author: 'ada' });
    const put = (content: string) =>
      writing.addItems([
        {
          set: 'w',
          messages: [{ role: 'user' as const, content }],
          answers: ['x', 'y'].map(text => ({ text, model: text })),
        },
      ]);
    await put('first');
    let renames = 0;
    const disk: Disk = {
      ...nodeDisk,
      rename: async (from, to) => {
        await put(`before rename ${renames++}`);
        await nodeDisk.rename(from, to);
      },
    };
    await compactJournal(layout(), 'ada', { disk, now: later });
    await put('last');
    await writing.close();
    const { items } = await says();
    assert.equal(items.filter(({ set }) => set === 'w').length, renames + 2);
    assert.ok(renames >= 3);
  });
});
