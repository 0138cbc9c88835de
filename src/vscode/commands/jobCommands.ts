/** Commands of a job: open, stop, resume, delete, specification and log. They take a tree node, an id, or ask. */
import path from 'node:path';
import * as vscode from 'vscode';
import { canResume, isOver } from '../../core/jobs/status.ts';
import type { JobSummary } from '../../jobs/backend.ts';
import { jobProgress } from '../../jobs/progress.ts';
import { JobFiles } from '../../protocol/jobWorker.ts';
import { jobsOf, startOptions } from '../jobs.ts';
import type { Services } from '../services.ts';

export type Target = string | { readonly job?: { readonly id: string } } | undefined;

export async function jobOf(
  services: Services,
  target: Target,
  fits: (job: JobSummary) => boolean,
): Promise<JobSummary | undefined> {
  const jobs = await jobsOf(services);
  const id = typeof target === 'string' ? target : target?.job?.id;
  if (id !== undefined) return jobs.backend.get(id);
  await jobs.refresh();
  const candidates = jobs.list.filter(fits);
  if (candidates.length <= 1) return candidates[0];
  const picked = await vscode.window.showQuickPick(
    candidates.map(job => ({ label: job.name, description: jobProgress(job).label, job })),
    { placeHolder: vscode.l10n.t('Which job?') },
  );
  return picked?.job;
}

export async function stopJob(services: Services, target: Target): Promise<void> {
  const job = await jobOf(services, target, one => !isOver(one.status));
  if (!job) return;
  const jobs = await jobsOf(services);
  await vscode.window.withProgress(
    { location: { viewId: 'tunesmith.jobs' }, title: vscode.l10n.t('Stopping {0}', job.name) },
    () => jobs.backend.cancel(job.id),
  );
}

export async function resumeJob(services: Services, target: Target): Promise<void> {
  const job = await jobOf(services, target, one => canResume(one.status));
  if (!job) return;
  const { backend } = await jobsOf(services);
  const options = startOptions(services);
  // What waits already is wanted now, beside what runs.
  await (job.status === 'queued' ? backend.start(job.id, options) : backend.enqueue(job.id, options));
}

export async function deleteJob(services: Services, target: Target): Promise<void> {
  const job = await jobOf(services, target, one => isOver(one.status));
  if (!job) return;
  const remove = vscode.l10n.t('Delete');
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t('Delete the job “{0}” with its log and checkpoints?', job.name),
    { modal: true, detail: vscode.l10n.t('The model that came of it stays.') },
    remove,
  );
  if (choice === remove) await (await jobsOf(services)).backend.remove(job.id);
}

export async function openJobSpecification(services: Services, target: Target): Promise<void> {
  const job = await jobOf(services, target, () => true);
  if (job) await vscode.window.showTextDocument(vscode.Uri.file(path.join(job.path, JobFiles.specification)));
}

export async function openJobLog(services: Services, target: Target): Promise<void> {
  const job = await jobOf(services, target, () => true);
  if (!job) return;
  const log = vscode.Uri.file(path.join(job.path, JobFiles.log));
  const events = vscode.Uri.file(path.join(job.path, JobFiles.events));
  // What the process printed, or where it printed nothing, what it reported.
  const size = await vscode.workspace.fs.stat(log).then(
    stat => stat.size,
    () => 0,
  );
  await vscode.window.showTextDocument(size > 0 ? log : events);
}

export async function openJob(services: Services, target: Target): Promise<void> {
  const job = await jobOf(services, target, () => true);
  if (job) (await import('../panels/jobDashboard.ts')).openDashboard(services, job.id, job.name);
}
