/** Whether an actor beside the learner is faster than taking turns on this machine: the recipe with one and without, some steps each in turns. */
import path from 'node:path';
import { Child } from '../engine/child.ts';
import { busyShare } from '../engine/quiet.ts';
import { median } from '../engine/statistics.ts';
import type { Case } from './cases.ts';
import { modelFolder, promptsFor } from './models.ts';
import type { Request } from './ours.ts';

/** Seconds of a step. */
export interface Overlap {
  readonly inTurn: number;
  /** With an actor, one update behind. */
  readonly beside: number;
}

/** Steps of a turn before the clock runs, while which the actor loses the lead that it won in the other's turn. */
const leading = 3;
const timed = { pebble: 6, smollm2: 2 } as const;

export async function measureOverlap(running: Case, threads: number, rounds: number): Promise<Overlap> {
  const folder = await modelFolder(running.model);
  const prompts = await promptsFor(running, folder);
  const children: Child[] = [];
  const open = async (actors: number): Promise<Child> => {
    const child = new Child(process.execPath, [path.join(import.meta.dirname, 'ours.ts')]);
    children.push(child);
    const settings = { ...running.settings, actors, actorLag: 1 };
    const request: Request = { case: { ...running, settings }, folder, prompts, threads };
    await child.ask('prepare', { ...request });
    return child;
  };
  try {
    const both = [await open(0), await open(1)] as const;
    const taken: [number[], number[]] = [[], []];
    const steps = timed[running.model];
    for (let round = 0; round < rounds; round++) {
      for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        // The actor samples ahead for a while when its turn is over.
        while ((await busyShare(500)) > 0.1);
        taken[index].push((await both[index].ask<number>('steps', { leading, timed: steps })) / steps);
      }
    }
    return { inTurn: median(taken[0]), beside: median(taken[1]) };
  } finally {
    for (const child of children) await child.close();
  }
}
