/**
 * What a reward model learns from: the losses of pairs (Bradley–Terry with margins; ties as Rao & Kupper) and of whole rankings
 * (Plackett–Luce) as graphs, what feeds them, and the same in double precision for what was held out.
 */
import type { RewardSettings } from '../core/jobs/job.ts';
import type { ScoredPair } from '../core/jobs/rewardReport.ts';
import {
  add,
  cast,
  exp,
  gather,
  greater,
  type InputSpec,
  log,
  max,
  mul,
  neg,
  scatterAdd,
  softplus,
  square,
  sub,
  sum,
  type Value,
} from '../engine/index.ts';
import type { LossBuilder } from '../language-model/trainable.ts';
import { bradleyTerryLoss, plackettLuceLoss, tieLoss } from './math/rewardLosses.ts';
import type { EncodedPair, EncodedRanking } from './pairData.ts';

export type RewardExample = EncodedPair | EncodedRanking;
export type LessonSettings = Pick<RewardSettings, 'centerRewardsCoefficient' | 'loss' | 'tieThreshold'>;

/** One kind of loss with its inputs. Rows of a pass are those of its examples, one after the other. */
export interface RewardLesson {
  readonly loss: LossBuilder;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  rows(example: RewardExample): readonly (readonly number[])[];
  /** Inputs of a pass over some examples, each of which counts `weight`. */
  feed(part: readonly RewardExample[], weight: number): Readonly<Record<string, readonly number[]>>;
  /** Of one step, under TRL's names. */
  metrics(
    batch: readonly RewardExample[],
    results: readonly Readonly<Record<string, number>>[],
  ): Record<string, number>;
  /** For passes that only read scores. */
  readonly idle: Readonly<Record<string, readonly number[]>>;
  /** Of a held-out example, from the rewards of its rows: its loss, and the pairs in which one answer was said to be better. */
  judge(example: RewardExample, rewards: readonly number[]): { readonly loss: number; readonly pairs: ScoredPair[] };
}

export function rewardLesson(examples: readonly RewardExample[], settings: LessonSettings): RewardLesson {
  return settings.loss === 'plackett-luce'
    ? rankingLesson(settings.centerRewardsCoefficient)
    : pairLesson(examples as readonly EncodedPair[], settings);
}

/** The places of chosen and rejected answers among the rows, and what each pair counts. */
const pairInputs = {
  chosen: { dtype: 'int64', shape: ['P'] },
  rejected: { dtype: 'int64', shape: ['P'] },
  weight: { dtype: 'float32', shape: ['P'] },
} as const;
/** With the margin m of each pair. */
const marginInputs = { ...pairInputs, required: { dtype: 'float32', shape: ['P'] } } as const;
/** With 1 for each pair that is a tie. */
const tieInputs = { ...marginInputs, tied: { dtype: 'float32', shape: ['P'] } } as const;

const rewardMetrics = (scores: Value) => ({
  total: sum(scores),
  highest: max(scores),
  lowest: neg(max(neg(scores))),
});

/**
 * loss = Σ w·(−log σ(r_c − r_r − m)) + c·Σ w·(r_c + r_r)², w = 1/pairs of the step. scores (B), chosen and rejected (P) index
 * them. m is the input `required`; without that input it is 0. Ties cost −log P(tie), see `tieLoss`.
 */
const pairLoss =
  (centring: number, theta: number): LossBuilder =>
  (_graph, out, inputs) => {
    const chosen = gather(out.scores, inputs.chosen!);
    const rejected = gather(out.scores, inputs.rejected!);
    const behind = sub(rejected, chosen);
    const margin = sub(chosen, rejected);
    const decided = softplus(inputs.required ? add(behind, inputs.required) : behind);
    const { tied } = inputs;
    const ranking = tied
      ? add(decided, mul(tied, sub(softplus(add(margin, inputs.required!)), Math.log(theta ** 2 - 1))))
      : decided;
    const terms = centring === 0 ? ranking : add(ranking, mul(square(add(chosen, rejected)), centring));
    const right = cast(greater(margin, 0), 'float32');
    return {
      loss: sum(mul(terms, inputs.weight!)),
      metrics: {
        right: sum(tied ? mul(right, sub(1, tied)) : right),
        margin: sum(tied ? mul(margin, sub(1, tied)) : margin),
        ...rewardMetrics(out.scores),
      },
    };
  };

function pairLesson(all: readonly EncodedPair[], settings: LessonSettings): RewardLesson {
  const theta = settings.tieThreshold;
  const ties = theta > 1;
  const margins = ties || all.some(pair => pair.margin !== undefined);
  const required = (pair: EncodedPair): number => (pair.margin ?? 0) + Math.log(theta);
  const rows = (example: RewardExample) => {
    const { chosen, rejected } = example as EncodedPair;
    return [chosen, rejected];
  };
  return {
    loss: pairLoss(settings.centerRewardsCoefficient, theta),
    inputs: ties ? tieInputs : margins ? marginInputs : pairInputs,
    rows,
    feed: (part, weight) => ({
      chosen: part.map((_, index) => 2 * index),
      rejected: part.map((_, index) => 2 * index + 1),
      weight: part.map(() => weight),
      ...(margins ? { required: part.map(pair => required(pair as EncodedPair)) } : {}),
      ...(ties ? { tied: part.map(pair => Number('tie' in pair)) } : {}),
    }),
    metrics(batch, results) {
      const decided = batch.filter(pair => !('tie' in pair)).length;
      return metricsOf(results, decided, 2 * batch.length);
    },
    idle: {
      chosen: [0],
      rejected: [0],
      weight: [0],
      ...(margins ? { required: [0] } : {}),
      ...(ties ? { tied: [0] } : {}),
    },
    judge(example, [first, second]) {
      const pair = example as EncodedPair;
      const margin = first! - second!;
      if (pair.tie) return { loss: tieLoss(margin, theta).loss, pairs: [] };
      return {
        loss: bradleyTerryLoss(margin, required(pair)).loss,
        pairs: [
          {
            margin,
            chosen: pair.chosen.length - pair.promptLength,
            rejected: pair.rejected.length - pair.promptLength,
          },
        ],
      };
    },
  };
}

/**
 * `winner` (C): the row that was chosen, each time; `member` (M) with `choice` (M): the rows that it was chosen among, itself
 * included, and the place of that choice; `better` and `worse` (Q): pairs that follow, for the metrics; `answer` (A) with
 * `ranking` (A) and `portion` (A): all rows with the place of their ranking and 2/answers of it; `weight` (C), `centring` (E).
 */
const rankingInputs = {
  winner: { dtype: 'int64', shape: ['C'] },
  weight: { dtype: 'float32', shape: ['C'] },
  member: { dtype: 'int64', shape: ['M'] },
  choice: { dtype: 'int64', shape: ['M'] },
  better: { dtype: 'int64', shape: ['Q'] },
  worse: { dtype: 'int64', shape: ['Q'] },
  answer: { dtype: 'int64', shape: ['A'] },
  ranking: { dtype: 'int64', shape: ['A'] },
  portion: { dtype: 'float32', shape: ['A'] },
  centring: { dtype: 'float32', shape: ['E'] },
} as const;

/**
 * loss = Σ w·(log Σ exp r_member − r_winner) + c·Σ w·(2/k · Σ r)² over rankings of k answers, which is TRL's centring for k = 2.
 * The highest score of the pass is taken off before exp, so that only rewards 87 below it could vanish.
 */
const rankingLoss =
  (centring: number): LossBuilder =>
  (_graph, out, inputs) => {
    const highest = max(out.scores);
    const shifted = sub(out.scores, highest);
    const among = scatterAdd(exp(gather(shifted, inputs.member!)), inputs.choice!, 'C');
    const ranking = sum(mul(sub(log(among), gather(shifted, inputs.winner!)), inputs.weight!));
    const means = scatterAdd(mul(gather(out.scores, inputs.answer!), inputs.portion!), inputs.ranking!, 'E');
    const centred = sum(mul(square(means), inputs.centring!));
    const margin = sub(gather(out.scores, inputs.better!), gather(out.scores, inputs.worse!));
    return {
      loss: centring === 0 ? add(ranking, mul(centred, 0)) : add(ranking, mul(centred, centring)),
      metrics: {
        right: sum(cast(greater(margin, 0), 'float32')),
        margin: sum(margin),
        ...rewardMetrics(out.scores),
      },
    };
  };

function rankingLesson(centring: number): RewardLesson {
  const groupsOf = (example: RewardExample) => (example as EncodedRanking).groups;
  const rows = (example: RewardExample) => groupsOf(example).flat();
  return {
    loss: rankingLoss(centring),
    inputs: rankingInputs,
    rows,
    feed(part, weight) {
      const fed: Record<keyof typeof rankingInputs, number[]> = {
        winner: [],
        weight: [],
        member: [],
        choice: [],
        better: [],
        worse: [],
        answer: [],
        ranking: [],
        portion: [],
        centring: [],
      };
      let row = 0;
      for (const [place, example] of part.entries()) {
        const groups = groupsOf(example).map(group => group.map(() => row++));
        const all = groups.flat();
        fed.answer.push(...all);
        fed.ranking.push(...all.map(() => place));
        fed.portion.push(...all.map(() => 2 / all.length));
        fed.centring.push(weight);
        for (const [index, group] of groups.entries()) {
          const worse = groups.slice(index + 1).flat();
          if (worse.length === 0) continue;
          for (const winner of group) {
            const choice = fed.winner.push(winner) - 1;
            fed.weight.push(weight);
            fed.member.push(winner, ...worse);
            fed.choice.push(choice, ...worse.map(() => choice));
            fed.better.push(...worse.map(() => winner));
            fed.worse.push(...worse);
          }
        }
      }
      return fed;
    },
    metrics(batch, results) {
      const counts = batch.map(example => impliedPairs(groupsOf(example)).length);
      const answers = batch.reduce((total, example) => total + rows(example).length, 0);
      return metricsOf(
        results,
        counts.reduce((a, b) => a + b, 0),
        answers,
      );
    },
    idle: {
      winner: [0],
      weight: [0],
      member: [0],
      choice: [0],
      better: [0],
      worse: [0],
      answer: [0],
      ranking: [0],
      portion: [0],
      centring: [0],
    },
    judge(example, rewards) {
      let row = 0;
      const { promptLength } = example;
      const groups = groupsOf(example).map(group =>
        group.map(ids => ({ reward: rewards[row++]!, length: ids.length - promptLength })),
      );
      return {
        loss: plackettLuceLoss(groups.map(group => group.map(({ reward }) => reward))).loss,
        pairs: impliedPairs(groups).map(([better, worse]) => ({
          margin: better.reward - worse.reward,
          chosen: better.length,
          rejected: worse.length,
        })),
      };
    },
  };
}

/** Everything of a better group with everything of a worse one. */
export const impliedPairs = <T>(groups: readonly (readonly T[])[]): [better: T, worse: T][] =>
  groups.flatMap((group, index) =>
    group.flatMap(better =>
      groups
        .slice(index + 1)
        .flat()
        .map((worse): [T, T] => [better, worse]),
    ),
  );

/** Of one step: sums over its passes, by decided pairs and by answers. */
function metricsOf(results: readonly Readonly<Record<string, number>>[], pairs: number, answers: number) {
  const total = (name: string) => results.reduce((all, metrics) => all + metrics[name]!, 0);
  return {
    // A step of ties alone has nothing to be right about.
    accuracy: pairs === 0 ? 0 : total('right') / pairs,
    margin: pairs === 0 ? 0 : total('margin') / pairs,
    min_reward: Math.min(...results.map(({ lowest }) => lowest!)),
    mean_reward: total('total') / answers,
    max_reward: Math.max(...results.map(({ highest }) => highest!)),
  };
}
