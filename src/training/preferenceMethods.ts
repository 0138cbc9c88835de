/** DPO with IPO, and KTO: what each feeds its loss with, reports of a step, and measures on held-out answers. */
import type { DpoSettings, KtoSettings } from '../core/jobs/job.ts';
import { type Interval, wilson } from '../core/statistics/intervals.ts';
import type { InputSpec } from '../engine/index.ts';
import type { LossBuilder, TrainingBatch } from '../language-model/trainable.ts';
import type { EncodedAnswer } from './labelledData.ts';
import { mean } from './math/normalise.ts';
import * as exact from './math/preferenceLosses.ts';
import type { EncodedPair } from './pairData.ts';
import { dpoInputs, dpoLoss, ktoInputs, ktoLoss } from './preferenceLosses.ts';

/** A sequence of which the answer is predicted, and log π_ref of that answer, nats, once it is known. */
export interface Row {
  readonly ids: readonly number[];
  readonly promptLength: number;
  reference: number;
}

/** A pair (chosen and rejected row) or a labelled answer (one row, and an answer that does not belong to its prompt). */
export interface Example {
  readonly rows: readonly Row[];
  readonly desirable?: boolean;
  readonly mismatched?: Row;
}

export interface Method {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly loss: LossBuilder;
  readonly rowsPerExample: number;
  /** The loss's inputs for a micro-batch of a step of `size` examples; `z` is the step's `anchor`. */
  feed(examples: readonly Example[], size: number, z: number): TrainingBatch['inputs'];
  /** Inputs for a forward pass over rows of which only log-probabilities are wanted. */
  idle(rows: number): TrainingBatch['inputs'];
  /** From the log-ratios of the step's mismatched answers. */
  anchor(mismatched: readonly number[]): number;
  /** Under TRL's names, from the sums of the loss's metrics over a step. */
  metrics(examples: readonly Example[], totals: Readonly<Record<string, number>>, z: number): Record<string, number>;
  /** From the log-ratios of each example's rows (its mismatched answer is the last); undefined without examples. */
  measure(examples: readonly Example[], ratios: readonly (readonly number[])[]): Measured | undefined;
}

export interface Measured {
  readonly accuracy: Interval | undefined;
  readonly metrics: Readonly<Record<string, number>>;
}

export function dpoMethod(settings: DpoSettings): Method {
  const { beta, labelSmoothing, loss } = settings;
  return {
    inputs: dpoInputs,
    loss: dpoLoss(settings),
    rowsPerExample: 2,
    feed: (examples, size) => {
      const rows = examples.flatMap(example => example.rows);
      return {
        reference: rows.map(({ reference }) => reference),
        chosen: examples.map((_, index) => 2 * index),
        rejected: examples.map((_, index) => 2 * index + 1),
        weight: examples.map(() => 1 / size),
        share: rows.map(share),
      };
    },
    idle: rows => ({ reference: zeros(rows), chosen: [0], rejected: [0], weight: [0], share: zeros(rows) }),
    anchor: () => 0,
    metrics: (examples, totals) => {
      const per = (name: string) => totals[name]! / examples.length;
      const [chosen, rejected] = [per('chosenRewards'), per('rejectedRewards')];
      return {
        'rewards/chosen': chosen,
        'rewards/rejected': rejected,
        'rewards/accuracies': per('right'),
        'rewards/margins': chosen - rejected,
        'logps/chosen': per('chosenLogProbs'),
        'logps/rejected': per('rejectedLogProbs'),
      };
    },
    measure: (examples, ratios) => {
      if (examples.length === 0) return undefined;
      const deltas = ratios.map(([chosen, rejected]) => chosen! - rejected!);
      const losses = examples.map(({ rows }, index) => {
        const [chosen, rejected] = ratios[index]!;
        return loss === 'ipo'
          ? exact.ipoLoss(chosen! * share(rows[0]!) - rejected! * share(rows[1]!), beta).loss
          : exact.dpoLoss(deltas[index]!, beta, labelSmoothing).loss;
      });
      const right = deltas.filter(delta => delta > 0).length;
      return {
        accuracy: wilson(right, deltas.length),
        metrics: {
          eval_loss: mean(losses),
          'eval_rewards/chosen': beta * mean(ratios.map(([chosen]) => chosen!)),
          'eval_rewards/rejected': beta * mean(ratios.map(([, rejected]) => rejected!)),
          'eval_rewards/accuracies': right / deltas.length,
          'eval_rewards/margins': beta * mean(deltas),
        },
      };
    },
  };
}

dpoMethod.examples = (pairs: readonly EncodedPair[]): Example[] =>
  pairs.map(({ chosen, rejected, promptLength }) => ({
    rows: [chosen, rejected].map(ids => ({ ids, promptLength, reference: 0 })),
  }));

export function ktoMethod(settings: KtoSettings): Method {
  const { beta } = settings;
  const weightOf = ({ desirable }: Example) => (desirable ? settings.desirableWeight : settings.undesirableWeight);
  return {
    inputs: ktoInputs,
    loss: ktoLoss(settings),
    rowsPerExample: 1,
    feed: (examples, size, z) => ({
      reference: examples.map(({ rows }) => rows[0]!.reference),
      sign: examples.map(({ desirable }) => (desirable ? 1 : -1)),
      weight: examples.map(example => weightOf(example) / size),
      z,
    }),
    idle: rows => ({ reference: zeros(rows), sign: zeros(rows), weight: zeros(rows), z: 0 }),
    anchor: exact.ktoReference,
    metrics: (examples, totals, z) => {
      const good = examples.filter(({ desirable }) => desirable).length;
      const bad = examples.length - good;
      const [chosen, rejected] = [totals.chosenRewards! / good, totals.rejectedRewards! / bad];
      return {
        // As TRL: a side that the batch does not have is not reported.
        ...(good > 0 ? { 'rewards/chosen': chosen, 'logps/chosen': totals.chosenLogProbs! / good } : {}),
        ...(bad > 0 ? { 'rewards/rejected': rejected, 'logps/rejected': totals.rejectedLogProbs! / bad } : {}),
        ...(good > 0 && bad > 0 ? { 'rewards/margins': chosen - rejected } : {}),
        kl: z,
      };
    },
    measure: (examples, ratios) => {
      if (examples.length === 0) return undefined;
      const z = exact.ktoReference(ratios.map(([, mismatched]) => mismatched!));
      const losses = examples.map(
        (example, index) =>
          weightOf(example) * exact.ktoLoss(ratios[index]![0]!, example.desirable ?? false, z, beta).loss,
      );
      const side = (wanted: boolean) => [...examples.keys()].filter(index => examples[index]!.desirable === wanted);
      const rewards = (indices: readonly number[]) => beta * mean(indices.map(index => ratios[index]![0]!));
      const [good, bad] = [side(true), side(false)];
      const pairs = good.flatMap(a =>
        bad.filter(b => samePrompt(examples[a]!, examples[b]!)).map(b => [a, b] as const),
      );
      const right = pairs.filter(([a, b]) => ratios[a]![0]! > ratios[b]![0]!).length;
      return {
        accuracy: pairs.length === 0 ? undefined : wilson(right, pairs.length),
        metrics: {
          eval_loss: mean(losses),
          eval_kl: z,
          ...(good.length > 0 ? { 'eval_rewards/chosen': rewards(good) } : {}),
          ...(bad.length > 0 ? { 'eval_rewards/rejected': rewards(bad) } : {}),
          ...(good.length > 0 && bad.length > 0 ? { 'eval_rewards/margins': rewards(good) - rewards(bad) } : {}),
        },
      };
    },
  };
}

/** Each answer with the answer of the nearest row before it (around the end) that has another prompt. */
ktoMethod.examples = (answers: readonly EncodedAnswer[]): Example[] => {
  // Cut to the longest row, which the memory was planned for.
  const longest = Math.max(0, ...answers.map(({ ids }) => ids.length));
  const keys = answers.map(({ ids, promptLength }) => ids.slice(0, promptLength).join());
  return answers.map(({ ids, promptLength, desirable }, index) => {
    let steps = 1;
    while (steps < answers.length && keys.at(index - steps) === keys[index]) steps++;
    // With one prompt only there is none: its own neighbour, as TRL.
    const other = answers.at(index - (steps < answers.length ? steps : Math.min(1, index)))!;
    const strange = [...ids.slice(0, promptLength), ...other.ids.slice(other.promptLength)].slice(0, longest);
    return {
      rows: [{ ids, promptLength, reference: 0 }],
      desirable,
      mismatched: { ids: strange, promptLength, reference: 0 },
    };
  });
};

/** 1/tokens of a row's answer. */
const share = ({ ids, promptLength }: Row): number => 1 / (ids.length - promptLength);

const zeros = (count: number): number[] => new Array<number>(count).fill(0);

const samePrompt = (a: Example, b: Example): boolean => promptOf(a) === promptOf(b);
const promptOf = ({ rows: [row] }: Example): string => row!.ids.slice(0, row!.promptLength).join();
