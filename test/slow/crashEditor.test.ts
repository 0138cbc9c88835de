/** The real extension host is killed twenty times while someone ranks: what the view acknowledged is on the disk. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { killWhileRanking } from '../e2e/crashRanking.ts';
import { quick, recordFigures } from './figures.ts';

const root = path.join(import.meta.dirname, '..', '..');

describe('an editor whose extension host is killed while ranking', function () {
  this.timeout(1_200_000);

  before(() => {
    if (existsSync(path.join(root, 'dist', 'tunesmith.vsix'))) return;
    const program = path.join(root, 'scripts', 'package.ts');
    assert.equal(spawnSync(process.execPath, [program], { cwd: root, stdio: 'inherit' }).status, 0);
  });

  it('loses no acknowledged judgement', async () => {
    const { kills, acknowledged, underWay, unacknowledged, files } = await killWhileRanking(quick ? 5 : 20);
    assert.ok(acknowledged >= kills);
    recordFigures(
      'crashed extension host',
      `The extension host of a real VS Code was killed ${kills} times while ranking, ${underWay} times between a key and its acknowledgement. All ${acknowledged} acknowledged judgements were on the disk (and ${unacknowledged} more), in ${files} files without a problem.`,
    );
  });
});
