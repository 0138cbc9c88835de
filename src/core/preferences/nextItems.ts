/** What to ask next: the items whose judgement would teach the most, each with its reason. */
import { AnswerForms, type Candidate, candidateOf, Features } from './answerFeatures.ts';
import { comparisonsOf } from './comparisons.ts';
import { hash64 } from './hashTables.ts';
import type { Held, HeldJudgement, JournalState, OpenItem } from './journalState.ts';
import type { ItemRecord, JudgementKind, JudgementRecord } from './judgement.ts';
import type { SharingOf } from './openItems.ts';
import { type Difference, type Observed, PreferencePosterior } from './preferencePosterior.ts';
import { shownAnswers } from './rankingSession.ts';
import { type Rewards, smallestMargin } from './rewardMargins.ts';

export const NextModes = ['mixed', 'uncertainty', 'margin', 'coverage', 'random', 'order'] as const;
export type NextMode = (typeof NextModes)[number];

export interface NextItem {
  readonly item: string;
  readonly score: number;
  readonly reason: NextReason;
  /** Left over from others' shares. */
  readonly beyond: boolean;
}

export type NextReason =
  /** `chance` that the first of two answers wins. */
  | {
      readonly kind: 'open';
      readonly chance: number;
      readonly models: readonly [string, string];
      readonly answers: readonly [string, string];
    }
  | { readonly kind: 'unsure'; readonly models: readonly [string, string] }
  | { readonly kind: 'new-prompt' }
  | { readonly kind: 'few-judgements'; readonly judgements: number }
  /** A reward model scores two answers so close to each other. */
  | { readonly kind: 'margin'; readonly margin: number; readonly answers: readonly [string, string] }
  /** No reward model has read it. */
  | { readonly kind: 'unscored' }
  | { readonly kind: 'random' | 'order' };

export interface NextOptions {
  readonly author: string;
  /** One set, or all. */
  readonly set?: string | undefined;
  readonly mode?: NextMode;
  readonly count?: number;
  /** Of a pair only the two answers that will be shown count. */
  readonly kindOf?: (set: string) => JudgementKind;
  readonly sharingOf?: SharingOf | undefined;
  /** Id of an item that is on the screen already: it comes first, and the others are chosen beside it. */
  readonly first?: string | undefined;
  /** Of mode `margin`: what a reward model says. Items that are not in it come last. */
  readonly rewards?: Rewards | undefined;
}

/** More judgements than these say little more of a few dozen numbers. */
const mostObserved = 5000;
/** So many of the newest judgements count for prompts. */
const mostCounted = 20_000;
/** More candidates are not weighed in one go. */
const mostCandidates = 10_000;
/** Records that are remembered from one plan to the next. */
const mostKept = 50_000;

/** The items that this author has not judged, best first; see `NextPlanner.planning`. */
export function nextItems(state: JournalState, options: NextOptions): NextItem[] {
  const work = new NextPlanner().planning(state, options);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Plans what to ask next, again and again: what it has read of items and judgements it remembers. */
export class NextPlanner {
  readonly #candidates = new Map<string, Candidate>();
  readonly #compared = new Map<string, readonly Compared[]>();
  readonly #forms = new AnswerForms();

  /**
   * The items that this author has not judged, best first. A reward over the models and the form of answers is learned from all
   * judgements; each choice is taken as made before the next, so that a batch does not ask the same thing ten times. Items that
   * repeat another's prompt and answers come once. Yields after each short piece of work, some tens of microseconds to a few
   * milliseconds; the state must be the same until it is done.
   */
  *planning(state: JournalState, options: NextOptions): Generator<void, NextItem[]> {
    const { mode = 'mixed', count = 10 } = options;
    if (mode === 'order' || mode === 'random') return this.#inFixedOrder(state, options, mode, count);
    const known = yield* this.#judgements(state, options.author);
    const candidates = yield* this.#openCandidates(state, options, known.asked);
    if (mode === 'margin') return byMargin(candidates, options).slice(0, count);
    const features = new Features([...candidates.map(({ item }) => item), ...known.judged]);
    const observed: Observed[] = [];
    for (const { first, second, outcome } of known.compared) {
      observed.push({ difference: features.difference(first, second), outcome });
      if (observed.length % 100 === 0) yield;
    }
    const posterior = new PreferencePosterior(features.size);
    yield* posterior.fitting(observed);

    const weigh = (one: Open): Weighed => weighed(one, mode, features, posterior, known.perPrompt);
    const chosen: NextItem[] = [];
    const choose = (best: Weighed): void => {
      const { item, score, reason, beyond } = best;
      chosen.push({ item: item.id, score, reason, beyond });
      for (const difference of best.differences) posterior.expect(difference);
      known.perPrompt.set(item.prompt, (known.perPrompt.get(item.prompt) ?? 0) + 1);
    };
    const first = candidates.find(({ item }) => item.id === options.first);
    if (first) choose(weigh(first));
    // No score rises while choices are made: one that was the best before and still is needs no look at the others.
    const left: Weighed[] = [];
    for (const one of candidates) {
      if (one !== first) left.push(weigh(one));
      if (left.length % 20 === 0) yield;
    }
    left.sort(bestFirst);
    while (chosen.length < count && left.length > 0) {
      const again = weigh(left.shift()!);
      if (left[0] && bestFirst(left[0], again) < 0) insert(left, again);
      else choose(again);
      yield;
    }
    return chosen;
  }

  /** As they were put up, or shuffled for this author; one's own share first. No record is read. */
  #inFixedOrder(state: JournalState, options: NextOptions, mode: 'order' | 'random', count: number): NextItem[] {
    const open = [...state.openItems(options.author, options.set, options.sharingOf)].map((one, place) => ({
      one,
      place: mode === 'order' ? place : hash64(`${options.author}\n${one.key}`)[0],
    }));
    open.sort((a, b) => Number(a.one.share === 'beyond') - Number(b.one.share === 'beyond') || a.place - b.place);
    const found: NextItem[] = [];
    for (const { one } of open) {
      if (found.length === count) break;
      const id = this.#candidate(one)?.id;
      if (id !== undefined) found.push({ item: id, score: 0, reason: { kind: mode }, beyond: one.share === 'beyond' });
    }
    return found;
  }

  /** What the newest judgements compare, how often each prompt was judged, and what this author was asked. */
  *#judgements(state: JournalState, author: string): Generator<void, Known> {
    const known: Known = { asked: new Set(), perPrompt: new Map(), compared: [], judged: [] };
    let seen = 0;
    for (const judgement of state.newestJudgements(author, mostCounted)) {
      const item = this.#candidate(judgement.item);
      if (!item) continue;
      if (!judgement.isSkipped) known.perPrompt.set(item.prompt, (known.perPrompt.get(item.prompt) ?? 0) + 1);
      if (judgement.isOwn) known.asked.add(item.content);
      if (seen++ < mostObserved) {
        known.judged.push(item);
        for (const one of this.#comparisons(judgement)) known.compared.push(one);
      }
      yield;
    }
    return known;
  }

  *#openCandidates(state: JournalState, options: NextOptions, asked: Set<string>): Generator<void, Open[]> {
    const { author, set, sharingOf, kindOf } = options;
    const own: Open[] = [];
    const beyond: Open[] = [];
    for (const held of state.openItems(author, set, sharingOf)) {
      const list = held.share === 'own' ? own : beyond;
      if (list.length === mostCandidates) continue;
      const item = this.#candidate(held);
      yield;
      const isFirst = item?.id === options.first;
      if (!item || (asked.has(item.content) && !isFirst)) continue;
      asked.add(item.content);
      const kind = kindOf?.(item.set);
      const answers = kind === 'pairwise' ? shownAnswers(item, author, { kind }) : item.answers;
      list.push({ item, answers, beyond: held.share === 'beyond' });
    }
    return own.length > 0 ? own : beyond;
  }

  #candidate(held: Held<ItemRecord> | OpenItem): Candidate | undefined {
    const known = this.#candidates.get(held.key);
    if (known) return known;
    const record = held.read();
    if (!record) return undefined;
    const made = candidateOf(record, this.#forms);
    if (this.#candidates.size >= mostKept) this.#candidates.clear();
    this.#candidates.set(held.key, made);
    return made;
  }

  #comparisons(held: HeldJudgement): readonly Compared[] {
    const known = this.#compared.get(held.key);
    if (known) return known;
    const [judgement, item] = [held.read(), held.item.read()];
    const answers = this.#candidate(held.item)?.answers ?? [];
    const made = judgement && item ? compared(judgement, item, answers) : [];
    if (this.#compared.size >= mostKept) this.#compared.clear();
    this.#compared.set(held.key, made);
    return made;
  }
}

/** Smallest margin of a reward model first, those that it has not read at the end. */
function byMargin(candidates: readonly Open[], { first, rewards }: NextOptions): NextItem[] {
  const scored = candidates.map(({ item, answers, beyond }) => {
    const found = smallestMargin(answers, rewards?.get(item.id));
    const reason: NextReason = found ? { kind: 'margin', ...found } : { kind: 'unscored' };
    return { item, score: found ? 1 / (1 + found.margin) : 0, reason, beyond };
  });
  scored.sort((a, b) => Number(b.item.id === first) - Number(a.item.id === first) || bestFirst(a, b));
  return scored.map(({ item, ...rest }) => ({ item: item.id, ...rest }));
}

type FormedAnswer = Candidate['answers'][number];

interface Compared {
  readonly first: FormedAnswer;
  readonly second: FormedAnswer;
  readonly outcome: number;
}

interface Known {
  /** Prompts with answers that this author was asked about. */
  readonly asked: Set<string>;
  readonly perPrompt: Map<string, number>;
  readonly compared: Compared[];
  readonly judged: Candidate[];
}

interface Open {
  readonly item: Candidate;
  readonly answers: readonly FormedAnswer[];
  readonly beyond: boolean;
}

interface Weighed extends Open {
  readonly score: number;
  readonly reason: NextReason;
  readonly differences: readonly Difference[];
}

function compared(judgement: JudgementRecord, item: ItemRecord, answers: readonly FormedAnswer[]): Compared[] {
  const byId = new Map(answers.map(answer => [answer.id, answer]));
  return [...comparisonsOf([judgement], { get: id => (id === item.id ? item : undefined) })].flatMap(one => {
    const [first, second] = [byId.get(one.first.id), byId.get(one.second.id)];
    return first && second ? [{ first, second, outcome: one.outcome }] : [];
  });
}

function weighed(
  { item, answers, beyond }: Open,
  mode: NextMode,
  features: Features,
  posterior: PreferencePosterior,
  perPrompt: ReadonlyMap<string, number>,
): Weighed {
  const pairs = answers.flatMap((a, i) => answers.slice(i + 1).map(b => [a, b] as const));
  const differences = pairs.map(([a, b]) => features.difference(a, b));
  const gains = differences.map(difference => posterior.information(difference));
  const top = gains.indexOf(Math.max(...gains));
  const information = gains.reduce((sum, gain) => sum + gain, 0);
  const seen = perPrompt.get(item.prompt) ?? 0;
  const coverage = 1 / (1 + seen);
  const score = mode === 'coverage' ? coverage : mode === 'uncertainty' ? information : information * (0.25 + coverage);
  const [a, b] = pairs[top]!;
  const chance = 1 / (1 + Math.exp(-posterior.margin(differences[top]!)));
  const models = [a.model, b.model] as const;
  const byCoverage: NextReason = seen === 0 ? { kind: 'new-prompt' } : { kind: 'few-judgements', judgements: seen };
  const reason: NextReason =
    mode === 'coverage' || information < 1e-3
      ? byCoverage
      : Math.abs(chance - 0.5) < 0.15 && a.model !== b.model && posterior.isFitted
        ? { kind: 'open', chance, models, answers: [a.id, b.id] }
        : mode === 'mixed' && seen === 0
          ? byCoverage
          : { kind: 'unsure', models };
  return { item, answers, beyond, score, reason, differences };
}

/** Of equal scores, whichever comes in a fixed shuffled order: items put up together are often alike. */
const bestFirst = (a: Pick<Weighed, 'item' | 'score'>, b: Pick<Weighed, 'item' | 'score'>): number =>
  b.score - a.score || a.item.shuffle - b.item.shuffle;

function insert(sorted: Weighed[], one: Weighed): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bestFirst(sorted[middle]!, one) < 0) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, one);
}
