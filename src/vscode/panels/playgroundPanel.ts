/** The playground: a panel beside a template, bound to its document. One panel a template. */
import * as v from 'valibot';
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/disposable.ts';
import { errorMessage, HumanError } from '../../base/errors.ts';
import { type PlaygroundState, playgroundContract, type Setup, SetupSchema } from '../../protocol/playground.ts';
import type { Channel, Handlers } from '../../protocol/rpc.ts';
import { CommandIds, PanelTypes, ViewIds } from '../commandIds.ts';
import type { Services } from '../services.ts';
import { besideTemplate } from '../templateFiles.ts';
import { findTemplates } from '../templates.ts';
import { pageHtml, panelIcon, webviewChannel, webviewOptions } from '../webview.ts';
import { openBank } from './bankEditor.ts';
import { idle } from './playgroundRun.ts';
import { PlaygroundSession } from './playgroundSession.ts';

type ToHost = typeof playgroundContract.toHost;
type ToWebview = typeof playgroundContract.toWebview;

/** What the page saves for a reload of the window. */
const SavedSchema = v.object({ uri: v.nullish(v.string()), setup: v.nullish(SetupSchema) });

const open = new Set<PlaygroundPanel>();

/** `model`: an id that is added beside the models that are there, in the playground that was used last. */
export async function openPlayground(
  services: Services,
  target?: unknown,
  { model }: { readonly model?: string } = {},
): Promise<PlaygroundPanel> {
  const panel = show(services, target, model !== undefined);
  if (model !== undefined) await panel.addModel(model);
  return panel;
}

function show(services: Services, target: unknown, anyPanel: boolean): PlaygroundPanel {
  const uri = uriOf(target);
  const active = anyPanel && !(target instanceof vscode.Uri) ? PlaygroundPanel.active : undefined;
  if (active) {
    active.reveal();
    return active;
  }
  const known = [...open].find(panel => panel.uri?.toString() === uri?.toString());
  if (known) {
    known.reveal();
    return known;
  }
  const beside = vscode.window.activeTextEditor?.document.uri.toString() === uri?.toString() && uri !== undefined;
  const panel = vscode.window.createWebviewPanel(
    PanelTypes.playground,
    titleOf(uri),
    beside ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active,
    webviewOptions(services.context.extensionUri),
  );
  return new PlaygroundPanel(services, panel, uri);
}

export async function runTemplate(services: Services, target?: unknown): Promise<void> {
  const panel = await openPlayground(services, target);
  await panel.run();
}

/** As `runTemplate`, asking the models anew. */
export async function runFresh(services: Services, target?: unknown): Promise<void> {
  const shown = uriOf(target) ? undefined : PlaygroundPanel.active;
  const panel = shown ?? (await openPlayground(services, target));
  await panel.run({ fresh: true });
}

export function restorePlayground(services: Services, panel: vscode.WebviewPanel, state: unknown): void {
  const saved = v.safeParse(SavedSchema, state);
  const uri = saved.success && saved.output.uri ? vscode.Uri.parse(saved.output.uri) : undefined;
  panel.webview.options = webviewOptions(services.context.extensionUri);
  new PlaygroundPanel(services, panel, uri, saved.success ? (saved.output.setup ?? undefined) : undefined);
}

/** What a menu, a tree or a CodeLens hands over; else the template in front. */
function uriOf(target: unknown): vscode.Uri | undefined {
  if (target instanceof vscode.Uri) return target;
  const inside = target && typeof target === 'object' ? (target as { uri?: unknown }).uri : undefined;
  if (inside instanceof vscode.Uri) return inside;
  const active = vscode.window.activeTextEditor?.document;
  return active?.languageId === 'prompty' ? active.uri : undefined;
}

const titleOf = (uri: vscode.Uri | undefined): string =>
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
    open.add(this);
  }

  get uri(): vscode.Uri | undefined {
    return this.#uri;
  }

  reveal(): void {
    this.#panel.reveal();
  }

  /** Runs the chosen row as the page's Run does. */
  async run({ fresh = false } = {}): Promise<void> {
    await this.#ensureSession();
    const session = this.#need();
    await session.start({ kind: 'row', row: session.setup.row }, { fresh });
  }

  /** The playground that was used last, to put a model into. */
  static get active(): PlaygroundPanel | undefined {
    return (
      [...open].find(panel => panel.#panel.active) ?? [...open].find(panel => panel.#panel.visible) ?? [...open].at(-1)
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
      setup: { models: [], variants: [{ kind: 'current' }], samples: 1, row: 0, probabilities: false },
      columns: [],
      board: { filter: 'all', rows: [], cells: 0, rankable: 0 },
      run: idle,
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
      ready: () => this.#state(),
      edit: ({ version, change }) => this.#need().edit(version, change),
      set: async ({ path, value }) => {
        if (!['model', 'metadata', 'inputs'].includes(path[0] ?? ''))
          throw new HumanError(vscode.l10n.t('This cannot be set here.'));
        await this.#need().set(path, value);
        return null;
      },
      setup: async setup => {
        this.#setup = setup;
        await this.#need().configure(setup);
        return null;
      },
      run: async rows => {
        await this.#need().start(rows);
        return null;
      },
      runFresh: async rows => {
        await this.#need().start(rows, { fresh: true });
        return null;
      },
      retry: async key => {
        await this.#need().retry(key);
        return null;
      },
      window: ({ rows }) => this.#need().window(rows),
      filter: ({ filter }) => {
        this.#need().filter(filter);
        return null;
      },
      mark: async ({ cell, marks }) => {
        await this.#need().mark(cell, marks);
        return null;
      },
      diff: async ({ left, right }) => {
        await this.#need().diff(left, right);
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
        const count = await this.#need().sendToRanking(rows);
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
        await vscode.window.showTextDocument(this.#need().document, { viewColumn: vscode.ViewColumn.Beside });
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
    open.delete(this);
    this.#session?.dispose();
    this.#store.dispose();
  }
}
