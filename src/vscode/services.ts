/** Everything the extension's features share, built the first time someone needs it and disposed with the extension. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable.ts';
import { errorMessage, HumanError, isAbort, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Logger } from '../base/logger.ts';
import type { Dispatcher } from '../core/evaluation/dispatch.ts';
import type { Evaluator } from '../jobs/evaluatorProcess.ts';
import type { InferenceProcess } from '../jobs/inferenceProcess.ts';
import type { RewardScores } from '../jobs/rewardScores.ts';
import type { Supervisor } from '../jobs/supervisor.ts';
import type { ModelRegistry } from '../providers/registry.ts';
import type { PreferenceJournal } from '../storage/preferenceJournal.ts';
import type { ResponseFiles } from '../storage/responseCache.ts';
import { cacheFolder, userFolder, type WorkspaceLayout, workspaceLayout } from '../storage/workspaceLayout.ts';
import { Approvals } from './approvals.ts';
import { CommandIds } from './commandIds.ts';
import { onSetting, setting } from './config.ts';
import { SecretKeys } from './secretKeys.ts';
import { l10nBundle } from './translations.ts';

/** A value made at its first use; `peek` does not make it. */
export class Lazy<T> {
  readonly #make: () => T;
  #made: { readonly value: T } | undefined;
  constructor(make: () => T) {
    this.#make = make;
  }
  get value(): T {
    this.#made ??= { value: this.#make() };
    return this.#made.value;
  }
  peek(): T | undefined {
    return this.#made?.value;
  }
}

export class Services implements Disposable {
  readonly context: vscode.ExtensionContext;
  readonly store = new DisposableStore();
  readonly keys: SecretKeys;
  readonly approvals: Approvals;
  readonly #output: Lazy<vscode.LogOutputChannel>;
  readonly #journals = new Map<string, Promise<PreferenceJournal>>();
  readonly #supervisors = new Map<string, Promise<Supervisor>>();
  readonly #registries = new Map<string, Promise<ModelRegistry>>();
  readonly #processes = new Map<string, Promise<InferenceProcess>>();
  readonly #evaluators = new Map<string, Promise<Evaluator>>();
  readonly #responses = new Map<string, Promise<ResponseFiles>>();
  readonly #rewards = new Map<string, Promise<RewardScores>>();
  readonly #dispatchers = new Map<string, Promise<Dispatcher>>();

  constructor(context: vscode.ExtensionContext) {
    this.context = context;
    this.keys = new SecretKeys(context.secrets, context.globalState);
    this.approvals = new Approvals(context.workspaceState);
    this.#output = new Lazy(() => this.store.add(vscode.window.createOutputChannel('Tunesmith', { log: true })));
    if (vscode.l10n.bundle) l10n.config(l10nBundle());
    this.store.add(onSetting(['nodePath'], () => void this.#offerReload()));
  }

  /** Absolute path of the extension itself: `dist/`, `models/`, `samples/` lie in it. */
  get root(): string {
    return this.context.extensionPath;
  }

  /** Translations for webviews and child processes; empty in English. */
  get bundle(): Record<string, string> {
    return l10nBundle();
  }

  get trusted(): boolean {
    return vscode.workspace.isTrusted;
  }

  /** The workspace folder that data belongs to: that of `near` if given, else the first on disk. */
  workspaceFolder(near?: vscode.Uri): vscode.WorkspaceFolder | undefined {
    const own = near && vscode.workspace.getWorkspaceFolder(near);
    return own ?? vscode.workspace.workspaceFolders?.find(folder => folder.uri.scheme === 'file');
  }

  /** Where data of this workspace lies. Throws a HumanError when no folder is open. */
  layout(near?: vscode.Uri): WorkspaceLayout {
    const folder = this.workspaceFolder(near);
    if (folder?.uri.scheme !== 'file') {
      throw new HumanError(
        vscode.l10n.t('Open a folder on this computer first: judgements, runs and tuned models are files in it.'),
      );
    }
    return workspaceLayout(folder.uri.fsPath);
  }

  /** The preference journal of the workspace, opened once. */
  journal(near?: vscode.Uri): Promise<PreferenceJournal> {
    const layout = this.layout(near);
    return this.#once(this.#journals, layout.root, async () => {
      const { PreferenceJournal } = await import('../storage/preferenceJournal.ts');
      return this.store.add(await PreferenceJournal.open(layout, { author: await this.author(layout.root) }));
    });
  }

  /** Jobs of the workspace: those of earlier windows too. */
  supervisor(near?: vscode.Uri): Promise<Supervisor> {
    const layout = this.layout(near);
    return this.#once(this.#supervisors, layout.root, async () => {
      const { Supervisor } = await import('../jobs/supervisor.ts');
      const { root, logger } = this;
      return this.store.add(
        new Supervisor({ layout, root, nodePath: setting('nodePath'), logger, bundleFile: vscode.l10n.uri?.fsPath }),
      );
    });
  }

  /** Models that can be chosen: without a folder the bundled and imported ones. */
  models(near?: vscode.Uri): Promise<ModelRegistry> {
    const folder = this.workspaceFolder(near);
    const layout = folder?.uri.scheme === 'file' ? workspaceLayout(folder.uri.fsPath) : undefined;
    return this.#once(this.#registries, layout?.root ?? '', async () => {
      const [{ ModelRegistry }, { endpointProvider }, { EditorModels }, { modelStore }, inference] = await Promise.all([
        import('../providers/registry.ts'),
        import('../providers/openAiCompatible.ts'),
        import('./lmProvider.ts'),
        import('../storage/modelStore.ts'),
        this.inference(),
      ]);
      const store = modelStore({ layout, user: userFolder() });
      const servers = endpointProvider({
        endpoints: () => setting('endpoints'),
        keys: this.keys,
        approve: (origin, model) => this.approvals.ask({ kind: 'endpoint', address: origin }, model),
      });
      const editor = this.store.add(new EditorModels(() => registry.refresh()));
      const providers = [servers, editor];
      const registry = this.store.add(new ModelRegistry({ root: this.root, store, inference, providers }));
      this.store.add(onSetting(['endpoints'], () => registry.refresh()));
      return registry;
    });
  }

  /** The one process that runs local models; it starts at its first request. */
  inference(): Promise<InferenceProcess> {
    return this.#once(this.#processes, '', async () => {
      const { InferenceProcess, precisionOf } = await import('../jobs/inferenceProcess.ts');
      const { root, logger } = this;
      return this.store.add(
        new InferenceProcess({
          root,
          nodePath: setting('nodePath'),
          accelerator: setting('accelerator'),
          precision: () => precisionOf(setting('localPrecision')),
          logger,
          bundleFile: vscode.l10n.uri?.fsPath,
        }),
      );
    });
  }

  /** Runs templates and patterns of users where they can be stopped. */
  evaluator(): Promise<Evaluator> {
    return this.#once(this.#evaluators, '', async () => {
      const { Evaluator } = await import('../jobs/evaluatorProcess.ts');
      const { root, logger, bundle } = this;
      return this.store.add(new Evaluator({ root, nodePath: setting('nodePath'), logger, bundle }));
    });
  }

  /** Answers of earlier runs, of all workspaces. */
  responses(): Promise<ResponseFiles> {
    return this.#once(this.#responses, '', async () => {
      const { ResponseFiles } = await import('../storage/responseCache.ts');
      return new ResponseFiles(join(cacheFolder(), 'responses'));
    });
  }

  /** Rewards of answers by reward models, those of earlier windows too. */
  rewardScores(): Promise<RewardScores> {
    return this.#once(this.#rewards, '', async () => {
      const [{ RewardScores }, { RewardFiles }, inference] = await Promise.all([
        import('../jobs/rewardScores.ts'),
        import('../storage/rewardFiles.ts'),
        this.inference(),
      ]);
      return new RewardScores(inference, new RewardFiles(join(cacheFolder(), 'rewards')));
    });
  }

  /** What all runs of this window ask models through. */
  dispatcher(): Promise<Dispatcher> {
    return this.#once(this.#dispatchers, '', async () => {
      const { Dispatcher } = await import('../core/evaluation/dispatch.ts');
      return new Dispatcher({
        cache: await this.responses(),
        onCacheProblem: error => this.logger.warn(`An answer was not cached: ${errorMessage(error)}`),
      });
    });
  }

  /** Name under which judgements are kept: the setting, else git's, else the operating system's. */
  async author(folder: string): Promise<string> {
    const chosen = setting('author').trim();
    if (chosen) return chosen;
    const git = await promisify(execFile)('git', ['config', '--get', 'user.name'], { cwd: folder, timeout: 5000 }).then(
      result => result.stdout.trim(),
      () => '',
    );
    return git || process.env.USER || process.env.USERNAME || '';
  }

  /** One promise a key; one that failed is forgotten, so that the next use tries again. */
  #once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
    const known = made.get(key);
    if (known) return known;
    const fresh = make();
    made.set(key, fresh);
    fresh.catch(() => made.delete(key));
    return fresh;
  }

  readonly logger: Logger = {
    debug: message => this.#output.value.debug(message),
    info: message => this.#output.value.info(message),
    warn: message => this.#output.value.warn(message),
    error: (message, error) => {
      const detail = error instanceof Error ? (error.stack ?? error.message) : error === undefined ? '' : String(error);
      this.#output.value.error(detail ? `${message}\n${detail}` : message);
    },
  };

  showLog(): void {
    this.#output.value.show(true);
  }

  /** Shows an error once: a person's error as it is, a bug with the way to the log. Cancellation says nothing. */
  showError(error: unknown): void {
    if (isAbort(error)) return;
    const human = isHumanError(error);
    if (!human) this.logger.error(vscode.l10n.t('Something went wrong inside Tunesmith.'), error);
    const showLog = vscode.l10n.t('Show Log');
    void vscode.window.showErrorMessage(errorMessage(error), ...(human ? [] : [showLog])).then(choice => {
      if (choice === showLog) void vscode.commands.executeCommand(CommandIds.showLog);
    });
  }

  /** Running processes keep the Node that they were started with. */
  async #offerReload(): Promise<void> {
    const reload = vscode.l10n.t('Reload Window');
    const message = vscode.l10n.t('The new setting tunesmith.nodePath is used after the window was reloaded.');
    if ((await vscode.window.showInformationMessage(message, reload)) === reload) {
      await vscode.commands.executeCommand('workbench.action.reloadWindow');
    }
  }

  dispose(): void {
    this.store.dispose();
  }
}

/** Registers a command whose code is loaded when it is first run; what it throws is shown. */
export function lazyCommand<A extends unknown[]>(
  services: Services,
  id: string,
  load: () => Promise<(services: Services, ...args: A) => unknown>,
): void {
  services.store.add(
    vscode.commands.registerCommand(id, async (...args: A) => {
      try {
        return await (await load())(services, ...args);
      } catch (error) {
        services.showError(error);
        return undefined;
      }
    }),
  );
}
