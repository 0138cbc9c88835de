/** Memory and processor time of processes, as Linux counts them. */
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { median } from '../engine/statistics.ts';

const PageBytes = 4096;
const MiB = 2 ** 20;
const TicksPerSecond = 100;
/** Milliseconds between two looks. */
const Every = 100;

/** MiB that these processes have in memory; one that has ended has none. */
export function residentMiB(pids: readonly number[]): number {
  let pages = 0;
  for (const pid of pids) {
    try {
      pages += Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    } catch {
      // It ended.
    }
  }
  return (pages * PageBytes) / MiB;
}

/** Seconds of processor time that a process has taken so far; 0 for one that has ended. */
export function processorSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
  } catch {
    return 0;
  }
}

/** The renderer processes of a browser: that of the window, and of its webviews where they have one of their own. */
export async function renderers(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  try {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  } finally {
    await session.detach();
  }
}

/** MiB at rest: the median of three seconds. */
export async function atRest(groups: readonly (readonly number[])[]): Promise<number[]> {
  const seen = groups.map((): number[] => []);
  for (const end = Date.now() + 3000; Date.now() < end; ) {
    for (const [i, pids] of groups.entries()) seen[i]!.push(residentMiB(pids));
    await new Promise(resolve => setTimeout(resolve, Every));
  }
  return seen.map(median);
}

export interface Watch {
  /** Highest sum of the groups at one moment, each above its baseline, with what each group had then; MiB. */
  stop(): { readonly peak: number; readonly parts: readonly number[] };
}

/** Watches groups of processes from now on. */
export function watchMemory(groups: readonly (readonly number[])[], baseline: readonly number[]): Watch {
  let peak = Number.NEGATIVE_INFINITY;
  let parts: readonly number[] = [];
  const look = (): void => {
    const now = groups.map((pids, i) => residentMiB(pids) - baseline[i]!);
    const sum = now.reduce((total, part) => total + part, 0);
    if (sum <= peak) return;
    peak = sum;
    parts = now;
  };
  look();
  const timer = setInterval(look, Every);
  return {
    stop() {
      clearInterval(timer);
      look();
      return { peak, parts };
    },
  };
}
