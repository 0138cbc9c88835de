/** A job's dashboard: one panel a job, live from the files of the job's folder, restored after a reload. */
import path from 'node:path';
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/disposable.ts';
import { type Dashboard, type DashboardInput, dashboard } from '../../core/jobs/dashboard.ts';
import type { JobEvent } from '../../core/jobs/job.ts';
import { jobReport } from '../../core/jobs/jobReport.ts';
import { MetricColumns } from '../../core/jobs/metricColumns.ts';
import { metricsCsv } from '../../core/jobs/metricsCsv.ts';
import type { JobSummary } from '../../jobs/backend.ts';
import { jobDashboardContract } from '../../protocol/jobDashboard.ts';
import { CommandIds, PanelTypes } from '../commandIds.ts';
import { type Jobs, jobsOf } from '../jobs.ts';
import type { Services } from '../services.ts';
import { pageHtml, panelIcon, webviewChannel, webviewOptions } from '../webview.ts';
import { exportCharts } from './exportCharts.ts';

const panels = new Map<string, vscode.WebviewPanel>();

export function openDashboard(services: Services, id: string, name: string): void {
  const open = panels.get(id);
  if (open) {
    open.reveal();
    return;
  }
  const panel = vscode.window.createWebviewPanel(
    PanelTypes.job,
    name,
    vscode.ViewColumn.Active,
    webviewOptions(services.context.extensionUri),
  );
  restoreDashboard(services, panel, { id });
}

/** `state` is what the page saved: the job's id. */
export function restoreDashboard(services: Services, panel: vscode.WebviewPanel, state: unknown): void {
  const id = (state as { id?: unknown } | undefined)?.id;
  if (typeof id !== 'string') {
    panel.dispose();
    return;
  }
  panels.set(id, panel);
  panel.iconPath = panelIcon(services.context.extensionUri, 'job');
  const view = new DashboardView(services, panel, id);
  panel.onDidDispose(() => {
    panels.delete(id);
    view.dispose();
  });
}

class DashboardView {
  readonly #services: Services;
  readonly #panel: vscode.WebviewPanel;
  readonly #id: string;
  readonly #store = new DisposableStore();
  readonly #events: JobEvent[] = [];
  readonly #metrics = new MetricColumns();
  #allCurves = false;
  #compared: { readonly before?: number; readonly now?: number } = {};
  /** Milliseconds that the last picture of the state took. */
  #cost = 0;
  #job: JobSummary | undefined;
  #jobs: Jobs | undefined;
  #timer: NodeJS.Timeout | undefined;
  #opened = false;

  constructor(services: Services, panel: vscode.WebviewPanel, id: string) {
    this.#services = services;
    this.#panel = panel;
    this.#id = id;
    panel.webview.options = webviewOptions(services.context.extensionUri);
    const channel = this.#store.add(
      webviewChannel(
        panel.webview,
        jobDashboardContract,
        {
          open: () => this.#open(),
          act: async ({ action }) => {
            await this.#act(action);
            return null;
          },
          openJob: ({ job }) => void vscode.commands.executeCommand(CommandIds.openJob, job),
          showCurves: ({ all }) => {
            this.#allCurves = all;
            this.#show();
          },
          compareSamples: compared => {
            this.#compared = compared;
            this.#show();
          },
        },
        services.logger,
      ),
    );
    this.#show = () => {
      if (!this.#job) return;
      const begun = performance.now();
      channel.remote.show(this.#state());
      this.#cost = performance.now() - begun;
    };
    this.#picture = () => channel.remote.picture({});
    panel.webview.html = pageHtml({
      extensionUri: services.context.extensionUri,
      webview: panel.webview,
      entry: 'jobs',
      title: panel.title,
      bundle: services.bundle,
      initial: { id },
    });
  }

  readonly #show: () => void;
  readonly #picture: () => Promise<string | null>;

  async #open(): Promise<Dashboard> {
    this.#jobs ??= await jobsOf(this.#services);
    const { backend } = this.#jobs;
    this.#job = await backend.get(this.#id);
    this.#panel.title = this.#job.name;
    if (!this.#opened) {
      this.#opened = true;
      this.#store.add(
        backend.watch(this.#id, {
          onEvents: (events, restarted) => {
            this.#take(events, restarted);
            this.#soon();
          },
          onChange: job => {
            this.#job = job;
            this.#soon();
          },
        }),
      );
    }
    return this.#state();
  }

  #take(events: readonly JobEvent[], restarted: boolean): void {
    if (restarted) {
      this.#events.length = 0;
      this.#metrics.clear();
    }
    this.#metrics.add(events);
    for (const event of events) this.#events.push(event);
  }

  #state(): Dashboard {
    return dashboard(this.#input());
  }

  #input(): DashboardInput {
    const { specification, status, state, result } = this.#job!;
    return {
      id: this.#id,
      specification,
      status,
      ...(state ? { state } : {}),
      ...(result ? { result } : {}),
      events: this.#events,
      metrics: this.#metrics,
      allCurves: this.#allCurves,
      compared: this.#compared,
      madeBy: folder => this.#madeBy(folder),
    };
  }

  #madeBy(folder: string): string | undefined {
    const root = this.#services.layout().root;
    const same = (other: string): boolean => path.resolve(root, other) === path.resolve(root, folder);
    return this.#jobs?.list.find(job => job.id !== this.#id && same(job.specification.output))?.id;
  }

  /** A page that is drawn four times a second is live; steps may come faster. A tenth of the host's time at most goes into it. */
  #soon(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#show();
      },
      Math.max(250, 9 * this.#cost),
    );
  }

  async #act(action: string): Promise<void> {
    const run = (command: string, argument: unknown = this.#id) => vscode.commands.executeCommand(command, argument);
    switch (action) {
      case 'stop':
        await run(CommandIds.stopJob);
        return;
      case 'resume':
        await run(CommandIds.resumeJob);
        return;
      case 'use-model':
        await run(CommandIds.useModel, this.#job?.specification.output);
        return;
      case 'fine-tune':
        // The questions that follow are none that this page waits for.
        void vscode.commands.executeCommand(CommandIds.fineTune);
        return;
      case 'compare':
        void vscode.commands.executeCommand(CommandIds.compareJobs, this.#id);
        return;
      case 'export':
        await exportCharts(this.#services, {
          name: this.#job?.name ?? 'job',
          picture: this.#picture,
          csv: () => metricsCsv(this.#metrics),
          // All that there is to see.
          html: () => jobReport({ ...this.#input(), allCurves: true }, vscode.env.language),
        });
        return;
      case 'open-specification':
        await run(CommandIds.openJobSpecification);
        return;
      case 'open-log':
        await run(CommandIds.openJobLog);
        return;
      case 'open-folder':
        await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(this.#job?.path ?? ''));
        return;
      case 'delete':
        await run(CommandIds.deleteJob);
        if (!(await this.#exists())) this.#panel.dispose();
    }
  }

  #exists(): Promise<boolean> {
    return (this.#jobs?.backend.get(this.#id) ?? Promise.reject(new Error('no job'))).then(
      () => true,
      () => false,
    );
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#store.dispose();
  }
}
