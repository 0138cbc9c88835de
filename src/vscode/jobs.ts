/** The jobs of this workspace, kept current: the list, the running ones watched, news of those that end. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore, toDisposable } from '../base/disposable.ts';
import { Emitter } from '../base/event.ts';
import { outcome } from '../core/jobs/dashboard.ts';
import { isOver } from '../core/jobs/status.ts';
import type { JobBackend, JobSummary, StartOptions } from '../jobs/backend.ts';
import { CommandIds } from './commandIds.ts';
import { setting } from './config.ts';
import { JobModels } from './jobModels.ts';
import type { Services } from './services.ts';

/** Jobs that this window started or saw running, so that their end is told also after a reload. */
const awaitedKey = 'tunesmith.awaitedJobs';

export class Jobs implements Disposable {
  readonly backend: JobBackend;
  readonly #services: Services;
  readonly #store = new DisposableStore();
  readonly #changed = new Emitter<void>();
  readonly #watches = new Map<string, Disposable>();
  readonly #models: JobModels;
  #jobs: readonly JobSummary[] = [];
  #problems: readonly { readonly file: string; readonly line: number; readonly message: string }[] = [];
  #refreshing: Promise<void> | undefined;
  #again = false;

  /** The list or a job in it changed. */
  readonly onDidChange = this.#changed.event;

  constructor(services: Services, backend: JobBackend, root: string) {
    this.#services = services;
    this.backend = backend;
    this.#models = this.#store.add(new JobModels(services, backend));
    this.#store.add(backend.onDidChange(() => void this.refresh()));
    // Jobs that the command line or another window makes.
    const pattern = new vscode.RelativePattern(
      vscode.Uri.file(root),
      '.tunesmith/jobs/*/{job,state,result,queue}.json',
    );
    const watcher = this.#store.add(vscode.workspace.createFileSystemWatcher(pattern, false, true, false));
    watcher.onDidCreate(() => void this.refresh());
    watcher.onDidDelete(() => void this.refresh());
    this.#store.add(toDisposable(() => this.#unwatchAll()));
  }

  /** Newest first. */
  get list(): readonly JobSummary[] {
    return this.#jobs;
  }

  get problems() {
    return this.#problems;
  }

  /** Reads the list again; calls that come meanwhile are answered by one more reading. */
  refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#read().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #read(): Promise<void> {
    do {
      this.#again = false;
      try {
        const { jobs, problems } = await this.backend.list();
        this.#jobs = jobs;
        this.#problems = problems;
      } catch (error) {
        this.#services.logger.error('The list of jobs could not be read.', error);
      }
    } while (this.#again);
    // Jobs that wait are started by whoever is there, but none in a workspace that is not trusted: its files may be anybody's.
    if (this.#services.trusted && this.#jobs.some(job => job.turn !== undefined)) {
      void this.backend
        .tend(startOptions(this.#services))
        .catch(error => this.#services.logger.error('The next job was not started', error));
    }
    this.#models.update(this.#jobs, this.#awaited());
    const live = new Set(this.#jobs.filter(job => !isOver(job.status)).map(job => job.id));
    for (const id of live) if (!this.#watches.has(id)) this.#watch(id);
    for (const id of this.#awaited()) {
      const job = this.#jobs.find(one => one.id === id);
      if (!job) this.#forget(id);
      else if (isOver(job.status)) this.#tell(job);
    }
    this.#changed.fire();
  }

  #watch(id: string): void {
    this.#await(id);
    this.#watches.set(
      id,
      this.backend.watch(id, {
        onChange: job => {
          this.#jobs = this.#jobs.map(one => (one.id === id ? job : one));
          this.#models.update([job], this.#awaited());
          if (isOver(job.status)) {
            this.#watches.get(id)?.dispose();
            this.#watches.delete(id);
            this.#tell(job);
            // Pickers and trees learn of the model that it made.
            void this.#services.models().then(
              registry => registry.refresh(),
              () => {},
            );
          }
          this.#changed.fire();
        },
      }),
    );
  }

  #unwatchAll(): void {
    for (const watch of this.#watches.values()) watch.dispose();
    this.#watches.clear();
  }

  #awaited(): readonly string[] {
    return this.#services.context.workspaceState.get<string[]>(awaitedKey, []);
  }

  #await(id: string): void {
    const all = this.#awaited();
    if (!all.includes(id)) void this.#services.context.workspaceState.update(awaitedKey, [...all, id]);
  }

  #forget(id: string): void {
    void this.#services.context.workspaceState.update(
      awaitedKey,
      this.#awaited().filter(one => one !== id),
    );
  }

  /** Says once how a job ended, with the next step. */
  #tell(job: JobSummary): void {
    if (!this.#awaited().includes(job.id)) return;
    this.#forget(job.id);
    void tellEnd(job);
  }

  dispose(): void {
    this.#store.dispose();
    this.#changed.dispose();
  }
}

/** How this window starts jobs. */
export const startOptions = ({ trusted }: Services): StartOptions => ({
  allowCode: trusted,
  pauseOnBattery: setting('jobs.pauseOnBattery'),
});

async function tellEnd(job: JobSummary): Promise<void> {
  const open = vscode.l10n.t('Open Job');
  const next =
    job.kind === 'reward'
      ? { label: vscode.l10n.t('Fine-Tune with RLHF'), command: CommandIds.fineTune }
      : { label: vscode.l10n.t('Use in Playground'), command: CommandIds.useModel };
  let choice: string | undefined;
  if (job.status === 'succeeded') {
    const text = vscode.l10n.t('{0} is trained. {1}', job.name, outcome(job.specification, job.result)).trim();
    choice = await vscode.window.showInformationMessage(text, next.label, open);
  } else if (job.status === 'failed') {
    const text = vscode.l10n.t('{0} failed: {1}', job.name, job.state?.error?.message ?? '');
    choice = await vscode.window.showErrorMessage(text, open);
  } else if (job.status === 'lost') {
    const text = vscode.l10n.t('{0} was interrupted. It can go on from its last checkpoint.', job.name);
    const resume = vscode.l10n.t('Resume');
    choice = await vscode.window.showWarningMessage(text, resume, open);
    if (choice === resume) await vscode.commands.executeCommand(CommandIds.resumeJob, job.id);
  }
  if (choice === open) await vscode.commands.executeCommand(CommandIds.openJob, job.id);
  else if (choice === next.label) await vscode.commands.executeCommand(next.command, job.specification.output);
}

const made = new WeakMap<Services, Promise<Jobs>>();

/** The jobs of the window, read once. Rejects with a HumanError when no folder is open. */
export function jobsOf(services: Services): Promise<Jobs> {
  let jobs = made.get(services);
  if (!jobs) {
    jobs = makeJobs(services);
    made.set(services, jobs);
    jobs.catch(() => made.delete(services));
  }
  return jobs;
}

async function makeJobs(services: Services): Promise<Jobs> {
  const { root } = services.layout();
  const jobs = services.store.add(new Jobs(services, await services.supervisor(), root));
  await jobs.refresh();
  return jobs;
}
