/** Keeps the playground's answers as runs in the workspace: begins one or goes on with it, and brings the newest back after a reload. */

import type { Disposable } from '../../base/disposable.ts';
import { errorMessage, HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Logger } from '../../base/logger.ts';
import type { CellResult } from '../../core/evaluation/runCells.ts';
import type { RenderedPrompt } from '../../core/prompts/template.ts';
import { continues, merged } from '../../core/runs/changes.ts';
import { keptCell } from '../../core/runs/keptCell.ts';
import {
  type Asked,
  compactTokens,
  type KeptCell,
  kindOf,
  type RunKind,
  type RunSpecification,
  templateOf,
} from '../../core/runs/runRecord.ts';
import type { Cell, Detail } from '../../protocol/playgroundCells.ts';
import type { Offer } from '../../protocol/playgroundRuns.ts';
import { hashOf } from '../../storage/runInputs.ts';
import { type ListedRun, listRuns, type RunCounts, readRunState, writeRunState } from '../../storage/runList.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';
import { requestOf } from './cellRequest.ts';
import { type KeptDetail, OpenRun, shownTokens } from './openRun.ts';
import type { PlaygroundColumn } from './playgroundColumns.ts';
import { keyOf } from './playgroundRun.ts';

/** Milliseconds between two notes of how far a run is. */
const StateDelay = 5000;
/** Answers whose tokens are kept in memory where there is no folder on disk. */
const KeptTokens = 300;

export interface HistoryOptions {
  /** Where runs lie; undefined where there is no folder on disk. */
  layout(): WorkspaceLayout | undefined;
  /** The template's, relative to the workspace folder. */
  readonly path: string;
  readonly kind: RunKind;
  readonly logger: Logger;
  /** Says once that answers cannot be kept. */
  showError(error: unknown): void;
  /** How the current run stands. */
  counts(): Omit<RunCounts, 'total'>;
}

export class RunHistory implements Disposable {
  readonly #options: HistoryOptions;
  #current: OpenRun | undefined;
  /** Runs whose answers are still shown. */
  readonly #earlier: OpenRun[] = [];
  /** What is not on the disk (yet): everything where there is no folder. */
  readonly #recent = new Map<string, KeptDetail>();
  readonly #texts = new Map<string, string>();
  /** The same for what each cell was made from. */
  readonly #requests = new Map<string, string>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #total = 0;
  #status: 'running' | 'done' | 'stopped' = 'done';
  #told: Promise<unknown> = Promise.resolve();
  #complained = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** The run that new answers go into. */
  get current(): OpenRun | undefined {
    return this.#current;
  }

  get hasFolder(): boolean {
    return this.#options.layout() !== undefined;
  }

  /** The run of this template that was worked on last, to be shown again; `onCell` gets its cells without texts. */
  async restore(onCell: (cell: Cell, kept: KeptCell) => void): Promise<OpenRun | undefined> {
    const layout = this.#options.layout();
    if (!layout) return undefined;
    try {
      const runs = await listRuns(layout, run => isOwn(run.specification, this.#options));
      const last = latest(runs);
      if (!last) return undefined;
      this.#current = await OpenRun.read(layout, last.run.id, onCell);
      return this.#current;
    } catch (error) {
      this.#options.logger.warn(`Earlier answers could not be read: ${errorMessage(error)}`);
      return undefined;
    }
  }

  /** Another run of this template, to be read. Rejects with a HumanError where it is gone, or someone runs it. */
  async find(id: string, onCell: (cell: Cell, kept: KeptCell) => void): Promise<OpenRun> {
    const layout = this.#options.layout();
    const found =
      layout && (await listRuns(layout, run => run.id === id && isOwn(run.specification, this.#options)))[0];
    if (!layout || !found) throw new HumanError(l10n.t('This run is no longer there.'));
    if (found.state?.status === 'running') throw new HumanError(l10n.t('This run goes on in another window.'));
    return OpenRun.read(layout, id, onCell);
  }

  /** The current run is deleted. */
  async drop(): Promise<void> {
    const run = this.#current;
    this.#current = undefined;
    await run?.close();
  }

  /** New answers go into this run from now on. */
  takeUp(run: OpenRun): void {
    if (this.#current) this.#earlier.push(this.#current);
    this.#current = run;
    this.#recent.clear();
  }

  /** What is left to do of the current run, where something is and nobody else does it. */
  async offer(): Promise<Offer | null> {
    const run = this.#current;
    const layout = this.#options.layout();
    if (!run?.specification || !layout) return null;
    const { total, keys } = run.missing();
    if (keys.length === 0) return null;
    const state = await readRunState(layout, run.id);
    if (state?.status === 'running') return null;
    return {
      id: run.id,
      done: total - keys.length,
      total,
      interrupted: state === undefined || state.status === 'interrupted',
      note: run.note ?? null,
    };
  }

  /** Something is missing of the current run, whoever runs it. */
  get isUnfinished(): boolean {
    return (this.#current?.missing().keys.length ?? 0) > 0;
  }

  /**
   * Says what is about to be asked. Goes on with the current run where that is of the same texts, data and settings, unless it is
   * to be made `anew`. False: a new run has begun, and what is shown belongs to earlier ones.
   */
  async begin(specification: RunSpecification | undefined, asked: readonly Asked[], anew: boolean): Promise<boolean> {
    this.#complained = false;
    const layout = this.#options.layout();
    if (!specification || !layout) return true;
    const run = this.#current;
    const before = run?.specification;
    const same = run && before && !anew && continues(before, specification) && (await isFree(layout, run));
    if (same) {
      await this.#told;
      const now = merged(before, specification);
      if (JSON.stringify(now) !== JSON.stringify(before)) await run.describe(now);
      for (const one of asked) await run.ask(one);
    } else {
      if (run) this.#earlier.push(run);
      this.#current = await OpenRun.create(layout, specification.template.file.replace(/^.*\//, ''), specification);
      for (const one of asked) await this.#current.ask(one);
    }
    this.#total = this.#current!.missing().total;
    this.#tell('running');
    return same === true;
  }

  /** Goes on with the current run as it is. */
  async resume(): Promise<void> {
    this.#total = this.#current?.missing().total ?? 0;
    this.#tell('running');
  }

  /** Nothing runs any more. Resolves when that is noted. */
  async end(): Promise<void> {
    const run = this.#current;
    if (!run || this.#status !== 'running') return void (await this.#told);
    await run.settled();
    if (this.#status !== 'running') return void (await this.#told);
    this.#tell(run.missing().keys.length === 0 ? 'done' : 'stopped');
    await this.#told;
  }

  /** Keeps a finished answer. Resolves with where its text lies, or undefined where it could not be kept. */
  async keep(
    cell: Cell,
    result: CellResult,
    prompt: RenderedPrompt,
    column: PlaygroundColumn,
  ): Promise<OpenRun | undefined> {
    const key = keyOf(cell);
    const messages = prompt.messages.map(({ role, content }) => ({ role, content: this.#shared(content) }));
    // The start of the answer belongs to the answer, whose text has it already or gets it where it is ranked.
    if (prompt.continueLast) messages.pop();
    const { tokens } = result.generation;
    this.#remember(key, {
      prompt: messages,
      tokens: tokens ? shownTokens(compactTokens(tokens)) : null,
      turns: [],
    });
    const run = this.#current;
    const request = requestOf(column, cell.row, cell.repeat, prompt);
    if (!run || this.#closed) {
      this.#requests.set(key, request);
      return undefined;
    }
    // The same answer, from the cache: it is there already.
    const same = result.cached && run.request(key) === request;
    const id = hashOf(JSON.stringify(messages)).slice(0, 16);
    const kept = keptCell(key, result, { request, prompt: id, warning: prompt.cut, price: column.price });
    if (!same && !(await this.#save(() => run.append(kept, { id, messages, shots: prompt.shots })))) return undefined;
    if (this.#recent.get(key)?.prompt === messages) this.#recent.delete(key);
    return run;
  }

  /** Keeps a cell that is no answer of a model to a prompt. */
  async keepCell(cell: KeptCell): Promise<void> {
    const run = this.#current;
    if (run && !this.#closed) await this.#save(() => run.append(cell));
  }

  /** Keeps that there is no answer, and why. */
  async keepFailure(cell: Cell): Promise<void> {
    await this.keepCell({ key: keyOf(cell), text: '', failure: cell.error ?? '' });
  }

  /** Keeps a conversation; never rejects. */
  async say(run: OpenRun | undefined, key: string, turns: Detail['turns']): Promise<void> {
    const recent = this.#recent.get(key);
    if (run) await this.#save(() => run.say(key, turns));
    else if (recent) this.#recent.set(key, { ...recent, turns });
  }

  /** What a cell was made from; undefined where that is not known. */
  requestOf(run: OpenRun | undefined, key: string): string | undefined {
    return run ? run.request(key) : this.#requests.get(key);
  }

  /** What is shown of an opened cell, where it is not on the disk yet. */
  recent(key: string): KeptDetail | undefined {
    return this.#recent.get(key);
  }

  /** Where a run that is shown beside the current one goes. */
  async close(): Promise<void> {
    await this.end();
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#told;
    for (const run of [...this.#earlier.splice(0), this.#current]) await run?.close().catch(() => {});
  }

  dispose(): void {
    void this.close();
  }

  get path(): string {
    return this.#options.path;
  }

  #remember(key: string, detail: KeptDetail): void {
    this.#recent.delete(key);
    this.#recent.set(key, detail);
    if (this.#recent.size > KeptTokens && detail.tokens) {
      const oldest = this.#recent.entries().next().value!;
      this.#recent.set(oldest[0], { ...oldest[1], tokens: null });
    }
  }

  /** Texts of prompts by themselves: shots and instructions are the same in thousands of cells. */
  #shared(text: string): string {
    if (this.#current) return text;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  /** Whether it was saved. The first failure of a run is told to the user, the others to the log. */
  async #save(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#options.logger.error('An answer could not be kept.', error);
      if (!this.#complained) this.#options.showError(error);
      this.#complained = true;
      return false;
    }
  }

  /** Notes how the run stands, now and from time to time while it goes on. */
  #tell(status: 'running' | 'done' | 'stopped'): void {
    clearTimeout(this.#timer);
    this.#status = status;
    const run = this.#current;
    const layout = this.#options.layout();
    if (!run || !layout) return;
    const write = (): Promise<void> =>
      writeRunState(layout, run.id, { status: this.#status, total: this.#total, ...this.#options.counts() });
    this.#told = this.#told.then(write).catch((error: unknown) => {
      this.#options.logger.warn(`The state of a run was not noted: ${errorMessage(error)}`);
    });
    if (status === 'running') this.#timer = setTimeout(() => this.#tell(this.#status), StateDelay);
  }
}

/** Of all runs, newest first, the one that something was asked for last. */
function latest(runs: readonly ListedRun[]): ListedRun | undefined {
  const timeOf = ({ run, state }: ListedRun): string => state?.updatedAt ?? run.createdAt;
  return runs.reduce<ListedRun | undefined>(
    (last, run) => (last && timeOf(last) >= timeOf(run) ? last : run),
    undefined,
  );
}

/** Nobody else has it. */
async function isFree(layout: WorkspaceLayout, { id }: OpenRun): Promise<boolean> {
  const state = await readRunState(layout, id);
  return state?.status !== 'running' || state.own;
}

/** Runs of the playground on this template, of one kind. */
function isOwn(specification: unknown, { path, kind }: HistoryOptions): boolean {
  const by = (specification as { by?: unknown } | null)?.by;
  const own = by === undefined || by === 'playground';
  return own && kindOf(specification) === kind && templateOf(specification) === path;
}
