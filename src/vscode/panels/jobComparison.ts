/** Jobs beside each other in one panel, live while one of them runs, restored after a reload. */
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/disposable.ts';
import { type Comparison, comparison, MostCompared } from '../../core/jobs/comparison.ts';
import type { DashboardInput } from '../../core/jobs/dashboard.ts';
import { comparisonReport } from '../../core/jobs/jobReport.ts';
import { comparisonCsv } from '../../core/jobs/metricsCsv.ts';
import type { JobSummary } from '../../jobs/backend.ts';
import { jobProgress } from '../../jobs/progress.ts';
import { jobComparisonContract } from '../../protocol/jobDashboard.ts';
import { CommandIds, PanelTypes } from '../commandIds.ts';
import { jobsOf } from '../jobs.ts';
import type { Services } from '../services.ts';
import { pageHtml, panelIcon, webviewChannel, webviewOptions } from '../webview.ts';
import { exportCharts } from './exportCharts.ts';
import { LiveDrawing, WatchedJob } from './watchedJobs.ts';

type Target = string | { readonly job?: { readonly id: string } } | undefined;

/** Asks which jobs; those of the call are chosen already (a node of the tree, several of them, or a job's id). */
export async function compareJobs(
  services: Services,
  target: Target,
  others?: readonly { readonly job?: { readonly id: string } }[],
): Promise<void> {
  const jobs = await jobsOf(services);
  await jobs.refresh();
  const given = [target, ...(others ?? [])].flatMap(one =>
    typeof one === 'string' ? [one] : one?.job ? [one.job.id] : [],
  );
  const wanted = new Set(given);
  if (jobs.list.length < 2) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('Comparing takes two jobs. Train once more with another setting or other data.'),
    );
    return;
  }
  const ids = wanted.size > 1 ? [...wanted] : await askJobs(jobs.list, wanted);
  if (!ids) return;
  const panel = vscode.window.createWebviewPanel(
    PanelTypes.jobComparison,
    vscode.l10n.t('Compare Jobs'),
    vscode.ViewColumn.Active,
    webviewOptions(services.context.extensionUri),
  );
  restoreComparison(services, panel, { ids: ids.slice(0, MostCompared) });
}

function askJobs(list: readonly JobSummary[], chosen: ReadonlySet<string>): Promise<string[] | undefined> {
  const pick = vscode.window.createQuickPick<vscode.QuickPickItem & { readonly id: string }>();
  pick.title = vscode.l10n.t('Compare Jobs');
  pick.placeholder = vscode.l10n.t('Two to {0} jobs', MostCompared);
  pick.canSelectMany = true;
  pick.matchOnDescription = true;
  pick.items = list.map(job => ({ label: job.name, description: jobProgress(job).label, detail: job.id, id: job.id }));
  pick.selectedItems = pick.items.filter(({ id }) => chosen.has(id));
  pick.show();
  return new Promise(resolve => {
    pick.onDidAccept(() => {
      const ids = pick.selectedItems.map(({ id }) => id);
      if (ids.length < 2 || ids.length > MostCompared) {
        pick.title = vscode.l10n.t('Compare Jobs: choose two to {0}', MostCompared);
        return;
      }
      resolve(ids);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
  });
}

/** `state` is what the page saved: the jobs' ids. */
export function restoreComparison(services: Services, panel: vscode.WebviewPanel, state: unknown): void {
  const ids = (state as { ids?: unknown } | undefined)?.ids;
  if (!Array.isArray(ids) || !ids.every(id => typeof id === 'string')) {
    panel.dispose();
    return;
  }
  panel.iconPath = panelIcon(services.context.extensionUri, 'job');
  const view = new ComparisonView(services, panel, ids);
  panel.onDidDispose(() => view.dispose());
}

class ComparisonView {
  readonly #services: Services;
  readonly #ids: readonly string[];
  readonly #store = new DisposableStore();
  readonly #jobs = new Map<string, WatchedJob>();
  readonly #drawing: LiveDrawing;

  constructor(services: Services, panel: vscode.WebviewPanel, ids: readonly string[]) {
    this.#services = services;
    this.#ids = ids;
    panel.webview.options = webviewOptions(services.context.extensionUri);
    const channel = this.#store.add(
      webviewChannel(
        panel.webview,
        jobComparisonContract,
        {
          open: () => this.#open(),
          openJob: ({ job }) => void vscode.commands.executeCommand(CommandIds.openJob, job),
          act: async ({ action }) => {
            if (action === 'choose') void vscode.commands.executeCommand(CommandIds.compareJobs, this.#ids[0]);
            else
              await exportCharts(services, {
                name: vscode.l10n.t('comparison'),
                picture: () => channel.remote.picture({}),
                csv: () => comparisonCsv(this.#state(), this.#inputs()),
                html: () => comparisonReport(this.#state(), vscode.env.language),
              });
            return null;
          },
        },
        services.logger,
      ),
    );
    this.#drawing = this.#store.add(new LiveDrawing(() => channel.remote.show(this.#state())));
    panel.webview.html = pageHtml({
      extensionUri: services.context.extensionUri,
      webview: panel.webview,
      entry: 'jobs',
      title: panel.title,
      bundle: services.bundle,
      initial: { ids },
    });
  }

  async #open(): Promise<Comparison> {
    const { backend } = await jobsOf(this.#services);
    for (const id of this.#ids) {
      if (this.#jobs.has(id)) continue;
      this.#jobs.set(id, this.#store.add(await WatchedJob.open(backend, id, () => this.#drawing.soon())));
    }
    return this.#state();
  }

  #inputs(): DashboardInput[] {
    return [...this.#jobs.values()].map(({ input }) => input);
  }

  #state(): Comparison {
    return comparison(this.#inputs());
  }

  dispose(): void {
    this.#store.dispose();
  }
}
