/**
 * Supervised fine-tuning of an adapter on given answers: the loss of a step is the mean of −log p over the tokens of its
 * answers, the end token included; prompts are not learned (TRL's `sft_trainer.py` with `completion_only_loss`).
 * Departures: the tuned weights are a LoRA adapter; examples that are too long are left out instead of cut.
 */
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import { rewardSteps } from '../core/jobs/estimate.ts';
import type { SftSettings } from '../core/jobs/job.ts';
import type { ModelConfig } from '../language-model/config.ts';
import { createTrainingProgram, predictFrom, type TrainingProgram } from '../language-model/trainable.ts';
import type { EncodedInstruction, InstructionData } from './instructionData.ts';
import {
  Checkpoints,
  learningRateAt,
  type Outcome,
  type RecipeCheckpoint,
  type RecipeHost,
  unpackState,
} from './recipe.ts';
import { inParts } from './rollout.ts';
import { sftInputs, sftLoss } from './sft.ts';

export interface SupervisedOptions {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly settings: SftSettings;
  readonly seed: number;
  readonly data: InstructionData;
  readonly host: RecipeHost;
  readonly resume?: RecipeCheckpoint;
  readonly threads?: number;
}

export interface SupervisedResult {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** `eval_loss` and `eval_perplexity` of the held-out answers, and `_before` of the base. */
  readonly metrics: Readonly<Record<string, number>>;
}

export async function trainSupervised(options: SupervisedOptions): Promise<Outcome<SupervisedResult>> {
  const { config, weights, settings, seed, data, host, resume } = options;
  const { train, heldOut } = data;
  const program = await createTrainingProgram({
    config,
    weights,
    trainable: { kind: 'lora', lora: settings.lora, seed },
    head: 'lm',
    baseProducts: settings.baseProducts,
    recompute: settings.recompute === 'on',
    inputs: sftInputs,
    loss: sftLoss,
    optimizer: { weightDecay: settings.weightDecay, maxGradNorm: settings.maxGradNorm },
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  try {
    let step = 0;
    if (resume) {
      program.restore(unpackState(resume.arrays));
      step = resume.step;
    }
    const steps = rewardSteps(train.length, settings);
    const checkpointEvery = Math.max(1, Math.ceil(steps / 5));
    const checkpoints = new Checkpoints(host, program, step);
    const rng = Rng.seeded(seed);
    const perEpoch = Math.ceil(train.length / settings.batchSize);

    host.phase(l10n.t('Training'));
    while (step < steps) {
      if (await host.breathe()) {
        await checkpoints.save(step);
        return { kind: 'stopped' };
      }
      const order = rng.stream('examples', Math.floor(step / perEpoch)).shuffled(train);
      const start = (step % perEpoch) * settings.batchSize;
      const batch = order.slice(start, start + settings.batchSize);
      const learningRate = learningRateAt(settings, step, steps);
      const { loss, gradNorm } = await supervisedStep(program, batch, learningRate, options);
      step++;
      await checkpoints.requireFinite({ step, loss, gradNorm });
      host.metrics(step, {
        loss,
        num_tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0),
        grad_norm: gradNorm,
        learning_rate: learningRate,
        epoch: step / perEpoch,
      });
      host.progress(step, steps);
      if (step % checkpointEvery === 0 && step < steps) await checkpoints.save(step);
    }

    host.phase(l10n.t('Measuring on held-out examples'));
    const before = await meanLoss(program, heldOut, options, false);
    const after = await meanLoss(program, heldOut, options, true);
    const held: Record<string, number> =
      before === undefined || after === undefined
        ? {}
        : {
            eval_loss_before: before,
            eval_perplexity_before: Math.exp(before),
            eval_loss: after,
            eval_perplexity: Math.exp(after),
          };
    return {
      kind: 'finished',
      value: {
        parameters: program.state().parameters,
        shapes: program.shapes,
        metrics: { ...held, train_rows: train.length, steps },
      },
    };
  } finally {
    await program.dispose();
  }
}

/** Tokens that are learned: those of the answer. */
const answerTokens = ({ ids, promptLength }: EncodedInstruction): number => ids.length - promptLength;

async function supervisedStep(
  program: TrainingProgram,
  batch: readonly EncodedInstruction[],
  learningRate: number,
  { settings, host }: SupervisedOptions,
) {
  const total = batch.reduce((sum, row) => sum + answerTokens(row), 0);
  let loss = 0;
  await inParts(batch, rowLength, settings.microBatchSize, host, async part => {
    loss += (
      await program.gradients(
        supervisedFeed(
          part.map(index => batch[index]!),
          1 / total,
        ),
      )
    ).loss;
  });
  return { loss, ...program.apply(learningRate) };
}

/** Nats a token of the answers; undefined of no examples. */
async function meanLoss(
  program: TrainingProgram,
  rows: readonly EncodedInstruction[],
  { settings, host }: SupervisedOptions,
  adapter: boolean,
): Promise<number | undefined> {
  let sum = 0;
  let tokens = 0;
  await inParts(rows, rowLength, settings.microBatchSize, host, async part => {
    const { logProbs } = (
      await program.forward(
        supervisedFeed(
          part.map(index => rows[index]!),
          0,
        ),
        { adapter },
      )
    ).rows;
    for (const value of logProbs!) sum -= value;
    tokens += logProbs!.length;
  });
  return tokens === 0 ? undefined : sum / tokens;
}

const rowLength = ({ ids }: EncodedInstruction): number => ids.length;

/** Rows of which only the answers are predicted, each of their tokens with the same weight in the loss. */
export function supervisedFeed(rows: readonly EncodedInstruction[], weight: number) {
  const ids = rows.map(row => row.ids);
  const tokens = rows.reduce((sum, row) => sum + answerTokens(row), 0);
  return {
    ids,
    predictions: predictFrom(
      ids,
      rows.map(row => row.promptLength),
    ),
    inputs: { weights: new Float32Array(tokens).fill(weight) },
  };
}
