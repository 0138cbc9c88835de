/** Adapters of a job's evaluations, kept in its folder, and how one of them becomes a model of the workspace. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { type JobResult, TunedModelSchema } from '../core/jobs/job.ts';
import { type Disk, diskError, nodeDisk, randomName, writeNewFile } from './fileSystem.ts';
import type { JobFolder } from './jobFolder.ts';
import { freeModelName, LineageFile } from './modelStore.ts';
import { readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

type Folder = Pick<JobFolder, 'file'>;

export const evaluationFolder = (job: Folder, step: number): string =>
  join(job.file('evaluations'), String(step).padStart(6, '0'));

/** Steps whose adapter is kept, in order. */
async function keptEvaluations(job: Folder): Promise<readonly number[]> {
  const names = await readdir(job.file('evaluations')).catch(() => [] as string[]);
  return names
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * The model of a step: the job's own where that is its last, else a new one of the adapter that was kept. Throws a HumanError, with
 * the steps that there are, where it was not.
 */
export async function restoreGold(
  layout: WorkspaceLayout,
  job: JobFolder,
  result: JobResult | undefined,
  step: number,
): Promise<{ readonly name: string; readonly path: string }> {
  const { specification } = job;
  const { name } = specification;
  if (result && (result.metrics.written_step ?? result.metrics.steps) === step) return { name, path: result.adapter };
  const kept = await keptEvaluations(job);
  if (kept.includes(step)) return restoreEvaluation(layout, job, step, `${name}-step-${step}`);
  throw new HumanError(
    specification.kind === 'rlhf' && specification.keepEvaluations
      ? l10n.t('The adapter of step {0} is not there. Those of these steps are: {1}.', step, kept.join(', ') || '–')
      : l10n.t(
          'The adapter of step {0} was not kept. Train again with the same seed and --gold-people: then each evaluation’s is.',
          step,
        ),
  );
}

/** Makes the adapter of a step a model of its own, whole or not at all; returns its name and folder. */
async function restoreEvaluation(
  layout: WorkspaceLayout,
  job: Folder,
  step: number,
  wanted: string,
  disk: Disk = nodeDisk,
): Promise<{ readonly name: string; readonly path: string }> {
  const from = evaluationFolder(job, step);
  const name = await freeModelName(layout, wanted);
  const path = join(layout.models, name);
  const temporary = join(dirname(path), `.${name}.${randomName(6)}.tmp`);
  try {
    const lineage = v.parse(TunedModelSchema, parseJson((await readTextFile(join(from, LineageFile))) ?? ''));
    await disk.makeFolder(temporary);
    for (const file of await readdir(from)) {
      const bytes =
        file === LineageFile ? `${JSON.stringify({ ...lineage, name }, null, 2)}\n` : await readFile(join(from, file));
      await writeNewFile(join(temporary, file), bytes, disk);
    }
    await disk.syncFolder(temporary);
    await disk.rename(temporary, path);
    await disk.syncFolder(dirname(path));
    return { name, path };
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw diskError(error, path);
  }
}
