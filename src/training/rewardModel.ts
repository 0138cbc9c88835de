/**
 * A reward model from preferences, with a LoRA adapter and a score head; what a preference costs is in `rewardLessons.ts`.
 * Papers: Christiano et al. 2017, Stiennon et al. 2020; formulas as TRL's `reward_trainer.py` has them.
 * Departures: the mean that is shifted to zero is that of all training answers, because there is no separate set of
 * references; the head is read at the last token by length, so that padding cannot matter.
 */
import { Rng } from '../base/rng.ts';
import { rewardSteps } from '../core/jobs/estimate.ts';
import type { RewardSettings } from '../core/jobs/job.ts';
import { type RewardReport, rewardReport } from '../core/jobs/rewardReport.ts';
import { type Interval, wilson } from '../core/statistics/intervals.ts';
import { createTrainingProgram, type StepResult, type TrainingProgram } from '../language-model/trainable.ts';
import { mean } from './math/normalise.ts';
import type { PairData, RankingData } from './pairData.ts';
import {
  Checkpoints,
  computationOf,
  learningRateAt,
  type Outcome,
  type RecipeHost,
  type RecipeOptions,
  stoppable,
  unpackState,
} from './recipe.ts';
import { impliedPairs, type RewardExample, type RewardLesson, rewardLesson } from './rewardLessons.ts';

export interface RewardOptions extends RecipeOptions {
  readonly settings: RewardSettings;
  /** Rankings for `plackett-luce`, pairs otherwise. */
  readonly data: PairData | RankingData;
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

/** Rows that one pass through the model holds. */
export const rowsAtOnce = 32;

export async function trainRewardModel(options: RewardOptions): Promise<Outcome<RewardResult>> {
  const { settings, seed, data, host } = options;
  const { train, heldOut } = data;
  const lesson = rewardLesson(train, settings);
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
      const batch = batchOf<RewardExample>(train, settings.batchSize, step, seed);
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
    const exact = judge;
    const measured = await stoppable(
      host,
      () => checkpoints.save(step),
      async own => {
        const rewards = await scoreRows(exact, lesson, unique(train.flatMap(example => lesson.rows(example))), own);
        // 4. Accuracy on prompts that were never trained on.
        return { bias: rewards.length === 0 ? 0 : -mean(rewards), held: await measure(exact, lesson, heldOut, own) };
      },
    );
    if (measured.kind === 'stopped') return measured;
    const { bias, held } = measured.value;
    const metrics: Readonly<Record<string, number>> = held?.metrics ?? {};
    return {
      kind: 'finished',
      value: {
        parameters: program.state().parameters,
        shapes: program.shapes,
        bias,
        accuracy: held?.accuracy,
        report: held?.report,
        metrics: { ...metrics, train_pairs: trainPairs(train), steps, reward_bias: bias },
      },
    };
  } finally {
    if (judge !== program) await judge.dispose();
    await program.dispose();
  }
}

/** Forward, backward and update over one batch; metrics under TRL's names. */
async function rewardStep(
  program: TrainingProgram,
  lesson: RewardLesson,
  batch: readonly RewardExample[],
  learningRate: number,
  host: RecipeHost,
): Promise<Record<string, number>> {
  const results: StepResult[] = [];
  for (const part of passes(batch, lesson)) {
    const ids = part.flatMap(example => lesson.rows(example));
    results.push(await program.gradients({ ids, inputs: lesson.feed(part, 1 / batch.length) }));
    await host.breathe();
  }
  const { gradNorm } = program.apply(learningRate);
  return {
    loss: results.reduce((all, { loss }) => all + loss, 0),
    ...lesson.metrics(
      batch,
      results.map(({ metrics }) => metrics),
    ),
    num_tokens: batch.flatMap(example => lesson.rows(example)).reduce((sum, { length }) => sum + length, 0),
    grad_norm: gradNorm,
    learning_rate: learningRate,
  };
}

async function measure(
  program: TrainingProgram,
  lesson: RewardLesson,
  examples: readonly RewardExample[],
  host: RecipeHost,
): Promise<
  (Pick<RewardResult, 'accuracy' | 'report'> & { readonly metrics: Readonly<Record<string, number>> }) | undefined
> {
  if (examples.length === 0) return undefined;
  const rows = examples.map(example => lesson.rows(example));
  const scores = await scoreRows(program, lesson, rows.flat(), host);
  let at = 0;
  const judged = examples.map((example, index) => {
    const rewards = scores.slice(at, at + rows[index]!.length);
    at += rewards.length;
    return lesson.judge(example, rewards);
  });
  const pairs = judged.flatMap(one => one.pairs);
  const loss = mean(judged.map(one => one.loss));
  if (pairs.length === 0)
    return { accuracy: undefined, report: undefined, metrics: { eval_loss: loss, eval_pairs: 0 } };
  const right = pairs.filter(({ margin }) => margin > 0).length;
  return {
    accuracy: wilson(right, pairs.length),
    report: rewardReport(pairs),
    metrics: {
      eval_accuracy: right / pairs.length,
      eval_margin: mean(pairs.map(({ margin }) => margin)),
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

/** Comparisons that were learned from; ties count as one each. */
const trainPairs = (examples: readonly RewardExample[]): number =>
  examples.reduce((sum, example) => sum + ('groups' in example ? impliedPairs(example.groups).length : 1), 0);

/** Examples of one step. The last batch of an epoch may be smaller. */
function batchOf<T>(pairs: readonly T[], size: number, step: number, seed: number): T[] {
  const perEpoch = Math.ceil(pairs.length / size);
  const epoch = Math.floor(step / perEpoch);
  const order = Rng.seeded(seed).stream('pairs', epoch).shuffled(pairs);
  const start = (step % perEpoch) * size;
  return order.slice(start, start + size);
}

/** Examples of one pass each: alike in length, `rowsAtOnce` rows unless one ranking alone has more. */
function passes(batch: readonly RewardExample[], lesson: RewardLesson): RewardExample[][] {
  const longest = new Map(batch.map(one => [one, Math.max(...lesson.rows(one).map(({ length }) => length))]));
  const found: RewardExample[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const example of [...batch].sort((a, b) => longest.get(a)! - longest.get(b)!)) {
    const own = lesson.rows(example).length;
    if (rows + own > rowsAtOnce) {
      found.push([]);
      rows = 0;
    }
    found.at(-1)!.push(example);
    rows += own;
  }
  return found;
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}

function unique(sequences: readonly (readonly number[])[]): (readonly number[])[] {
  const byText = new Map(sequences.map(sequence => [sequence.join(), sequence]));
  return [...byText.values()];
}
