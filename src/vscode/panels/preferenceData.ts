/** The data view: all judgements of the workspace to browse, search and filter. One panel a window, fed from the journal's index. */
import * as v from 'valibot';
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/disposable.ts';
import { HumanError } from '../../base/errors.ts';
import { DataDesk } from '../../core/preferences/browse/dataDesk.ts';
import { dataDetail, judgementsOf, promptsOf } from '../../core/preferences/browse/dataRows.ts';
import { idsOf, olderOwn, type TakenBack, withItems } from '../../core/preferences/browse/takeBack.ts';
import { DataFilterSchema } from '../../protocol/dataFilter.ts';
import {
  type DataAction,
  DataSortSchema,
  type DataState,
  preferenceDataContract,
} from '../../protocol/preferenceData.ts';
import type { ExportChoice, PreferenceRequest, PreferenceResult } from '../../protocol/preferenceFigures.ts';
import type { Channel, Handlers } from '../../protocol/rpc.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { CommandIds, PanelTypes } from '../commandIds.ts';
import { setting } from '../config.ts';
import { watchFiles } from '../rankingHost.ts';
import type { Services } from '../services.ts';
import { rankingHost } from '../views/rankingView.ts';
import { pageHtml, panelIcon, webviewChannel, webviewOptions } from '../webview.ts';

const panels = new WeakMap<Services, vscode.WebviewPanel>();

export function openPreferenceData(services: Services): void {
  const open = panels.get(services);
  if (open) {
    open.reveal();
    return;
  }
  services.layout();
  const panel = vscode.window.createWebviewPanel(
    PanelTypes.data,
    vscode.l10n.t('Preference Data'),
    vscode.ViewColumn.Active,
    webviewOptions(services.context.extensionUri),
  );
  showIn(services, panel, false);
}

/** After a reload: with the filter that was on. */
export const restorePreferenceData = (services: Services, panel: vscode.WebviewPanel): void =>
  showIn(services, panel, true);

function showIn(services: Services, panel: vscode.WebviewPanel, again: boolean): void {
  panels.set(services, panel);
  panel.iconPath = panelIcon(services.context.extensionUri, 'data');
  const view = new PreferenceDataView(services, panel, again);
  panel.onDidDispose(() => {
    panels.delete(services);
    view.dispose();
  });
}

/** Milliseconds of work between two turns of the extension host. */
const Turn = 12;
/** Milliseconds that a reply waits for what is found. */
const FirstWait = 250;
/** Items that fill a screen and more: with so many a reply need not wait. */
const FirstItems = 200;
/** Milliseconds between two messages about what was found. */
const TellDelay = 150;
/** Milliseconds of rest after a change of the journal. */
const ChangeDelay = 200;
/** Where the splits that the view shows are kept, for this workspace. */
const splitsKey = 'data.splits';
const firstSplits = 'train=0.9,test=0.1';

const viewKey = 'data.view';
const KeptSchema = v.object({ filter: DataFilterSchema, sort: DataSortSchema });

interface Taken extends TakenBack {
  readonly label: string;
}

class PreferenceDataView {
  readonly #services: Services;
  readonly #store = new DisposableStore();
  readonly #channel: Channel<(typeof preferenceDataContract)['toWebview']>;
  readonly #desk = new DataDesk();
  readonly #taken: Taken[] = [];
  /** What is computed in other processes, by what it is for. */
  readonly #asked = new Map<string, AbortController>();
  /** Files that were exported from this view. */
  readonly #exported = new Set<string>();
  readonly #again: boolean;
  #journal: PreferenceJournal | undefined;
  #tellTimer: NodeJS.Timeout | undefined;
  #changeTimer: NodeJS.Timeout | undefined;

  constructor(services: Services, panel: vscode.WebviewPanel, again: boolean) {
    this.#services = services;
    this.#again = again;
    panel.webview.options = webviewOptions(services.context.extensionUri);
    this.#channel = this.#store.add(
      webviewChannel(panel.webview, preferenceDataContract, this.#handlers(), services.logger),
    );
    this.#store.add(panel.onDidChangeViewState(() => panel.visible && this.#refresh()));
    panel.webview.html = pageHtml({
      extensionUri: services.context.extensionUri,
      webview: panel.webview,
      entry: 'data',
      title: panel.title,
      bundle: services.bundle,
    });
  }

  dispose(): void {
    clearTimeout(this.#tellTimer);
    clearTimeout(this.#changeTimer);
    for (const controller of this.#asked.values()) controller.abort(new Error('the view was closed'));
    this.#store.dispose();
  }

  get #kept(): vscode.Memento {
    return this.#services.context.workspaceState;
  }

  #handlers(): Handlers<typeof preferenceDataContract.toHost> {
    const desk = this.#desk;
    return {
      open: async ({ filter, sort }) => {
        await this.#open();
        const kept = this.#again ? v.safeParse(KeptSchema, this.#kept.get(viewKey)) : undefined;
        // What the page knows of itself after a reload may be older: the editor saves that only now and then.
        const own = kept?.success ? kept.output : { filter: filter ?? desk.filter, sort: sort ?? desk.sort };
        desk.show(own.filter, own.sort);
        return this.#find();
      },
      show: ({ filter, sort }) => {
        desk.show(filter, sort);
        void this.#kept.update(viewKey, { filter, sort });
        return this.#find();
      },
      rows: async ({ from, count }) => desk.rows((await this.#open()).state, from, count),
      detail: async ({ item }) => {
        const { state, author } = await this.#open();
        return dataDetail(state, item, { author, splits: desk.splits }) ?? null;
      },
      setSplits: async ({ splits }) => {
        desk.setSplits(splits);
        await this.#kept.update(splitsKey, splits);
        return this.#find();
      },
      deleteJudgement: async ({ item, judgement }) => {
        const journal = await this.#open();
        const record = judgementsOf(journal.state, item).find(({ id }) => id === judgement);
        if (!record) throw new HumanError(vscode.l10n.t('This judgement was taken back already.'));
        if (record.author !== journal.author)
          throw new HumanError(vscode.l10n.t('Only {0} can take this judgement back.', record.author));
        await journal.delete(record.id);
        this.#taken.push({ label: vscode.l10n.t('Delete Judgement'), items: [], judgements: [record] });
        return this.#find();
      },
      undo: async () => {
        const journal = await this.#open();
        const last = this.#taken.pop();
        if (last) await journal.restore(last.items, last.judgements);
        return this.#find();
      },
      copy: async ({ item }) => {
        const { state } = await this.#open();
        const record = state.itemById.get(item);
        const text = JSON.stringify({ item: record ?? null, judgements: judgementsOf(state, item) }, null, 2);
        await vscode.env.clipboard.writeText(text);
        return null;
      },
      figures: async () => {
        const { filter, splits } = desk.state();
        return this.#ask('figures', { filter, splits });
      },
      check: ({ maxTokens }) => this.#ask('check', { splits: desk.state().splits, maxTokens }),
      prompts: async ({ items }) => promptsOf((await this.#open()).state, items),
      fix: async ({ findings, how }) => {
        const journal = await this.#open();
        const taken = how === 'take-down' ? withItems(journal.state, findings) : olderOwn(journal, findings);
        await journal.delete(...taken.items.map(({ id }) => id), ...(taken.items.length > 0 ? [] : idsOf(taken)));
        this.#taken.push({
          ...taken,
          label:
            how === 'take-down'
              ? vscode.l10n.t('Take Down Items ({0})', taken.items.length)
              : vscode.l10n.t('Delete Older Judgements ({0})', taken.judgements.length),
        });
        return this.#find();
      },
      plan: choice => this.#ask('plan', { choice }),
      export: ({ choice, allowLeaks }) => this.#export(choice, allowLeaks),
      openExported: async ({ path }) => {
        if (!this.#exported.has(path)) throw new HumanError(vscode.l10n.t('This file was not exported from here.'));
        await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(path));
        return null;
      },
      judge: async ({ item }) => {
        await rankingHost(this.#services).ask(item);
        return null;
      },
      act: ({ action }) => act(action),
    };
  }

  async #open(): Promise<PreferenceJournal> {
    const journal = await this.#services.journal();
    if (this.#journal !== journal) {
      this.#journal = journal;
      this.#desk.setSplits(this.#kept.get(splitsKey, firstSplits));
      this.#store.add(journal.onDidChange(() => this.#changedSoon()));
      const { root } = this.#services.layout();
      this.#store.add(watchFiles(root, '.tunesmith/preferences/**', () => this.#refresh()));
      await journal.refresh();
    }
    return journal;
  }

  /** Looks for what is asked for now; replies with the first of it, and tells of the rest. */
  async #find(): Promise<DataState> {
    const journal = await this.#open();
    const { promise: first, resolve } = Promise.withResolvers<void>();
    const started = performance.now();
    const all = this.#desk.find(
      () => journal.state,
      turns(),
      () => {
        if (this.#desk.found >= FirstItems || performance.now() - started > FirstWait) resolve();
        this.#tellSoon();
      },
    );
    await Promise.race([first, all]);
    all.catch(error => this.#services.logger.error('Preference data', error));
    return this.#state();
  }

  /** Asks a process of its own; what was asked before in the same way is no longer waited for. */
  async #ask<M extends PreferenceRequest['method']>(
    method: M,
    about: Omit<Extract<PreferenceRequest, { method: M }>, 'method' | 'root' | 'bundle'>,
  ): Promise<PreferenceResult<M>> {
    this.#asked.get(method)?.abort(new HumanError(vscode.l10n.t('Something newer was asked for.')));
    const controller = new AbortController();
    this.#asked.set(method, controller);
    const { root, bundle } = this.#services;
    const { askPreferences } = await import('../../jobs/preferenceProcess.ts');
    const request = { ...about, method, root: this.#services.layout().root, bundle: { ...bundle } };
    return askPreferences<M>(request as unknown as Extract<PreferenceRequest, { method: M }>, {
      root,
      nodePath: setting('nodePath'),
      signal: controller.signal,
    });
  }

  async #export(choice: ExportChoice, allowLeaks: boolean): Promise<PreferenceResult<'export'> | null> {
    const extension = choice.format === 'csv' || choice.format === 'parquet' ? choice.format : 'jsonl';
    const target = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.joinPath(vscode.Uri.file(this.#services.layout().root), `preferences.${extension}`),
      filters: { [extension]: [extension] },
      saveLabel: vscode.l10n.t('Export'),
    });
    if (!target) return null;
    const made = await this.#ask('export', { choice, path: target.fsPath, allowLeaks });
    if ('files' in made) for (const { path } of [...made.files, { path: made.datasheet }]) this.#exported.add(path);
    return made;
  }

  /** Reads what others wrote: also a folder that is new, whose files nobody tells of. */
  #refresh(): void {
    void this.#journal?.refresh().catch(error => this.#services.logger.error('Preference data', error));
  }

  #changedSoon(): void {
    clearTimeout(this.#changeTimer);
    this.#changeTimer = setTimeout(() => {
      if (this.#journal && !this.#desk.isCurrent(this.#journal.state))
        void this.#find().then(
          state => this.#channel.remote.state(state),
          error => this.#services.logger.error('Preference data', error),
        );
    }, ChangeDelay);
  }

  #tellSoon(): void {
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      this.#channel.remote.state(this.#state());
    }, TellDelay);
  }

  #state(): DataState {
    const journal = this.#journal!;
    return {
      ...this.#desk.state(),
      author: journal.author,
      undo: this.#taken.at(-1)?.label ?? null,
      problems: journal.problems
        .slice(0, 20)
        .map(({ file, line, message }) => `${vscode.workspace.asRelativePath(file, false)}:${line}: ${message}`),
    };
  }
}

/** Lets the extension host do something else after each turn's work. */
function turns(): () => Promise<void> | undefined {
  let started = performance.now();
  return () => {
    if (performance.now() - started < Turn) return undefined;
    return new Promise(resolve =>
      setImmediate(() => {
        started = performance.now();
        resolve();
      }),
    );
  };
}

function act(action: DataAction): void {
  const command = {
    'open-ranking': CommandIds.openRanking,
    'import-answers': CommandIds.importAnswers,
    'open-playground': CommandIds.openPlayground,
  }[action];
  void vscode.commands.executeCommand(command);
}
