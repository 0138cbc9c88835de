/** A disk that is really full (a small file system in memory): one sentence, nothing saved is lost, and it goes on afterwards. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHumanError } from '../../src/base/errors.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { makeJob } from '../fakes/countingJob.ts';

const isFull = (error: unknown) => isHumanError(error) && /disk is full.*Free some space/.test(error.message);

describe('a full disk', () => {
  let root: string;
  before(function () {
    root = mkdtempSync(join(tmpdir(), 'full-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', root]);
    if (mounted.status !== 0) {
      rmdirSync(root);
      console.log('skipped: mounting a small file system needs root');
      this.skip();
    }
  });
  after(() => {
    if (spawnSync('umount', ['-l', root]).status === 0) rmdirSync(root);
  });

  it('refuses with one sentence, loses nothing, and goes on when there is space', async () => {
    const layout = workspaceLayout(root);
    const journal = await PreferenceJournal.open(layout, { author: 'ada' });
    const [item] = await journal.addItems([
      { set: 's', messages: [], answers: ['yes', 'no'].map(text => ({ text, model: 'm' })) },
    ]);
    const judge = (note: string) =>
      journal.addJudgement({
        item: item!.id,
        ranking: item!.answers.map(answer => [answer.id]),
        shown: [],
        verdict: 'ranked',
        flags: [],
        milliseconds: 1,
        note,
      });
    let last = await judge('first');
    const filler = join(root, 'filler');
    assert.throws(() => writeFileSync(filler, Buffer.alloc(1 << 20)), { code: 'ENOSPC' });
    // What is left of the last page takes some more records.
    await assert.rejects(async () => {
      for (let n = 0; n < 1000; n++) last = await judge('x'.repeat(500));
    }, isFull);
    await assert.rejects(judge('x'.repeat(5000)), isFull);
    await assert.rejects(makeJob(layout), isFull);

    const reader = await PreferenceJournal.open(layout, { author: 'reader' });
    assert.deepEqual(reader.problems, []);
    assert.equal(reader.state.judgements[0]?.id, last.id, 'what was acknowledged last stands');

    rmSync(filler);
    last = await judge('after');
    await makeJob(layout);
    await reader.refresh();
    assert.deepEqual([reader.state.judgements[0]?.id, reader.problems], [last.id, []]);
    await journal.close();
    await reader.close();
  });
});
