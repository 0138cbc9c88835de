/** The playground: a panel beside a template, bound to its document. One panel a template. */
import type * as v from 'valibot';
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/disposable.ts';
import { errorMessage, HumanError } from '../../base/errors.ts';
import { emptySetup, type PlaygroundState, playgroundContract, type Setup } from '../../protocol/playground.ts';
import type { Channel, Handlers } from '../../protocol/rpc.ts';
import { CommandIds, ViewIds } from '../commandIds.ts';
import type { Services } from '../services.ts';
import { besideTemplate } from '../templateFiles.ts';
import { findTemplates } from '../templates.ts';
import { pageHtml, panelIcon, webviewChannel } from '../webview.ts';
import { openBank } from './bankEditor.ts';
import { OpenPlaygrounds } from './openPlaygrounds.ts';
import { idle } from './playgroundRun.ts';
import { PlaygroundSession } from './playgroundSession.ts';
import { runHandlers } from './runHandlers.ts';

type ToHost = typeof playgroundContract.toHost;
type ToWebview = typeof playgroundContract.toWebview;

export type PageCommand = 'history' | 'failed' | 'changed' | 'resume' | 'sweep';

export const openPanels = new Set<PlaygroundPanel>();

/** The playgrounds that come back with the window. */
export const remembered = (services: Services): OpenPlaygrounds => new OpenPlaygrounds(services.context.workspaceState);

export const titleOf = (uri: vscode.Uri | undefined): string =>
  uri ? uri.path.replace(/^.*\//, '').replace(/\.prompty$/, '') : vscode.l10n.t('Playground');

export class PlaygroundPanel {
  readonly #services: Services;
  readonly #panel: vscode.WebviewPanel;
  readonly #store = new DisposableStore();
  readonly #channel: Channel<ToWebview>;
  #uri: vscode.Uri | undefined;
  #setup: Setup | undefined;
  /** A model that was asked for before a template was open. */
  #wanted: string | undefined;
  #session: PlaygroundSession | undefined;
  #opening: Promise<void> | undefined;
  /** The page hears commands. */
  #isReady = false;
  /** For a page that is still loading. */
  #waiting: PageCommand | undefined;

  constructor(services: Services, panel: vscode.WebviewPanel, uri: vscode.Uri | undefined, setup?: Setup) {
    this.#services = services;
    this.#panel = panel;
    this.#uri = uri;
    this.#setup = setup;
    const { extensionUri } = services.context;
    panel.iconPath = panelIcon(extensionUri, 'template');
    this.#channel = this.#store.add(
      webviewChannel(panel.webview, playgroundContract, this.#handlers(), services.logger),
    );
    this.#store.add(vscode.workspace.onDidGrantWorkspaceTrust(() => this.#channel.remote.trust(true)));
    panel.onDidDispose(() => this.#dispose());
    panel.webview.html = pageHtml({
      extensionUri,
      webview: panel.webview,
      entry: 'playground',
      title: panel.title,
      bundle: services.bundle,
    });
    openPanels.add(this);
  }

  get uri(): vscode.Uri | undefined {
    return this.#uri;
  }

  get isActive(): boolean {
    return this.#panel.active;
  }

  reveal(): void {
    this.#panel.reveal();
  }

  /** Runs the chosen row as the page's Run does, or the first rows. */
  async run({ fresh = false, first }: { readonly fresh?: boolean; readonly first?: number } = {}): Promise<void> {
    await this.#ensureSession();
    const session = this.#need();
    const rows =
      first === undefined
        ? ({ kind: 'row', row: session.setup.row } as const)
        : { kind: 'first' as const, count: first };
    await session.runs.start(rows, { fresh });
  }

  /** Scores the candidates of the first rows. */
  async score(first: number): Promise<void> {
    await this.#ensureSession();
    await this.#need().score({ kind: 'first', count: first });
  }

  /** Hands a command on to the page, once there is a template in it. */
  async command(command: PageCommand): Promise<void> {
    await this.#ensureSession();
    this.#need();
    if (this.#isReady) this.#channel.remote.command(command);
    else this.#waiting = command;
  }

  /** The page has asked for the state: what was meant for it follows the answer. */
  #ready(): Promise<PlaygroundState> {
    return this.#state().finally(() => {
      setTimeout(() => {
        this.#isReady = true;
        const command = this.#waiting;
        this.#waiting = undefined;
        if (command !== undefined && !this.#store.isDisposed) this.#channel.remote.command(command);
      });
    });
  }

  /** The playground that was used last, to put a model into. */
  static get active(): PlaygroundPanel | undefined {
    return (
      [...openPanels].find(panel => panel.#panel.active) ??
      [...openPanels].find(panel => panel.#panel.visible) ??
      [...openPanels].at(-1)
    );
  }

  /** Adds a model beside those that are there; without a template it waits for one. */
  async addModel(id: string): Promise<void> {
    this.#wanted = id;
    await this.#ensureSession();
    await this.#addWanted();
  }

  async #addWanted(): Promise<void> {
    const session = this.#session;
    const id = this.#wanted;
    if (!session || id === undefined) return;
    this.#wanted = undefined;
    const setup = { ...session.setup, models: [...new Set([...session.setup.models, id])] };
    await session.configure(setup);
    this.#channel.remote.setup(session.setup);
  }

  #need(): PlaygroundSession {
    if (!this.#session) throw new HumanError(vscode.l10n.t('Open a template first.'));
    return this.#session;
  }

  async #ensureSession(): Promise<void> {
    if (this.#session || !this.#uri) return;
    this.#opening ??= this.#openSession(this.#uri).finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async #openSession(uri: vscode.Uri): Promise<void> {
    const session = new PlaygroundSession(this.#services, uri, this.#channel.remote, this.#setup);
    try {
      await session.open();
    } catch (error) {
      session.dispose();
      throw error;
    }
    if (this.#store.isDisposed) return session.dispose();
    this.#session?.dispose();
    this.#session = session;
    this.#panel.title = titleOf(uri);
    remembered(this.#services).put(uri.toString(), session.setup);
    await this.#addWanted();
  }

  async #state(): Promise<PlaygroundState> {
    const trusted = this.#services.trusted;
    if (this.#uri) {
      try {
        await this.#ensureSession();
      } catch (error) {
        this.#services.showError(
          new HumanError(vscode.l10n.t('This template cannot be opened: {0}', errorMessage(error)), { cause: error }),
        );
        this.#uri = undefined;
      }
    }
    if (this.#session) return { ...this.#session.state(), templates: [], trusted };
    return {
      uri: null,
      document: null,
      template: null,
      preview: null,
      setup: emptySetup,
      columns: [],
      board: { filter: 'all', rows: [], cells: 0, rankable: 0 },
      run: idle,
      offer: null,
      viewing: null,
      forecast: null,
      models: [],
      templates: (await findTemplates()).map(({ uri, name, folder }) => ({
        uri: uri.toString(),
        name,
        detail: folder,
      })),
      trusted,
    };
  }

  #handlers(): Handlers<ToHost> {
    return {
      ready: () => this.#ready(),
      edit: ({ version, change }) => this.#need().source.edit(version, change),
      set: async ({ path, value }) => {
        if (!['model', 'metadata', 'inputs'].includes(path[0] ?? ''))
          throw new HumanError(vscode.l10n.t('This cannot be set here.'));
        await this.#need().source.set(path, value);
        return null;
      },
      setAxis: async ({ axis, values }) => {
        await this.#need().source.setAxis(axis, values);
        return null;
      },
      setup: async setup => {
        this.#setup = setup;
        await this.#need().configure(setup);
        remembered(this.#services).put(this.#need().uri.toString(), setup);
        return null;
      },
      run: async rows => {
        await this.#need().runs.start(rows);
        return null;
      },
      runFresh: async rows => {
        await this.#need().runs.start(rows, { fresh: true });
        return null;
      },
      confirm: async ({ run }) => {
        await this.#need().confirm(run);
        return null;
      },
      retry: async key => {
        await this.#need().runs.retry(key);
        return null;
      },
      score: async rows => {
        await this.#need().score(rows);
        return null;
      },
      sweepState: () => this.#need().sweeps.state(),
      sweep: async ({ wanted, fresh }) => {
        await this.#need().sweep(wanted, fresh);
        return null;
      },
      complete: ({ text, offset }) => this.#need().language.complete(text, offset),
      hover: ({ text, offset, row }) => this.#need().language.hover(text, offset, row),
      scoreState: () => this.#need().scores.state(),
      scoreCells: ({ rows }) => this.#need().scores.cells(rows),
      scoreTokens: ({ column, row }) => this.#need().scores.tokens(column, row),
      ...runHandlers(() => this.#need(), this.#services),
      window: ({ rows }) => this.#need().shown.window(rows),
      filter: ({ filter }) => {
        this.#need().shown.filter(filter);
        return null;
      },
      mark: async ({ cell, marks }) => {
        await this.#need().actions.mark(cell, marks);
        return null;
      },
      capture: async key => {
        await this.#need().actions.capture(key);
        return null;
      },
      diff: async ({ left, right }) => {
        await this.#need().actions.diff(left, right);
        return null;
      },
      detail: key => this.#need().details.of(key),
      say: ({ cell, text }) => {
        // The answer streams as `detail`.
        void this.#need().details.say(cell, text);
        return null;
      },
      stop: () => {
        this.#session?.stop();
        return null;
      },
      sendToRanking: async rows => {
        const count = await this.#need().actions.sendToRanking(rows);
        await vscode.commands.executeCommand(`${ViewIds.rank}.focus`);
        return count;
      },
      openTemplate: async ({ uri }) => {
        const known = (await findTemplates()).find(template => template.uri.toString() === uri);
        if (!known) throw new HumanError(vscode.l10n.t('This template is no longer there.'));
        this.#uri = known.uri;
        this.#setup = undefined;
        await this.#ensureSession();
        // The page starts anew with a template in place of the welcome.
        this.#channel.remote.restart({});
        return null;
      },
      approve: async ({ id }) => {
        await this.#need().approve(id);
        return null;
      },
      act: async ({ action }) => {
        await this.#act(action);
        return null;
      },
      copy: async ({ text }) => {
        await vscode.env.clipboard.writeText(text);
        return null;
      },
    };
  }

  async #act(action: v.InferOutput<ToHost['act']['params']>['action']): Promise<void> {
    const run = (id: string, ...args: unknown[]): Thenable<unknown> => vscode.commands.executeCommand(id, ...args);
    const openFile = async (relative: string | undefined): Promise<void> => {
      if (relative === undefined) return;
      await vscode.window.showTextDocument(besideTemplate(this.#need().uri, relative), {
        viewColumn: vscode.ViewColumn.Beside,
      });
    };
    switch (action) {
      case 'open-text':
        await vscode.window.showTextDocument(this.#need().source.document, { viewColumn: vscode.ViewColumn.Beside });
        return;
      case 'show-log':
        this.#services.showLog();
        return;
      case 'add-model':
        await run(CommandIds.addModel);
        return;
      case 'download-model':
        await run(CommandIds.downloadModel);
        return;
      case 'new-template':
        await run(CommandIds.newTemplate);
        return;
      case 'open-samples':
        await run(CommandIds.openSamples);
        return;
      case 'export-prompt':
        await run(CommandIds.exportPromptAs, this.#need().uri);
        return;
      case 'search-prompt':
        await run(CommandIds.searchPrompt, this.#need().uri);
        return;
      case 'open-ranking':
        await run(`${ViewIds.rank}.focus`);
        return;
      case 'open-rows':
        return openFile(this.#need().loaded.template.tunesmith.rows);
      case 'open-bank':
        return this.#openBank();
      case 'choose-variant-template':
        return this.#chooseTemplate();
      case 'trust':
        await run('workbench.trust.manage');
    }
  }

  /** JSON Lines as a table; anything else as text. */
  async #openBank(): Promise<void> {
    const bank = this.#need().loaded.template.tunesmith.examples?.bank;
    if (bank === undefined) return;
    const uri = besideTemplate(this.#need().uri, bank);
    if (/\.jsonl$/i.test(bank)) await openBank(uri);
    else await vscode.window.showTextDocument(uri, { viewColumn: vscode.ViewColumn.Beside });
  }

  async #chooseTemplate(): Promise<void> {
    const session = this.#need();
    const others = (await findTemplates()).filter(({ uri }) => uri.toString() !== session.uri.toString());
    const picked = await vscode.window.showQuickPick(
      others.map(({ uri, name, folder }) => ({ label: name, description: folder, uri })),
      {
        title: vscode.l10n.t('Compare'),
        placeHolder: vscode.l10n.t('The template to run beside this one, on the same rows'),
      },
    );
    if (!picked) return;
    await session.configure({
      ...session.setup,
      variants: [{ kind: 'current' }, { kind: 'template', file: picked.uri.toString() }],
    });
    this.#channel.remote.setup(session.setup);
  }

  #dispose(): void {
    openPanels.delete(this);
    if (this.#uri) remembered(this.#services).remove(this.#uri.toString());
    this.#session?.dispose();
    this.#store.dispose();
  }
}
