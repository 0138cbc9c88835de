/** Whether a job was made before: the same specification gives the same bytes, so that it need not run again. */
import { type JobFolder, listJobFolders } from '../storage/jobFolder.ts';
import { listTunedModels } from '../storage/modelStore.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';
import type { JobBackend } from './backend.ts';

/**
 * An earlier job that differs from this one in name, time and place alone, and whose model is there or whose work can go on; else this
 * one. What is not needed is removed.
 */
export async function earlierSame(layout: WorkspaceLayout, backend: JobBackend, job: JobFolder): Promise<JobFolder> {
  const wanted = whatItDoes(job);
  const models = new Set((await listTunedModels(layout)).models.map(({ path }) => path));
  for (const other of (await listJobFolders(layout)).jobs) {
    if (other.id === job.id || whatItDoes(other) !== wanted) continue;
    const { status } = await other.status();
    if (status === 'succeeded') {
      const result = await other.result();
      if (!result || !models.has(result.adapter)) continue;
    } else if (status !== 'cancelled' && status !== 'lost') continue;
    await backend.remove(job.id);
    return other;
  }
  return job;
}

function whatItDoes({ specification }: JobFolder): string {
  const { id: _, name: __, createdAt: ___, output: ____, ...rest } = specification;
  return JSON.stringify(rest);
}
