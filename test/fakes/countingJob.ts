/** Jobs of the counting worker (`jobWorker.ts`), for tests of what supervises jobs. */
import { fileURLToPath } from 'node:url';
import { rewardPresets } from '../../src/core/jobs/presets.ts';
import type { WorkerEntry } from '../../src/jobs/workerEntry.ts';
import { createJobFolder, type JobFolder } from '../../src/storage/jobFolder.ts';
import type { WorkspaceLayout } from '../../src/storage/workspaceLayout.ts';

/** `seed` chooses what the worker does; see there. */
export const makeJob = (layout: WorkspaceLayout, seed = 0, name = 'counting'): Promise<JobFolder> =>
  createJobFolder(layout, {
    name,
    data: { 'pairs.jsonl': [{ a: 1 }, { a: 2 }] },
    specification: ({ id, createdAt, data }) => ({
      format: 1,
      id,
      createdAt,
      name,
      seed,
      kind: 'reward',
      model: { id: 'local:pebble', base: '/models/pebble' },
      output: '.tunesmith/models/x',
      data: data['pairs.jsonl'],
      settings: rewardPresets.quick,
    }),
  });

/** One of the small programs beside this file, in the place of a real child process. */
export const fakeEntry = (name: 'jobWorker' | 'inferenceWorker'): WorkerEntry => {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  return { execPath: process.execPath, args: [file], file, env: {} };
};
