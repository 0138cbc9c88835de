/** The host's side of every Ranking view: what to show next, and judgements that are on disk before a view moves on. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore, toDisposable } from '../base/disposable.ts';
import { HumanError } from '../base/errors.ts';
import type { JudgementRecord } from '../core/preferences/judgement.ts';
import {
  chooseSet,
  JudgementFlags,
  medianPace,
  nextItem,
  rankingOf,
  ranksOf,
  setProgress,
  shownAnswers,
  undoStack,
} from '../core/preferences/rankingSession.ts';
import { type RankingDecision, type RankingItem, type RankingState, rankingContract } from '../protocol/ranking.ts';
import type { Channel } from '../protocol/rpc.ts';
import type { PreferenceJournal } from '../storage/preferenceJournal.ts';
import { CommandIds } from './commandIds.ts';
import type { Services } from './services.ts';
import { pageHtml, webviewChannel, webviewOptions } from './webview.ts';

export type RankingSurface = 'sidebar' | 'editor';

/** All open Ranking views of the window; they share the journal and hear of each other's work through it. */
export class RankingHost implements Disposable {
  readonly #services: Services;
  readonly #views = new Set<RankingConnection>();
  readonly #store = new DisposableStore();
  #watched: PreferenceJournal | undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Fills a webview with the Ranking page and serves it until it is disposed. `onState` hears how many items wait. */
  attach(
    webview: vscode.Webview,
    surface: RankingSurface,
    onState: (waiting: number) => void,
  ): Disposable & { setVisible(visible: boolean): void } {
    const view = new RankingConnection(this.#services, webview, surface, () => this.#journal(), onState);
    this.#views.add(view);
    return {
      setVisible: visible => view.setVisible(visible),
      dispose: () => {
        this.#views.delete(view);
        view.dispose();
      },
    };
  }

  /** The title bar's Undo: goes to the view used last. */
  undo(): void {
    [...this.#views].sort((a, b) => b.usedAt - a.usedAt)[0]?.undo();
  }

  async #journal(): Promise<PreferenceJournal> {
    const journal = await this.#services.journal();
    if (this.#watched !== journal) {
      this.#watched = journal;
      this.#store.add(journal.onDidChange(() => this.#update()));
      this.#store.add(watchJournal(this.#services.layout().root, () => journal.refresh().catch(() => {})));
    }
    return journal;
  }

  #update(): void {
    for (const view of this.#views) view.update(this.#watched);
  }

  dispose(): void {
    for (const view of this.#views) view.dispose();
    this.#store.dispose();
  }
}

/** Other windows, a pull, a checkout: their judgements arrive as files. */
function watchJournal(root: string, changed: () => void): Disposable {
  const pattern = new vscode.RelativePattern(vscode.Uri.file(root), '.tunesmith/preferences/*/*.jsonl');
  const watcher = vscode.workspace.createFileSystemWatcher(pattern);
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, 300);
  };
  watcher.onDidChange(soon);
  watcher.onDidCreate(soon);
  watcher.onDidDelete(soon);
  return toDisposable(() => {
    clearTimeout(timer);
    watcher.dispose();
  });
}

/** Milliseconds. */
const JustNow = 10_000;

class RankingConnection implements Disposable {
  readonly #services: Services;
  readonly #journal: () => Promise<PreferenceJournal>;
  readonly #onState: (waiting: number) => void;
  readonly #channel: Channel<(typeof rankingContract)['toWebview']>;
  #set: string | undefined;
  /** The item that an undo brought back, with the judgement that was taken back. */
  #reopened: JudgementRecord | undefined;
  #version = 0;
  /** Time of the newest item that this view has heard of. */
  #newest = '';
  /** A request is under way: its reply carries the state, so changes need not be told. */
  #busy = 0;
  #opened = false;
  usedAt = 0;

  constructor(
    services: Services,
    webview: vscode.Webview,
    surface: RankingSurface,
    journal: () => Promise<PreferenceJournal>,
    onState: (waiting: number) => void,
  ) {
    this.#services = services;
    this.#journal = journal;
    this.#onState = onState;
    webview.options = webviewOptions(services.context.extensionUri);
    this.#channel = webviewChannel(
      webview,
      rankingContract,
      {
        open: ({ set }) =>
          this.#reply(async opened => {
            this.#opened = true;
            this.#set ??= set ?? undefined;
            this.#follow(opened);
          }),
        judge: decision => this.#reply(journal => this.#judge(journal, decision)),
        undo: () => this.#reply(journal => this.#undo(journal)),
        chooseSet: ({ set }) => {
          this.#set = set;
          return this.#reply(async () => {});
        },
        act: ({ action }) => {
          const command = {
            'open-playground': CommandIds.openPlayground,
            'open-in-editor': CommandIds.openRanking,
            'train-reward-model': CommandIds.trainRewardModel,
            export: CommandIds.exportPreferences,
          }[action];
          void vscode.commands.executeCommand(command);
        },
      },
      services.logger,
    );
    webview.html = pageHtml({
      extensionUri: services.context.extensionUri,
      webview,
      entry: 'ranking',
      title: vscode.l10n.t('Rank'),
      bundle: services.bundle,
      initial: { surface },
    });
  }

  /** The journal changed; a view with a request under way hears of it in the reply. */
  update(journal?: PreferenceJournal): void {
    this.#follow(journal);
    if (!this.#opened || this.#busy > 0) return;
    void this.#state().then(
      state => this.#channel.remote.state(state),
      error => this.#services.logger.error('Ranking', error),
    );
  }

  /** Answers that were just sent to ranking are what the person wants to see; those that a pull brings are older. */
  #follow(journal: PreferenceJournal | undefined): void {
    const newest = journal?.items().at(-1);
    if (!newest || newest.at <= this.#newest) return;
    this.#newest = newest.at;
    if (Date.now() - Date.parse(newest.at) < JustNow) this.#set = newest.set;
  }

  undo(): void {
    this.#channel.remote.undo({});
  }

  setVisible(visible: boolean): void {
    this.#channel.remote.visible({ visible });
  }

  async #reply(work: (journal: PreferenceJournal) => Promise<void>): Promise<RankingState> {
    this.usedAt = Date.now();
    this.#busy++;
    try {
      await work(await this.#journal());
      return await this.#state();
    } finally {
      this.#busy--;
    }
  }

  async #judge(journal: PreferenceJournal, decision: RankingDecision): Promise<void> {
    const item = journal.state.itemById.get(decision.item);
    if (!item) throw new HumanError(vscode.l10n.t('This item was removed in the meantime. Skip it to go on.'));
    const known = shownAnswers(item, journal.author).map(answer => answer.id);
    const shown = decision.shown;
    if (shown.length !== known.length || [...known].sort().join() !== [...shown].sort().join()) {
      throw new Error('the answers shown are not those of the item');
    }
    const ranking = decision.verdict === 'ranked' ? rankingOf(shown, decision.ranks) : [];
    if (!ranking) throw new HumanError(vscode.l10n.t('Give every answer a rank first.'));
    await journal.addJudgement({
      item: item.id,
      ranking,
      shown,
      verdict: decision.verdict,
      flags: JudgementFlags.filter(flag => decision.flags.includes(flag)),
      note: decision.note === '' ? undefined : decision.note,
      milliseconds: decision.milliseconds,
    });
    this.#reopened = undefined;
  }

  async #undo(journal: PreferenceJournal): Promise<void> {
    const set = this.#currentSet(journal);
    const last = set && undoStack(journal.items(), journal.state.judgements, journal.author, set)[0];
    if (!last) return;
    await journal.delete(last.id);
    this.#reopened = last;
  }

  #currentSet(journal: PreferenceJournal): string | undefined {
    return chooseSet(setProgress(journal.items(), journal.state.judgements, journal.author), this.#set);
  }

  async #state(): Promise<RankingState> {
    const journal = await this.#journal();
    const { author } = journal;
    const { items, judgements } = journal.state;
    const sets = setProgress(items, judgements, author);
    const set = chooseSet(sets, this.#set);
    this.#set = set;
    const stack = set === undefined ? [] : undoStack(items, judgements, author, set);
    const item = set === undefined ? undefined : nextItem(items, judgements, author, set, this.#reopened?.item);
    this.#onState(sets.reduce((sum, one) => sum + one.total - one.judged, 0));
    return {
      version: ++this.#version,
      sets: [...sets],
      set: set ?? null,
      item: item ? this.#shown(item, author) : null,
      paceMs: medianPace(stack) ?? null,
      canUndo: stack.length > 0,
      problems: journal.problems
        .slice(0, 20)
        .map(({ file, line, message }) => `${vscode.workspace.asRelativePath(file, false)}:${line}: ${message}`),
    };
  }

  /** What may be seen of an item: no model, no seed, no order but the shuffled one. */
  #shown(item: Parameters<typeof shownAnswers>[0], author: string): RankingItem {
    const shown = shownAnswers(item, author);
    const before = this.#reopened?.item === item.id ? this.#reopened : undefined;
    return {
      id: item.id,
      messages: item.messages,
      answers: shown.map(({ id, text }) => ({ id, text })),
      draft: before
        ? {
            ranks: ranksOf(
              shown.map(answer => answer.id),
              before.ranking,
            ),
            flags: before.flags,
            note: before.note ?? '',
          }
        : null,
    };
  }

  dispose(): void {
    this.#channel.dispose();
  }
}
