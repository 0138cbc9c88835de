/** Score mode of the playground: rows × models and variants, how likely each candidate is. No part of the editor is needed here. */
import type { Disposable } from '../../base/disposable.ts';
import { errorMessage, isAbort, isHumanError } from '../../base/errors.ts';
import type { EmbedTexts } from '../../core/datasets/embeddings.ts';
import { type Likelihood, requireScores, type ScoredRow, scoreRows } from '../../core/evaluation/score.ts';
import { summariseScores } from '../../core/evaluation/scoreSummary.ts';
import { type ScoreRow, scoreOptionsOf, scoreTexts } from '../../core/evaluation/scoreTexts.ts';
import type { RenderTemplate } from '../../core/prompts/pieces.ts';
import { continues } from '../../core/runs/changes.ts';
import { keptScores, scoredRowOf } from '../../core/runs/keptScores.ts';
import { stretches } from '../../core/runs/missing.ts';
import { type KeptCell, partsOf as partsOfKey, type RunSpecification } from '../../core/runs/runRecord.ts';
import { wilson } from '../../core/statistics/intervals.ts';
import {
  type Figures,
  noScores,
  type ScoreCell,
  type ScoreColumnSummary,
  type ScoreState,
  type ScoreTokens,
} from '../../protocol/playgroundScores.ts';
import { hashOf } from '../../storage/runInputs.ts';
import type { RunCounts } from '../../storage/runList.ts';
import { type LoadedTemplate, rowValues } from './loadedTemplate.ts';
import type { PlaygroundColumn } from './playgroundColumns.ts';
import { RunHistory } from './playgroundHistory.ts';
import type { RunTools } from './runTools.ts';

/** Rows that are rendered and scored together. */
const RowsTogether = 8;
/** Rows of a model whose tokens stay in memory; those of others are scored again when they are opened. */
const KeptTokens = 300;
/** Likeliest tokens that an opened row shows in each place. */
const Alternatives = 5;
/** Milliseconds between two messages about how far it is: each walks over all rows. */
const StateDelay = 250;

export interface ScoreTools extends RunTools {
  /** The chosen models in each variant of the template. */
  columns(): readonly PlaygroundColumn[];
  loaded(): LoadedTemplate;
  render(): Promise<RenderTemplate>;
  embed(): Promise<EmbedTexts | undefined>;
  /** What these columns score, written down. Asked only where there is a folder. */
  specify(columns: readonly PlaygroundColumn[]): Promise<RunSpecification>;
  show(state: ScoreState): void;
  /** The list of runs is another now. */
  runsChanged(): void;
}

type ShownColumn = Pick<PlaygroundColumn, 'id' | 'modelLabel' | 'label' | 'variant'>;

interface Scored {
  readonly row: ScoredRow;
  readonly task: ScoreRow['task'];
}

export class PlaygroundScores implements Disposable {
  readonly #tools: ScoreTools;
  readonly #history: RunHistory;
  /** By column, then by row. Tokens are kept apart. */
  readonly #scored = new Map<string, Map<number, Scored | string>>();
  readonly #tokens = new Map<string, ScoreTokens>();
  #run: Pick<ScoreState, 'running' | 'done' | 'total' | 'failed'> = noScores;
  /** Of the template's text that was scored; undefined while nothing was. */
  #hash: string | undefined;
  /** Rows or examples are others than they were. */
  #stale = false;
  #version = 0;
  #abort: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(tools: ScoreTools) {
    this.#tools = tools;
    this.#history = new RunHistory({
      layout: () => tools.layout(),
      path: tools.path,
      kind: 'scores',
      logger: tools.logger,
      showError: error => tools.showError(error),
      counts: () => this.#counts(),
    });
  }

  /** Scores these rows in every column; resolves when it has begun. */
  async start(rows: readonly number[]): Promise<void> {
    this.stop();
    await this.#running;
    const columns = this.#tools.columns();
    const specification = this.#history.hasFolder
      ? { ...(await this.#tools.specify(columns)), kind: 'scores' as const }
      : undefined;
    const hash = hashOf(this.#tools.loaded().template.text);
    const asked = { columns: columns.map(({ id }) => id), rows: stretches(rows), repeats: 1 };
    const same = await this.#history.begin(specification, [asked], false);
    // Rows of another text or of other data say nothing of these.
    if (!same || (!specification && hash !== this.#hash)) this.#forget();
    this.#hash = hash;
    this.#stale = false;
    this.#tools.runsChanged();
    const abort = new AbortController();
    this.#abort = abort;
    this.#run = { running: true, done: 0, total: rows.length * columns.length, failed: 0 };
    this.#send();
    this.#running = this.#scoreAll(columns, rows, abort.signal)
      .catch((error: unknown) => {
        if (!isAbort(error)) this.#tools.logger.error('Scoring failed.', error);
      })
      .then(async () => {
        await this.#history.end();
        this.#run = { ...this.#run, running: false };
        this.#send();
        this.#tools.runsChanged();
      });
  }

  /** The scores of before, from their run; nothing is asked. */
  async restore(): Promise<void> {
    if (await this.#history.restore((_, kept) => this.#takeKept(kept))) await this.#taken();
  }

  /** Shows the scores of a run of the timeline. Rejects with a HumanError where it is gone. */
  async open(id: string): Promise<void> {
    if (this.#history.current?.id === id) return;
    this.stop();
    await this.#running;
    const kept: KeptCell[] = [];
    this.#history.takeUp(await this.#history.find(id, (_, cell) => kept.push(cell)));
    this.#forget();
    for (const cell of kept) this.#takeKept(cell);
    await this.#taken();
  }

  /** A run is deleted: it is shown no more. */
  async forget(id: string): Promise<void> {
    if (this.#history.current?.id !== id) return;
    this.stop();
    await this.#running;
    await this.#history.drop();
    this.#forget();
    this.#hash = undefined;
    this.#run = noScores;
    this.#send();
  }

  /** The template is another now: what is shown may be of before. */
  refreshed(): void {
    if (this.#hash !== undefined) this.#send();
  }

  stop(): void {
    this.#abort?.abort();
  }

  state(): ScoreState {
    const columns = this.#shown();
    const rows = new Set<number>();
    for (const { id } of columns) for (const row of this.#scored.get(id)?.keys() ?? []) rows.add(row);
    const run = this.#history.current;
    const several = new Set(columns.map(({ variant }) => variant)).size > 1;
    return {
      ...this.#run,
      version: this.#version,
      rows: [...rows].sort((a, b) => a - b),
      columns: columns.map(column => this.#summary(column, several)),
      run: run ? { id: run.id, at: run.createdAt } : null,
      outdated: this.#isOutdated,
    };
  }

  /** The columns of now; of scores that are of before, those that they had. */
  #shown(): readonly ShownColumn[] {
    const then = this.#isOutdated ? this.#history.current?.specification : undefined;
    return then?.columns ?? this.#tools.columns();
  }

  get #isOutdated(): boolean {
    if (this.#hash === undefined) return false;
    return this.#stale || this.#hash !== hashOf(this.#tools.loaded().template.text);
  }

  /** What is known of these rows, in the columns that are shown. */
  cells(rows: readonly number[]): ScoreCell[] {
    return this.#shown().flatMap(({ id }) =>
      rows.flatMap(row => {
        const scored = this.#scored.get(id)?.get(row);
        if (scored === undefined) return [];
        return [typeof scored === 'string' ? failedCell(id, row, scored) : cellOf(id, row, scored)];
      }),
    );
  }

  /** The tokens behind a row's figures; scored again where they were let go. None where they would be those of another text. */
  async tokens(column: string, row: number): Promise<ScoreTokens> {
    const known = this.#tokens.get(`${column}|${row}`);
    const own = this.#tools.columns().find(({ id }) => id === column);
    if (known || !own || this.#isOutdated) return known ?? [];
    const text = (await this.#texts(own, [row])).get(row);
    if (typeof text !== 'object') return [];
    await this.#scoreSome(own, [[row, text]], undefined, { keep: false });
    return this.#tokens.get(`${column}|${row}`) ?? [];
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.#timer);
    this.#history.dispose();
  }

  #forget(): void {
    this.#scored.clear();
    this.#tokens.clear();
    this.#version++;
  }

  #takeKept({ key, scores, right, failure }: KeptCell): void {
    const { column, row } = partsOfKey(key) ?? {};
    if (column === undefined || row === undefined) return;
    if (scores) this.#put(column, row, { row: scoredRowOf(scores, row, right), task: scores.task });
    else if (failure !== undefined) this.#put(column, row, failure);
  }

  /** What a run had is shown now: how far it went, and whether it is of what the template is. */
  async #taken(): Promise<void> {
    const run = this.#history.current;
    const then = run?.specification;
    if (!run || !then) return;
    this.#hash = then.template.hash;
    const { done, failed } = this.#counts();
    this.#run = { running: false, done, total: run.missing().total, failed };
    this.#send();
    const now = await this.#tools.specify(this.#tools.columns()).catch(() => undefined);
    this.#stale = !now || !continues({ ...then, template: now.template }, { ...now, kind: 'scores' });
    if (this.#stale) this.#send();
  }

  #counts(): Omit<RunCounts, 'total'> {
    const counts = { done: 0, failed: 0, graded: 0, right: 0 };
    for (const rows of this.#scored.values())
      for (const scored of rows.values()) {
        counts.done++;
        if (typeof scored === 'string') counts.failed++;
        else if (scored.row.correct !== undefined) {
          counts.graded++;
          if (scored.row.correct) counts.right++;
        }
      }
    return counts;
  }

  async #scoreAll(columns: readonly PlaygroundColumn[], rows: readonly number[], signal: AbortSignal): Promise<void> {
    /** Models that cannot score, and why. */
    const refused = new Map<string, string>();
    for (let start = 0; start < rows.length; start += RowsTogether) {
      for (const column of columns) {
        signal.throwIfAborted();
        const texts = await this.#texts(column, rows.slice(start, start + RowsTogether));
        const ready = [...texts].flatMap(([row, text]) => (typeof text === 'object' ? [[row, text] as const] : []));
        for (const [row, text] of texts) if (typeof text === 'string') this.#fail(column, [row], text);
        const problem = refused.get(column.model);
        if (problem !== undefined)
          this.#fail(
            column,
            ready.map(([row]) => row),
            problem,
          );
        else await this.#scoreOrFail(column, ready, signal, refused);
        this.#sendSoon();
      }
    }
  }

  async #scoreOrFail(
    column: PlaygroundColumn,
    ready: readonly (readonly [number, ScoreRow])[],
    signal: AbortSignal,
    refused: Map<string, string>,
  ): Promise<void> {
    try {
      await this.#scoreSome(column, ready, signal);
      this.#run = { ...this.#run, done: this.#run.done + ready.length };
    } catch (error) {
      signal.throwIfAborted();
      if (!isHumanError(error)) this.#tools.logger.error('A row could not be scored.', error);
      // A model that cannot score says so once; one row that is too long must not take the others with it.
      if (ready.length > 1 && isHumanError(error) && (await this.#canScore(column))) {
        for (const one of ready) await this.#scoreOrFail(column, [one], signal, refused);
        return;
      }
      if (!(await this.#canScore(column))) refused.set(column.model, errorMessage(error));
      this.#fail(
        column,
        ready.map(([row]) => row),
        errorMessage(error),
      );
    }
  }

  async #canScore(column: PlaygroundColumn): Promise<boolean> {
    return column.generator().then(
      generator => generator.score !== undefined,
      () => false,
    );
  }

  async #scoreSome(
    column: PlaygroundColumn,
    ready: readonly (readonly [number, ScoreRow])[],
    signal: AbortSignal | undefined,
    { keep = true } = {},
  ): Promise<void> {
    const generator = await column.generator();
    requireScores(generator);
    const texts = ready.map(([, text]) => text);
    const options = scoreOptionsOf(column.template);
    const results = await scoreRows(generator, texts, options, { signal, alternatives: Alternatives });
    for (const [i, [row, { task }]] of ready.entries()) this.#keep(column, row, { row: results[i]!, task }, keep);
  }

  /** Rows ready to be scored, or why they are not. */
  async #texts({ template }: PlaygroundColumn, rows: readonly number[]): Promise<Map<number, ScoreRow | string>> {
    const loaded = this.#tools.loaded();
    const [render, embed] = await Promise.all([this.#tools.render(), this.#tools.embed()]);
    const options = scoreOptionsOf(template);
    const found = new Map<number, ScoreRow | string>();
    for (const row of rows) {
      const data = { line: loaded.rows?.[row]?.line ?? 1, values: rowValues(loaded, row), number: row + 1 };
      try {
        const [text] = await scoreTexts(template, [data], { options, render, bank: loaded.bank, embed });
        found.set(row, text!);
      } catch (error) {
        if (!isHumanError(error)) throw error;
        found.set(row, error.message);
      }
    }
    return found;
  }

  #keep({ id }: PlaygroundColumn, row: number, { row: scored, task }: Scored, keep: boolean): void {
    const key = `${id}|${row}`;
    this.#tokens.delete(key);
    this.#tokens.set(key, tokensOf(scored));
    if (this.#tokens.size > KeptTokens) this.#tokens.delete(this.#tokens.keys().next().value!);
    if (!keep) return;
    const scores = keptScores(scored, task);
    this.#put(id, row, { row: scoredRowOf(scores, row, scored.correct), task });
    void this.#history.keepCell({ key: `${key}|0`, text: '', right: scored.correct, scores });
  }

  #fail({ id }: PlaygroundColumn, rows: readonly number[], message: string): void {
    for (const row of rows) {
      this.#put(id, row, message);
      void this.#history.keepCell({ key: `${id}|${row}|0`, text: '', failure: message });
    }
    const { done, failed } = this.#run;
    this.#run = { ...this.#run, done: done + rows.length, failed: failed + rows.length };
  }

  #put(column: string, row: number, scored: Scored | string): void {
    const known = this.#scored.get(column) ?? new Map<number, Scored | string>();
    this.#scored.set(column, known);
    known.set(row, scored);
    this.#version++;
  }

  #summary({ id, modelLabel, label }: ShownColumn, several: boolean): ScoreColumnSummary {
    const all = [...(this.#scored.get(id)?.values() ?? [])];
    const scored = all.filter(one => typeof one !== 'string');
    const task = this.#tools.loaded().template.tunesmith.score?.task ?? 'candidates';
    // Rows of before the template's task was changed say nothing of this one.
    const rows = scored.filter(one => one.task === task).map(({ row }) => row);
    const { accuracy, ways = [], perplexity, medianRank } = summariseScores(task, rows);
    return {
      column: id,
      label: modelLabel,
      variant: several ? label : '',
      failed: all.length - scored.length,
      ways: ways.map(({ part, by, right, n }) => ({
        method: part === 'full' ? 'full' : 'partial',
        by,
        accuracy: { right, ...wilson(right, n) },
      })),
      words:
        perplexity === undefined ? null : { accuracy: accuracy ?? null, perplexity, medianRank: medianRank ?? null },
    };
  }

  #sendSoon(): void {
    this.#timer ??= setTimeout(() => this.#send(), StateDelay);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tools.show(this.state());
  }
}

/** What decides is first; the page knows both parts by their names. */
function partsOf(part: ScoredRow['part'], { likelihood, other }: ScoredRow['candidates'][number]) {
  return part === 'full' ? { partial: other!, full: likelihood } : { partial: likelihood, full: other };
}

const figures = ({ total, perToken, perCharacter }: Likelihood): Figures => ({
  total,
  'per-token': perToken,
  'per-character': perCharacter,
});

function cellOf(column: string, row: number, { row: scored, task }: Scored): ScoreCell {
  return {
    column,
    row,
    error: null,
    context: scored.context,
    candidates: scored.candidates.map(candidate => {
      const { partial, full } = partsOf(scored.part, candidate);
      return {
        text: candidate.candidate,
        partial: figures(partial),
        full: full ? figures(full) : null,
        rank: task === 'last-word' ? (candidate.rank ?? null) : null,
      };
    }),
    expected: scored.expected ?? null,
    greedy: task === 'last-word' ? (scored.correct ?? null) : null,
  };
}

const failedCell = (column: string, row: number, error: string): ScoreCell => ({
  column,
  row,
  error,
  context: '',
  candidates: [],
  expected: null,
  greedy: null,
});

function tokensOf({ part, candidates }: ScoredRow): ScoreTokens {
  const list = ({ tokens }: Likelihood) =>
    tokens.map(({ text, logProb, alternatives = [] }) => ({
      text,
      logProb,
      alternatives: alternatives.map(other => ({ text: other.text, logProb: other.logProb })),
    }));
  return candidates.map(candidate => {
    const { partial, full } = partsOf(part, candidate);
    return { text: candidate.candidate, partial: list(partial), full: full ? list(full) : null };
  });
}
