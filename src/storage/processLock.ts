/** A lock file held by a living process: one whose process is gone, for whatever reason, is taken over. */
import { parseJson } from '../base/jsonLines.ts';
import { type Disk, diskError, nodeDisk, randomName, writeNewFile } from './fileSystem.ts';
import { processFact, processStartedAt } from './processIdentity.ts';
import { readTextFile } from './workspaceLayout.ts';

/** Resolves with what gives the lock back, or with undefined while another living holder has it. */
export async function takeLock(lock: string, disk: Disk = nodeDisk): Promise<(() => Promise<void>) | undefined> {
  // The token tells two holders of one process apart.
  const holder = { pid: process.pid, processStartedAt: processStartedAt(process.pid), token: randomName(12) };
  const own = JSON.stringify(holder) + '\n';
  const release = async () => {
    if ((await readTextFile(lock)) === own) await disk.remove(lock);
  };
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      await writeNewFile(lock, own, disk);
      // Another taker may have judged an older lock and moved this one away in its place: look again.
      await new Promise(resolve => setTimeout(resolve, 30));
      if ((await readTextFile(lock)) === own) return release;
      continue;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(error, lock);
    }
    const text = await readTextFile(lock);
    const other = parseJson(text ?? '') as { pid?: number; processStartedAt?: string } | undefined;
    // A lock without contents is being written at this moment, or its writer died over it.
    if (other?.pid === undefined ? attempt > 40 : processFact(other.pid, other.processStartedAt) === 'gone') {
      if ((await readTextFile(lock)) === text) {
        const stale = `${lock}.${other?.pid ?? 'empty'}`;
        await disk.rename(lock, stale).catch(() => {});
        await disk.remove(stale);
      }
      continue;
    }
    if (other?.pid !== undefined) return undefined;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return undefined;
}
