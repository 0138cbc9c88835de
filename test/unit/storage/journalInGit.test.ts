/** The journal under real git: merges, rebases and checkouts while somebody ranks give the union and no conflicts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rng } from '../../../src/base/rng.ts';
import { type NewJudgement, PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';

const branches = ['ada', 'bob'] as const;

/** One random history on two branches; what each acknowledged must be on main when both have come together. */
async function history(seed: number): Promise<void> {
  const rng = Rng.seeded(seed);
  const root = mkdtempSync(join(tmpdir(), 'tunesmith-git-'));
  const git = (...argv: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'core.autocrlf=true', ...argv], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const open = () =>
    PreferenceJournal.open(workspaceLayout(root), { author: 'ada', indexFrom: rng.pick([1, 3, 1000]) });
  const acknowledged = new Set<string>();
  try {
    git('init', '-q', '-b', 'main');
    let journal = await open();
    const rank = async (): Promise<void> => {
      const content = `prompt ${rng.int(6)}`;
      const answers = ['yes', 'no'].map(text => ({ text, model: text }));
      const [item] = await journal.addItems([{ set: 's', messages: [{ role: 'user', content }], answers }]);
      const shown = item!.answers.map(({ id }) => id);
      const ranking = rng.next() < 0.5 ? [shown] : shown.map(id => [id]);
      const made: NewJudgement = { item: item!.id, ranking, shown, verdict: 'ranked', flags: [], milliseconds: 1 };
      acknowledged.add((await journal.addJudgement({ ...made, judge: String(acknowledged.size) })).id);
    };
    const commit = (): void => {
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', 'judgements');
    };
    await rank();
    commit();
    for (const branch of branches) git('branch', branch);
    for (let step = 0; step < 6; step++) {
      // Often the window stays open over the checkout: its file vanishes or goes back under it.
      if (rng.next() < 0.4) {
        await journal.close();
        journal = await open();
      }
      git('checkout', '-q', rng.pick(branches));
      if (rng.next() < 0.5) await journal.refresh();
      for (let i = 0; i < 1 + rng.int(2); i++) await rank();
      commit();
      if (rng.next() < 0.3) git('rebase', '-q', rng.pick(branches));
    }
    git('checkout', '-q', 'main');
    await rank();
    commit();
    for (const branch of branches) git('merge', '-q', '-m', 'merge', branch);
    await rank();
    await journal.close();
    const reader = await open();
    assert.deepEqual(reader.problems, []);
    assert.deepEqual(new Set(reader.state.judgements.map(({ id }) => id)), acknowledged, `seed ${seed}`);
    assert.deepEqual(reader.state.orphans, []);
    await reader.close();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe('preferenceJournal in git', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`gives the union after merges, rebases and checkouts (history ${seed})`, () => history(seed)).timeout(30_000);
  }
});
