/** The Jobs tree: what runs, what is done, and of a failed job the reason and its repair. */
import * as vscode from 'vscode';
import { kindLabel } from '../../core/jobs/dashboard.ts';
import { resultFigure } from '../../core/jobs/resultFigure.ts';
import { canResume, isOver, statusWord } from '../../core/jobs/status.ts';
import type { JobSummary } from '../../jobs/backend.ts';
import { jobProgress } from '../../jobs/progress.ts';
import { CommandIds } from '../commandIds.ts';
import { type Jobs, jobsOf } from '../jobs.ts';
import type { Services } from '../services.ts';

export type JobNode =
  | { readonly type: 'job'; readonly job: JobSummary }
  | { readonly type: 'reason'; readonly job: JobSummary; readonly text: string }
  | { readonly type: 'repair'; readonly job: JobSummary; readonly label: string; readonly command: vscode.Command }
  | { readonly type: 'problem'; readonly text: string; readonly file: string };

export class JobsTree implements vscode.TreeDataProvider<JobNode> {
  readonly #services: Services;
  readonly #changed = new vscode.EventEmitter<JobNode | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  #jobs: Jobs | undefined;
  #timer: NodeJS.Timeout | undefined;
  #view: vscode.TreeView<JobNode> | undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  /** The view that shows this tree; its badge counts running jobs. */
  attach(view: vscode.TreeView<JobNode>): void {
    this.#view = view;
  }

  async refresh(): Promise<void> {
    if (this.#jobs) await this.#jobs.refresh();
    else this.#changed.fire(undefined);
  }

  async getChildren(node?: JobNode): Promise<JobNode[]> {
    if (node) return node.type === 'job' ? children(node.job) : [];
    if (!this.#services.workspaceFolder()) return [];
    const jobs = await this.#load();
    return [
      ...jobs.problems.map((problem): JobNode => ({ type: 'problem', text: problem.message, file: problem.file })),
      ...jobs.list.map((job): JobNode => ({ type: 'job', job })),
    ];
  }

  getParent(node: JobNode): JobNode | undefined {
    return node.type === 'reason' || node.type === 'repair' ? { type: 'job', job: node.job } : undefined;
  }

  getTreeItem(node: JobNode): vscode.TreeItem {
    switch (node.type) {
      case 'job':
        return jobItem(node.job);
      case 'reason': {
        const item = new vscode.TreeItem(node.text);
        item.id = `${node.job.id}/reason`;
        item.iconPath = new vscode.ThemeIcon('info');
        item.tooltip = node.text;
        return item;
      }
      case 'repair': {
        const item = new vscode.TreeItem(node.label);
        item.id = `${node.job.id}/${node.command.command}`;
        item.iconPath = new vscode.ThemeIcon('play');
        item.command = node.command;
        return item;
      }
      case 'problem': {
        const item = new vscode.TreeItem(node.text);
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        item.tooltip = `${node.file}\n${node.text}`;
        item.command = { command: 'vscode.open', title: '', arguments: [vscode.Uri.file(node.file)] };
        return item;
      }
    }
  }

  async #load(): Promise<Jobs> {
    if (this.#jobs) return this.#jobs;
    const jobs = await jobsOf(this.#services);
    if (!this.#jobs) {
      this.#jobs = jobs;
      jobs.onDidChange(() => this.#soon());
      this.#badge();
    }
    return jobs;
  }

  /** Steps come several a second; a tree that is drawn twice a second is lively enough. */
  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#badge();
      this.#changed.fire(undefined);
    }, 500);
  }

  #badge(): void {
    const running = this.#jobs?.list.filter(({ status }) => status === 'running' || status === 'stopping').length ?? 0;
    if (!this.#view) return;
    const tooltip = running === 1 ? vscode.l10n.t('1 job running') : vscode.l10n.t('{0} jobs running', running);
    this.#view.badge = running === 0 ? undefined : { value: running, tooltip };
  }
}

function children(job: JobSummary): JobNode[] {
  if (job.status !== 'failed' && job.status !== 'lost') return [];
  const reason =
    job.status === 'lost'
      ? vscode.l10n.t('The process ended without a word.')
      : (job.state?.error?.message ?? vscode.l10n.t('No reason was given; see the log.'));
  return [
    { type: 'reason', job, text: reason },
    {
      type: 'repair',
      job,
      label: vscode.l10n.t('Go on from the last checkpoint'),
      command: { command: CommandIds.resumeJob, title: '', arguments: [job.id] },
    },
    {
      type: 'repair',
      job,
      label: vscode.l10n.t('Open the log'),
      command: { command: CommandIds.openJobLog, title: '', arguments: [job.id] },
    },
  ];
}

const icons: Readonly<Record<JobSummary['status'], readonly [icon: string, color?: string]>> = {
  queued: ['clock'],
  running: ['loading~spin', 'charts.blue'],
  stopping: ['loading~spin', 'charts.blue'],
  waiting: ['debug-pause'],
  succeeded: ['pass', 'charts.green'],
  failed: ['error', 'charts.red'],
  cancelled: ['stop-circle'],
  lost: ['warning', 'list.warningForeground'],
};

function jobItem(job: JobSummary): vscode.TreeItem {
  const { status } = job;
  const item = new vscode.TreeItem(job.name);
  item.id = job.id;
  item.description = description(job);
  const [icon, color] = icons[status];
  item.iconPath = new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  if (status === 'failed' || status === 'lost') item.collapsibleState = vscode.TreeItemCollapsibleState.Expanded;
  item.contextValue = [
    'job',
    ...(isOver(status) ? ['deletable'] : ['running']),
    ...(canResume(status) ? ['resumable'] : []),
    ...(job.kind === 'rlhf' ? ['judgeable'] : []),
  ].join('-');
  item.command = { command: CommandIds.openJob, title: '', arguments: [job.id] };
  const kind = kindLabel(job.specification);
  const started = new Date(job.specification.createdAt).toLocaleString(vscode.env.language);
  item.tooltip = `${job.name}\n${kind}, ${statusWord(status)}\n${item.description}\n${started}`;
  item.accessibilityInformation = { label: `${job.name}, ${kind}, ${statusWord(status)}, ${item.description}` };
  return item;
}

/** `118 of 200, 6 min`; of a job that is done what came of it. */
function description(job: JobSummary): string {
  if (job.status === 'failed') return vscode.l10n.t('failed');
  if (job.status === 'succeeded' && job.result) {
    const figure = resultFigure(job.result.metrics);
    if (figure !== '') return figure;
  }
  return jobProgress(job).label;
}
