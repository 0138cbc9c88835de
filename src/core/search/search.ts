/**
 * Prompt search: a model proposes candidates, a dev set scores them by successive halving, and a held-out set that took no part
 * compares the winner with the template's own words. Models and files are the host's; every choice is here and hangs on the
 * seed alone, so that a search that was stopped goes on to the same result.
 */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { DataRow } from '../datasets/rows.ts';
import type { Template } from '../prompts/template.ts';
import type { Metric, SearchOptions } from './options.ts';
import { type Candidate, candidateText, merged, paraphrasePrompt, proposalPrompt, type Writing } from './proposals.ts';
import { type CandidateReport, reportOf, type SearchReport } from './report.ts';
import { keptOf, rowsOfRung, rungsOf, type Schedule, scheduleOf } from './schedule.ts';
import { withTarget } from './target.ts';

export interface RowResult {
  /** 1 and 0 for right and wrong, or nats. */
  readonly score: number;
  readonly answer?: string;
}

/** What was found, by key; a search asks for nothing that stands here already. */
export interface SearchMemory {
  text(key: string): string | undefined;
  result(key: string): RowResult | undefined;
  /** Resolves when they are kept for good. */
  put(found: readonly Found[]): Promise<void>;
}
export type Found =
  | { readonly key: string; readonly text: string }
  | { readonly key: string; readonly result: RowResult };

export interface SearchProgress {
  readonly phase: 'proposing' | 'scoring' | 'reporting';
  /** Calls of the budget. */
  readonly spent: number;
  readonly budget: number;
  readonly candidates: number;
  /** The best so far and its score on the dev rows that all still standing have answered. */
  readonly best?: { readonly text: string; readonly score: number; readonly rows: number };
}

export interface SearchHost {
  readonly memory: SearchMemory;
  /** What the proposing model writes, in the order of the requests; `repeat` and the search's seed name its random numbers. */
  write(requests: readonly (Writing & { readonly repeat: number })[]): Promise<readonly string[]>;
  /** How the model under test answers these rows. Rejects where it gives nothing. */
  answer(template: Template, rows: readonly DataRow[], metric: Metric): Promise<readonly RowResult[]>;
  progress(progress: SearchProgress): void;
  readonly signal?: AbortSignal;
}

/** Evaluations that are asked for together and kept together. */
const chunkSize = 32;

/** Rejects when it is cancelled, or a model fails; what was found until then is in the memory. */
export function runSearch(options: SearchOptions, host: SearchHost): Promise<SearchReport> {
  return new Search(options, host).run();
}

class Search {
  readonly #options: SearchOptions;
  readonly #host: SearchHost;
  readonly #schedule: Schedule;
  #candidates: Candidate[];
  /** Templates of the candidates, and how many of the first dev rows each has answered, with their scores. */
  readonly #templates: Template[] = [];
  readonly #scores: number[][] = [];
  #spent = 0;
  #best: SearchProgress['best'];

  constructor(options: SearchOptions, host: SearchHost) {
    this.#options = options;
    this.#host = host;
    const { target, given, splits } = options;
    const own = given.map((words): Candidate => {
      const text = candidateText(words);
      if (text === undefined)
        throw new HumanError(l10n.t('“{0}” cannot be a candidate: it must be one plain sentence.', words));
      return { text, origin: 'given' };
    });
    this.#candidates = merged([{ text: target.text, origin: 'template' }], own);
    this.#schedule = scheduleOf({
      budget: options.budget,
      callsPerAnswer: options.callsPerAnswer,
      dev: splits.dev.length,
      heldOut: splits.heldOut.length,
      given: this.#candidates.length,
      proposing: options.proposer !== undefined,
    });
    if (options.proposer === undefined && this.#candidates.length < 2) {
      throw new HumanError(
        l10n.t('Without a proposing model there is nothing to compare. Give candidates, or a model.'),
      );
    }
  }

  async run(): Promise<SearchReport> {
    const { proposals, scoring } = this.#schedule;
    let pool = this.#candidates.map((_, index) => index);
    let left = 0;
    for (const [generation, asked] of proposals.entries()) {
      const parents = pool.filter(index => index !== 0).slice(0, 2);
      const fresh = generation === 0 ? await this.#propose(asked) : await this.#paraphrase(generation, asked, parents);
      const known = generation === 0 ? pool : [0, ...parents];
      const ranked = await this.#halve([...known, ...fresh], scoring[generation]! + left);
      pool = ranked.ranking;
      left = ranked.left;
    }
    return this.#report(pool[0]!);
  }

  async #propose(count: number): Promise<number[]> {
    const { template, target, splits, seed, prefill } = this.#options;
    const writings = Array.from({ length: count }, (_, index) =>
      proposalPrompt(template, target.kind, splits.demonstrations, { seed, index }, prefill),
    );
    const texts = await this.#write('propose', writings);
    return this.#add(texts.map(text => ({ text, origin: 'proposed' })));
  }

  async #paraphrase(generation: number, count: number, parents: readonly number[]): Promise<number[]> {
    const { target, prefill } = this.#options;
    // Where no challenger stands, the template's own words are reworded.
    const of = parents.length > 0 ? parents : [0];
    const from = Array.from({ length: count }, (_, i) => of[i % of.length]!);
    const writings = from.map(index => paraphrasePrompt(target.kind, this.#candidates[index]!.text, prefill));
    const texts = await this.#write(`paraphrase ${generation}`, writings);
    return this.#add(texts.map((text, i) => ({ text, origin: 'paraphrased', parent: from[i]! })));
  }

  /** Indices of those that are new. */
  #add(found: readonly (Omit<Candidate, 'text'> & { readonly text: string })[]): number[] {
    const usable = found.flatMap((candidate): Candidate[] => {
      const text = candidateText(candidate.text);
      return text === undefined ? [] : [{ ...candidate, text }];
    });
    const before = this.#candidates.length;
    this.#candidates = merged(this.#candidates, usable);
    return this.#candidates.slice(before).map((_, i) => before + i);
  }

  async #write(name: string, writings: readonly Writing[]): Promise<string[]> {
    const { memory, signal } = this.#host;
    const key = (i: number): string => `${name} ${i}`;
    for (let start = 0; start < writings.length; start += chunkSize) {
      const missing = writings
        .map((writing, repeat) => ({ ...writing, repeat }))
        .slice(start, start + chunkSize)
        .filter(({ repeat }) => memory.text(key(repeat)) === undefined);
      this.#progress('proposing');
      if (missing.length === 0) continue;
      signal?.throwIfAborted();
      const texts = await this.#host.write(missing);
      signal?.throwIfAborted();
      await memory.put(missing.map(({ repeat }, i) => ({ key: key(repeat), text: texts[i]! })));
    }
    this.#spent += writings.length;
    return writings.map((_, i) => memory.text(key(i))!);
  }

  /** Successive halving (Jamieson & Talwalkar 2016); the baseline stays to the end. Returns the last rung's ranking, best first. */
  async #halve(pool: readonly number[], calls: number): Promise<{ ranking: number[]; left: number }> {
    const { splits, callsPerAnswer } = this.#options;
    let standing = [...pool];
    let left = calls;
    const rungs = rungsOf(pool.length);
    for (let rung = 0; rung < rungs; rung++) {
      const seen = standing.map(index => this.#scoresOf(index).length);
      const share = Math.floor(left / (rungs - rung));
      const rows = Math.max(1, rowsOfRung(seen, splits.dev.length, share, callsPerAnswer));
      left -= await this.#scoreDev(standing, rows);
      standing = this.#ranked(standing, rows);
      this.#best = this.#summary(standing[0]!, rows);
      this.#progress('scoring');
      if (rung === rungs - 1) break;
      const challengers = standing.filter(index => index !== 0);
      const kept = new Set([0, ...challengers.slice(0, keptOf(challengers.length))]);
      standing = standing.filter(index => kept.has(index));
    }
    return { ranking: standing, left };
  }

  #scoresOf(index: number): number[] {
    this.#scores[index] ??= [];
    return this.#scores[index];
  }

  #templateOf(index: number): Template {
    const { template, target } = this.#options;
    this.#templates[index] ??= withTarget(template, target, this.#candidates[index]!.text);
    return this.#templates[index];
  }

  /** Mean over the same first rows; of equals the earlier candidate, so that the baseline must be beaten. */
  #ranked(pool: readonly number[], rows: number): number[] {
    const mean = new Map(pool.map(index => [index, meanOf(this.#scoresOf(index), rows)]));
    return [...pool].sort((a, b) => mean.get(b)! - mean.get(a)! || a - b);
  }

  #summary(index: number, rows: number): NonNullable<SearchProgress['best']> {
    return { text: this.#candidates[index]!.text, score: meanOf(this.#scoresOf(index), rows), rows };
  }

  /** Brings every candidate to `rows` dev rows. Returns the calls of the budget that this takes. */
  async #scoreDev(pool: readonly number[], rows: number): Promise<number> {
    const { splits, metric, callsPerAnswer } = this.#options;
    const jobs = pool.flatMap(index =>
      range(this.#scoresOf(index).length, rows).map(row => ({ index, row, key: `dev ${index} ${row}` })),
    );
    const results = await this.#evaluate(jobs, splits.dev, metric, 'scoring');
    for (const [i, { index }] of jobs.entries()) this.#scoresOf(index).push(results[i]!.score);
    return jobs.length * callsPerAnswer;
  }

  async #evaluate(
    jobs: readonly { readonly index: number; readonly row: number; readonly key: string }[],
    rows: readonly DataRow[],
    metric: Metric,
    phase: SearchProgress['phase'],
  ): Promise<RowResult[]> {
    const { memory, signal } = this.#host;
    for (let start = 0; start < jobs.length; start += chunkSize) {
      const chunk = jobs.slice(start, start + chunkSize);
      const missing = chunk.filter(({ key }) => memory.result(key) === undefined);
      if (missing.length > 0) {
        signal?.throwIfAborted();
        const groups = [...Map.groupBy(missing, ({ index }) => index)];
        const found = await Promise.all(
          groups.map(async ([index, group]) => {
            const asked = group.map(({ row }) => rows[row]!);
            const results = await this.#host.answer(this.#templateOf(index), asked, metric);
            return group.map(({ key }, i): Found => ({ key, result: results[i]! }));
          }),
        );
        // What was cancelled midway is no answer.
        signal?.throwIfAborted();
        await memory.put(found.flat());
      }
      this.#spent += chunk.length * (metric === 'likelihood' ? 1 : this.#options.callsPerAnswer);
      this.#progress(phase);
    }
    return jobs.map(({ key }) => memory.result(key)!);
  }

  async #report(winner: number): Promise<SearchReport> {
    const { splits } = this.#options;
    const rows = range(0, this.#schedule.heldOut);
    const sides = winner === 0 ? [0] : [0, winner];
    const jobs = sides.flatMap(index => rows.map(row => ({ index, row, key: `held-out ${index} ${row}` })));
    const results = await this.#evaluate(jobs, splits.heldOut, 'accuracy', 'reporting');
    const right = (side: number): boolean[] =>
      results.slice(side * rows.length, (side + 1) * rows.length).map(({ score }) => score === 1);
    const candidates = this.#candidates.map((candidate, index): CandidateReport => {
      const scores = this.#scoresOf(index);
      return { ...candidate, dev: { mean: meanOf(scores, scores.length), rows: scores.length } };
    });
    return reportOf({
      options: this.#options,
      schedule: this.#schedule,
      spent: this.#spent,
      candidates,
      winner,
      heldOut: { baseline: right(0), winner: winner === 0 ? right(0) : right(1) },
    });
  }

  #progress(phase: SearchProgress['phase']): void {
    this.#host.progress({
      phase,
      spent: this.#spent,
      budget: this.#schedule.budget,
      candidates: this.#candidates.length,
      ...(this.#best ? { best: this.#best } : {}),
    });
  }
}

const range = (start: number, end: number): number[] =>
  Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);

const meanOf = (scores: readonly number[], rows: number): number =>
  scores.length === 0
    ? 0
    : scores.slice(0, rows).reduce((sum, score) => sum + score, 0) / Math.min(rows, scores.length);
