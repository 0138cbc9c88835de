/**
 * Supervised fine-tuning: maximise the log-probability of given completions (or of whole texts).
 * The loss of a step is Σ w·(−log p) / Σ w over all its micro-batches, so it does not depend on how the step is cut.
 * Data, program, clock and files are the caller's; the same examples, settings and start give the same bytes, and so does
 * a run resumed from any checkpoint.
 */

import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import { mul, neg, sum } from '../engine/index.ts';
import type { LossBuilder, TrainingProgram } from '../language-model/trainable.ts';
import { bucketByLength } from './batching.ts';
import { type Examinable, requireFinite } from './recipe.ts';

/** One sequence. `weights[t]` says how much predicting `ids[t]` from the ids before it counts; 0 is not learned, `weights[0]` is ignored. */
export interface SftExample {
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

/** Examples by number; each call with the same number gives the same example. */
export interface SftSource {
  readonly length: number;
  at(index: number): SftExample;
}

export interface SftSettings {
  /** Optimizer steps in all. */
  readonly steps: number;
  /** Micro-batches whose gradients are added up for one step. */
  readonly accumulation: number;
  /** Padded tokens of one micro-batch. */
  readonly tokensPerMicroBatch: number;
  /**
   * Examples that are drawn and sorted by length together. A large window pads less; a small one mixes a step's examples
   * better, and where lengths give tasks away that matters more.
   */
  readonly window: number;
  /** See `BatchingSettings`. */
  readonly lengthRatio?: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  /** Share of the learning rate that the schedule ends with. */
  readonly finalShare: number;
  readonly seed: number;
  /** Steps between two checkpoints; 0 for none but the last. */
  readonly checkpointEvery: number;
}

/** What the recipe asks of a program that can be trained; `loss` is −Σ weights·log p, the metric of one micro-batch. */
export interface SftProgram {
  gradients(batch: SftBatch): { readonly loss: number } | Promise<{ readonly loss: number }>;
  apply(learningRate: number): { readonly gradNorm: number } | Promise<{ readonly gradNorm: number }>;
  /** See `TrainingProgram`: why the step's numbers are not finite. */
  readonly examined: Examinable;
}

export interface SftBatch {
  /** Ragged rows. */
  readonly ids: readonly (readonly number[])[];
  /** Where a target stands: `ids[row][index]` is predicted from the ids before it. */
  readonly targets: readonly { readonly row: number; readonly index: number }[];
  /** One weight for each target, already divided by the sum over the whole step. (N) */
  readonly weights: Float32Array;
}

/** Inputs and loss of the training program that `sftProgram` drives: −Σ weights·log p. */
export const sftInputs = { weights: { dtype: 'float32', shape: ['N'] } } as const;
export const sftLoss: LossBuilder = (_, { logProbs }, { weights }) => ({ loss: neg(sum(mul(logProbs, weights!))) });

export function sftProgram(program: TrainingProgram): SftProgram {
  return {
    gradients({ ids, targets, weights }) {
      const predictions = {
        rows: targets.map(({ row }) => row),
        times: targets.map(({ index }) => index - 1),
        targets: targets.map(({ row, index }) => ids[row]![index]!),
      };
      return program.gradients({ ids, predictions, inputs: { weights } });
    },
    apply: learningRate => program.apply(learningRate),
    examined: program,
  };
}

/** Where a run stands. With the program's weights and optimizer state this is all that a checkpoint needs. */
export interface SftState {
  readonly step: number;
  readonly window: number;
  /** Micro-batches of the window that are used up. */
  readonly used: number;
  readonly tokens: number;
}

export const sftStart: SftState = { step: 0, window: 0, used: 0, tokens: 0 };

export interface SftReport {
  readonly step: number;
  /** Nats per learned token, weighted. */
  readonly loss: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Tokens seen since the run began, without padding. */
  readonly tokens: number;
}

export interface SftHooks {
  readonly signal?: AbortSignal;
  onStep?(report: SftReport): void | Promise<void>;
  onCheckpoint?(state: SftState): void | Promise<void>;
}

/** Runs from `state` to the last step, or to an abort between two steps; the returned state can be resumed. */
export async function runSft(
  program: SftProgram,
  source: SftSource,
  settings: SftSettings,
  hooks: SftHooks = {},
  state: SftState = sftStart,
): Promise<SftState> {
  if (source.length === 0)
    throw new HumanError(l10n.t('There are no examples to learn from: add some to the data set.'));
  let { step, window, used, tokens } = state;
  let kept = step;
  let queue = planWindow(source, settings, window).slice(used);
  while (step < settings.steps && !hooks.signal?.aborted) {
    // 1. The step's micro-batches, from as many windows as it takes.
    const micro: SftExample[][] = [];
    for (let empty = 0; micro.length < settings.accumulation; ) {
      const next = queue.shift();
      if (next) {
        micro.push(next);
        used++;
        empty = 0;
      } else {
        if (++empty > 1)
          throw new HumanError(l10n.t('No example has anything to learn: completions must not be empty.'));
        queue = planWindow(source, settings, ++window);
        used = 0;
      }
    }
    // 2. Gradients, each target weighed by its share of the whole step.
    const total = micro.flat().reduce((sum, example) => sum + learnedWeight(example), 0);
    let loss = 0;
    for (const examples of micro) loss += (await program.gradients(toBatch(examples, total))).loss;
    // 3. One optimizer step.
    const learningRate = learningRateAt(step, settings);
    const { gradNorm } = await program.apply(learningRate);
    step++;
    await requireFinite(program.examined, { step, loss, gradNorm, kept });
    tokens += micro.flat().reduce((sum, example) => sum + example.ids.length, 0);
    await hooks.onStep?.({ step, loss, gradNorm, learningRate, tokens });
    const due = settings.checkpointEvery > 0 && step % settings.checkpointEvery === 0;
    if (!due && step < settings.steps) continue;
    await hooks.onCheckpoint?.({ step, window, used, tokens });
    kept = step;
  }
  return { step, window, used, tokens };
}

/** Linear warm-up from 0, then the schedule down to `finalShare`. `step` counts from 0. */
export function learningRateAt(step: number, settings: SftSettings): number {
  const { learningRate, warmupSteps, steps, schedule, finalShare } = settings;
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  const done = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  const left = schedule === 'constant' ? 1 : schedule === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
  return learningRate * (finalShare + (1 - finalShare) * left);
}

/** A prompt that is given (or learned a little) and a completion that is learned, its end token included. */
export function promptCompletion(
  prompt: readonly number[],
  completion: readonly number[],
  promptWeight = 0,
): SftExample {
  return {
    ids: [...prompt, ...completion],
    weights: [...prompt.map(() => promptWeight), ...completion.map(() => 1)],
  };
}

/** A text that is learned from its second token on. */
export const wholeText = (ids: readonly number[]): SftExample => ({ ids, weights: ids.map(() => 1) });

const learnedWeight = (example: SftExample): number =>
  example.weights.reduce((sum, weight, t) => (t > 0 ? sum + weight : sum), 0);

/** Window number `n` of the endless, epoch-wise shuffled stream of examples, in micro-batches. */
function planWindow(source: SftSource, settings: SftSettings, n: number): SftExample[][] {
  const rng = Rng.seeded(settings.seed);
  const size = Math.min(settings.window, source.length);
  const examples: SftExample[] = [];
  let epoch = -1;
  let order: readonly number[] = [];
  for (let i = n * size; i < (n + 1) * size; i++) {
    const own = Math.floor(i / source.length);
    if (own !== epoch) {
      epoch = own;
      order = epochOrder(source.length, rng.stream('epoch', epoch));
    }
    const place = i % source.length;
    const example = source.at(order[place] ?? place);
    if (learnedWeight(example) > 0) examples.push(example);
  }
  const lengths = examples.map(example => example.ids.length);
  return bucketByLength(lengths, settings, rng.stream('window', n)).map(batch => batch.map(index => examples[index]!));
}

/** Sources beyond this many examples are taken to be generated, in random order already. */
const SHUFFLE_LIMIT = 5_000_000;

const epochOrder = (length: number, rng: Rng): readonly number[] =>
  length > SHUFFLE_LIMIT ? [] : rng.shuffled(Array.from({ length }, (_, index) => index));

function toBatch(examples: readonly SftExample[], total: number): SftBatch {
  const targets: { row: number; index: number }[] = [];
  const weights: number[] = [];
  examples.forEach((example, row) => {
    example.weights.forEach((weight, index) => {
      if (index === 0 || weight === 0) return;
      targets.push({ row, index });
      weights.push(weight / total);
    });
  });
  return { ids: examples.map(example => example.ids), targets, weights: Float32Array.from(weights) };
}
