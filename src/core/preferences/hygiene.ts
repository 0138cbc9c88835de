/** What is wrong with preference data before somebody trains on it: a list of findings, each with its places and what to do. */
import { LeakIndex } from '../datasets/leakage.ts';
import { quantile } from '../statistics/bootstrap.ts';
import type { Judged } from './exchange/exchange.ts';
import { groupsOf } from './exchange/exchange.ts';
import type { Finding, FindingKind } from './findings.ts';
import { hash64 } from './hashTables.ts';
import type { ItemRecord } from './judgement.ts';
import { mostNearPrompts, NearPrompts } from './nearPrompts.ts';
import { sensitiveParts } from './sensitive.ts';
import { promptKey, type Split, splitOf } from './splits.ts';

export interface LengthStatistics {
  readonly count: number;
  readonly mean: number;
  readonly median: number;
  readonly p95: number;
  readonly longest: number;
}

export interface HygieneReport {
  readonly items: number;
  readonly judgements: number;
  /** At most `mostFindings` of each kind. */
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Partial<Record<FindingKind, number>>>;
  /** Characters. */
  readonly lengths: { readonly prompts: LengthStatistics; readonly answers: LengthStatistics };
  /** More prompts than are kept track of (two million): near duplicates were not looked for. */
  readonly nearSkipped: boolean;
}

export interface HygieneOptions {
  readonly splits?: readonly Split[] | undefined;
  /** Of prompt and longest answer together. */
  readonly maxTokens?: number | undefined;
  /** Jaccard similarity of words and pairs of words from which two prompts are nearly the same. */
  readonly threshold?: number | undefined;
  /** Gives items again, for the comparison of prompts that are too many to keep; else near duplicates are looked for among few alone. */
  readonly itemById?: { get(id: string): ItemRecord | undefined } | undefined;
}

const mostFindings = 1000;
/** Up to here each prompt is compared with all; beyond, `NearPrompts` finds whom it is compared with. */
const mostCompared = 20_000;
/** Answers; of fewer nobody can say which length is unusual. */
const fewestForOutliers = 40;
/** Characters of English a token, for a guess without a tokenizer. */
const charactersPerToken = 4;
const excerpt = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
};
/** What two answers share that are the same but for spaces and case. */
const answerKey = (text: string): string => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
const hashText = (text: string): string => hash64(text).join(' ');

/** Add every item and judgement, then `finish`. Texts are not kept, but for those of few prompts. */
export class Hygiene {
  readonly #options: HygieneOptions;
  readonly #findings: Finding[] = [];
  readonly #counts = new Map<FindingKind, number>();
  /** First item with this prompt and these answers. */
  readonly #seen = new Map<string, string>();
  readonly #prompts = new Map<string, { readonly item: string; readonly split: string }>();
  /** Their texts while they are few, then what is compared of them. */
  #texts: string[] = [];
  #near: NearPrompts | undefined;
  /** By prompt, answer over answer: who said so. */
  readonly #wins = new Map<string, Map<string, Map<string, { readonly item: string; readonly by: Set<string> }>>>();
  readonly #lengths = { prompts: [] as number[], answers: [] as number[] };
  /** Longest answer of each item. */
  readonly #longest: { readonly item: string; readonly length: number }[] = [];
  #judgements = 0;

  constructor(options: HygieneOptions = {}) {
    this.#options = options;
  }

  addItem(item: ItemRecord): void {
    const key = promptKey(item.messages);
    const prompt = item.messages.map(({ content }) => content).join('\n');
    this.#lengths.prompts.push(prompt.length);
    for (const { text } of item.answers) this.#lengths.answers.push(text.length);

    const answers = item.answers.map(({ text }) => answerKey(text));
    const repeated = answers.findIndex((text, i) => answers.indexOf(text) < i);
    if (repeated >= 0) this.#found('identical-answers', [item.id], excerpt(item.answers[repeated]!.text));

    const whole = hashText(`${key}\n\n${[...answers].sort().join('\n\n')}`);
    const first = this.#seen.get(whole);
    if (first === undefined) this.#seen.set(whole, item.id);
    else this.#found('duplicate-items', [first, item.id], excerpt(prompt));

    if (!this.#prompts.has(key)) {
      const split = this.#options.splits ? splitOf(item.messages, this.#options.splits).name : '';
      this.#prompts.set(key, { item: item.id, split });
      this.#addPrompt(key);
    }
    for (const text of [prompt, ...item.answers.map(answer => answer.text)])
      for (const { kind, what } of sensitiveParts(text)) this.#found(kind, [item.id], what);

    const longest = Math.max(...item.answers.map(({ text }) => text.length));
    this.#longest.push({ item: item.id, length: longest });
    const tokens = Math.ceil((prompt.length + longest) / charactersPerToken);
    if (this.#options.maxTokens !== undefined && tokens > this.#options.maxTokens)
      this.#found('too-long', [item.id], `≈ ${tokens}`);
  }

  addJudgement(judged: Judged): void {
    this.#judgements++;
    const { item, judgement } = judged;
    if (judgement.verdict !== 'ranked') return;
    const prompt = hashText(promptKey(item.messages));
    const graph = this.#wins.get(prompt) ?? new Map();
    this.#wins.set(prompt, graph);
    const by = `${judgement.author}\n${judgement.judge ?? ''}`;
    const groups = groupsOf(judged).map(group => group.map(({ text }) => hashText(answerKey(text))));
    for (const [i, better] of groups.entries()) {
      for (const a of better) {
        for (const b of groups.slice(i + 1).flat()) {
          if (a === b) continue;
          const row = graph.get(a) ?? new Map();
          graph.set(a, row);
          const edge = row.get(b) ?? { item: item.id, by: new Set<string>() };
          row.set(b, edge);
          edge.by.add(by);
        }
      }
    }
  }

  finish(): HygieneReport {
    for (const graph of this.#wins.values()) {
      this.#contradictions(graph);
      this.#cycles(graph);
    }
    this.#wins.clear();
    const nearSkipped = this.#prompts.size > (this.#near ? mostNearPrompts : mostCompared);
    if (!nearSkipped) this.#nearDuplicates();
    this.#outliers();
    return {
      items: this.#lengths.prompts.length,
      judgements: this.#judgements,
      findings: this.#findings,
      counts: Object.fromEntries(this.#counts),
      lengths: { prompts: statistics(this.#lengths.prompts), answers: statistics(this.#lengths.answers) },
      nearSkipped,
    };
  }

  /** One annotator said a over b and b over a. Two annotators who differ disagree, which is no fault of the data. */
  #contradictions(graph: Graph): void {
    for (const [a, row] of graph) {
      for (const [b, edge] of row) {
        const back = a < b ? graph.get(b)?.get(a) : undefined;
        for (const who of back?.by ?? []) {
          if (edge.by.has(who))
            this.#found(
              'contradictions',
              [...new Set([edge.item, back!.item])].sort(),
              excerpt(who.split('\n').join(' ')),
            );
        }
      }
    }
  }

  /** Majorities of one prompt that go round: a over b over c over a. Told once a ring that a walk finds. */
  #cycles(graph: Graph): void {
    const beats = (a: string, b: string): boolean =>
      (graph.get(a)?.get(b)?.by.size ?? 0) > (graph.get(b)?.get(a)?.by.size ?? 0);
    const state = new Map<string, 'open' | 'done'>();
    for (const start of graph.keys()) {
      const path: { readonly node: string; readonly rest: string[] }[] = [];
      const enter = (node: string): void => {
        state.set(node, 'open');
        path.push({ node, rest: [...(graph.get(node)?.keys() ?? [])].filter(next => beats(node, next)) });
      };
      if (!state.has(start)) enter(start);
      while (path.length > 0) {
        const { node, rest } = path.at(-1)!;
        const next = rest.pop();
        if (next === undefined) {
          state.set(node, 'done');
          path.pop();
        } else if (!state.has(next)) enter(next);
        else if (state.get(next) === 'open') {
          const ring = path.slice(path.findIndex(step => step.node === next)).map(step => step.node);
          const items = ring.map((from, i) => graph.get(from)!.get(ring[(i + 1) % ring.length]!)!.item);
          this.#found('cycles', [...new Set(items)], String(ring.length));
        }
      }
    }
  }

  #addPrompt(text: string): void {
    const count = this.#prompts.size;
    if (count <= mostCompared) this.#texts.push(text);
    else if (this.#options.itemById && count <= mostNearPrompts) {
      if (!this.#near) {
        this.#near = new NearPrompts(this.#threshold);
        for (const before of this.#texts) this.#near.add(before);
        this.#texts = [];
      }
      this.#near.add(text);
    }
  }

  get #threshold(): number {
    return this.#options.threshold ?? 0.8;
  }

  #nearDuplicates(): void {
    const prompts = [...this.#prompts.values()];
    const textOf = (place: number): string => {
      if (!this.#near) return this.#texts[place]!;
      const item = this.#options.itemById?.get(prompts[place]!.item);
      return item ? promptKey(item.messages) : '';
    };
    const found = (one: number, other: number): void => {
      const kind = prompts[other]!.split === prompts[one]!.split ? 'near-duplicate-prompts' : 'split-leaks';
      const detail = (this.#counts.get(kind) ?? 0) < mostFindings ? excerpt(textOf(one).replace(/^user:/, '')) : '';
      this.#found(kind, [prompts[one]!.item, prompts[other]!.item], detail);
    };
    if (this.#near) {
      for (const [one, other] of this.#near.pairs(textOf)) found(one, other);
      return;
    }
    const index = new LeakIndex(
      this.#texts.map((text, line) => ({ line, text })),
      this.#threshold,
    );
    for (const [i, text] of this.#texts.entries())
      for (const other of index.findAll(text)) if (other > i) found(i, other);
  }

  /** Answers far longer than the others: beyond Tukey's outer fence (1977) of the logarithms of lengths. */
  #outliers(): void {
    if (this.#lengths.answers.length < fewestForOutliers) return;
    const sorted = this.#lengths.answers.map(length => Math.log(Math.max(1, length))).sort((a, b) => a - b);
    const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
    // Where nearly all have one length, twice that is no outlier yet.
    const fence = Math.max(high + 3 * (high - low), high + Math.log(4));
    for (const { item, length } of this.#longest)
      if (Math.log(Math.max(1, length)) > fence) this.#found('length-outliers', [item], String(length));
  }

  #found(kind: FindingKind, items: readonly string[], detail: string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= mostFindings) this.#findings.push({ kind, items, detail });
  }
}

type Graph = Map<string, Map<string, { readonly item: string; readonly by: Set<string> }>>;

function statistics(lengths: readonly number[]): LengthStatistics {
  const sorted = Float64Array.from(lengths).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const mean = sorted.length === 0 ? 0 : sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { count: sorted.length, mean, median: at(0.5), p95: at(0.95), longest: sorted.at(-1) ?? 0 };
}
