/** The power goes after the k-th operation of the storage code, nothing acknowledged is lost. */
import assert from 'node:assert/strict';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { hookedDisk } from '../../fakes/countedDisk.ts';
import { cutPowerAtEvery, PowerCutDisk } from '../../fakes/powerCutDisk.ts';
import { type Acknowledged, checkAfterwards, inFolder, runScenario } from '../../fakes/storageScenario.ts';

describe('storage when the power goes', function () {
  this.timeout(60_000);

  // Every single operation, torn and not: test/slow/crashStorage.test.ts.
  it('loses nothing that was acknowledged', async () => {
    const operations = await cutPowerAtEvery(5, k => k % 2 === 0);
    assert.ok(operations > 50, `${operations} operations`);
  });

  it('would notice an acknowledgement that comes before the sync', async () => {
    await inFolder(async root => {
      const layout = workspaceLayout(root);
      const power = new PowerCutDisk(1e9);
      const acknowledged: Acknowledged[] = [];
      // The same disk, but its files forget to sync.
      const forgetful = {
        ...power.disk,
        create: async (path: string) => ({ ...(await power.disk.create(path)), sync: async () => {} }),
      };
      await runScenario(layout, forgetful, what => acknowledged.push(what));
      await power.comeBack(false);
      await assert.rejects(checkAfterwards(layout, acknowledged));
    });
  });

  it('syncs before it acknowledges', async () => {
    await inFolder(async root => {
      const unsynced = new Set<string>();
      const disk = hookedDisk({
        after: ({ kind, path }) => {
          // The derived index is acknowledged to nobody.
          if (kind === 'write' && !path.includes('index')) unsynced.add(path);
          if (kind === 'sync') unsynced.delete(path);
        },
      });
      let count = 0;
      await runScenario(workspaceLayout(root), disk, () => {
        assert.deepEqual([...unsynced], []);
        count++;
      });
      assert.ok(count >= 14);
    });
  });
});
