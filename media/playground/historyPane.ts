/** The timeline: all runs of the template, newest first; each can be looked at, compared, put back, starred and noted. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { l10n } from '../../src/base/l10n.ts';
import type { RunSummary } from '../../src/protocol/playgroundRuns.ts';
import { icon } from '../common/codicon.ts';
import { askNote } from './marks.ts';
import type { Matrix } from './matrix.ts';
import type { Store } from './store.ts';

/** Pixels of one run: three lines and the space around them. */
const Height = 66;
/** Runs drawn beyond the view on either side. */
const Overscan = 4;

export class HistoryPane extends LitElement {
  declare store: Store;
  #stop: (() => void) | undefined;
  #top = 0;
  #frame = 0;
  #entered = false;
  readonly #sizes = new ResizeObserver(() => this.#resized());
  /** It was last seen beside the matrix, not over it. */
  #beside = false;

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.store.on(['history', 'page', 'run'], () => this.requestUpdate());
    this.#sizes.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
    this.#sizes.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** The keyboard goes into the list once it is there: the runs come from the disk. */
  protected override updated(): void {
    if (this.#entered || !this.#list) return;
    this.#entered = true;
    this.#list.focus();
    const run = this.#run;
    if (run) this.#go(this.store.timeline.runs!.indexOf(run));
  }

  override render(): TemplateResult {
    const { store } = this;
    const runs = store.timeline.runs;
    const selected = this.#run;
    return html`<header class="bar">
        <strong class="clip grow">${l10n.t('Runs')}</strong>
        ${selected ? this.#actions(selected, runs!) : nothing}
        ${this.#action('close', l10n.t('Close (Escape)'), () => this.#close())}
      </header>
      ${runs === undefined ? nothing : runs.length === 0 ? this.#empty() : this.#timeline(runs)}
      ${
        runs !== undefined && runs.length > 1
          ? html`<footer class="hint dim xs">${
              this.#base === undefined
                ? l10n.t('Enter opens. d compares with the run before, Space chooses another to compare with.')
                : l10n.t('Compared with the run of {0}. Space takes that back.', this.#timeOf(this.#base))
            }</footer>`
          : nothing
      }`;
  }

  get #list(): HTMLElement | null {
    return this.querySelector('[role=listbox]');
  }

  get #run(): RunSummary | undefined {
    const { runs } = this.store.timeline;
    return runs?.find(({ id }) => id === this.store.timeline.place.selected) ?? runs?.[0];
  }

  /** The run that others are compared with, chosen with Space. */
  get #base(): string | undefined {
    return this.store.timeline.place.base;
  }

  #actions(run: RunSummary, runs: readonly RunSummary[]): TemplateResult {
    const other = this.#partner(run, runs);
    return html`${this.#action('go-to-file', l10n.t('Open (Enter)'), () => this.#show(this.store.viewRun(run)))}
      ${this.#action('diff', l10n.t('Diff of Answers (d)'), () => this.#diffAnswers(), !other || run.kind === 'scores')}
      ${this.#action('git-compare', l10n.t('Diff of Template and Settings (t)'), () => this.#diffTexts(), !other)}
      ${run.resumable ? this.#action('debug-continue', l10n.t('Resume (c)'), () => this.#resume(run)) : nothing}
      ${this.#action('history', l10n.t('Restore Template and Rows (r)'), () => this.#restore(run), run.version === null)}
      ${this.#action(run.starred ? 'star-full' : 'star-empty', l10n.t('Star (*)'), () => this.#star(run))}
      ${this.#action('note', l10n.t('Note (n)'), () => this.#note(run))}
      ${this.#action('trash', l10n.t('Delete (Delete)'), () => this.#delete(run), run.current)}`;
  }

  #empty(): TemplateResult {
    return html`<div class="welcome"><p>${l10n.t('Each version of the template that you run is kept here, with its answers.')}</p>
      <button class="button secondary" @click=${() => this.store.run({ kind: 'row', row: this.store.setup.row })}>${icon('play')}${l10n.t('Run Row {0}', this.store.setup.row + 1)}</button></div>`;
  }

  #timeline(runs: readonly RunSummary[]): TemplateResult {
    const height = this.#list?.clientHeight ?? 600;
    const first = Math.max(0, Math.floor(this.#top / Height) - Overscan);
    const last = Math.min(runs.length, Math.ceil((this.#top + height) / Height) + Overscan);
    const selected = this.#run;
    return html`<div class="runs" role="listbox" tabindex="0" aria-label=${l10n.t('Runs, newest first')}
      aria-activedescendant=${selected ? `run-${selected.id}` : nothing}
      @scroll=${() => this.#scrolled()} @keydown=${(event: KeyboardEvent) => this.#key(event)}>
      <div style="height:${runs.length * Height}px" role="presentation">
        ${repeat(
          runs.slice(first, last),
          ({ id }) => id,
          (run, i) => this.#line(run, first + i, runs.length, run === selected),
        )}
      </div>
    </div>`;
  }

  #line(run: RunSummary, index: number, total: number, selected: boolean): TemplateResult {
    const { counts, changes, models, version } = run;
    const isShown = this.store.state?.viewing?.runs.includes(run.id) ?? false;
    const what =
      changes.length > 0
        ? changes.join(', ')
        : version === null
          ? l10n.t('kept by an earlier version')
          : run === this.store.timeline.runs?.findLast(({ kind }) => kind === run.kind)
            ? l10n.t('first run')
            : l10n.t('as the run before');
    const words = [
      ...(run.kind === 'answers' ? [] : [kindWords(run.kind)]),
      models.join(', '),
      ...(run.by === 'command line' ? [l10n.t('command line')] : []),
      ...(counts ? [cellWords(counts)] : []),
    ].filter(Boolean);
    return html`<div class="run-line ${isShown ? 'shown' : ''}" id="run-${run.id}" role="option" aria-selected=${selected} aria-setsize=${total} aria-posinset=${index + 1}
      style="transform:translateY(${index * Height}px)" @click=${() => this.#select(run)} @dblclick=${() => this.#show(this.store.viewRun(run))}>
      <div class="line">${statusIcon(run)}<strong class="clip">${timeWords(run.at)}</strong>${
        version === null ? nothing : html`<span class="dim">${l10n.t('v{0}', version)}</span>`
      }${run.current ? html`<span class="dim">${l10n.t('current')}</span>` : nothing}<span class="grow"></span>${
        run.id === this.#base ? sign('diff', l10n.t('compared with')) : nothing
      }${run.starred ? sign('star-full', l10n.t('starred')) : nothing}${
        counts && counts.graded > 0
          ? html`<b class="nowrap">${((100 * counts.right) / counts.graded).toFixed(0)} %</b>`
          : nothing
      }</div>
      <div class="xs clip" title=${what}>${what}</div>
      <div class="xs dim clip">${run.note ? html`${icon('note')} ${run.note} · ` : nothing}${words.join(' · ')}</div>
    </div>`;
  }

  #timeOf(id: string): string {
    const run = this.store.timeline.runs?.find(other => other.id === id);
    return run ? timeWords(run.at) : '';
  }

  #select(run: RunSummary): void {
    this.store.timeline.place = { ...this.store.timeline.place, selected: run.id };
    this.requestUpdate();
  }

  #scrolled(): void {
    const top = this.#list?.scrollTop ?? 0;
    if (top === this.#top || this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#top = this.#list?.scrollTop ?? 0;
      this.requestUpdate();
    });
  }

  #key(event: KeyboardEvent): void {
    const { runs } = this.store.timeline;
    const run = this.#run;
    if (!runs || !run || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = runs.indexOf(run);
    const page = Math.max(1, Math.floor((this.#list?.clientHeight ?? 0) / Height) - 1);
    const to: Readonly<Record<string, number>> = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      PageUp: at - page,
      PageDown: at + page,
      Home: 0,
      End: runs.length - 1,
    };
    const acts: Readonly<Record<string, () => void>> = {
      Enter: () => void this.#show(this.store.viewRun(run)),
      ' ': () => {
        this.store.timeline.place = { selected: run.id, base: this.#base === run.id ? undefined : run.id };
        this.requestUpdate();
      },
      d: () => this.#diffAnswers(),
      t: () => this.#diffTexts(),
      r: () => this.#restore(run),
      c: () => this.#resume(run),
      '*': () => this.#star(run),
      n: () => this.#note(run),
      Delete: () => this.#delete(run),
      Escape: () => this.#close(),
    };
    const target = to[event.key];
    if (target !== undefined) this.#go(Math.max(0, Math.min(runs.length - 1, target)));
    else if (acts[event.key]) acts[event.key]!();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #go(index: number): void {
    const list = this.#list;
    this.store.timeline.place = { ...this.store.timeline.place, selected: this.store.timeline.runs?.[index]?.id };
    if (list) {
      const start = index * Height;
      if (start < list.scrollTop) list.scrollTop = start;
      else if (start + Height > list.scrollTop + list.clientHeight) list.scrollTop = start + Height - list.clientHeight;
      this.#top = list.scrollTop;
    }
    this.requestUpdate();
  }

  /** What a run is compared with: the chosen one, else the one before it. */
  #partner(run: RunSummary, runs: readonly RunSummary[]): RunSummary | undefined {
    const base = runs.find(({ id, kind }) => id === this.#base && id !== run.id && kind === run.kind);
    return base ?? runs.slice(runs.indexOf(run) + 1).find(({ kind }) => kind === run.kind);
  }

  /** Both runs, the earlier one first. */
  #pair(): [before: string, after: string] | undefined {
    const run = this.#run;
    const other = run && this.#partner(run, this.store.timeline.runs ?? []);
    if (!run || !other) return undefined;
    return run.at < other.at ? [run.id, other.id] : [other.id, run.id];
  }

  #diffAnswers(): void {
    const pair = this.#pair();
    if (pair && this.#run?.kind !== 'scores') void this.#show(this.store.viewDiff(...pair));
  }

  #diffTexts(): void {
    const [before, after] = this.#pair() ?? [];
    if (before && after) void this.store.ask(this.store.host.diffRuns({ before, after }));
  }

  get #covers(): boolean {
    return this.previousElementSibling?.checkVisibility() === false;
  }

  /** Where the timeline lies over the matrix it makes room for what was asked for. */
  async #show(shown: Promise<boolean>): Promise<void> {
    const covers = this.#covers;
    if ((await shown) && covers) await this.#makeRoom();
  }

  /** A window that narrows would lay the timeline over what was opened from it. */
  #resized(): void {
    if (!this.checkVisibility()) return;
    const covers = this.#covers;
    if (covers && this.#beside && this.store.readOnly) {
      const active = document.activeElement;
      const isFree = active === document.body || this.contains(active) || !active?.checkVisibility();
      void this.#makeRoom({ focus: isFree });
    }
    this.#beside = !covers;
  }

  async #makeRoom({ focus = true } = {}): Promise<void> {
    const pane = this.closest<LitElement>('tunesmith-answers-pane');
    this.store.toggleHistory(false);
    await pane?.updateComplete;
    if (!focus) return;
    const matrix = document.querySelector<Matrix>('tunesmith-matrix');
    if (matrix) matrix.enter();
    else document.querySelector<HTMLElement>('.run-notice .back')?.focus();
  }

  #restore(run: RunSummary): void {
    if (run.version !== null) void this.store.ask(this.store.host.restoreRun({ id: run.id }));
  }

  #resume(run: RunSummary): void {
    if (run.resumable && !this.store.run$.running) this.store.resume(run.id);
  }

  #star({ id, starred, note }: RunSummary): void {
    this.store.timeline.mark({ id, starred: !starred, note });
  }

  #note({ id, starred, note }: RunSummary): void {
    askNote(note, this, changed => this.store.timeline.mark({ id, starred, note: changed }));
  }

  #delete(run: RunSummary): void {
    if (!run.current) void this.store.timeline.delete(run.id);
  }

  #close(): void {
    this.store.toggleHistory(false);
    document.querySelector<HTMLElement>('.history-button')?.focus();
  }

  #action(glyph: string, title: string, run: () => unknown, disabled = false): TemplateResult {
    return html`<button class="action" title=${title} aria-label=${title} ?disabled=${disabled} @click=${run}>${icon(glyph)}</button>`;
  }
}

const sign = (glyph: string, words: string): TemplateResult =>
  html`<span class="sign" title=${words}>${icon(glyph)}<span class="sr-only">${words}</span></span>`;

function kindWords(kind: RunSummary['kind']): string {
  return kind === 'sweep' ? l10n.t('shot sweep') : kind === 'scores' ? l10n.t('scores') : '';
}

function statusIcon({ status, counts }: RunSummary): TemplateResult {
  switch (status) {
    case 'running':
      return sign('loading', l10n.t('running'));
    case 'interrupted':
      return sign('debug-disconnect', l10n.t('interrupted'));
    case 'stopped':
      return sign('debug-stop', l10n.t('stopped'));
    case 'done':
      return counts && counts.failed > 0
        ? sign('warning', l10n.t('{0} failed', counts.failed))
        : sign('check', l10n.t('done'));
  }
}

function cellWords({ total, done, failed, graded, right }: NonNullable<RunSummary['counts']>): string {
  const grades = graded > 0 ? `, ${l10n.t('{0} of {1} right', right, graded)}` : '';
  const cells = done < total ? l10n.t('{0} of {1} answers', done, total) : l10n.t('{0} answers', total);
  return (failed > 0 ? `${cells}, ${l10n.t('{0} failed', failed)}` : cells) + grades;
}

/** The time of today, the day and time of other days. */
export function timeWords(at: string): string {
  const date = new Date(at);
  const now = new Date();
  const today = date.toDateString() === now.toDateString();
  const year = date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' as const };
  const language = document.documentElement.lang || undefined;
  return today
    ? date.toLocaleTimeString(language, { timeStyle: 'short' })
    : date.toLocaleString(language, { ...year, month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
}

customElements.define('tunesmith-history', HistoryPane);
