/** Starts a job that was made, opens its dashboard, and says in the status bar how far it is. */
import * as vscode from 'vscode';
import { isOver } from '../../core/jobs/status.ts';
import { jobProgress } from '../../jobs/progress.ts';
import { jobsOf, startOptions } from '../jobs.ts';
import { openDashboard } from '../panels/jobDashboard.ts';
import type { Services } from '../services.ts';

/** It waits for the one that runs, if there is one. `show`: opens its dashboard. */
export async function startJob(
  services: Services,
  id: string,
  name: string,
  { show }: { show: boolean },
): Promise<void> {
  const jobs = await jobsOf(services);
  await jobs.backend.enqueue(id, startOptions(services));
  await jobs.refresh();
  if (show) openDashboard(services, id, name);
  void vscode.window.withProgress(
    // A notification would lie over the dashboard, which has the curves and the button to stop.
    { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Training {0}', name) },
    progress =>
      new Promise<void>(resolve => {
        const watch = jobs.backend.watch(id, {
          onChange: job => {
            progress.report({ message: jobProgress(job).label });
            if (!isOver(job.status)) return;
            watch.dispose();
            resolve();
          },
        });
      }),
  );
}
