/** Which examples a question is shown, and in which order: indices of the bank, best first. */
import { Rng } from '../../base/rng.ts';
import type { ExampleOrder, ExampleSettings, Selection } from '../prompts/template.ts';
import { type ExampleBank, questionText } from './bank.ts';
import type { EmbedTexts } from './embeddings.ts';
import { LeakIndex } from './leakage.ts';
import { type Nearness, nearnessIn } from './nearness.ts';

export interface SelectionRequest {
  readonly bank: ExampleBank;
  readonly settings: Pick<
    ExampleSettings,
    'selection' | 'seed' | 'similarity' | 'lambda' | 'label' | 'order' | 'leakage'
  >;
  /** Names of the template's inputs: what examples are compared by. */
  readonly inputs: readonly string[];
  /** The row that is asked. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly shots: number;
  /** Only examples that have `reasoning`. */
  readonly reasoned: boolean;
  readonly embed?: EmbedTexts;
  /** Present: the chosen examples stand in a random order of this seed, whatever the settings say. */
  readonly orderSeed?: number;
}

export interface Selected {
  /** All examples that may be shown, in the order in which to take them. */
  readonly candidates: readonly number[];
  /** Puts those that were taken into the order in which they stand in the prompt. */
  arrange(taken: readonly number[]): Promise<number[]>;
  /** Nearness of an example to the question; computed at the first call. */
  nearness(): Promise<ArrayLike<number>>;
}

/** Nearest examples among which `diverse` looks: more cost the square and change nothing. */
const widestPool = 400;

export async function selectExamples(request: SelectionRequest): Promise<Selected> {
  const { bank, settings, inputs, values, reasoned } = request;
  const question = questionText(values, inputs);
  const own = new Set(sayings(bank, inputs, settings.leakage).findAll(question));
  const eligible: number[] = [];
  for (const [index, row] of bank.rows.entries()) {
    if (bank.leaks?.has(index)) continue;
    if (reasoned && (row.values.reasoning === undefined || row.values.reasoning === null)) continue;
    if (own.has(index)) continue;
    eligible.push(index);
  }
  let measured: Promise<{ nearness: Nearness; scores: ArrayLike<number> }> | undefined;
  const measure = () => {
    measured ??= nearnessIn(bank, inputs, settings.similarity, request.embed).then(async nearness => ({
      nearness,
      scores: await nearness.toQuestion(question),
    }));
    return measured;
  };
  const scores = async () => (await measure()).scores;
  const labelOf = (index: number): string => JSON.stringify(bank.rows[index]!.values[settings.label] ?? null);
  return {
    candidates: await candidatesBy(settings.selection, eligible, request, measure, labelOf),
    arrange: taken =>
      request.orderSeed === undefined
        ? arranged(settings.order, taken, settings.seed, scores, labelOf)
        : arranged('random', taken, request.orderSeed, scores, labelOf),
    nearness: scores,
  };
}

const indexed = new WeakMap<ExampleBank, Map<string, LeakIndex>>();

/** What the examples of a bank say, by index; made once for each bank. */
function sayings(bank: ExampleBank, inputs: readonly string[], threshold: number): LeakIndex {
  const known = indexed.get(bank) ?? new Map<string, LeakIndex>();
  indexed.set(bank, known);
  const key = JSON.stringify([threshold, inputs]);
  const rows = () => bank.rows.map(({ values }, line) => ({ line, text: questionText(values, inputs) }));
  const index = known.get(key) ?? new LeakIndex(rows(), threshold);
  known.set(key, index);
  return index;
}

async function candidatesBy(
  selection: Selection,
  eligible: readonly number[],
  { bank, settings, shots }: SelectionRequest,
  measure: () => Promise<{ nearness: Nearness; scores: ArrayLike<number> }>,
  labelOf: (index: number) => string,
): Promise<readonly number[]> {
  // All are shuffled, so that one that is passed over does not change which others come.
  const drawn = (): number[] => {
    const may = new Set(eligible);
    const all = bank.rows.map((_, index) => index);
    return Rng.seeded(settings.seed)
      .stream('shots')
      .shuffled(all)
      .filter(index => may.has(index));
  };
  switch (selection) {
    case 'fixed':
      return eligible;
    case 'random':
      return drawn();
    case 'balanced':
      return interleaved(drawn(), labelOf);
    case 'similar':
      return byScore(eligible, (await measure()).scores);
    case 'diverse': {
      const { nearness, scores } = await measure();
      const pool = byScore(eligible, scores).slice(0, widestPool);
      const best = scores[pool[0] ?? -1] ?? 0;
      const relevance = (index: number): number => (best > 0 ? scores[index]! / best : 0);
      const chosen = mostDiverse(pool, shots, settings.lambda, relevance, nearness.between);
      return [...chosen, ...pool.filter(index => !chosen.includes(index))];
    }
  }
}

const byScore = (indices: readonly number[], scores: ArrayLike<number>): number[] =>
  [...indices].sort((a, b) => scores[b]! - scores[a]! || a - b);

/**
 * Maximal marginal relevance (Carbonell & Goldstein 1998): each next one has the largest λ·relevance − (1 − λ)·(similarity to the
 * nearest one chosen before). Equal ones: the first in the pool.
 */
export function mostDiverse(
  pool: readonly number[],
  count: number,
  lambda: number,
  relevance: (index: number) => number,
  between: (one: number, other: number) => number,
): number[] {
  const chosen: number[] = [];
  const left = new Set(pool);
  const nearest = new Map<number, number>(pool.map(index => [index, 0]));
  while (chosen.length < count && left.size > 0) {
    let best: number | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const index of left) {
      const score = lambda * relevance(index) - (1 - lambda) * nearest.get(index)!;
      if (score > most) {
        most = score;
        best = index;
      }
    }
    chosen.push(best!);
    left.delete(best!);
    for (const index of left) nearest.set(index, Math.max(nearest.get(index)!, between(index, best!)));
  }
  return chosen;
}

/** One of each label in turn, labels in the order in which they first come, until all are used up. */
function interleaved(indices: readonly number[], labelOf: (index: number) => string): number[] {
  const groups = new Map<string, number[]>();
  for (const index of indices) {
    const label = labelOf(index);
    const group = groups.get(label);
    if (group) group.push(index);
    else groups.set(label, [index]);
  }
  const result: number[] = [];
  for (let turn = 0; result.length < indices.length; turn++)
    for (const group of groups.values()) if (turn < group.length) result.push(group[turn]!);
  return result;
}

async function arranged(
  order: ExampleOrder,
  taken: readonly number[],
  seed: number,
  scores: () => Promise<ArrayLike<number>>,
  labelOf: (index: number) => string,
): Promise<number[]> {
  switch (order) {
    case 'selected':
      return [...taken];
    case 'similar-first':
      return byScore(taken, await scores());
    case 'similar-last':
      return byScore(taken, await scores()).reverse();
    case 'random':
      return Rng.seeded(seed).stream('order').shuffled(taken);
    case 'label-interleaved':
      return interleaved(taken, labelOf);
  }
}
