/** Whether somebody else computes: a benchmark on a busy machine says little, most of all about runtimes that spin. */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** The share of all processors that was busy during `milliseconds` in which none of ours or the peers had work. */
export async function busyShare(milliseconds: number): Promise<number> {
  const before = times();
  await sleep(milliseconds);
  const after = times();
  return (after.busy - before.busy) / Math.max(1, after.total - before.total);
}

function times(): { busy: number; total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of os.cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    total += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { busy, total };
}
