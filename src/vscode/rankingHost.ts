/** The host's side of every Ranking view: what to show next, and judgements that are on disk before a view moves on. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore, toDisposable } from '../base/disposable.ts';
import { errorMessage, HumanError } from '../base/errors.ts';
import { inSlices } from '../base/slices.ts';
import type { ItemRecord } from '../core/preferences/judgement.ts';
import { type NextMode, NextModes } from '../core/preferences/nextItems.ts';
import { modeWords } from '../core/preferences/nextWords.ts';
import { RankingDesk } from '../core/preferences/rankingDesk.ts';
import type { Rewards } from '../core/preferences/rewardMargins.ts';
import { type RankingDecision, type RankingState, rankingContract } from '../protocol/ranking.ts';
import type { Channel } from '../protocol/rpc.ts';
import { listTunedModels } from '../storage/modelStore.ts';
import type { PreferenceJournal } from '../storage/preferenceJournal.ts';
import { type Guidelines, rankingSettingsFile, readGuidelines, readRankingProject } from '../storage/rankingFiles.ts';
import { ViewIds } from './commandIds.ts';
import { onSetting, setting } from './config.ts';
import { act } from './rankingActions.ts';
import { RankingPlans } from './rankingPlans.ts';
import type { Services } from './services.ts';
import { pageHtml, webviewChannel, webviewOptions } from './webview.ts';

export type RankingSurface = 'sidebar' | 'editor';

/** All open Ranking views of the window; they share the journal and hear of each other's work through it. */
export class RankingHost implements Disposable {
  readonly #services: Services;
  readonly #views = new Set<RankingConnection>();
  readonly #store = new DisposableStore();
  #watched: PreferenceJournal | undefined;
  #reviewNext = false;
  /** Asked for before there was a view to show it. */
  #asked: ItemRecord | undefined;

  constructor(services: Services) {
    this.#services = services;
    this.#store.add(onSetting(['rankingHints'], () => this.#update()));
  }

  /** Fills a webview with the Ranking page and serves it until it is disposed. `onState` hears how many items wait. */
  attach(
    webview: vscode.Webview,
    surface: RankingSurface,
    onState: (waiting: number) => void,
  ): Disposable & { setVisible(visible: boolean): void } {
    const view = new RankingConnection(this.#services, webview, surface, () => this.#journal(), onState);
    this.#views.add(view);
    if (this.#reviewNext) view.review();
    this.#reviewNext = false;
    if (this.#asked) view.ask(this.#asked, this.#watched);
    this.#asked = undefined;
    return {
      setVisible: visible => view.setVisible(visible),
      dispose: () => {
        this.#views.delete(view);
        view.dispose();
      },
    };
  }

  /** A view is in sight. */
  get isVisible(): boolean {
    return [...this.#views].some(view => view.isVisible);
  }

  /** Review Disagreements: in the view used last, or in the one that is about to open. */
  review(): void {
    const view = [...this.#views].sort((a, b) => b.usedAt - a.usedAt)[0];
    if (view) view.review();
    else this.#reviewNext = true;
  }

  /** Shows an item in the Ranking view, to be judged or judged again. */
  async ask(item: string): Promise<void> {
    await vscode.commands.executeCommand(`${ViewIds.rank}.focus`);
    const record = (await this.#journal()).state.itemById.get(item);
    if (!record) throw new HumanError(vscode.l10n.t('This item was taken down in the meantime.'));
    if (this.#views.size === 0) this.#asked = record;
    for (const view of this.#views) view.ask(record, this.#watched);
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
      const { root } = this.#services.layout();
      this.#store.add(watchFiles(root, '.tunesmith/preferences/*/*.jsonl', () => journal.refresh().catch(() => {})));
      this.#store.add(watchFiles(root, `{${rankingSettingsFile},**/*guidelines*.md}`, () => this.#update()));
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

/** Other windows, a pull, a checkout: their judgements arrive as files; settings and guidelines are edited. */
export function watchFiles(root: string, files: string, changed: () => void): Disposable {
  const pattern = new vscode.RelativePattern(vscode.Uri.file(root), files);
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
/** Where unsaved work lies for the next page. */
const savedKey = 'ranking.saved';
/** How this person wants the next item chosen here. */
const modeKey = 'ranking.next';

class RankingConnection implements Disposable {
  readonly #services: Services;
  readonly #journal: () => Promise<PreferenceJournal>;
  readonly #onState: (waiting: number) => void;
  readonly #channel: Channel<(typeof rankingContract)['toWebview']>;
  readonly #desk = new RankingDesk();
  readonly #plans = new RankingPlans(
    this.#desk,
    (items, signal) => this.#score(items, signal),
    () => this.#planned(),
  );
  #version = 0;
  /** The item on the screen came before it was known why. */
  #lacksReason = false;
  #hasRewardModel = false;
  /** Open disagreements that the page knows of. */
  #disputes = 0;
  /** Time of the newest item that this view has heard of, milliseconds since 1970. */
  #newest = 0;
  /** A request is under way: its reply carries the state, so changes need not be told. */
  #busy = 0;
  #opened = false;
  usedAt = 0;
  isVisible = true;

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
    const kept = services.context.workspaceState;
    this.#desk.mode = NextModes.find(mode => mode === kept.get(modeKey));
    webview.options = webviewOptions(services.context.extensionUri);
    this.#channel = webviewChannel(
      webview,
      rankingContract,
      {
        open: ({ set, item, review }) =>
          this.#reply(async opened => {
            this.#opened = true;
            await this.#lookForRewardModel();
            this.#desk.set ??= set ?? undefined;
            this.#follow(opened);
            const { project } = await readRankingProject(services.layout());
            if (review) this.#desk.review(true);
            else if (item !== null) this.#desk.resume(opened, project, item);
          }),
        judge: decision => this.#reply(opened => this.#judge(opened, decision)),
        undo: () => this.#reply(opened => this.#undo(opened)),
        review: ({ on }) => this.#reply(async opened => this.#review(opened, on)),
        reveal: () => this.#reply(async () => this.#desk.reveal()),
        chooseSet: ({ set }) => {
          this.#desk.set = set;
          return this.#reply(async () => {});
        },
        chooseMode: ({ mode, keep }) => this.#reply(() => this.#chooseMode(mode, keep)),
        act: ({ action }) => act(services, action, this.#desk.set),
        keep: ({ saved }) => {
          void kept.update(savedKey, saved);
          void kept.update(`${savedKey}.${surface}`, saved);
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
      initial: { surface, saved: kept.get(`${savedKey}.${surface}`) ?? kept.get(savedKey) ?? null },
    });
  }

  /** The journal changed; a view with a request under way hears of it in the reply. */
  update(journal?: PreferenceJournal): void {
    this.#follow(journal);
    if (!this.#opened || this.#busy > 0) return;
    this.#plans.changed();
    this.#push();
  }

  /** A plan is there: the view hears of it where it waits for a reason. */
  #planned(): void {
    if (this.#opened && this.#busy === 0 && (this.#lacksReason || this.#desk.disputes !== this.#disputes)) this.#push();
  }

  #push(): void {
    void this.#state().then(
      state => this.#channel.remote.state(state),
      error => this.#services.logger.error('Ranking', error),
    );
  }

  /** Answers that were just sent to ranking are what the person wants to see; those that a pull brings are older. */
  #follow(journal: PreferenceJournal | undefined): void {
    const newest = journal?.state.newestItem;
    if (!newest || newest.time <= this.#newest) return;
    this.#newest = newest.time;
    if (Date.now() - newest.time < JustNow) this.#desk.set = newest.set;
  }

  /** A page that has not opened yet begins with it. */
  review(): void {
    if (this.#opened) this.#channel.remote.review({});
    else this.#desk.review(true);
  }

  ask(item: ItemRecord, journal: PreferenceJournal | undefined): void {
    if (!journal) return;
    this.#desk.ask(journal, item);
    this.update(journal);
  }

  undo(): void {
    this.#channel.remote.undo({});
  }

  setVisible(visible: boolean): void {
    this.isVisible = visible;
    if (visible) void this.#lookForRewardModel();
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
    if (this.#desk.reviewing && decision.verdict === 'skipped') {
      this.#desk.setAside(decision.item);
      return;
    }
    // Another window may have judged the item: then this judgement revises that one.
    await journal.refresh();
    const { project } = await readRankingProject(this.#services.layout());
    const judgement = this.#desk.judgement(journal, project, decision);
    this.#desk.judged(await journal.addJudgement(judgement));
    this.#plans.judged();
  }

  /** What nobody has read yet is read in slices: many people's judgements of many items take a while. */
  async #review(journal: PreferenceJournal, on: boolean): Promise<void> {
    if (on) await inSlices(this.#desk.look(journal), () => false);
    this.#desk.review(on);
  }

  /** The project's own way is not kept, so that it follows the project. */
  async #chooseMode(mode: NextMode, keep: boolean): Promise<void> {
    const { project } = await readRankingProject(this.#services.layout());
    const own = mode === project.of(this.#desk.set ?? '').next ? undefined : mode;
    this.#desk.choose(own, keep);
    await this.#services.context.workspaceState.update(modeKey, own);
  }

  async #undo(journal: PreferenceJournal): Promise<void> {
    const { project } = await readRankingProject(this.#services.layout());
    const last = this.#desk.lastOwn(journal, project);
    if (!last) return;
    await journal.delete(last.id);
    this.#desk.undone(last);
  }

  async #state(): Promise<RankingState> {
    const journal = await this.#journal();
    const layout = this.#services.layout();
    const { project, problem } = await readRankingProject(layout);
    await this.#plans.plan(journal, project);
    const screen = this.#desk.show(journal, project, setting('rankingHints'));
    const problems = journal.problems
      .slice(0, 20)
      .map(({ file, line, message }) => `${vscode.workspace.asRelativePath(file, false)}:${line}: ${message}`);
    if (problem) problems.unshift(problem.describe());
    let guidelines: Guidelines | undefined;
    try {
      guidelines = await readGuidelines(layout, screen.settings.guidelines);
    } catch (error) {
      problems.unshift(errorMessage(error));
    }
    this.#onState(screen.sets.reduce((sum, one) => sum + one.total - one.judged, 0));
    const { settings, lastGuidelines, ...shown } = screen;
    this.#disputes = shown.disputes;
    this.#lacksReason = shown.item !== null && (shown.reason === null || shown.mode === 'margin');
    const words = modeWords();
    const modes = NextModes.filter(id => id !== 'margin' || this.#hasRewardModel || id === shown.mode);
    if (this.#plans.problem !== undefined && shown.mode === 'margin') problems.unshift(this.#plans.problem);
    return {
      ...shown,
      modes: modes.map(id => ({ id, label: words[id] })),
      version: ++this.#version,
      scale: { ...settings.scale },
      flags: [...settings.flags],
      skipReasons: [...settings.skipReasons],
      guidelines: guidelines
        ? { ...guidelines, changed: lastGuidelines !== undefined && lastGuidelines !== guidelines.version }
        : null,
      problems,
    };
  }

  /** Choosing by a reward model is offered where there is one. */
  async #lookForRewardModel(): Promise<void> {
    const { models } = await listTunedModels(this.#services.layout());
    this.#hasRewardModel = models.some(({ lineage }) => lineage.kind === 'reward');
  }

  async #score(items: readonly ItemRecord[], signal: AbortSignal): Promise<Rewards> {
    const registry = await this.#services.models();
    const [newest] = await registry.rewardModels();
    if (!newest)
      throw new HumanError(
        vscode.l10n.t('There is no reward model yet. Train one, or choose the next item in another way.'),
      );
    const { base, adapter } = await registry.rewardReference(newest.name);
    const scores = await this.#services.rewardScores();
    return scores.of({ base, ...(adapter !== undefined && { adapter }) }, items, { signal });
  }

  dispose(): void {
    this.#plans.dispose();
    this.#channel.dispose();
  }
}
