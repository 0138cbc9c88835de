/** A job's dashboard: one panel a job, live from the files of the job's folder, restored after a reload. */
import path from 'node:path';
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/disposable.ts';
import { type Dashboard, type DashboardInput, dashboard } from '../../core/jobs/dashboard.ts';
import { jobReport } from '../../core/jobs/jobReport.ts';
import { metricsCsv } from '../../core/jobs/metricsCsv.ts';
import { jobDashboardContract } from '../../protocol/jobDashboard.ts';
import { CommandIds, PanelTypes } from '../commandIds.ts';
import { type Jobs, jobsOf } from '../jobs.ts';
import type { Services } from '../services.ts';
import { pageHtml, panelIcon, webviewChannel, webviewOptions } from '../webview.ts';
import { exportCharts } from './exportCharts.ts';
import { JudgedAnswers } from './judgedAnswers.ts';
import { LiveDrawing, WatchedJob } from './watchedJobs.ts';

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
  readonly #drawing: LiveDrawing;
  readonly #picture: () => Promise<string | null>;
  #allCurves = false;
  #compared: { readonly before?: number; readonly now?: number } = {};
  #job: WatchedJob | undefined;
  #judged: JudgedAnswers | undefined;
  #jobs: Jobs | undefined;

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
            this.#drawing.now();
          },
          compareSamples: compared => {
            this.#compared = compared;
            this.#drawing.now();
          },
        },
        services.logger,
      ),
    );
    this.#drawing = this.#store.add(
      new LiveDrawing(() => {
        if (this.#job) channel.remote.show(dashboard(this.#input(this.#job)));
      }),
    );
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

  async #open(): Promise<Dashboard> {
    this.#jobs ??= await jobsOf(this.#services);
    this.#job ??= this.#store.add(await WatchedJob.open(this.#jobs.backend, this.#id, () => this.#drawing.soon()));
    if (this.#job.summary.kind === 'rlhf') {
      const journal = await this.#services.journal();
      this.#judged ??= this.#store.add(new JudgedAnswers(this.#id, journal, () => this.#drawing.soon()));
    }
    this.#panel.title = this.#job.summary.name;
    return dashboard(this.#input(this.#job));
  }

  #input(job: WatchedJob): DashboardInput {
    return {
      ...job.input,
      allCurves: this.#allCurves,
      compared: this.#compared,
      people: this.#judged?.curve(job.input.events) ?? [],
      madeBy: folder => this.#madeBy(folder),
    };
  }

  #madeBy(folder: string): string | undefined {
    const root = this.#services.layout().root;
    const same = (other: string): boolean => path.resolve(root, other) === path.resolve(root, folder);
    return this.#jobs?.list.find(job => job.id !== this.#id && same(job.specification.output))?.id;
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
        await run(CommandIds.useModel, this.#job?.summary.specification.output);
        return;
      case 'fine-tune':
        // The questions that follow are none that this page waits for.
        void vscode.commands.executeCommand(CommandIds.fineTune);
        return;
      case 'compare':
        void vscode.commands.executeCommand(CommandIds.compareJobs, this.#id);
        return;
      case 'export':
        await this.#export();
        return;
      case 'open-specification':
        await run(CommandIds.openJobSpecification);
        return;
      case 'open-log':
        await run(CommandIds.openJobLog);
        return;
      case 'open-folder':
        await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(this.#job?.summary.path ?? ''));
        return;
      case 'delete':
        await run(CommandIds.deleteJob);
        if (!(await this.#exists())) this.#panel.dispose();
    }
  }

  async #export(): Promise<void> {
    const job = this.#job;
    if (!job) return;
    await exportCharts(this.#services, {
      name: job.summary.name,
      picture: this.#picture,
      csv: () => metricsCsv(job.metrics),
      // All that there is to see.
      html: () => jobReport({ ...this.#input(job), allCurves: true }, vscode.env.language),
    });
  }

  #exists(): Promise<boolean> {
    return (this.#jobs?.backend.get(this.#id) ?? Promise.reject(new Error('no job'))).then(
      () => true,
      () => false,
    );
  }

  dispose(): void {
    this.#store.dispose();
  }
}
