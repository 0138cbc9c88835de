/**
 * A reward model from preference pairs: Bradley–Terry with a LoRA adapter and a score head.
 * Papers: Christiano et al. 2017, Stiennon et al. 2020; formulas as TRL's `reward_trainer.py` has them.
 * Departures: the mean that is shifted to zero is that of all training answers, because there is no separate set of
 * references; the head is read at the last token by length, so that padding cannot matter.
 */
import { Rng } from '../base/rng.ts';
import { rewardSteps } from '../core/jobs/estimate.ts';
import type { RewardSettings } from '../core/jobs/job.ts';
import { type RewardReport, rewardReport } from '../core/jobs/rewardReport.ts';
import { type Interval, wilson } from '../core/statistics/intervals.ts';
import { add, cast, gather, greater, max, mul, neg, softplus, square, sub, sum } from '../engine/index.ts';
import {
  createTrainingProgram,
  type LossBuilder,
  type StepResult,
  type TrainingProgram,
} from '../language-model/trainable.ts';
import { mean } from './math/normalise.ts';
import { bradleyTerryLoss } from './math/rewardLosses.ts';
import type { EncodedPair, PairData } from './pairData.ts';
import {
  Checkpoints,
  computationOf,
  learningRateAt,
  type Outcome,
  type RecipeHost,
  type RecipeOptions,
  unpackState,
} from './recipe.ts';

export interface RewardOptions extends RecipeOptions {
  readonly settings: RewardSettings;
  readonly data: PairData;
}

export interface RewardResult {
  /** Adapter and `score.weight`, by PEFT's inner names. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Added to the head's output: rewards of the training answers have zero mean. */
  readonly bias: number;
  /** Held-out pairs in which the chosen answer has strictly the higher reward; absent where nothing was held out. */
  readonly accuracy: Interval | undefined;
  /** Of the same pairs. */
  readonly report: RewardReport | undefined;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The places of chosen and rejected answers among the rows, and what each pair counts. */
const rewardInputs = {
  chosen: { dtype: 'int64', shape: ['P'] },
  rejected: { dtype: 'int64', shape: ['P'] },
  weight: { dtype: 'float32', shape: ['P'] },
} as const;

/** Rows that one pass through the model holds. */
export const rowsAtOnce = 32;

/** With the margin m of each pair. */
const marginInputs = { ...rewardInputs, required: { dtype: 'float32', shape: ['P'] } } as const;

/**
 * loss = Σ w·(−log σ(r_c − r_r − m)) + c·Σ w·(r_c + r_r)², w = 1/pairs of the step. scores (B), chosen and rejected (P) index
 * them. m is the input `required`; without that input it is 0.
 */
const bradleyTerry =
  (centring: number): LossBuilder =>
  (_graph, out, inputs) => {
    const chosen = gather(out.scores, inputs.chosen!);
    const rejected = gather(out.scores, inputs.rejected!);
    const behind = sub(rejected, chosen);
    const ranking = softplus(inputs.required ? add(behind, inputs.required) : behind);
    const terms = centring === 0 ? ranking : add(ranking, mul(square(add(chosen, rejected)), centring));
    const margin = sub(chosen, rejected);
    return {
      loss: sum(mul(terms, inputs.weight!)),
      metrics: {
        right: sum(cast(greater(margin, 0), 'float32')),
        margin: sum(margin),
        total: sum(out.scores),
        highest: max(out.scores),
        lowest: neg(max(neg(out.scores))),
      },
    };
  };

/** The loss with its inputs, and what feeds a pass over some pairs, each of which counts `weight`. */
export function rewardLesson(pairs: readonly EncodedPair[], centring: number) {
  const margins = pairs.some(pair => pair.margin !== undefined);
  return {
    loss: bradleyTerry(centring),
    inputs: margins ? marginInputs : rewardInputs,
    /** Rows 2p and 2p + 1 are the chosen and the rejected answer of pair p. */
    feed: (part: readonly EncodedPair[], weight: number) => ({
      chosen: part.map((_, index) => 2 * index),
      rejected: part.map((_, index) => 2 * index + 1),
      weight: part.map(() => weight),
      ...(margins ? { required: part.map(pair => pair.margin ?? 0) } : {}),
    }),
    /** Of one step, under TRL's names. */
    metrics(batch: readonly EncodedPair[], results: readonly Readonly<Record<string, number>>[]) {
      const total = (name: string) => results.reduce((all, metrics) => all + metrics[name]!, 0);
      return {
        accuracy: total('right') / batch.length,
        margin: total('margin') / batch.length,
        min_reward: Math.min(...results.map(({ lowest }) => lowest!)),
        mean_reward: total('total') / (2 * batch.length),
        max_reward: Math.max(...results.map(({ highest }) => highest!)),
      };
    },
    /** For passes that only read scores. */
    idle: { chosen: [0], rejected: [0], weight: [0], ...(margins ? { required: [0] } : {}) },
  };
}
type RewardLesson = ReturnType<typeof rewardLesson>;

export async function trainRewardModel(options: RewardOptions): Promise<Outcome<RewardResult>> {
  const { settings, seed, data, host } = options;
  const { train, heldOut } = data;
  const lesson = rewardLesson(train, settings.centerRewardsCoefficient);
  // 1. The base with a fresh adapter and a head of standard deviation 1/√(h + 1), or where a checkpoint left it.
  const create = (baseProducts: RewardSettings['baseProducts'], initial?: ReadonlyMap<string, Float32Array>) =>
    createTrainingProgram({
      ...computationOf(options, { ...settings, baseProducts }, initial),
      head: 'score',
      inputs: lesson.inputs,
      loss: lesson.loss,
    });
  const program = await create(settings.baseProducts);
  let judge = program;
  try {
    let step = 0;
    if (options.resume) {
      program.restore(unpackState(options.resume.arrays));
      step = options.resume.step;
    }
    const steps = rewardSteps(train.length, settings);
    const checkpointEvery = Math.max(1, Math.ceil(steps / 5));
    const checkpoints = new Checkpoints(host, program, step);

    // 2. Steps: each takes the next pairs of an order shuffled anew for every epoch.
    while (step < steps) {
      if (await host.breathe()) {
        await checkpoints.save(step);
        return { kind: 'stopped' };
      }
      const batch = batchOf(train, settings.batchSize, step, seed);
      const learningRate = learningRateAt(settings, step, steps);
      const metrics = await rewardStep(program, lesson, batch, learningRate, host);
      step++;
      const { loss, grad_norm: gradNorm } = metrics as { loss: number; grad_norm: number };
      await checkpoints.requireFinite({ step, loss, gradNorm });
      host.metrics(step, { ...metrics, epoch: (step * settings.batchSize) / train.length });
      host.progress(step, steps);
      if (step % checkpointEvery === 0 && step < steps) await checkpoints.save(step);
    }

    // 3. Zero mean on the training answers. Rewards are judged on the exact base, as they are when they are used.
    if (settings.baseProducts !== 'float32') judge = await create('float32', program.state().parameters);
    const rewards = await scoreRows(judge, lesson, unique(train.flatMap(rowsOf)), host);
    const bias = rewards.length === 0 ? 0 : -mean(rewards);

    // 4. Accuracy on prompts that were never trained on.
    const held = await measure(judge, lesson, heldOut, host);
    const metrics: Record<string, number> = held ? { ...held.metrics } : {};
    return {
      kind: 'finished',
      value: {
        parameters: program.state().parameters,
        shapes: program.shapes,
        bias,
        accuracy: held?.accuracy,
        report: held?.report,
        metrics: { ...metrics, train_pairs: train.length, steps, reward_bias: bias },
      },
    };
  } finally {
    if (judge !== program) await judge.dispose();
    await program.dispose();
  }
}

/** Forward, backward and update over one batch of pairs; metrics under TRL's names. */
async function rewardStep(
  program: TrainingProgram,
  lesson: RewardLesson,
  batch: readonly EncodedPair[],
  learningRate: number,
  host: RecipeHost,
): Promise<Record<string, number>> {
  const results: StepResult[] = [];
  for (const part of chunks(byLength(batch), rowsAtOnce / 2)) {
    results.push(await program.gradients({ ids: part.flatMap(rowsOf), inputs: lesson.feed(part, 1 / batch.length) }));
    await host.breathe();
  }
  const { gradNorm } = program.apply(learningRate);
  return {
    loss: results.reduce((all, { loss }) => all + loss, 0),
    ...lesson.metrics(
      batch,
      results.map(({ metrics }) => metrics),
    ),
    num_tokens: batch.reduce((sum, pair) => sum + pair.chosen.length + pair.rejected.length, 0),
    grad_norm: gradNorm,
    learning_rate: learningRate,
  };
}

async function measure(
  program: TrainingProgram,
  lesson: RewardLesson,
  pairs: readonly EncodedPair[],
  host: RecipeHost,
) {
  if (pairs.length === 0) return undefined;
  const scores = await scoreRows(program, lesson, pairs.flatMap(rowsOf), host);
  const margins = pairs.map((_, index) => scores[2 * index]! - scores[2 * index + 1]!);
  const right = margins.filter(margin => margin > 0).length;
  const loss = mean(margins.map((margin, index) => bradleyTerryLoss(margin, pairs[index]!.margin ?? 0).loss));
  return {
    accuracy: wilson(right, pairs.length),
    report: rewardReport(
      pairs.map(({ promptLength, chosen, rejected }, index) => ({
        margin: margins[index]!,
        chosen: chosen.length - promptLength,
        rejected: rejected.length - promptLength,
      })),
    ),
    metrics: {
      eval_accuracy: right / pairs.length,
      eval_margin: mean(margins),
      eval_loss: loss,
      eval_pairs: pairs.length,
    },
  };
}

/** The head's output for each sequence, in their order. */
async function scoreRows(
  program: TrainingProgram,
  lesson: RewardLesson,
  sequences: readonly (readonly number[])[],
  host: RecipeHost,
): Promise<number[]> {
  const scores = new Array<number>(sequences.length);
  const order = sequences.map((_, index) => index).sort((a, b) => sequences[a]!.length - sequences[b]!.length || a - b);
  for (const part of chunks(order, rowsAtOnce)) {
    const { rows } = await program.forward({
      ids: part.map(index => sequences[index]!),
      inputs: lesson.idle,
    });
    for (const [place, index] of part.entries()) scores[index] = rows.scores![place]!;
    await host.breathe();
  }
  return scores;
}

const rowsOf = (pair: EncodedPair) => [pair.chosen, pair.rejected];

/** Pairs of one step. The last batch of an epoch may be smaller. */
function batchOf(pairs: readonly EncodedPair[], size: number, step: number, seed: number): EncodedPair[] {
  const perEpoch = Math.ceil(pairs.length / size);
  const epoch = Math.floor(step / perEpoch);
  const order = Rng.seeded(seed).stream('pairs', epoch).shuffled(pairs);
  const start = (step % perEpoch) * size;
  return order.slice(start, start + size);
}

const byLength = (pairs: readonly EncodedPair[]): EncodedPair[] => [...pairs].sort((a, b) => longest(a) - longest(b));
const longest = (pair: EncodedPair): number => Math.max(pair.chosen.length, pair.rejected.length);

export function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}

function unique(sequences: readonly (readonly number[])[]): (readonly number[])[] {
  const byText = new Map(sequences.map(sequence => [sequence.join(), sequence]));
  return [...byText.values()];
}
